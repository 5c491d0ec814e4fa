// Loads of W for the matmul kernels: neighbours along k.
// W[row, col .. col + 3], zeros past the end of the row
fn weight4(row: u32, col: u32) -> vec4<f32> {
    let i = row * sizes.width + col;
//#if QUANTIZED
    if col >= sizes.width {
        return vec4<f32>(0.0);
    }
    let a = affine_at(i / GROUP);
//#if Q4
    let word = weight[i / 8u];
    let q = low_nibbles(select(word, word >> 16u, (i & 4u) != 0u));
//#else
    let q = bytes(weight[i / 4u]);
//#endif
    return a.x * q + a.y;
//#else
    var v = vec4<f32>(0.0);
    for (var j = 0u; j < 4u; j++) {
        if col + j < sizes.width {
            let at = i + j;
//#if F32
            v[j] = bitcast<f32>(weight[at]);
//#endif
//#if F16
            v[j] = unpack2x16float(weight[at / 2u])[at % 2u];
//#endif
//#if BF16
            v[j] = bf16_pair(weight[at / 2u])[at % 2u];
//#endif
        }
    }
    return v;
//#endif
}

// W[row, col .. col + 7] in two vectors; col a multiple of 8
fn weight8(row: u32, col: u32) -> array<vec4<f32>, 2> {
//#if Q4
    if col >= sizes.width {
        return array<vec4<f32>, 2>();
    }
    let i = row * sizes.width + col;
    let a = affine_at(i / GROUP);
    let word = weight[i / 8u];
    return array<vec4<f32>, 2>(a.x * low_nibbles(word) + a.y, a.x * high_nibbles(word) + a.y);
//#else
    return array<vec4<f32>, 2>(weight4(row, col), weight4(row, col + 4u));
//#endif
}

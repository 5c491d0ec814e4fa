// What the matmul kernels share: their bindings, their sizes, the loads of neighbours along k, the store.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
//#include shared/matmul_x.wgsl
//#include shared/matmul_y.wgsl
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
//#include shared/matmul_sizes.wgsl
//#include shared/matmul_weight.wgsl

//#if EIGHTS
// Eight weights from i on, a multiple of 8 within a row of a multiple of 8
fn eight(i: u32) -> array<vec4<f32>, 2> {
//#if QUANTIZED
    let a = affine_at(i / GROUP);
//#if Q4
    let word = weight[i / 8u];
    return array<vec4<f32>, 2>(a.x * low_nibbles(word) + a.y, a.x * high_nibbles(word) + a.y);
//#else
    return array<vec4<f32>, 2>(a.x * bytes(weight[i / 4u]) + a.y, a.x * bytes(weight[i / 4u + 1u]) + a.y);
//#endif
//#else
    var v: array<vec4<f32>, 2>;
    for (var j = 0u; j < 8u; j++) { //#unroll
//#if F32
        v[j / 4u][j % 4u] = bitcast<f32>(weight[i + j]);
//#endif
//#if F16
        v[j / 4u][j % 4u] = unpack2x16float(weight[(i + j) / 2u])[j % 2u];
//#endif
//#if BF16
        v[j / 4u][j % 4u] = bf16_pair(weight[(i + j) / 2u])[j % 2u];
//#endif
    }
    return v;
//#endif
}
//#endif

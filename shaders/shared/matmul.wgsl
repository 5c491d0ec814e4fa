// What the matmul kernels share: their bindings, their sizes, the loads of neighbours along k, the store.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
//#if VECTORS
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
//#else
@group(0) @binding(2) var<storage, read> x: array<f32>;
//#endif
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;

struct Sizes {
    width: u32,    // IN: weights in a row
    rows: u32,     // OUT: rows of this part of W
    x_stride: u32, // elements between two tokens' x
    y_stride: u32, // elements between two tokens' y
    row0: u32,     // first row of y that this part of W makes
}

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

// x[t, col .. col + 3], zeros past the chunk's tokens and the row's end; VECTORS: widths and strides are multiples of 4
fn x4(t: u32, col: u32) -> vec4<f32> {
    var v = vec4<f32>(0.0);
//#if VECTORS
    if t < cursor.count && col < sizes.width {
        v = x[(t * sizes.x_stride + col) / 4u];
    }
//#else
    if t < cursor.count {
        let i = t * sizes.x_stride + col;
        for (var j = 0u; j < 4u; j++) {
            if col + j < sizes.width {
                v[j] = x[i + j];
            }
        }
    }
//#endif
    return v;
}

fn put(t: u32, r: u32, v: f32) {
//#if ADD
    y[t * sizes.y_stride + sizes.row0 + r] += v;
//#else
    y[t * sizes.y_stride + sizes.row0 + r] = v;
//#endif
}

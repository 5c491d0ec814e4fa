// x of the matmul kernels, and its load: neighbours along k.
//#if VECTORS
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
//#else
@group(0) @binding(2) var<storage, read> x: array<f32>;
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

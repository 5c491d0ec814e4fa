// matmul.wgsl for processors that play a GPU: each thread makes 8 tokens by 4 rows on its own, straight from the
// buffers. A barrier costs such a machine more than the loads that a shared tile would spare it.
//#include shared/matmul.wgsl

// 8 row groups of 4 by 2 token groups of 8
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.x * 32u + thread % 8u * 4u;
    let t0 = group.y * 16u + thread / 8u * 8u;
    if row0 >= sizes.rows || t0 >= cursor.count {
        return;
    }
    var acc: array<vec4<f32>, 8>;
    for (var k = 0u; k < sizes.width; k += 4u) {
        let w0 = weight4(row0, k);
        let w1 = weight4(min(row0 + 1u, sizes.rows - 1u), k);
        let w2 = weight4(min(row0 + 2u, sizes.rows - 1u), k);
        let w3 = weight4(min(row0 + 3u, sizes.rows - 1u), k);
        for (var m = 0u; m < 8u; m++) { //#unroll
            let v = x4(t0 + m, k);
            acc[m] += vec4<f32>(dot(v, w0), dot(v, w1), dot(v, w2), dot(v, w3));
        }
    }
    for (var m = 0u; m < 8u; m++) { //#unroll
        for (var n = 0u; n < 4u; n++) { //#unroll
            if t0 + m < cursor.count && row0 + n < sizes.rows {
                put(t0 + m, row0 + n, acc[m][n]);
            }
        }
    }
}

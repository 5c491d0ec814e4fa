// Rows of W for matmul_blocks.wgsl: fp16, in blocks of 16 rows by 16 of k, those of the same k side by side, zeros past
// the last row and the rows' end.
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
//#include shared/matmul_sizes.wgsl
//#include shared/matmul_weight.wgsl
//#include shared/halves.wgsl

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    // A block of rows by eight of k.
    let row = thread / 16u;
    let eighth = group.x * 16u + thread % 16u;
    let block = eighth / 2u;
    if block < sizes.k_blocks {
        let r = group.y * 16u + row;
        var v: array<vec4<f32>, 2>;
        if r < sizes.rows {
            v = weight8(sizes.first + r, eighth * 8u);
        }
        out[((block * sizes.w_blocks + group.y) * 16u + row) * 2u + eighth % 2u] = halves(v[0], v[1]);
    }
}

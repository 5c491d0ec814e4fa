// x for matmul_blocks.wgsl: fp16, in blocks of 16 tokens by 16 of k, those of the same k side by side, zeros past the
// chunk's tokens and the row's end. What fp16 cannot hold becomes its largest value, not infinity.
//#include shared/cursor.wgsl
//#include shared/matmul_x.wgsl
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;
@group(0) @binding(5) var<storage, read> sizes: Sizes;
//#include shared/matmul_sizes.wgsl
//#include shared/halves.wgsl

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    // A block of tokens by eight of k.
    let row = thread / 16u;
    let eighth = group.x * 16u + thread % 16u;
    let block = eighth / 2u;
    if block < sizes.k_blocks {
        let t = group.y * 16u + row;
        let to = ((block * groups.y + group.y) * 16u + row) * 2u + eighth % 2u;
        out[to] = halves(x4(t, eighth * 8u), x4(t, eighth * 8u + 4u));
    }
}

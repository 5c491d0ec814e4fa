// Lays a quantized weight's scales and biases side by side: affine[g] = scale[g] | bias[g] << 16.
// Run once when a model is loaded: every kernel then reads both with one load and one binding.
@group(0) @binding(0) var<storage, read> scales: array<u32>;
@group(0) @binding(1) var<storage, read> biases: array<u32>;
@group(0) @binding(2) var<storage, read_write> affine: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let word = (group.y * groups.x + group.x) * 64u + thread;
    let count = arrayLength(&affine);
    if 2u * word >= count {
        return;
    }
    affine[2u * word] = (scales[word] & 0xffffu) | (biases[word] << 16u);
    if 2u * word + 1u < count {
        affine[2u * word + 1u] = (scales[word] >> 16u) | (biases[word] & 0xffff0000u);
    }
}

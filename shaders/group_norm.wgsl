// Mamba-2's gated norm, behind the gate or before it (Transformers are SSMs, section 7.3), in place:
//   y[t, i] = y[t, i] / sqrt(mean_j y[t, j]^2 + EPS) * gain[i] * SiLU(Z_FACTOR z[t, i]), mean over the j of i's group
// y [count, GROUPS, WIDTH]; gain [GROUPS, WIDTH]; z from Z_OFFSET on in rows of Z_STRIDE. PLAIN: without SiLU(z).
//
// One workgroup for each token and group.
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> gain: array<f32>;
//#if !PLAIN
@group(0) @binding(2) var<storage, read> z: array<f32>;
override Z_STRIDE: u32;
override Z_OFFSET: u32;
override Z_FACTOR: f32;
//#endif

override GROUPS: u32;
override WIDTH: u32;
override EPS: f32;
//#include shared/sum.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.y * WIDTH;
    let base = group.x * GROUPS * WIDTH + first;
    var sum = 0.0;
    for (var i = lane; i < WIDTH; i += SIZE) {
        sum += y[base + i] * y[base + i];
    }
    let scale = inverseSqrt(total(sum, lane) / f32(WIDTH) + EPS);
    for (var i = lane; i < WIDTH; i += SIZE) {
        var v = y[base + i] * scale * gain[first + i];
//#if !PLAIN
        v *= silu(Z_FACTOR * z[group.x * Z_STRIDE + Z_OFFSET + first + i]);
//#endif
        y[base + i] = v;
    }
}

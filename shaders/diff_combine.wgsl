// Differential attention's last step (Ye et al., section 2.1): of the two outcomes of a pair of heads
//   out[t, j, :] = d / sqrt(mean d^2 + EPS) * gain,  d = o1 - lambda o2
// heads [count, 2 HEADS, HEAD_DIM] is what the attention kernels make of 2 HEADS heads (shared/attention.wgsl); params the
// gains [2 HEAD_DIM], then lambda; out [count, HEADS / 2, 2 HEAD_DIM].
//
// One workgroup for each token and pair.
@group(0) @binding(0) var<storage, read> heads: array<f32>;
@group(0) @binding(1) var<storage, read> params: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
override EPS: f32;
//#include shared/sum.wgsl
const WIDTH = 2u * HEAD_DIM;
const PER_KV = HEADS / KV_HEADS;

// Value i of a pair's outcome in a stripe
fn outcome(t: u32, pair: u32, stripe: u32, i: u32) -> f32 {
    let kv_head = pair / PER_KV * 4u + 2u * stripe + i / HEAD_DIM;
    return heads[(t * 2u * HEADS + kv_head * PER_KV + pair % PER_KV) * HEAD_DIM + i % HEAD_DIM];
}

fn difference(t: u32, pair: u32, i: u32) -> f32 {
    return outcome(t, pair, 0u, i) - params[WIDTH] * outcome(t, pair, 1u, i);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < WIDTH; i += SIZE) {
        let d = difference(group.y, group.x, i);
        sum += d * d;
    }
    let scale = inverseSqrt(total(sum, lane) / f32(WIDTH) + EPS);
    for (var i = lane; i < WIDTH; i += SIZE) {
        out[(group.y * (HEADS / 2u) + group.x) * WIDTH + i] = difference(group.y, group.x, i) * scale * params[i];
    }
}

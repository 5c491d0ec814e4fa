// How likely the token after each token was:
//   scores[t] = l - peak - log sum_j exp(logits[t, j] - peak),   l = logits[t, next[t]], peak = max_j logits[t, j]
// logits [count, VOCAB]; next, scores [count]
//
// One workgroup a token.
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> next: array<u32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;

override VOCAB: u32;
//#include shared/reduce.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let base = group.x * VOCAB;
    var top = -3.0e38;
    for (var i = lane; i < VOCAB; i += SIZE) {
        top = max(top, logits[base + i]);
    }
    let peak = highest(top, lane, lane).score;
    var mass = 0.0;
    for (var i = lane; i < VOCAB; i += SIZE) {
        mass += exp(logits[base + i] - peak);
    }
    let all = peak + log(total(mass, lane));
    if lane == 0u {
        scores[group.x] = logits[base + min(next[group.x], VOCAB - 1u)] - all;
    }
}

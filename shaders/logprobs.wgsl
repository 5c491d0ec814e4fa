// The log probability of the token that was just sampled, and the likeliest tokens in its place, from logits [VOCAB]
// as the model gave them: log softmax(l)_i = l_i - peak - log sum_j exp(l_j - peak).
//
// One workgroup. ids[0] is the token. rows, a ring of OUT_RING rows of 1 + 2 TOP words, takes its log probability, then
// the ids of the likeliest tokens, then their log probabilities; of TOP as many as the settings ask for.
//#include shared/cursor.wgsl
struct Adjustment {
    presence: f32,
    frequency: f32,
    masked: u32,
    alternatives: u32,
}
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> adjustment: Adjustment;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;
@group(0) @binding(4) var<storage, read_write> rows: array<u32>;

override VOCAB: u32;
override OUT_RING: u32;
override TOP: u32;
//#include shared/reduce.wgsl

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var top = -3.0e38;
    var top_id = 0xffffffffu;
    for (var i = lane; i < VOCAB; i += SIZE) {
        if logits[i] > top {
            top = logits[i];
            top_id = i;
        }
    }
    highest(top, top_id, lane);
    var last = workgroupUniformLoad(&best[0]);
    var last_id = workgroupUniformLoad(&best_id[0]);
    let peak = last;
    var mass = 0.0;
    for (var i = lane; i < VOCAB; i += SIZE) {
        mass += exp(logits[i] - peak);
    }
    let all = peak + log(total(mass, lane));
    // The sampler has counted the token already.
    let row = ((cursor.emitted - 1u) % OUT_RING) * (1u + 2u * TOP);
    if lane == 0u {
        rows[row] = bitcast<u32>(logits[min(ids[0], VOCAB - 1u)] - all);
    }
    for (var n = 0u; n < min(adjustment.alternatives, TOP); n++) {
        if lane == 0u {
            rows[row + 1u + n] = last_id;
            rows[row + 1u + TOP + n] = bitcast<u32>(last - all);
        }
        // The next in order: lower, or as high with a higher id.
        top = -3.0e38;
        top_id = 0xffffffffu;
        for (var i = lane; i < VOCAB; i += SIZE) {
            let l = logits[i];
            if (l < last || (l == last && i > last_id)) && l > top {
                top = l;
                top_id = i;
            }
        }
        highest(top, top_id, lane);
        last = workgroupUniformLoad(&best[0]);
        last_id = workgroupUniformLoad(&best_id[0]);
    }
}

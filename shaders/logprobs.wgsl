// The log probability of the token that was just sampled, and the likeliest tokens in its place, from logits [VOCAB]
// as the model gave them: log softmax(l)_i = l_i - peak - log sum_j exp(l_j - peak).
//
// One workgroup. ids[0] is the token. rows, a ring of OUT_RING rows of 1 + 2 TOP words, takes its log probability, then
// the ids of the likeliest tokens, then their log probabilities; of TOP as many as the settings ask for.
// ROWS: a workgroup for each of the next tokens of one text, some of them guesses; ids has what was drawn after each, plus 1.
// BATCH: a workgroup for each row of logits and rows; settings and ids have one for each of PLACES sequences.
//#include shared/row.wgsl
struct Adjustment {
    presence: f32,
    frequency: f32,
    masked: u32,
    alternatives: u32,
}
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> adjustments: array<Adjustment>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;
@group(0) @binding(4) var<storage, read_write> rows: array<u32>;

override VOCAB: u32;
override OUT_RING: u32;
override TOP: u32;
//#include shared/reduce.wgsl

const NOTHING = -3.4e38;

var<private> first: u32; // of the workgroup's logits

// Four logits, SIZE apart: loads that are under way together. Beyond the vocabulary nothing is.
fn four(i: u32) -> vec4<f32> {
    let at = vec4(i, i + SIZE, i + 2u * SIZE, i + 3u * SIZE);
    let last = VOCAB - 1u;
    let l = vec4(logits[first + min(at.x, last)], logits[first + min(at.y, last)], logits[first + min(at.z, last)], logits[first + min(at.w, last)]);
    return select(vec4(NOTHING), l, at < vec4(VOCAB));
}

// The highest logit that comes after the given one in order: lower, or as high with a higher id.
fn next(last: f32, last_id: u32, lane: u32) -> Highest {
    var top = -3.0e38;
    var top_id = 0xffffffffu;
    for (var i = lane; i < VOCAB; i += 4u * SIZE) {
        let l = four(i);
        for (var k = 0u; k < 4u; k++) {
            let id = i + k * SIZE;
            if (l[k] < last || (l[k] == last && id > last_id)) && l[k] > top {
                top = l[k];
                top_id = id;
            }
        }
    }
    return highest(top, top_id, lane);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if group.x >= cursor.count {
        return;
    }
    let own = sequence(group.x);
    first = group.x * VOCAB;
    var last = next(3.4e38, 0u, lane);
    let peak = last.score;
    var mass = 0.0;
    for (var i = lane; i < VOCAB; i += 4u * SIZE) {
        mass += dot(exp(four(i) - vec4(peak)), vec4(1.0));
    }
    let all = peak + log(total(mass, lane));
//#if BATCH
    let row = group.x * (1u + 2u * TOP);
//#else
//#if ROWS
    let row = ((cursor.emitted + group.x) % OUT_RING) * (1u + 2u * TOP);
//#else
    // The sampler has counted the token already.
    let row = ((cursor.emitted - 1u) % OUT_RING) * (1u + 2u * TOP);
//#endif
//#endif
//#if ROWS
    let token = ids[group.x] - 1u;
//#else
    let token = ids[own];
//#endif
    if lane == 0u {
        rows[row] = bitcast<u32>(logits[first + min(token, VOCAB - 1u)] - all);
    }
    for (var n = 0u; n < min(adjustments[own].alternatives, TOP); n++) {
        if lane == 0u {
            rows[row + 1u + n] = last.id;
            rows[row + 1u + TOP + n] = bitcast<u32>(last.score - all);
        }
        last = next(last.score, last.id, lane);
    }
}

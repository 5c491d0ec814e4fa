// Changes the logits [VOCAB] before they are sampled: logit_bias, presence and frequency penalty (as in OpenAI's API),
// and the tokens that a grammar allows.
//
//   l += bias - [count > 0] * presence - count * frequency;   l = FORBIDDEN where not allowed
//
// counts [VOCAB] are kept here: the token that was sampled last is counted first. One thread a token.
// ROWS: logits and allowed have a row for each of the next tokens of one text, some of them guesses: a row counts those
// before it, and guesses_judge.wgsl keeps the counts.
// BATCH: logits have a row for each row of the run, all else one for each of PLACES sequences.
//#include shared/row.wgsl
struct Adjustment {
    presence: f32,
    frequency: f32,
    masked: u32,       // whether allowed says anything
    alternatives: u32, // for logprobs.wgsl
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> adjustments: array<Adjustment>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;
@group(0) @binding(4) var<storage, read> allowed: array<u32>;
@group(0) @binding(5) var<storage, read> ids: array<u32>;
@group(0) @binding(6) var<storage, read> cursor: Cursor;

override VOCAB: u32;
const WORDS = (VOCAB + 31u) / 32u;
override FORBIDDEN: f32;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let i = thread.x;
    let row = thread.y;
    if i >= VOCAB || row >= cursor.count {
        return;
    }
    let own = sequence(row);
    let adjustment = adjustments[own];
    let at = own * VOCAB + i;
//#if BATCH
    let emitted = cursor.sampled[own];
//#else
    let emitted = cursor.emitted;
//#endif
    var count = counts[at];
//#if ROWS
    for (var t = 0u; t <= row; t++) {
        count += select(0u, 1u, ids[t] == i);
    }
    let permitted = row;
//#else
    // Before the first token of an answer ids holds the prompt.
    if emitted > 0u && ids[own] == i {
        count += 1u;
        counts[at] = count;
    }
    let permitted = own;
//#endif
    var l = logits[row * VOCAB + i] + bias[at];
    if count > 0u {
        l -= adjustment.presence + adjustment.frequency * f32(count);
    }
    if adjustment.masked != 0u && ((allowed[permitted * WORDS + i / 32u] >> (i % 32u)) & 1u) == 0u {
        l = FORBIDDEN;
    }
    logits[row * VOCAB + i] = l;
}

// Changes the logits [VOCAB] before they are sampled: logit_bias, presence and frequency penalty (as in OpenAI's API),
// and the tokens that a grammar allows.
//
//   l += bias - [count > 0] * presence - count * frequency;   l = FORBIDDEN where not allowed
//
// counts [VOCAB] are kept here: the token that was sampled last is counted first. One thread a token.
//#include shared/cursor.wgsl
struct Adjustment {
    presence: f32,
    frequency: f32,
    masked: u32,       // whether allowed says anything
    alternatives: u32, // for logprobs.wgsl
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> adjustment: Adjustment;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;
@group(0) @binding(4) var<storage, read> allowed: array<u32>;
@group(0) @binding(5) var<storage, read> ids: array<u32>;
@group(0) @binding(6) var<storage, read> cursor: Cursor;

override VOCAB: u32;
override FORBIDDEN: f32;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let i = thread.x;
    if i >= VOCAB {
        return;
    }
    var count = counts[i];
    // Before the first token of an answer ids holds the prompt.
    if cursor.emitted > 0u && ids[0] == i {
        count += 1u;
        counts[i] = count;
    }
    var l = logits[i] + bias[i];
    if count > 0u {
        l -= adjustment.presence + adjustment.frequency * f32(count);
    }
    if adjustment.masked != 0u && ((allowed[i / 32u] >> (i % 32u)) & 1u) == 0u {
        l = FORBIDDEN;
    }
    logits[i] = l;
}

// The sampler: picks the next token from logits [VOCAB] and advances the cursor, so that the next step can run
// without the host.
//
// What adjust.wgsl does to the logits comes before all of it.
// 1. repetition penalty (Keskar et al., CTRL, section 4.1): for each token among the last TAIL, l > 0 ? l / p : l * p
// 2. temperature; 0 takes the highest logit, ties the lowest id
// 3. top-k, top-p, min-p, each a lower bound on a kept token's logit:
//      top-k  the k-th highest logit (ties stay)
//      top-p  the highest bound whose tokens hold at least top_p of the mass that top-k left
//      min-p  the highest logit + temperature * ln(min_p)
//    Bounds are found by halving the range of the logits' ordered bit patterns, 32 counts over the vocabulary.
// 4. Gumbel-max: argmax of logit / temperature + Gumbel noise is a draw from the softmax. The noise is a hash of
//    (seed, position, token): the same seed gives the same text however the run is cut into steps.
//
// One workgroup. history [HISTORY] by absolute position; ids[0] takes the token; out [OUT_RING] takes it, too,
// for the host.
//#include shared/cursor.wgsl
struct Sampling {
    temperature: f32,
    top_p: f32,       // 1: off
    min_p: f32,       // 0: off
    repetition: f32,  // 1: off
    top_k: u32,       // 0: off
    seed_low: u32,
    seed_high: u32,
    spare: u32,
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> sampling: Sampling;
@group(0) @binding(2) var<storage, read> history: array<u32>;
@group(0) @binding(3) var<storage, read_write> cursor: Cursor;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> out: array<u32>;

override VOCAB: u32;
override HISTORY: u32;
override TAIL: u32;
override OUT_RING: u32;
//#include shared/reduce.wgsl

var<workgroup> tail: array<u32, TAIL>;

// Orders floats as unsigned integers.
fn key(v: f32) -> u32 {
    let bits = bitcast<u32>(v);
    return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

fn pcg(v: u32) -> u32 {
    let state = v * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// Gumbel noise, -log(-log(u)), for u in (0, 1) from the hash's upper 23 bits: exact in fp32, never 0 or 1.
// The highest noise decides, and it comes from u next to 1, where drivers' log is right to some 1e-7 of 1, not of
// itself: there -log(1 - v) is summed up as v + v^2/2 + v^3/3 + ...
fn gumbel(hash: u32) -> f32 {
    let steps = f32(hash >> 9u) + 0.5;
    let v = (8388608.0 - steps) / 8388608.0;
    let series = v * (1.0 + v * (1.0 / 2.0 + v * (1.0 / 3.0 + v * (1.0 / 4.0 + v * (1.0 / 5.0 + v * (1.0 / 6.0 + v / 7.0))))));
    return -log(select(-log(steps / 8388608.0), series, v < 0.1));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    // The position that the new token will have.
    let pos = cursor.pos + cursor.count;
    let temperature = sampling.temperature;

    let seen = min(pos, TAIL);
    if sampling.repetition != 1.0 {
        for (var i = lane; i < seen; i += SIZE) {
            tail[i] = history[(pos - 1u - i) % HISTORY];
        }
        workgroupBarrier();
        for (var i = lane; i < seen; i += SIZE) {
            let token = tail[i];
            var again = token >= VOCAB;
            for (var j = 0u; j < i; j++) {
                again = again || tail[j] == token;
            }
            if !again {
                let l = logits[token];
                logits[token] = select(l * sampling.repetition, l / sampling.repetition, l > 0.0);
            }
        }
        storageBarrier();
    }

    var top = -3.0e38;
    var top_id = 0xffffffffu;
    for (var i = lane; i < VOCAB; i += SIZE) {
        if logits[i] > top {
            top = logits[i];
            top_id = i;
        }
    }
    highest(top, top_id, lane);
    let peak = workgroupUniformLoad(&best[0]);
    var token = workgroupUniformLoad(&best_id[0]);

    if temperature > 0.0 {
        var bound = 0u;
        if sampling.top_k > 0u && sampling.top_k < VOCAB {
            // Largest bound that at least top_k logits reach.
            for (var bit = 32u; bit > 0u; bit--) {
                let candidate = bound | (1u << (bit - 1u));
                var count = 0.0;
                for (var i = lane; i < VOCAB; i += SIZE) {
                    count += select(0.0, 1.0, key(logits[i]) >= candidate);
                }
                if total(count, lane) >= f32(sampling.top_k) {
                    bound = candidate;
                }
            }
        }
        if sampling.top_p < 1.0 {
            var mass = 0.0;
            for (var i = lane; i < VOCAB; i += SIZE) {
                mass += select(0.0, exp((logits[i] - peak) / temperature), key(logits[i]) >= bound);
            }
            let wanted = sampling.top_p * total(mass, lane);
            var nucleus = 0u;
            for (var bit = 32u; bit > 0u; bit--) {
                let candidate = nucleus | (1u << (bit - 1u));
                mass = 0.0;
                for (var i = lane; i < VOCAB; i += SIZE) {
                    mass += select(0.0, exp((logits[i] - peak) / temperature), key(logits[i]) >= max(candidate, bound));
                }
                if total(mass, lane) >= wanted {
                    nucleus = candidate;
                }
            }
            // The highest logit always stays, whatever rounding says.
            bound = max(bound, min(nucleus, key(peak)));
        }
        if sampling.min_p > 0.0 {
            bound = max(bound, min(key(peak + temperature * log(sampling.min_p)), key(peak)));
        }
        let stream = pcg(sampling.seed_low ^ pcg(sampling.seed_high ^ pcg(pos)));
        top = -3.0e38;
        top_id = 0xffffffffu;
        for (var i = lane; i < VOCAB; i += SIZE) {
            if key(logits[i]) >= bound {
                let score = logits[i] / temperature + gumbel(pcg(stream ^ pcg(i)));
                if score > top {
                    top = score;
                    top_id = i;
                }
            }
        }
        highest(top, top_id, lane);
        token = workgroupUniformLoad(&best_id[0]);
    }

    if lane == 0u {
        // Only logits that are all NaN leave no token: id 0 then.
        token = select(token, 0u, token >= VOCAB);
        ids[0] = token;
        out[cursor.emitted % OUT_RING] = token;
        cursor.emitted += 1u;
        cursor.pos = pos;
        cursor.count = 1u;
    }
}

//#if SUBGROUPS
enable subgroups;
//#endif
// The sampler: picks the next token from logits [VOCAB] and advances the cursor, so that the next step can run
// without the host.
//
// What adjust.wgsl does to the logits comes before all of it.
// 1. repetition penalty (Keskar et al., CTRL, section 4.1): for each token among the last TAIL, l > 0 ? l / p : l * p
// 2. temperature; 0 takes the highest logit, ties the lowest id
// 3. top-k, top-p, min-p: which weights p = exp((logit - highest logit) / temperature) are kept
//      top-k  those that fewer than top_k weights exceed (ties stay), by a bound that is searched for, to the last bit if
//             need be
//      top-p  those that weights of less than top_p of the mass exceed, of the mass that top-k left
//      min-p  those of at least min_p
// 4. Gumbel-max: argmax of logit / temperature + Gumbel noise is a draw from the softmax. The noise is a hash of
//    (seed, position, token): the same seed gives the same text however the run is cut into steps.
//    Whether top-p keeps a token is asked of the drawn one alone. If not, it goes with all that are no likelier and the
//    same noise decides among the rest, which hold all that are kept: the draw is the one among those.
//
// HELD: logits, then weights, stay in registers, PER a thread; else weights in scratch weights [VOCAB].
// Of logits among which one is no number, or none below 3e38 in size, nothing is drawn.
//
// One workgroup. history [HISTORY] by absolute position; ids[0] takes the token; out [OUT_RING] takes it for the host,
// plus 1: 0 stands for no token, as does a buffer that was never written.
// BATCH: a workgroup for each row of logits, weights and out; all else has a row for each of PLACES sequences.
// ROWS: a workgroup for each row of logits, weights and out, which are the next tokens of one text, some of them guesses:
// history has them all, and guesses_judge.wgsl moves the cursor on.
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
@group(0) @binding(1) var<storage, read> samplings: array<Sampling>;
@group(0) @binding(2) var<storage, read> history: array<u32>;
@group(0) @binding(3) var<storage, read_write> cursor: Cursor;
//#if !ROWS
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
//#endif
@group(0) @binding(5) var<storage, read_write> out: array<u32>;

//#if !HELD
@group(0) @binding(6) var<storage, read_write> weights: array<f32>;
//#endif

override VOCAB: u32;
override HISTORY: u32;
override TAIL: u32;
override OUT_RING: u32;
override PER: u32;       // VOCAB / SIZE, rounded up
//#include shared/reduce.wgsl

var<workgroup> tail: array<u32, TAIL>;
var<workgroup> tail_logits: array<f32, TAIL>;
var<workgroup> drawn: f32;
var<workgroup> kept: u32;

//#if HELD
var<private> held: array<f32, PER>;
//#endif
var<private> first: u32; // of the workgroup's logits and weights
//#if BATCH
var<workgroup> slot: u32;
//#endif

// The n-th weight of this thread; below all others where there is none.
fn weight(n: u32, lane: u32) -> f32 {
//#if HELD
    return held[n];
//#else
    let i = n * SIZE + lane;
    return select(-1.0, weights[first + min(i, VOCAB - 1u)], i < VOCAB);
//#endif
}

// How many weights reach each of three bounds.
fn number_of(bounds: vec3<f32>, lane: u32) -> vec3<f32> {
    var sums = vec3<f32>(0.0);
    for (var n = 0u; n < PER; n++) { //#unroll
        sums += select(vec3<f32>(0.0), vec3<f32>(1.0), vec3<f32>(weight(n, lane)) >= bounds);
    }
    return totals(sums, lane);
}

// What those that reach it weigh together.
fn mass_of(bound: f32, lane: u32) -> f32 {
    var sum = 0.0;
    for (var n = 0u; n < PER; n++) { //#unroll
        let p = weight(n, lane);
        sum += select(0.0, p, p >= bound);
    }
    return total(sum, lane);
}

// A logit's size as its bits, which are in order and put infinities and NaN above all numbers: compilers may take floats
// for numbers, and leave out what asks whether they are.
fn size_of(logit: f32) -> u32 {
    return bitcast<u32>(logit) & 0x7fffffffu;
}

const NO_NUMBER = 0x7f61b1e6u; // 3e38
const NONE = 0xffffffffu;

// Weights lie between 0 and 1, and their bit patterns order them: low is known to do, high not to.
struct Range { low: u32, high: u32 }

fn quarters(r: Range) -> vec3<f32> {
    let step = max((r.high - r.low) / 4u, 1u);
    return bitcast<vec3<f32>>(vec3<u32>(r.low) + step * vec3<u32>(1u, 2u, 3u));
}

fn narrowed(r: Range, enough: vec3<bool>) -> Range {
    let step = max((r.high - r.low) / 4u, 1u);
    let n = dot(vec3<u32>(1u), select(vec3<u32>(0u), vec3<u32>(1u), enough));
    let low = r.low + n * step;
    return Range(low, select(low + step, max(r.high, low + 1u), n == 3u));
}

const ABOVE_ONE = 0x3f800001u;

// The least value above a weight.
fn above(p: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(p) + 1u);
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
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    first = group.x * VOCAB;
    // pos: the position that the new token will have.
//#if BATCH
    if lane == 0u {
        slot = select(PLACES, cursor.slots[group.x], group.x < cursor.count);
    }
    let own = workgroupUniformLoad(&slot);
    if own == PLACES {
        return;
    }
    let pos = cursor.positions[own] + 1u;
//#else
    let own = 0u;
//#if ROWS
    let pos = cursor.pos + group.x + 1u;
//#else
    let pos = cursor.pos + cursor.count;
//#endif
//#endif
    let sampling = samplings[own];
    let temperature = sampling.temperature;

    let seen = min(pos, TAIL);
    if sampling.repetition != 1.0 {
        for (var i = lane; i < seen; i += SIZE) {
            tail[i] = history[own * HISTORY + (pos - 1u - i) % HISTORY];
            tail_logits[i] = logits[first + min(tail[i], VOCAB - 1u)];
        }
        // Read all before any is written: a token that comes twice is changed once.
        workgroupBarrier();
        for (var i = lane; i < seen; i += SIZE) {
            let l = tail_logits[i];
            if tail[i] < VOCAB {
                logits[first + tail[i]] = select(l * sampling.repetition, l / sampling.repetition, l > 0.0);
            }
        }
        storageBarrier();
    }

    var top = -3.0e38;
    var top_id = NONE;
    var largest = 0u;
//#if HELD
    // All are on their way before the first is looked at.
    for (var n = 0u; n < PER; n++) { //#unroll
        held[n] = logits[first + min(n * SIZE + lane, VOCAB - 1u)];
    }
    for (var n = 0u; n < PER; n++) { //#unroll
        largest = max(largest, size_of(held[n]));
        if held[n] > top && n * SIZE + lane < VOCAB {
            top = held[n];
            top_id = n * SIZE + lane;
        }
    }
//#else
    for (var i = lane; i < VOCAB; i += SIZE) {
        let l = logits[first + i];
        largest = max(largest, size_of(l));
        if l > top {
            top = l;
            top_id = i;
        }
    }
//#endif
    // Above all numbers, so that it is what the workgroup finds.
    let sound = largest < NO_NUMBER;
    highest(select(3.4e38, top, sound), select(NONE, top_id, sound), lane);
    let peak = workgroupUniformLoad(&best[0]);
    let likeliest = workgroupUniformLoad(&best_id[0]);
    var token = likeliest;

    if temperature > 0.0 && likeliest != NONE {
        for (var n = 0u; n < PER; n++) { //#unroll
            let i = n * SIZE + lane;
//#if HELD
            held[n] = select(-1.0, exp((held[n] - peak) / temperature), i < VOCAB);
//#else
            if i < VOCAB {
                weights[first + i] = exp((logits[first + i] - peak) / temperature);
            }
//#endif
        }
        var bound = 0.0;
        if sampling.top_k > 0u && sampling.top_k < VOCAB {
            var range = Range(0u, ABOVE_ONE);
            for (var turn = 0u; turn < 16u; turn++) {
                let numbers = number_of(quarters(range), lane);
                range = narrowed(range, numbers >= vec3<f32>(f32(sampling.top_k)));
                // A bound that just enough reach is as good as the last of them. It is hardly ever met at once, and to
                // ask takes a barrier.
                if turn >= 5u {
                    if lane == 0u {
                        kept = select(0u, 1u, any(numbers == vec3<f32>(f32(sampling.top_k))));
                    }
                    if workgroupUniformLoad(&kept) == 1u {
                        break;
                    }
                }
            }
            bound = bitcast<f32>(range.low);
        }
        var wanted = 3.0e38; // of mass above a token that is kept: less than this
        if sampling.top_p < 1.0 {
            let mass = mass_of(bound, lane);
            wanted = sampling.top_p * mass;
            // Lesser weights cannot make up together what may be missing.
            bound = max(bound, 0.99 * (mass - wanted) / f32(VOCAB));
        }
        // The highest logit always stays, whatever rounding says.
        bound = min(max(bound, sampling.min_p), 1.0);
        let stream = pcg(sampling.seed_low ^ pcg(sampling.seed_high ^ pcg(pos)));
        loop {
            top = -3.0e38;
            top_id = NONE;
            var top_weight = 1.0;
            for (var n = 0u; n < PER; n++) { //#unroll
                let i = n * SIZE + lane;
                let p = weight(n, lane);
                if p >= bound {
                    let score = logits[first + i] / temperature + gumbel(pcg(stream ^ pcg(i)));
                    if score > top {
                        top = score;
                        top_id = i;
                        top_weight = p;
                    }
                }
            }
            highest(top, top_id, lane);
            token = workgroupUniformLoad(&best_id[0]);
            if sampling.top_p >= 1.0 || token >= VOCAB {
                break;
            }
            if top_id == token {
                drawn = top_weight;
            }
            let p = workgroupUniformLoad(&drawn);
            if p >= 1.0 {
                break;
            }
            bound = above(p);
            let likelier = mass_of(bound, lane);
            if lane == 0u {
                kept = select(0u, 1u, likelier < wanted);
            }
            if workgroupUniformLoad(&kept) == 1u {
                break;
            }
        }
    }

    if lane == 0u {
        // A temperature so low that no score is a number leaves the likeliest.
        token = select(token, likeliest, token >= VOCAB);
//#if ROWS
        out[group.x] = token + 1u;
//#else
        // Steps that run ahead read a token that there is.
        ids[own] = select(token, 0u, token == NONE);
//#if BATCH
        out[group.x] = token + 1u;
        cursor.positions[own] = pos;
        cursor.sampled[own] += 1u;
//#else
        out[cursor.emitted % OUT_RING] = token + 1u;
        cursor.emitted += 1u;
        cursor.pos = pos;
        cursor.count = 1u;
//#endif
//#endif
    }
}

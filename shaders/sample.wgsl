//#if SUBGROUPS
enable subgroups;
//#endif
// The sampler: picks the next token from logits [VOCAB] and advances the cursor, so that the next step can run
// without the host.
//
// adjust.wgsl comes before all of it, then sample_parts.wgsl, the first half.
// 1. repetition penalty: the first half's
// 2. temperature; 0 takes the highest logit, ties the lowest id
// 3. top-k, top-p, min-p: which weights p = exp((logit - highest logit) / temperature) are kept
//      top-k  those that fewer than top_k weights exceed (ties stay)
//      top-p  those that weights of less than top_p of the mass exceed, of the mass that top-k left
//      min-p  those of at least min_p
// 4. Gumbel-max: argmax of logit / temperature + Gumbel noise is a draw from the softmax. The noise is a hash of
//    (seed, position, token): the same seed gives the same text however the run is cut into steps.
//
// The parts tell the draw among all tokens; what is kept is found out as far as it matters, in passes over chunks that may
// hold it. With top-k the likeliest tokens are put in order, or its bound is searched for where LIST has no room for them.
// Otherwise top-p and min-p are asked of the drawn token alone. If it is not kept, it goes with all that are no likelier
// and the same noise decides among the rest, which hold all that are kept: the draw is the one among those.
//
// Of logits among which one is no number, or none below 3e38 in size, nothing is drawn.
//
// One workgroup. parts [CHUNKS]; ids[0] takes the token; out [OUT_RING] takes it for the host,
// plus 1: 0 stands for no token, as does a buffer that was never written.
// BATCH: a workgroup for each row of logits, parts and out; all else has a row for each of PLACES sequences.
// ROWS: a workgroup for each row of logits, parts and out, which are the next tokens of one text, some of them guesses:
// guesses_judge.wgsl moves the cursor on.
//#include shared/cursor.wgsl
//#include shared/sampling.wgsl
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> samplings: array<Sampling>;
@group(0) @binding(2) var<storage, read> parts: array<Part>;
@group(0) @binding(3) var<storage, read_write> cursor: Cursor;
//#if !ROWS
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
//#endif
@group(0) @binding(5) var<storage, read_write> out: array<u32>;

override OUT_RING: u32;
override LIST: u32;
//#include shared/reduce.wgsl

const MARKS = (CHUNKS + 31u) / 32u;
var<workgroup> marks: array<atomic<u32>, MARKS>; // a bit for each chunk that is looked into
var<workgroup> chunks: array<u32, CHUNKS>;       // those chunks, in order

// Noise lies within 20: it lifts no token that weighs less above the likeliest.
const LEAST = 2.0e-9;

var<workgroup> found: atomic<u32>;
var<workgroup> listed: array<f32, LIST>; // weights as they were found
var<workgroup> listed_ids: array<u32, LIST>;
var<workgroup> ordered: array<f32, LIST>;
var<workgroup> ordered_ids: array<u32, LIST>;

//#if BATCH
var<workgroup> slot: u32;
//#endif

var<private> sampling: Sampling;
var<private> first: u32;       // of the workgroup's logits
var<private> first_part: u32;
var<private> peak: f32;        // the highest logit

fn weight_of(logit: f32) -> f32 {
    return exp((logit - peak) / sampling.temperature);
}

fn peak_of(chunk: u32) -> f32 {
    return parts[first_part + chunk].peak;
}

// Finds the chunks that hold weights of at least the bound, and tells how many tokens those have room for.
fn look_for(bound: f32, lane: u32) -> u32 {
    workgroupBarrier();
    for (var i = lane; i < MARKS; i += SIZE) {
        atomicStore(&marks[i], 0u);
    }
    workgroupBarrier();
    for (var n = lane; n < CHUNKS; n += SIZE) {
        if weight_of(peak_of(n)) >= bound {
            atomicOr(&marks[n / 32u], 1u << (n % 32u));
        }
    }
    workgroupBarrier();
    for (var n = lane; n < CHUNKS; n += SIZE) {
        let mark = atomicLoad(&marks[n / 32u]);
        let bit = 1u << (n % 32u);
        if (mark & bit) != 0u {
            var at = countOneBits(mark & (bit - 1u));
            for (var i = 0u; i < n / 32u; i++) {
                at += countOneBits(atomicLoad(&marks[i]));
            }
            chunks[at] = n;
        }
    }
    var count = 0u;
    for (var i = 0u; i < MARKS; i++) {
        count += countOneBits(atomicLoad(&marks[i]));
    }
    workgroupBarrier();
    return count * CHUNK;
}

// Four of the tokens that were looked for, SIZE apart, so that their logits are under way together; VOCAB stands for none.
fn four_at(i: u32, count: u32) -> vec4<u32> {
    let at = vec4<u32>(i, i + SIZE, i + 2u * SIZE, i + 3u * SIZE);
    let there = min(at, vec4<u32>(count - 1u)) / CHUNK;
    let ids = vec4<u32>(chunks[there.x], chunks[there.y], chunks[there.z], chunks[there.w]) * CHUNK + at % CHUNK;
    return select(vec4<u32>(VOCAB), ids, (at < vec4<u32>(count)) & (ids < vec4<u32>(VOCAB)));
}

// The least value above a weight.
fn above(p: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(p) + 1u);
}

// What the sampler does next: from LISTED on a pass over weights of at least a bound.
const START = 0u;  // draws among all
const ROUGH = 1u;  // finds a bit of a bound that top_k chunks reach, and few more
const LISTED = 2u; // draws among the likeliest, which are put in order
const SEARCH = 3u; // finds a bit of top-k's bound
const WEIGH = 4u;  // finds the mass that top-k leaves
const ASK = 5u;    // finds the mass above what has been drawn
const DRAW = 6u;   // draws among those that reach the bound
const DONE = 7u;
var<workgroup> next: u32;

// Bits between which is searched: roughly from LEAST on, or from 0.
const LEAST_BITS = 0x30000000u;
const ROUGH_FIRST = 1u << 27u;
const ROUGH_LAST = 1u << 18u;
const FIRST = 1u << 29u;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    first = group.x * VOCAB;
    first_part = group.x * CHUNKS;
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
    let settings = samplings[own];
    sampling = settings;

    var highest_peak = LOWEST;
    var peak_id = NONE;
    var top = LOWEST; // score
    var top_id = NONE;
    for (var n = lane; n < CHUNKS; n += SIZE) {
        let part = parts[first_part + n];
        if part.peak > highest_peak {
            highest_peak = part.peak;
            peak_id = part.peak_id;
        }
        if part.score > top {
            top = part.score;
            top_id = part.score_id;
        }
    }
    let highest_of_all = highest(highest_peak, peak_id, lane);
    peak = highest_of_all.score;
    let likeliest = highest_of_all.id;
    var token = likeliest;

    let by_number = limits_number(settings);
    let by_mass = settings.top_p < 1.0;
    let stream = stream_at(settings, pos);
    // Weights lie between 0 and 1, and their bit patterns order them. What is searched for has these bits, and lower ones:
    let rough = settings.top_k <= LIST;
    var searched = select(0u, LEAST_BITS, rough);
    var bit = select(FIRST, ROUGH_FIRST, rough);
    var bound = 0.0;
    var wanted = 3.0e38; // of mass above a token that is kept: less than this
    var drawn = 1.0;     // the weight of what has been drawn
    if lane == 0u {
        atomicStore(&found, 0u);
        next = select(DONE, START, settings.temperature > 0.0 && likeliest != NONE);
    }
    loop {
        let now = workgroupUniformLoad(&next);
        if now == DONE {
            break;
        }
        var sum = 0.0;
        var few = 0u; // of the likeliest, in order; 0: LIST was too short
        let tried = bitcast<f32>(searched | bit);
        if now == ROUGH {
            for (var n = lane; n < CHUNKS; n += SIZE) {
                sum += select(0.0, 1.0, weight_of(peak_of(n)) >= tried);
            }
        } else if now == START {
            for (var n = lane; n < CHUNKS; n += SIZE) {
                sum += parts[first_part + n].mass * weight_of(peak_of(n));
            }
        } else {
            let low = select(select(bound, tried, now == SEARCH), above(drawn), now == ASK);
            let count = look_for(low, lane);
            top = LOWEST;
            top_id = NONE;
            for (var i = lane; i < count; i += 4u * SIZE) {
                let ids = four_at(i, count);
                let at = min(ids, vec4<u32>(VOCAB - 1u)) + first;
                let values = vec4<f32>(logits[at.x], logits[at.y], logits[at.z], logits[at.w]);
                for (var k = 0u; k < 4u; k++) {
                    let p = weight_of(values[k]);
                    if p < low || ids[k] == VOCAB {
                        continue;
                    }
                    if now == DRAW {
                        let score = values[k] / sampling.temperature + gumbel(stream, ids[k]);
                        if score > top || (score == top && ids[k] < top_id) {
                            top = score;
                            top_id = ids[k];
                        }
                    } else if now == LISTED {
                        let place = atomicAdd(&found, 1u);
                        if place < LIST {
                            listed[place] = p;
                            listed_ids[place] = ids[k];
                        }
                    } else {
                        sum += select(p, 1.0, now == SEARCH);
                    }
                }
            }
            if now == LISTED {
                workgroupBarrier();
                few = atomicLoad(&found);
                few = select(few, 0u, few > LIST);
                for (var i = lane; i < few; i += SIZE) {
                    let p = listed[i];
                    let id = listed_ids[i];
                    var at = 0u;
                    for (var n = 0u; n < few; n++) {
                        at += select(0u, 1u, listed[n] > p || (listed[n] == p && listed_ids[n] < id));
                    }
                    ordered[at] = p;
                    ordered_ids[at] = id;
                }
                workgroupBarrier();
                bound = ordered[max(min(few, settings.top_k), 1u) - 1u];
                for (var i = lane; i < few; i += SIZE) {
                    sum += select(0.0, ordered[i], ordered[i] >= bound);
                }
            }
        }
        sum = total(sum, lane);
        if by_mass && (now == WEIGH || now == LISTED || now == START) {
            wanted = settings.top_p * sum;
        }
        if now == LISTED {
            bound = max(bound, min(settings.min_p, 1.0));
            for (var i = lane; i < few; i += SIZE) {
                let p = ordered[i];
                var likelier = 0.0;
                for (var n = 0u; n < i; n++) {
                    likelier += select(0.0, ordered[n], ordered[n] > p);
                }
                if p >= bound && likelier < wanted {
                    let id = ordered_ids[i];
                    let score = logits[first + id] / settings.temperature + gumbel(stream, id);
                    if score > top || (score == top && id < top_id) {
                        top = score;
                        top_id = id;
                    }
                }
            }
        }
        if now == START || now == LISTED || now == DRAW {
            let best_scored = highest(top, top_id, lane).id;
            if now != LISTED || few > 0u {
                token = best_scored;
                drawn = weight_of(logits[first + min(token, VOCAB - 1u)]);
            }
        }

        var then = DONE;
        var judged = false; // whether what has been drawn may stay is asked next
        if now == SEARCH || now == ROUGH {
            let number = f32(settings.top_k);
            searched = select(searched, searched | bit, sum >= number);
            bit /= 2u;
            then = now;
            // A bound that just enough reach is as good as the last of them.
            if bit == 0u || sum == number || (now == ROUGH && (bit < ROUGH_LAST || (sum > number && sum < 1.5 * number))) {
                bound = bitcast<f32>(searched);
                then = WEIGH;
                judged = now == SEARCH && !by_mass;
                if now == ROUGH {
                    bound = max(bound, LEAST);
                    then = LISTED;
                    searched = 0u;
                    bit = FIRST;
                }
            }
        } else if now == ASK {
            if sum >= wanted {
                bound = above(drawn);
                then = DRAW;
            }
        } else if now == LISTED {
            then = select(DONE, SEARCH, few == 0u);
        } else if token < VOCAB { // else no score is a number
            judged = now != START || !by_number;
            then = select(SEARCH, ROUGH, rough);
        }
        if judged {
            if by_mass && now != DRAW {
                // Lesser weights cannot make up together what may be missing.
                bound = max(bound, 0.99 * (sum - wanted) / f32(VOCAB));
            }
            // The highest logit always stays, whatever rounding says.
            bound = min(max(bound, settings.min_p), 1.0);
            then = select(select(ASK, DONE, !by_mass || drawn >= 1.0), DRAW, drawn < bound);
        }
        if lane == 0u {
            next = then;
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

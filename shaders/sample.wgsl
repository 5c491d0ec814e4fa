//#if SUBGROUPS
enable subgroups;
//#endif
// The sampler: picks the next token from logits [VOCAB] and advances the cursor, so that the next step can run
// without the host.
//
// What adjust.wgsl does to the logits comes before all of it, then sample_parts.wgsl, the first half.
// 1. repetition penalty: sample_parts.wgsl's
// 2. temperature; 0 takes the highest logit, ties the lowest id
// 3. top-k, top-p, min-p: which weights p = exp((logit - highest logit) / temperature) are kept
//      top-k  those that fewer than top_k weights exceed (ties stay)
//      top-p  those that weights of less than top_p of the mass exceed, of the mass that top-k left
//      min-p  those of at least min_p
// 4. Gumbel-max: argmax of logit / temperature + Gumbel noise is a draw from the softmax. The noise is a hash of
//    (seed, position, token): the same seed gives the same text however the run is cut into steps.
//
// The parts tell the draw among all tokens. What is kept is found out as far as it matters, in passes over the parts that
// may hold it:
// With top-k, tokens that may be kept lie in few parts, which their peaks tell; the likeliest, LIST at most, are put in order.
// Where LIST is too short, top-k's bound is searched for, to the last bit if need be.
// Otherwise top-p and min-p are asked of the drawn token alone. If it is not kept, it goes with all that are no likelier
// and the same noise decides among the rest, which hold all that are kept: the draw is the one among those.
// Sums are added up in the same order each time.
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
var<workgroup> marks: array<atomic<u32>, MARKS>; // a bit for each part that is looked into
var<workgroup> chunks: array<u32, CHUNKS>;       // those parts, in order

// Parts whose peaks lie more than FAR temperatures below the highest logit hold nothing that noise could lift above that.
const FAR = 40.0;
const BINS = 256u;
const WIDE = 16u;
const COARSE = BINS / WIDE;
var<workgroup> bins: array<atomic<u32>, BINS>;   // parts by how far their peaks lie below the highest logit
var<workgroup> coarse: array<u32, COARSE>;       // WIDE bins together

var<workgroup> found: atomic<u32>;
var<workgroup> listed: array<f32, LIST>;         // weights as they were found, then what exceeds those in order
var<workgroup> listed_ids: array<u32, LIST>;     // and how many exceed them
var<workgroup> ordered: array<f32, LIST>;        // weights in falling order
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

// Finds the parts that hold weights of at least the bound, and tells how many tokens have a place in those.
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

// Puts what is listed in order.
fn order(count: u32, lane: u32) {
    for (var i = lane; i < count; i += SIZE) {
        let p = listed[i];
        let id = listed_ids[i];
        var at = 0u;
        for (var n = 0u; n < count; n++) {
            at += select(0u, 1u, listed[n] > p || (listed[n] == p && listed_ids[n] < id));
        }
        ordered[at] = p;
        ordered_ids[at] = id;
    }
}

// Of what is in order: how many exceed each weight, and what those weigh. It returns what top-k leaves of this thread's.
fn exceed(count: u32, lane: u32) -> f32 {
    var sum = 0.0;
    for (var i = lane; i < count; i += SIZE) {
        let p = ordered[i];
        var exceeding = 0u;
        var likelier = 0.0;
        for (var n = 0u; n < i; n++) {
            if ordered[n] > p {
                exceeding++;
                likelier += ordered[n];
            }
        }
        listed[i] = likelier;
        listed_ids[i] = exceeding;
        sum += select(0.0, p, exceeding < sampling.top_k);
    }
    return sum;
}

// What the sampler does next: each but START is a pass over weights of at least a bound.
const START = 0u;  // draws among all
const LISTED = 1u; // draws among the likeliest, which are put in order
const SEARCH = 2u; // narrows the range of top-k's bound
const WEIGH = 3u;  // finds the mass that top-k leaves
const ASK = 4u;    // finds the mass above what has been drawn
const DRAW = 5u;   // draws among those that reach the bound
const DONE = 6u;
var<workgroup> next: u32;
var<workgroup> agreed: f32;

// A bound that top_k weights reach at least, or all that noise could lift to the top, and not many more.
fn rough_bound(lane: u32) -> f32 {
    for (var i = lane; i < BINS; i += SIZE) {
        atomicStore(&bins[i], 0u);
    }
    workgroupBarrier();
    for (var n = lane; n < CHUNKS; n += SIZE) {
        let bin = (peak - peak_of(n)) / sampling.temperature * (f32(BINS) / FAR);
        if bin < f32(BINS) {
            atomicAdd(&bins[u32(bin)], 1u);
        }
    }
    workgroupBarrier();
    for (var i = lane; i < COARSE; i += SIZE) {
        var sum = 0u;
        for (var k = 0u; k < WIDE; k++) {
            sum += atomicLoad(&bins[i * WIDE + k]);
        }
        coarse[i] = sum;
    }
    workgroupBarrier();
    if lane == 0u {
        var sum = 0u;
        var bin = 0u;
        while bin < BINS && sum + coarse[bin / WIDE] < sampling.top_k {
            sum += coarse[bin / WIDE];
            bin += WIDE;
        }
        while bin < BINS && sum < sampling.top_k {
            sum += atomicLoad(&bins[bin]);
            bin++;
        }
        // A hair lower than where the bins end: whether a token lies in them is found by another rounding.
        agreed = exp(-f32(bin) * (FAR / f32(BINS))) * 0.999;
        atomicStore(&found, 0u);
    }
    return workgroupUniformLoad(&agreed);
}

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
    highest(highest_peak, peak_id, lane);
    peak = workgroupUniformLoad(&best[0]);
    let likeliest = workgroupUniformLoad(&best_id[0]);
    var token = likeliest;

    let by_number = limits_number(settings);
    let by_mass = settings.top_p < 1.0;
    let stream = stream_at(settings, pos);
    var range = Range(0u, ABOVE_ONE);
    var turns = 0u;
    var bound = 0.0;
    var wanted = 3.0e38; // of mass above a token that is kept: less than this
    var drawn = 1.0;     // the weight of what has been drawn
    if lane == 0u {
        next = select(DONE, START, settings.temperature > 0.0 && likeliest != NONE);
    }
    loop {
        let now = workgroupUniformLoad(&next);
        if now == DONE {
            break;
        }
        var sums = vec3<f32>(0.0);
        var few = 0u; // of the likeliest, in order; 0: LIST was too short
        if now == START {
            if by_mass && !by_number {
                for (var n = lane; n < CHUNKS; n += SIZE) {
                    sums.x += parts[first_part + n].mass * weight_of(peak_of(n));
                }
            }
        } else {
            let bounds = quarters(range);
            let low = select(select(bound, bounds.x, now == SEARCH), above(drawn), now == ASK);
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
                    } else if now == SEARCH {
                        sums += select(vec3<f32>(0.0), vec3<f32>(1.0), vec3<f32>(p) >= bounds);
                    } else if now == LISTED {
                        let place = atomicAdd(&found, 1u);
                        if place < LIST {
                            listed[place] = p;
                            listed_ids[place] = ids[k];
                        }
                    } else {
                        sums.x += p;
                    }
                }
            }
            if now == LISTED {
                workgroupBarrier();
                few = atomicLoad(&found);
                few = select(few, 0u, few > LIST);
                order(few, lane);
                workgroupBarrier();
                sums.x = exceed(few, lane);
            }
        }
        sums = totals(sums, lane);
        if by_mass && (now == WEIGH || now == LISTED || now == START) {
            wanted = settings.top_p * sums.x;
        }
        if now == LISTED {
            for (var i = lane; i < few; i += SIZE) {
                if listed_ids[i] < settings.top_k && listed[i] < wanted && ordered[i] >= min(settings.min_p, 1.0) {
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
            highest(top, top_id, lane);
            let best_token = workgroupUniformLoad(&best_id[0]);
            if now != LISTED || few > 0u {
                token = best_token;
                drawn = weight_of(logits[first + min(token, VOCAB - 1u)]);
            }
        }

        var then = DONE;
        var judged = false; // whether what has been drawn may stay is asked next
        if now == SEARCH {
            range = narrowed(range, sums >= vec3<f32>(f32(settings.top_k)));
            turns++;
            then = SEARCH;
            // A bound that just enough reach is as good as the last of them.
            if turns == 16u || any(sums == vec3<f32>(f32(settings.top_k))) {
                bound = bitcast<f32>(range.low);
                then = WEIGH;
                judged = !by_mass;
            }
        } else if now == ASK {
            if sums.x >= wanted {
                bound = above(drawn);
                then = DRAW;
            }
        } else if now == LISTED {
            then = select(DONE, SEARCH, few == 0u);
        } else if token < VOCAB { // else no score is a number
            judged = now != START || !by_number;
            then = select(SEARCH, LISTED, settings.top_k <= LIST);
        }
        if judged {
            if by_mass && now != DRAW {
                // Lesser weights cannot make up together what may be missing.
                bound = max(bound, 0.99 * (sums.x - wanted) / f32(VOCAB));
            }
            // The highest logit always stays, whatever rounding says.
            bound = min(max(bound, settings.min_p), 1.0);
            then = select(select(ASK, DONE, !by_mass || drawn >= 1.0), DRAW, drawn < bound);
        }
        if now == START && by_number && settings.top_k <= LIST {
            bound = rough_bound(lane);
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

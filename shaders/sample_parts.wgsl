// The sampler's first half: what is to be known of each CHUNK of the logits [VOCAB], so that sample.wgsl, one workgroup, has
// little left to read. Before that, the repetition penalty (Keskar et al., CTRL, section 4.1), in place:
//   for each token among the last TAIL, l > 0 ? l / p : l * p
//
// history [HISTORY] by absolute position; parts [CHUNKS].
// ROWS: logits and parts have a row for each of the next tokens of one text, some of them guesses: history has them all.
// BATCH: logits and parts have a row for each row of the run, all else one for each of PLACES sequences.
//#include shared/cursor.wgsl
//#include shared/sampling.wgsl
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> samplings: array<Sampling>;
@group(0) @binding(2) var<storage, read> history: array<u32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;
@group(0) @binding(4) var<storage, read_write> parts: array<Part>;

override HISTORY: u32;
override TAIL: u32;
override SIZE: u32;
override LANES: u32; // threads that share a chunk
override PER: u32;   // CHUNK / LANES

var<workgroup> tail: array<u32, TAIL>;
var<workgroup> tail_logits: array<f32, TAIL>;
var<workgroup> found: array<Part, SIZE>;
//#if BATCH
var<workgroup> slot: u32;
//#endif

// A logit's size as its bits, which are in order and put infinities and NaN above all numbers: compilers may take floats
// for numbers, and leave out what asks whether they are.
fn size_of(logit: f32) -> u32 {
    return bitcast<u32>(logit) & 0x7fffffffu;
}

const NO_NUMBER = 0x7f61b1e6u; // 3e38

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y;
    // pos: the position that the new token will have.
//#if BATCH
    if thread == 0u {
        slot = select(PLACES, cursor.slots[row], row < cursor.count);
    }
    let own = workgroupUniformLoad(&slot);
    if own == PLACES {
        return;
    }
    let pos = cursor.positions[own] + 1u;
//#else
    let own = 0u;
//#if ROWS
    let pos = cursor.pos + row + 1u;
//#else
    let pos = cursor.pos + cursor.count;
//#endif
//#endif
    let sampling = samplings[own];
    let temperature = sampling.temperature;
    let first = row * VOCAB;
    let first_chunk = group.x * (SIZE / LANES);

    if sampling.repetition != 1.0 {
        let seen = min(pos, TAIL);
        let low = first_chunk * CHUNK;
        let high = min(low + SIZE / LANES * CHUNK, VOCAB);
        for (var i = thread; i < seen; i += SIZE) {
            tail[i] = history[own * HISTORY + (pos - 1u - i) % HISTORY];
            tail_logits[i] = logits[first + min(tail[i], VOCAB - 1u)];
        }
        // Read all before any is written: a token that comes twice is changed once.
        workgroupBarrier();
        for (var i = thread; i < seen; i += SIZE) {
            let l = tail_logits[i];
            if tail[i] >= low && tail[i] < high {
                logits[first + tail[i]] = select(l * sampling.repetition, l / sampling.repetition, l > 0.0);
            }
        }
        storageBarrier();
    }

    let chunk = first_chunk + thread / LANES;
    let lane = thread % LANES;
    let start = chunk * CHUNK + lane;
    // All are on their way before the first is looked at.
    var held: array<f32, PER>;
    for (var n = 0u; n < PER; n++) { //#unroll
        held[n] = logits[first + min(start + n * LANES, VOCAB - 1u)];
    }
    var part = Part(LOWEST, NONE, LOWEST, NONE, 0.0);
    var largest = 0u;
    for (var n = 0u; n < PER; n++) { //#unroll
        let i = start + n * LANES;
        largest = max(largest, size_of(held[n]));
        if held[n] > part.peak && i < VOCAB {
            part.peak = held[n];
            part.peak_id = i;
        }
    }
    if largest >= NO_NUMBER { // above all numbers, so that it is what the sampler finds
        part.peak = 3.4e38;
        part.peak_id = NONE;
    }
    if temperature > 0.0 {
        let stream = stream_at(sampling, pos);
        for (var n = 0u; n < PER; n++) { //#unroll
            let i = start + n * LANES;
            let score = held[n] / temperature + gumbel(stream, i);
            if score > part.score && i < VOCAB {
                part.score = score;
                part.score_id = i;
            }
        }
    }
    found[thread] = part;
    workgroupBarrier();
    for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            let other = found[thread + stride];
            if other.peak > found[thread].peak || (other.peak == found[thread].peak && other.peak_id < found[thread].peak_id) {
                found[thread].peak = other.peak;
                found[thread].peak_id = other.peak_id;
            }
            if other.score > found[thread].score || (other.score == found[thread].score && other.score_id < found[thread].score_id) {
                found[thread].score = other.score;
                found[thread].score_id = other.score_id;
            }
        }
        workgroupBarrier();
    }
    if temperature > 0.0 && sampling.top_p < 1.0 && !limits_number(sampling) {
        let peak = found[thread - lane].peak;
        var mass = 0.0;
        for (var n = 0u; n < PER; n++) { //#unroll
            mass += select(0.0, exp((held[n] - peak) / temperature), start + n * LANES < VOCAB);
        }
        found[thread].mass = mass;
        workgroupBarrier();
        for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
            if lane < stride {
                found[thread].mass += found[thread + stride].mass;
            }
            workgroupBarrier();
        }
    }
    if lane == 0u && chunk < CHUNKS {
        parts[row * CHUNKS + chunk] = found[thread];
    }
}

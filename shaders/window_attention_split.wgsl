// One token's attention; see window_attention.wgsl. The keys that it sees are dealt out to SPLITS workgroups a head, so
// that many keys fill the GPU; window_attention_merge.wgsl joins what they found. A workgroup takes GROUP query heads of
// one KV head, so that a key and a value are read once for all of them.
//
// qkv [(HEADS + 2 KV_HEADS) * HEAD_DIM], query turned; kv [2, RING, KV_HEADS, HEAD_DIM]; partial [HEADS, SPLITS,
// HEAD_DIM + 4]: the values' sum, the highest score, the sum of weights exp(score - highest), two that fill a vector.
// WHOLE: one split, whose result goes out as it is, out [HEADS * HEAD_DIM].
// BATCH: one token each of sequences: qkv, partial and out have a row of each, kv [PLACES, 2, RING, ...].
//
// Keys come in tiles of TILE:
//   1. products: NEAR threads share a key, so that neighbours read neighbouring places -> dots [key, head, NEAR]
//   2. scores: a thread has SLOTS of them, all of one head
//   3. online softmax: a head's maximum and the thread's sum of weights stay in registers -> scores [key, head]
//   4. values: SLICES of the tile's keys, VALUES dims a thread, whose sums of all heads stay in registers
//#include shared/attention.wgsl
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override SPLITS: u32;
override GROUP: u32;    // a power of 2 up to 8
override PARTS: u32;    // workgroups for the queries of a KV head: HEADS / KV_HEADS / GROUP, rounded up
override SLOTS: u32;
override SLICES: u32;   // SIZE / COLS, at least 1
override BLOCKS: u32;   // column blocks, SIZE columns each
override NEAR: u32;     // 8, or as many columns as there are
override ROUNDS: u32;   // keys of a thread in step 1: TILE / FAR
override STRIDES: u32;  // COLS / NEAR, rounded up
override TOGETHER: u32; // values whose loads are under way at once: a divisor of OWN
const PER_KV = HEADS / KV_HEADS;
const TILE = SIZE / GROUP * SLOTS;
const OWN = TILE / SLICES;
const FAR = SIZE / NEAR;
const NEAR_PITCH = NEAR + 1u;
const DOTS = SIZE * SLOTS * NEAR_PITCH;
const SHARERS = SIZE / GROUP; // threads of a head in steps 2 and 3
const QUERIES = GROUP * COLS;
const SCORES = SIZE * SLOTS / 4u;
const PEAKS = SIZE / 4u;
const SUMS = GROUP * BLOCKS;

var<workgroup> q: array<Vec, QUERIES>;
var<workgroup> dots: array<f32, DOTS>;
var<workgroup> scores: array<vec4<f32>, SCORES>;
var<workgroup> peaks: array<vec4<f32>, PEAKS>; // [head, thread of it]
var<workgroup> shrinks: array<f32, GROUP>;
var<workgroup> sums: array<Vec, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let kv_head = group.x / PARTS;
    let head0 = kv_head * PER_KV + group.x % PARTS * GROUP;
    let heads_end = (kv_head + 1u) * PER_KV;
    let row = group.z;
    if row >= cursor.count {
        return;
    }
    let keys = 2u * sequence(row) * values_at();
    let values = keys + values_at();
    let pos = position(row);
    let seen = pos + 1u - first_seen(pos);
    // Whole tiles a split, so that few keys occupy few workgroups.
    let share = ((seen + SPLITS - 1u) / SPLITS + TILE - 1u) / TILE * TILE;
    let begin = pos + 1u - seen + min(group.y * share, seen);
    let end = min(begin + share, pos + 1u);

    // Heads past the last are the last again, and stored nowhere.
    for (var i = thread; i < QUERIES; i += SIZE) {
        q[i] = query(row * ROW + query_head_of(min(head0 + i / COLS, heads_end - 1u)), i % COLS) * SCALE;
    }
    workgroupBarrier();
    let column = thread % COLS;
    let slice = thread / COLS;
    let own_head = thread % GROUP;
    let peak_at = own_head * SHARERS + thread / GROUP;
    var highest = LOWEST;
    var sum = 0.0;
    var acc: array<Vec, SUMS>;
    for (var tile = begin; tile < end; tile += TILE) {
        // Keys past the end are the last again: what they say counts for nothing.
        for (var r = 0u; r < ROUNDS; r++) { //#unroll
            let key = r * FAR + thread / NEAR;
            let at = keys + stored_at(min(tile + key, end - 1u), key_head_of(kv_head));
            var part: array<f32, GROUP>;
            // Said aloud: an older naga zeroes a variable in a loop once only.
            for (var h = 0u; h < GROUP; h++) { //#unroll
                part[h] = 0.0;
            }
            for (var i = 0u; i < STRIDES; i++) { //#unroll
                let c = i * NEAR + thread % NEAR;
                if c < COLS {
                    let k = unpacked(kv[at + c]);
                    for (var h = 0u; h < GROUP; h++) { //#unroll
                        part[h] += dot(q[h * COLS + c], k);
                    }
                }
            }
            for (var h = 0u; h < GROUP; h++) { //#unroll
                dots[(key * GROUP + h) * NEAR_PITCH + thread % NEAR] = part[h];
            }
        }
        workgroupBarrier();
        var own: array<f32, SLOTS>;
        var peak = LOWEST;
        for (var s = 0u; s < SLOTS; s++) { //#unroll
            let pair = s * SIZE + thread;
            var score = 0.0;
            for (var i = 0u; i < NEAR; i++) { //#unroll
                score += dots[pair * NEAR_PITCH + i];
            }
            own[s] = select(LOWEST, score, tile + pair / GROUP < end);
            peak = max(peak, own[s]);
        }
        peaks[peak_at / 4u][peak_at % 4u] = peak;
        workgroupBarrier();
        var four = peaks[own_head * SHARERS / 4u];
        for (var i = 1u; i < SHARERS / 4u; i++) {
            four = max(four, peaks[own_head * SHARERS / 4u + i]);
        }
        let raised = max(highest, max(max(four.x, four.y), max(four.z, four.w)));
        // The first tile's old maximum is LOWEST: exp gives 0.
        let shrink = exp(highest - raised);
        highest = raised;
        sum *= shrink;
        for (var s = 0u; s < SLOTS; s++) { //#unroll
            let pair = s * SIZE + thread;
            let p = select(0.0, exp(own[s] - raised), tile + pair / GROUP < end);
            scores[pair / 4u][pair % 4u] = p;
            sum += p;
        }
        if thread < GROUP {
            shrinks[thread] = shrink;
        }
        workgroupBarrier();
        for (var h = 0u; h < GROUP; h++) { //#unroll
            for (var b = 0u; b < BLOCKS; b++) { //#unroll
                acc[h * BLOCKS + b] *= shrinks[h];
            }
        }
        if slice < SLICES {
            for (var k = slice * OWN; k < (slice + 1u) * OWN; k += TOGETHER) {
                for (var i = 0u; i < TOGETHER; i++) { //#unroll
                    let at = values + stored_at(min(tile + k + i, end - 1u), value_head_of(kv_head));
                    for (var b = 0u; b < BLOCKS; b++) { //#unroll
                        let v = unpacked(kv[at + min(column + b * SIZE, COLS - 1u)]);
                        for (var h = 0u; h < GROUP; h++) { //#unroll
                            let pair = (k + i) * GROUP + h;
                            acc[h * BLOCKS + b] += scores[pair / 4u][pair % 4u] * v;
                        }
                    }
                }
            }
        }
        // No barrier: what the next tile writes was last read two barriers ago.
    }
    peaks[peak_at / 4u][peak_at % 4u] = sum;
    workgroupBarrier();
    for (var h = 0u; h < GROUP; h++) { //#unroll
        let head = head0 + h;
        let base = ((row * HEADS + head) * SPLITS + group.y) * (HEAD_DIM + 4u);
        var four = peaks[h * SHARERS / 4u];
        for (var i = 1u; i < SHARERS / 4u; i++) {
            four += peaks[h * SHARERS / 4u + i];
        }
        let weight = four.x + four.y + four.z + four.w;
        for (var b = 0u; b < BLOCKS; b++) { //#unroll
            sums[thread] = acc[h * BLOCKS + b];
            workgroupBarrier();
            if slice == 0u && column + b * SIZE < COLS && head < heads_end {
                var all = sums[thread];
                for (var i = 1u; i < SLICES; i++) {
                    all += sums[i * COLS + column];
                }
                for (var i = 0u; i < VALUES; i++) {
//#if WHOLE
                    partial[(row * HEADS + head) * HEAD_DIM + element(column + b * SIZE, i)] = all[i] / weight;
//#else
                    partial[base + element(column + b * SIZE, i)] = all[i];
//#endif
                }
            }
            workgroupBarrier();
        }
//#if !WHOLE
        if thread == h && head < heads_end {
            partial[base + HEAD_DIM] = highest;
            partial[base + HEAD_DIM + 1u] = weight;
        }
//#endif
    }
}

// One token's sliding-window attention; see window_attention.wgsl. The window's keys are dealt out to SPLITS
// workgroups a head, so that a long window fills the GPU; window_attention_merge.wgsl joins what they found.
//
// qkv [(HEADS + 2 KV_HEADS) * HEAD_DIM], query turned; kv [2, RING, KV_HEADS, HEAD_DIM]; partial [HEADS, SPLITS,
// HEAD_DIM + 2]: the values' sum, the highest score, the sum of weights exp(score - highest).
// WHOLE: one split, whose result goes out as it is, out [HEADS * HEAD_DIM].
//
// Keys come in tiles of SIZE. NEAR threads share a key, so that neighbours read neighbouring places; then each thread
// has one score. Values are summed in SLICES of a tile's keys, VALUES dims a thread.
//#include shared/attention.wgsl
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override SPLITS: u32;
override SLICES: u32;   // SIZE / COLS, at least 1
override BLOCKS: u32;   // column blocks, SIZE columns each
const OWN = SIZE / SLICES;
const QUADS = SIZE / 4u;
override NEAR: u32;     // 8, or as many columns as there are
override ROUNDS: u32;   // keys of a thread in a tile: NEAR
override STRIDES: u32;  // COLS / NEAR, rounded up
override TOGETHER: u32; // values whose loads are under way at once: a divisor of OWN
const FAR = SIZE / NEAR;
const NEAR_PITCH = NEAR + 1u;
const DOTS = SIZE * NEAR_PITCH;

var<workgroup> q: array<Vec, COLS>;
var<workgroup> dots: array<f32, DOTS>;
var<workgroup> scores: array<vec4<f32>, QUADS>;
var<workgroup> sums: array<Vec, SIZE>;
var<workgroup> weights: array<f32, SLICES>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let kv_head = head / (HEADS / KV_HEADS);
    let values = RING * KV_HEADS * COLS;
    let pos = cursor.pos;
    let seen = min(pos + 1u, WINDOW);
    // Whole tiles a split, so that few keys occupy few workgroups.
    let share = ((seen + SPLITS - 1u) / SPLITS + SIZE - 1u) / SIZE * SIZE;
    let begin = pos + 1u - seen + min(group.y * share, seen);
    let end = min(begin + share, pos + 1u);

    for (var i = thread; i < COLS; i += SIZE) {
        q[i] = qkv[head * COLS + i] * SCALE;
    }
    workgroupBarrier();
    let column = thread % COLS;
    let slice = thread / COLS;
    var highest = LOWEST;
    var sum = 0.0;
    var acc: array<Vec, BLOCKS>;
    for (var tile = begin; tile < end; tile += SIZE) {
        // Keys past the end are the last again: what they say counts for nothing.
        for (var r = 0u; r < ROUNDS; r++) { //#unroll
            let key = r * FAR + thread / NEAR;
            let at = ((min(tile + key, end - 1u) % RING) * KV_HEADS + kv_head) * COLS;
            var part = 0.0;
            for (var i = 0u; i < STRIDES; i++) { //#unroll
                let c = i * NEAR + thread % NEAR;
                if c < COLS {
                    part += dot(q[c], kv[at + c]);
                }
            }
            dots[key * NEAR_PITCH + thread % NEAR] = part;
        }
        workgroupBarrier();
        let j = tile + thread;
        var score = 0.0;
        for (var i = 0u; i < NEAR; i++) { //#unroll
            score += dots[thread * NEAR_PITCH + i];
        }
        score = select(LOWEST, score, j < end);
        scores[thread / 4u][thread % 4u] = score;
        workgroupBarrier();
        var four = scores[0];
        for (var i = 1u; i < QUADS; i++) {
            four = max(four, scores[i]);
        }
        let raised = max(highest, max(max(four.x, four.y), max(four.z, four.w)));
        let shrink = exp(highest - raised);
        highest = raised;
        workgroupBarrier();
        scores[thread / 4u][thread % 4u] = select(0.0, exp(score - raised), j < end);
        workgroupBarrier();
        sum *= shrink;
        for (var b = 0u; b < BLOCKS; b++) { //#unroll
            acc[b] *= shrink;
        }
        if slice < SLICES {
            for (var k = slice * OWN; k < (slice + 1u) * OWN; k += TOGETHER) {
                for (var i = 0u; i < TOGETHER; i++) { //#unroll
                    let p = scores[(k + i) / 4u][(k + i) % 4u];
                    let at = values + ((min(tile + k + i, end - 1u) % RING) * KV_HEADS + kv_head) * COLS;
                    sum += p;
                    for (var b = 0u; b < BLOCKS; b++) { //#unroll
                        acc[b] += p * kv[at + min(column + b * SIZE, COLS - 1u)];
                    }
                }
            }
        }
        workgroupBarrier();
    }
    if column == 0u && slice < SLICES {
        weights[slice] = sum;
    }
    workgroupBarrier();
    var weight = weights[0];
    for (var i = 1u; i < SLICES; i++) {
        weight += weights[i];
    }
    let base = (head * SPLITS + group.y) * (HEAD_DIM + 2u);
    for (var b = 0u; b < BLOCKS; b++) { //#unroll
        sums[thread] = acc[b];
        workgroupBarrier();
        if slice == 0u && column + b * SIZE < COLS {
            var all = acc[b];
            for (var i = 1u; i < SLICES; i++) {
                all += sums[i * COLS + column];
            }
            for (var i = 0u; i < VALUES; i++) {
//#if WHOLE
                partial[head * HEAD_DIM + (column + b * SIZE) * VALUES + i] = all[i] / weight;
//#else
                partial[base + (column + b * SIZE) * VALUES + i] = all[i];
//#endif
            }
        }
        workgroupBarrier();
    }
//#if !WHOLE
    if thread == 0u {
        partial[base + HEAD_DIM] = highest;
        partial[base + HEAD_DIM + 1u] = weight;
    }
//#endif
}

// One token's sliding-window attention on a processor, where threads run in turn and a barrier is dear; see
// window_attention.wgsl. Each of SIZE threads takes every SIZE-th key by itself, once for TOGETHER query heads that
// share it, and keeps the highest score, the weights' sum and the values' sum; what they found is joined at the end.
//
// qkv [(HEADS + 2 KV_HEADS) * HEAD_DIM], query turned; kv [2, RING, KV_HEADS, HEAD_DIM]; out [HEADS * HEAD_DIM].
// BATCH: one token each of sequences: qkv and out have a row of each, kv [PLACES, 2, RING, ...].
//#include shared/attention.wgsl
//#include shared/attention_out.wgsl
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override TOGETHER: u32; // a divisor of HEADS / KV_HEADS
override COLUMNS: u32;  // COLS
const OWN = TOGETHER * COLUMNS;
const ALL = SIZE * OWN;
const FOUND = SIZE * TOGETHER;

var<workgroup> sums: array<Vec, ALL>;
var<workgroup> highests: array<f32, FOUND>;
var<workgroup> weights: array<f32, FOUND>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x * TOGETHER;
    let key_head = key_head_of(head / (HEADS / KV_HEADS));
    let value_head = value_head_of(head / (HEADS / KV_HEADS));
    let row = group.z;
    if row >= cursor.count {
        return;
    }
    let keys = 2u * sequence(row) * values_at();
    let values = values_at();
    let pos = position(row);

    var q: array<Vec, OWN>;
    var acc: array<Vec, OWN>;
    var highest: array<f32, TOGETHER>;
    var weight: array<f32, TOGETHER>;
    for (var h = 0u; h < TOGETHER; h++) { //#unroll
        highest[h] = LOWEST;
        for (var i = 0u; i < COLUMNS; i++) { //#unroll
            q[h * COLUMNS + i] = query(row * ROW + query_head_of(head + h), i) * SCALE;
        }
    }
    for (var j = first_seen(pos) + thread; j <= pos; j += SIZE) {
        let at = keys + stored_at(j, key_head);
        let value_at = keys + values + stored_at(j, value_head);
        var score: array<f32, TOGETHER>;
        for (var h = 0u; h < TOGETHER; h++) { //#unroll
            score[h] = 0.0;
        }
        for (var i = 0u; i < COLUMNS; i++) { //#unroll
            let key = unpacked(kv[at + i]);
            for (var h = 0u; h < TOGETHER; h++) { //#unroll
                score[h] += dot(q[h * COLUMNS + i], key);
            }
        }
        var shrink: array<f32, TOGETHER>;
        for (var h = 0u; h < TOGETHER; h++) { //#unroll
            let raised = max(highest[h], score[h]);
            shrink[h] = exp(highest[h] - raised);
            score[h] = exp(score[h] - raised);
            weight[h] = weight[h] * shrink[h] + score[h];
            highest[h] = raised;
        }
        for (var i = 0u; i < COLUMNS; i++) { //#unroll
            let value = unpacked(kv[value_at + i]);
            for (var h = 0u; h < TOGETHER; h++) { //#unroll
                acc[h * COLUMNS + i] = acc[h * COLUMNS + i] * shrink[h] + score[h] * value;
            }
        }
    }
    for (var h = 0u; h < TOGETHER; h++) { //#unroll
        highests[thread * TOGETHER + h] = highest[h];
        weights[thread * TOGETHER + h] = weight[h];
        for (var i = 0u; i < COLUMNS; i++) { //#unroll
            sums[thread * OWN + h * COLUMNS + i] = acc[h * COLUMNS + i];
        }
    }
    workgroupBarrier();
    for (var i = thread; i < OWN; i += SIZE) {
        let h = i / COLUMNS;
        var top = LOWEST;
        for (var t = 0u; t < SIZE; t++) {
            top = max(top, highests[t * TOGETHER + h]);
        }
        var sum = Vec(0.0);
        var all = 0.0;
        for (var t = 0u; t < SIZE; t++) {
            let share = exp(highests[t * TOGETHER + h] - top);
            all += share * weights[t * TOGETHER + h];
            sum += share * sums[t * OWN + i];
        }
        put(row * HEADS + head + h, i % COLS, sum / all);
    }
}

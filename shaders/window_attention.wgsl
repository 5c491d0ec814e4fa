// Sliding-window attention for a chunk (Samba, section 2.2; tiles and online softmax as in FlashAttention):
//   out[t, h, :] = sum_j softmax_j(q[t, h] . k[j, g] SCALE) v[j, g, :],   pos - WINDOW < j <= pos
// with g the KV head of query head h. qkv [count, (HEADS + 2 KV_HEADS) * HEAD_DIM], queries turned by rope.wgsl;
// kv [2, RING, KV_HEADS, HEAD_DIM], keys first, this chunk's included; out [count, HEADS * HEAD_DIM].
// RING >= WINDOW + count - 1, so that no key of the window has been overwritten by a later token of the chunk. FULL: all
// keys before it, see shared/attention.wgsl.
// One token's attention is window_attention_split.wgsl.
//
// A workgroup takes BQ queries of one head and walks the keys that any of them sees, KEYS at a time:
//   1. scores: a thread has KEYED keys and SCORED queries, each read once for all of the others -> p_tile [key, query]
//   2. online softmax: PARTS threads share a query; its running maximum and sum stay in their registers
//   3. values: a thread has one column of COLS (VALUES dims each) and some queries, whose sums stay in registers
// STAGED: a tile's keys lie in workgroup memory. Rows there are one vector longer than they are, and neighbouring
// threads have neighbouring keys and queries, against bank conflicts.
//#include shared/attention.wgsl
//#include shared/attention_out.wgsl
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override BQ: u32;            // queries of a workgroup: 8, 16, 32 or 64
override KEYS: u32;          // keys of a tile: 8, 16 or 32
override VALUE_GROUPS: u32;  // query groups of step 3: SIZE / COLS at most, a power of 2 up to BQ
override BLOCKS: u32;        // column blocks of step 3, SIZE columns each
override KEYED: u32;         // keys of a thread in step 1
override SCORED: u32;        // queries of a thread in step 1: BQ * KEYS / SIZE / KEYED
override PAIRS: u32;         // KEYED * SCORED
override SUMMED: u32;        // queries of a thread in step 3: BQ / VALUE_GROUPS
override QUARTERS: u32;      // SUMMED / 4; FOURS where that is whole
const PARTS = SIZE / BQ;
const OWN = KEYS / PARTS;    // keys of a thread in step 2
const SUMS = SUMMED * BLOCKS;
const KEY_LANES = KEYS / KEYED;
const QUERY_LANES = BQ / SCORED;

const PITCH = COLS + 1u;
const Q_TILE = BQ * PITCH;
const P_PITCH = BQ + 4u;
const P_TILE = KEYS * P_PITCH / 4u;
var<workgroup> q_tile: array<Vec, Q_TILE>;
var<workgroup> p_tile: array<vec4<f32>, P_TILE>;
//#if STAGED
const K_TILE = KEYS * PITCH;
var<workgroup> k_tile: array<Vec, K_TILE>;
//#endif
var<workgroup> part: array<f32, SIZE>;
var<workgroup> shrinks: array<f32, BQ>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let t0 = group.y * BQ;
    let key_head = key_head_of(head / (HEADS / KV_HEADS));
    let value_head = value_head_of(head / (HEADS / KV_HEADS));
    let values = values_at();
    let count = cursor.count;
    for (var i = thread; i < BQ * COLS; i += SIZE) {
        let t = min(t0 + i / COLS, count - 1u);
        q_tile[i / COLS * PITCH + i % COLS] = query(t * ROW + query_head_of(head), i % COLS) * SCALE;
    }
    let pos0 = cursor.pos + t0;
    let last = cursor.pos + min(t0 + BQ, count) - 1u;
    let first = first_seen(pos0);

    let q = thread % BQ;
    var highest = LOWEST;
    var sum = 0.0;
    let column = thread % COLS;
    let value_group = thread / COLS;
    var acc: array<Vec, SUMS>;
    workgroupBarrier();

    for (var tile = first; tile <= last; tile += KEYS) {
        // Keys past the last are the last again: their weight is 0.
//#if STAGED
        for (var i = thread; i < KEYS * COLS; i += SIZE) {
            k_tile[i / COLS * PITCH + i % COLS] = unpacked(kv[stored_at(min(tile + i / COLS, last), key_head) + i % COLS]);
        }
        workgroupBarrier();
//#endif
        {
            let key_lane = thread % KEY_LANES;
            let query_lane = thread / KEY_LANES;
            var scores: array<f32, PAIRS>;
            var keys: array<Vec, KEYED>;
            // Said aloud: an older naga zeroes a variable in a loop once only.
            for (var i = 0u; i < PAIRS; i++) { //#unroll
                scores[i] = 0.0;
            }
            for (var c = 0u; c < COLS; c++) {
                for (var k = 0u; k < KEYED; k++) { //#unroll
                    let key = key_lane + k * KEY_LANES;
//#if STAGED
                    keys[k] = k_tile[key * PITCH + c];
//#else
                    keys[k] = unpacked(kv[stored_at(min(tile + key, last), key_head) + c]);
//#endif
                }
                for (var i = 0u; i < SCORED; i++) { //#unroll
                    let query = q_tile[(query_lane + i * QUERY_LANES) * PITCH + c];
                    for (var k = 0u; k < KEYED; k++) { //#unroll
                        scores[i * KEYED + k] += dot(query, keys[k]);
                    }
                }
            }
            for (var i = 0u; i < SCORED; i++) { //#unroll
                let query = query_lane + i * QUERY_LANES;
                let pos = pos0 + query;
                for (var k = 0u; k < KEYED; k++) { //#unroll
                    let j = tile + key_lane + k * KEY_LANES;
                    let at = (key_lane + k * KEY_LANES) * P_PITCH + query;
                    p_tile[at / 4u][at % 4u] = select(LOWEST, scores[i * KEYED + k], j <= pos && j >= first_seen(pos));
                }
            }
        }
        workgroupBarrier();
        let key0 = thread / BQ * OWN;
        var raised = LOWEST;
        for (var i = 0u; i < OWN; i++) {
            let at = (key0 + i) * P_PITCH + q;
            raised = max(raised, p_tile[at / 4u][at % 4u]);
        }
        part[thread] = raised;
        workgroupBarrier();
        raised = highest;
        for (var i = 0u; i < PARTS; i++) {
            raised = max(raised, part[i * BQ + q]);
        }
        // Weights of earlier tiles shrink when the maximum rises; the first tile's old maximum is LOWEST: exp gives 0.
        let shrink = exp(highest - raised);
        highest = raised;
        sum *= shrink;
        for (var i = 0u; i < OWN; i++) {
            let at = (key0 + i) * P_PITCH + q;
            let score = p_tile[at / 4u][at % 4u];
            let p = select(0.0, exp(score - raised), score > LOWEST);
            p_tile[at / 4u][at % 4u] = p;
            sum += p;
        }
        if thread < BQ {
            shrinks[q] = shrink;
        }
        workgroupBarrier();
        if value_group < VALUE_GROUPS {
            let q0 = value_group * SUMMED;
            for (var i = 0u; i < SUMMED; i++) { //#unroll
                for (var b = 0u; b < BLOCKS; b++) { //#unroll
                    acc[i * BLOCKS + b] *= shrinks[q0 + i];
                }
            }
            for (var key = 0u; key < KEYS; key += 4u) {
                for (var k = 0u; k < 4u; k++) { //#unroll
                    let at = values + stored_at(min(tile + key + k, last), value_head);
                    for (var b = 0u; b < BLOCKS; b++) { //#unroll
                        let v = unpacked(kv[at + min(column + b * SIZE, COLS - 1u)]);
//#if FOURS
                        for (var i = 0u; i < QUARTERS; i++) { //#unroll
                            let p = p_tile[((key + k) * P_PITCH + q0) / 4u + i];
                            acc[(4u * i + 0u) * BLOCKS + b] += p.x * v;
                            acc[(4u * i + 1u) * BLOCKS + b] += p.y * v;
                            acc[(4u * i + 2u) * BLOCKS + b] += p.z * v;
                            acc[(4u * i + 3u) * BLOCKS + b] += p.w * v;
                        }
//#else
                        for (var i = 0u; i < SUMMED; i++) { //#unroll
                            let at = (key + k) * P_PITCH + q0 + i;
                            acc[i * BLOCKS + b] += p_tile[at / 4u][at % 4u] * v;
                        }
//#endif
                    }
                }
            }
        }
        workgroupBarrier();
    }
    part[thread] = sum;
    workgroupBarrier();
    if value_group < VALUE_GROUPS {
        for (var i = 0u; i < SUMMED; i++) { //#unroll
            let own = value_group * SUMMED + i;
            var total = 0.0;
            for (var k = 0u; k < PARTS; k++) {
                total += part[k * BQ + own];
            }
            if t0 + own < count {
                for (var b = 0u; b < BLOCKS; b++) { //#unroll
                    if column + b * SIZE < COLS {
                        put((t0 + own) * HEADS + head, column + b * SIZE, acc[i * BLOCKS + b] / total);
                    }
                }
            }
        }
    }
}

// Sliding-window attention (Samba, section 2.2; online softmax as in FlashAttention):
//   out[t, h, :] = sum_j softmax_j(q[t, h] . k[j, g] / sqrt(HEAD_DIM)) v[j, g, :],   pos - WINDOW < j <= pos
// with g the KV head of query head h. qkv [count, (HEADS + 2 KV_HEADS) * HEAD_DIM], queries turned by rope.wgsl;
// keys, values [RING, KV_HEADS, HEAD_DIM], this chunk's included; out [count, HEADS * HEAD_DIM].
// RING >= WINDOW + count - 1, so that no key of the window has been overwritten by a later token of the chunk.
//
// One workgroup a query and head. Keys come in tiles of SIZE, one score a thread; running maximum and sum are
// kept in every thread alike, the values' sum in registers, HEAD_DIM / SIZE dims a thread.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read> cursor: Cursor;

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
override RING: u32;
override WINDOW: u32;
override SCALE: f32;
const SIZE = 64u;
const DIMS = (HEAD_DIM + SIZE - 1u) / SIZE;
const LOWEST = -3.0e38;

var<workgroup> q: array<f32, HEAD_DIM>;
var<workgroup> scores: array<f32, SIZE>;
var<workgroup> partial: array<f32, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let t = group.y;
    let kv_head = head / (HEADS / KV_HEADS);
    let pos = cursor.pos + t;
    let first = select(0u, pos + 1u - WINDOW, pos + 1u > WINDOW);

    for (var i = lane; i < HEAD_DIM; i += SIZE) {
        q[i] = qkv[(t * (HEADS + 2u * KV_HEADS) + head) * HEAD_DIM + i] * SCALE;
    }
    workgroupBarrier();

    var highest = LOWEST;
    var sum = 0.0;
    var acc: array<f32, DIMS>;
    for (var tile = first; tile <= pos; tile += SIZE) {
        let j = tile + lane;
        var score = LOWEST;
        if j <= pos {
            let at = ((j % RING) * KV_HEADS + kv_head) * HEAD_DIM;
            score = 0.0;
            for (var i = 0u; i < HEAD_DIM; i++) {
                score += q[i] * keys[at + i];
            }
        }
        partial[lane] = score;
        workgroupBarrier();
        for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
            if lane < stride {
                partial[lane] = max(partial[lane], partial[lane + stride]);
            }
            workgroupBarrier();
        }
        let raised = max(highest, partial[0]);
        // Weights of earlier tiles shrink when the maximum rises; the first tile's old maximum is LOWEST: exp gives 0.
        let shrink = exp(highest - raised);
        highest = raised;
        scores[lane] = select(0.0, exp(score - raised), j <= pos);
        workgroupBarrier();
        sum *= shrink;
        for (var d = 0u; d < DIMS; d++) {
            acc[d] *= shrink;
        }
        for (var k = 0u; k < min(SIZE, pos + 1u - tile); k++) {
            let p = scores[k];
            let at = (((tile + k) % RING) * KV_HEADS + kv_head) * HEAD_DIM;
            sum += p;
            for (var d = 0u; d < DIMS; d++) {
                let i = d * SIZE + lane;
                if i < HEAD_DIM {
                    acc[d] += p * values[at + i];
                }
            }
        }
        workgroupBarrier();
    }
    for (var d = 0u; d < DIMS; d++) {
        let i = d * SIZE + lane;
        if i < HEAD_DIM {
            out[(t * HEADS + head) * HEAD_DIM + i] = acc[d] / sum;
        }
    }
}

// shared/rope.wgsl for a chunk of tokens: q is turned in place in y = qkv [count, (HEADS + 2 KV_HEADS) * HEAD_DIM] (a
// token's queries, keys, values), keys and values go to the ring. One token's is part of matvec_rope.wgsl.
// BATCH: kv [PLACES, 2, RING, ...].
// NORM: a workgroup has a head of a token, which passes through an RMSNorm first if it is one of q or k.
//#include shared/row.wgsl
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> kv: array<Kept>;
@group(0) @binding(2) var<storage, read> cursor: Cursor;
//#if !NOPE
@group(0) @binding(3) var<storage, read> angles: array<vec2<f32>>;
//#endif
//#include shared/rope.wgsl
//#include shared/sum.wgsl
//#if NORM
@group(0) @binding(4) var<storage, read> gain: array<f32>; // [2, HEAD_DIM]: q's, k's
override EPS: f32;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let t = group.y;
    if t >= cursor.count {
        return;
    }
    let base = (t * (HEADS + 2u * KV_HEADS) + head) * HEAD_DIM;
    let normed = head < HEADS + KV_HEADS;
    let own = select(0u, HEAD_DIM, head >= HEADS);
    var sum = 0.0;
    for (var i = lane; i < HEAD_DIM; i += SIZE) {
        sum += y[base + i] * y[base + i];
    }
    let scale = inverseSqrt(total(sum, lane) / f32(HEAD_DIM) + EPS);
    for (var i = lane; i < HALF; i += SIZE) {
        var v = vec2<f32>(y[base + i], y[base + i + HALF]);
        if normed {
            v *= scale * vec2<f32>(gain[own + i], gain[own + i + HALF]);
        }
        place(v, head, i, position(t), base + i, sequence(t));
    }
}
//#else
@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x / HALF;
    let i = id.x % HALF;
    let t = id.y;
    if head >= HEADS + 2u * KV_HEADS || t >= cursor.count {
        return;
    }
    let at = (t * (HEADS + 2u * KV_HEADS) + head) * HEAD_DIM + i;
    place(vec2<f32>(y[at], y[at + HALF]), head, i, position(t), at, sequence(t));
}
//#endif

// shared/rope.wgsl for a chunk of tokens: q is turned in place in y = qkv [count, (HEADS + 2 KV_HEADS) * HEAD_DIM] (a
// token's queries, keys, values), keys and values go to the ring. One token's is part of matvec.wgsl.
// BATCH: kv [PLACES, 2, RING, ...].
//#include shared/row.wgsl
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> kv: array<f32>;
@group(0) @binding(2) var<storage, read> cursor: Cursor;
//#if !NOPE
@group(0) @binding(3) var<storage, read> angles: array<vec2<f32>>;
//#endif
//#include shared/rope.wgsl

@compute @workgroup_size(64)
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

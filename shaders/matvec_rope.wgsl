// One token through attention's fused projection, whose heads then turn and whose keys and values go to the ring:
// shared/rope.wgsl. An output is a pair of values, HALF a head apart.
// W [(HEADS + 2 KV_HEADS) HEAD_DIM, IN], x [IN]; y [HEADS, HEAD_DIM] takes the queries; how the sums come about is
// shared/matvec.wgsl's
//#include shared/matvec.wgsl
@group(0) @binding(5) var<storage, read> cursor: Cursor;
@group(0) @binding(6) var<storage, read_write> kv: array<Kept>;
//#if !NOPE
@group(0) @binding(7) var<storage, read> angles: array<vec2<f32>>;
//#endif
//#include shared/rope.wgsl

fn first_row(r: u32) -> u32 {
    return r / HALF * HEAD_DIM + r % HALF;
}

fn second_row(r: u32) -> u32 {
    return first_row(r) + HALF;
}

fn store(t: u32, r: u32, a: f32, b: f32) {
    place(vec2<f32>(a, b), r / HALF, r % HALF, cursor.pos + t, t * Y_STRIDE + first_row(r), 0u);
}

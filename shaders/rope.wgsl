// Rotary position embedding (RoFormer, section 3.4.2; halves as in GPT-NeoX), and the KV ring's intake:
//   (v[i], v[i + half]) turned by pos * theta^(-2 i / HEAD_DIM), for every head of q and k
// q is turned in place in qkv [count, (HEADS + 2 KV_HEADS) * HEAD_DIM] (all queries, all keys, all values of a
// token); turned keys and values go to the ring: keys, values [RING, KV_HEADS, HEAD_DIM], position p at p % RING.
//
// Angles: angle tables [4, 256, HEAD_DIM / 2] of (cos, sin), made in float64 on the host: level l, entry j holds
// the turn by j * 256^l positions. A position's turn is the product of its four bytes' turns, so that an angle is
// as exact at position 4 billion as at 0, and a step needs no upload.
// NOPE: nothing turns, keys and values are only stored.
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;
//#if !NOPE
@group(0) @binding(4) var<storage, read> angles: array<vec2<f32>>;
//#endif

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
override RING: u32;
const HALF = HEAD_DIM / 2u;

fn multiply(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x / HALF;
    let i = id.x % HALF;
    let t = id.y;
    if head >= HEADS + 2u * KV_HEADS || t >= cursor.count {
        return;
    }
    let pos = cursor.pos + t;
    let base = (t * (HEADS + 2u * KV_HEADS) + head) * HEAD_DIM + i;
    let v = vec2<f32>(qkv[base], qkv[base + HALF]);
    var turn = vec2<f32>(1.0, 0.0);
//#if !NOPE
    turn = angles[(pos & 255u) * HALF + i];
    for (var level = 1u; level < 4u; level++) {
        turn = multiply(turn, angles[(level * 256u + ((pos >> (8u * level)) & 255u)) * HALF + i]);
    }
//#endif
    let turned = multiply(v, turn);
    let slot = (pos % RING) * KV_HEADS;
    if head < HEADS {
        qkv[base] = turned.x;
        qkv[base + HALF] = turned.y;
    } else if head < HEADS + KV_HEADS {
        let at = (slot + head - HEADS) * HEAD_DIM + i;
        keys[at] = turned.x;
        keys[at + HALF] = turned.y;
    } else {
        let at = (slot + head - HEADS - KV_HEADS) * HEAD_DIM + i;
        values[at] = v.x;
        values[at + HALF] = v.y;
    }
}

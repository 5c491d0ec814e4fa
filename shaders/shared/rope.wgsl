// Rotary position embedding (RoFormer, section 3.4.2; halves as in GPT-NeoX), and the KV ring's intake:
//   (v[i], v[i + HALF]) turned by pos * theta^(-2 i / HEAD_DIM), for every head of q and k
// Turned keys and values go to the ring kv [2, RING, KV_HEADS, HEAD_DIM], keys first, position p at p % RING.
//
// Angles: angle tables [4, 256, HALF] of (cos, sin), made in float64 on the host: level l, entry j holds the turn by
// j * 256^l positions. A position's turn is the product of its four bytes' turns, so that an angle is as exact at
// position 4 billion as at 0, and a step needs no upload.
// NOPE: nothing turns, keys and values are only stored. FULL: full attention, whose positions do not wrap; RING is as
// many as kv has room for.
// HALVES: the ring is of fp16, two to a word: of a head elements i and i + HALF, which one thread has.
//#if HALVES
//#include shared/halves.wgsl
alias Kept = u32;
const HEAD_WORDS = HEAD_DIM / 2u;
//#else
alias Kept = f32;
const HEAD_WORDS = HEAD_DIM;
//#endif
override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
//#if FULL
fn ring() -> u32 { return arrayLength(&kv) / (2u * SEQUENCES * KV_HEADS * HEAD_WORDS); }
//#else
override RING: u32;
fn ring() -> u32 { return RING; }
//#endif
const HALF = HEAD_DIM / 2u;

fn multiply(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

fn turn(v: vec2<f32>, pos: u32, i: u32) -> vec2<f32> {
//#if NOPE
    return v;
//#else
    var angle = angles[(pos & 255u) * HALF + i];
    for (var level = 1u; level < 4u; level++) {
        angle = multiply(angle, angles[(level * 256u + ((pos >> (8u * level)) & 255u)) * HALF + i]);
    }
    return multiply(v, angle);
//#endif
}

// Elements i and i + HALF of a token's head, counted over queries, keys and values: queries go back to
// qkv from `at` on, the rest to the sequence's ring.
fn place(v: vec2<f32>, head: u32, i: u32, pos: u32, at: u32, sequence: u32) {
    if head < HEADS {
        let turned = turn(v, pos, i);
        y[at] = turned.x;
        y[at + HALF] = turned.y;
        return;
    }
    var kept = v;
    if head < HEADS + KV_HEADS {
        kept = turn(v, pos, i);
    }
    // Values lie RING positions after keys.
    let row = head - HEADS;
    let slot = ((2u * sequence + row / KV_HEADS) * ring() + pos % ring()) * KV_HEADS + row % KV_HEADS;
//#if HALVES
    kv[slot * HEAD_WORDS + i] = two_halves(kept);
//#else
    kv[slot * HEAD_WORDS + i] = kept.x;
    kv[slot * HEAD_WORDS + i + HALF] = kept.y;
//#endif
}

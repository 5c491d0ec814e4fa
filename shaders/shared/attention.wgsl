// What the attention kernels share: their input, and its shape, in vectors of VALUES dims.
//#include shared/row.wgsl
// HALVES: keys and values are fp16, of a head's elements i and i + HEAD_DIM / 2 in one word i, as shared/rope.wgsl leaves
// them. Column c then is elements VALUES / 2 c and those that follow, then the ones half a head further: of keys, of values,
// of queries and of what comes out.
//#if QUAD
alias Vec = vec4<f32>;
const VALUES = 4u;
//#else
alias Vec = vec2<f32>;
const VALUES = 2u;
//#endif
//#if HALVES
//#if QUAD
alias Near = vec2<f32>; // of a column, what lies side by side
alias Kept = vec2<u32>;
fn unpacked(v: Kept) -> Vec {
    let a = unpack2x16float(v.x);
    let b = unpack2x16float(v.y);
    return Vec(a.x, b.x, a.y, b.y);
}
//#else
alias Near = f32;
alias Kept = u32;
fn unpacked(v: Kept) -> Vec { return unpack2x16float(v); }
//#endif
fn query(head: u32, c: u32) -> Vec { return Vec(qkv[2u * head * COLS + c], qkv[(2u * head + 1u) * COLS + c]); }
fn element(c: u32, i: u32) -> u32 { return i / (VALUES / 2u) * (HEAD_DIM / 2u) + c * (VALUES / 2u) + i % (VALUES / 2u); }
//#else
alias Near = Vec;
alias Kept = Vec;
fn unpacked(v: Kept) -> Vec { return v; }
// Column c of a head, which is counted over all rows.
fn query(head: u32, c: u32) -> Vec { return qkv[head * COLS + c]; }
// Which of a head's elements is value i of column c.
fn element(c: u32, i: u32) -> u32 { return c * VALUES + i; }
//#endif
@group(0) @binding(0) var<storage, read> qkv: array<Near>;
@group(0) @binding(1) var<storage, read> kv: array<Kept>;

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
override SCALE: f32;
override SIZE: u32;
override ROW: u32;      // heads in a row of qkv: HEADS + 2 KV_HEADS, or of queries alone, whose keys are another layer's
const COLS = HEAD_DIM / VALUES;
const LOWEST = -3.0e38;

// DIFFERENTIAL: the kernels' heads are those of differential attention (Ye et al., section 2.1), whose query and key heads
// 2 j and 2 j + 1 are a pair, and whose value heads are read side by side: of each pair of stored heads four KV heads, by
// the key's stripe and the value's half, 4 g + 2 stripe + half. A KV head has the queries of its stripe, in order;
// diff_combine.wgsl finds what became of them.
//#if DIFFERENTIAL
const STORED = KV_HEADS / 2u; // heads in the ring
fn query_head_of(head: u32) -> u32 {
    let kv_head = head / (HEADS / KV_HEADS);
    return 2u * (kv_head / 4u * (HEADS / KV_HEADS) + head % (HEADS / KV_HEADS)) + kv_head / 2u % 2u;
}
fn key_head_of(kv_head: u32) -> u32 { return kv_head / 2u; }
fn value_head_of(kv_head: u32) -> u32 { return kv_head / 4u * 2u + kv_head % 2u; }
//#else
const STORED = KV_HEADS;
fn query_head_of(head: u32) -> u32 { return head; }
fn key_head_of(kv_head: u32) -> u32 { return kv_head; }
fn value_head_of(kv_head: u32) -> u32 { return kv_head; }
//#endif

// FULL: a query sees all keys before it and none wraps around; how many positions kv has room for is its own matter,
// so that kernels need not be compiled again when it grows.
//#if FULL
fn slot(pos: u32) -> u32 { return pos; }
fn first_seen(pos: u32) -> u32 { return 0u; }
fn values_at() -> u32 { return arrayLength(&kv) / (2u * SEQUENCES); }
//#else
override RING: u32;
override WINDOW: u32;
fn slot(pos: u32) -> u32 { return pos % RING; }
fn first_seen(pos: u32) -> u32 { return select(0u, pos + 1u - WINDOW, pos + 1u > WINDOW); }
fn values_at() -> u32 { return RING * STORED * COLS; }
//#endif

// Where a stored head of the keys at a position starts; of the values, values_at() later.
fn stored_at(pos: u32, stored: u32) -> u32 { return (slot(pos) * STORED + stored) * COLS; }

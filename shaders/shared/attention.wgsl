// What the attention kernels share: their input, and its shape, in vectors of VALUES dims.
//#include shared/row.wgsl
//#if QUAD
alias Vec = vec4<f32>;
const VALUES = 4u;
//#else
alias Vec = vec2<f32>;
const VALUES = 2u;
//#endif
@group(0) @binding(0) var<storage, read> qkv: array<Vec>;
@group(0) @binding(1) var<storage, read> kv: array<Vec>;

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_DIM: u32;
override SCALE: f32;
override SIZE: u32 = 128;
const COLS = HEAD_DIM / VALUES;
const LOWEST = -3.0e38;

// FULL: a query sees all keys before it and none wraps around; how many positions kv has room for is its own matter,
// so that kernels need not be compiled anew when it grows.
//#if FULL
fn slot(pos: u32) -> u32 { return pos; }
fn first_seen(pos: u32) -> u32 { return 0u; }
fn values_at() -> u32 { return arrayLength(&kv) / (2u * SEQUENCES); }
//#else
override RING: u32;
override WINDOW: u32;
fn slot(pos: u32) -> u32 { return pos % RING; }
fn first_seen(pos: u32) -> u32 { return select(0u, pos + 1u - WINDOW, pos + 1u > WINDOW); }
fn values_at() -> u32 { return RING * KV_HEADS * COLS; }
//#endif

// Where the key at a position starts; its value starts values_at() later.
fn key_at(pos: u32, kv_head: u32) -> u32 { return (slot(pos) * KV_HEADS + kv_head) * COLS; }

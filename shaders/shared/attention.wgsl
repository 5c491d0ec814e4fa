// What the attention kernels share: their input, and its shape, in vectors of VALUES dims.
//#include shared/cursor.wgsl
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
override RING: u32;
override WINDOW: u32;
override SCALE: f32;
const SIZE = 128u;
const COLS = HEAD_DIM / VALUES;
const LOWEST = -3.0e38;

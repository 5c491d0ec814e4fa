// A gate: out[t, i] = SiLU(FACTOR z[t, i]) * m[t, i]       z from OFFSET on in rows of STRIDE; m, out [count, WIDTH]
//
// Mamba's output (section 3.4) where its y before the gate is kept, and the gated memory unit, which reads it
// (Decoder-Hybrid-Decoder, section 2).
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override STRIDE: u32;
override OFFSET: u32;
override WIDTH: u32;
override FACTOR: f32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= WIDTH || id.y >= cursor.count {
        return;
    }
    let i = id.y * WIDTH + id.x;
    out[i] = silu(FACTOR * z[id.y * STRIDE + OFFSET + id.x]) * m[i];
}

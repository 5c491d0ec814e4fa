// SwiGLU: h[t, i] = SiLU(g[t, i]) * u[t, i], where gate_up [count, 2 WIDTH] holds a token's g, then its u.
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read_write> h: array<f32>;
@group(0) @binding(2) var<storage, read> cursor: Cursor;

override WIDTH: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= WIDTH || id.y >= cursor.count {
        return;
    }
    let base = id.y * 2u * WIDTH + id.x;
    h[id.y * WIDTH + id.x] = silu(gate_up[base]) * gate_up[base + WIDTH];
}

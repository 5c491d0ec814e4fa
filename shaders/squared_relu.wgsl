// Squared ReLU (Primer, section 3), in place: h[t, i] = max(h[t, i], 0)^2      h [count, WIDTH]
//#include shared/cursor.wgsl
@group(0) @binding(0) var<storage, read_write> h: array<f32>;
@group(0) @binding(1) var<storage, read> cursor: Cursor;

override WIDTH: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= WIDTH || id.y >= cursor.count {
        return;
    }
    let v = max(h[id.y * WIDTH + id.x], 0.0);
    h[id.y * WIDTH + id.x] = v * v;
}

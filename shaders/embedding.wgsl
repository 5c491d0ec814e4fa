// x[t, :] = FACTOR E[ids[t], :], and the id joins the history that the sampler's penalties read.
//
// E may be stored in parts: this dispatch serves the rows ROW0 to ROW0 + OUT - 1 and leaves others alone.
// ids [count], x [count, IN], history [HISTORY] by absolute position. BATCH: ids [PLACES], history [PLACES, HISTORY].
//#include shared/row.wgsl
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> history: array<u32>;
@group(0) @binding(5) var<storage, read> cursor: Cursor;

override OUT: u32;
override ROW0: u32;
override HISTORY: u32;
override FACTOR: f32;

//#include shared/weight_at.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let t = id.y;
    let col = id.x;
    if t >= cursor.count || col >= IN {
        return;
    }
//#if BATCH
    let token = ids[sequence(t)];
//#else
    let token = ids[t];
//#endif
    if token < ROW0 || token >= ROW0 + OUT {
        return;
    }
    x[t * IN + col] = FACTOR * weight_at(token - ROW0, col);
    // Of a chunk longer than the history only the tail is kept: two tokens must not race for a place.
    if col == 0u && time(t) + HISTORY >= cursor.count {
        history[sequence(t) * HISTORY + position(t) % HISTORY] = token;
    }
}

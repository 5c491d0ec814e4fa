// Mamba-2's recurrence over a chunk, a token, or a BATCH of tokens (Transformers are SSMs, section 7):
//   dt[t, j]   = softplus(DT_FACTOR dt_raw[t, j] + dt_bias[j])                     of head j
//   h[c, n]    = exp(dt A[j]) h[c, n] + dt B[t, g, n] x[t, c]                       A = -exp(A_log); channel c is of head j,
//   y[t, c]    = (sum_n C[t, g, n] h[c, n] + D[j] x[t, c]) * SiLU(Z_FACTOR z[t, c]) which is of group g
//
// rows [count, STRIDE] is in_proj's result: z [INNER], x, B and C, dt_raw [HEADS]; xbc is x [INNER], B and C [GROUPS,
// D_STATE] behind the convolution, from XBC_OFFSET on in rows of XBC_STRIDE. params A_log, D, dt_bias [HEADS]; ssm_state h
// [INNER, D_STATE], carried from chunk to chunk; y [count, INNER]. Everything is fp32.
// CLAMPED: dt stays between DT_MIN and DT_MAX. UNGATED: without SiLU(z). VECTORS: D_STATE, INNER, XBC_STRIDE and
// XBC_OFFSET are multiples of 4. BATCH: one token each of sequences whose states are ssm_state [PLACES, DEPTH, ...].
//
// ROWS: the next tokens of one text, some of them guesses, in tiles of one. ssm_state [rows + 1, ...] has the state before
// them at cursor.spare, and takes the one after row t at t + 1.
//
// A workgroup has CHANNELS channels of a head. LANES threads share a channel's states, which lie in registers, four to a
// vector; what is beyond the last stays 0. Time goes in tiles of TILE tokens, whose B, C, x and decays lie in workgroup
// memory; the next tile's are on their way while one is computed. A thread's part of a sum over n waits there, too, and
// is added to the others' once a tile.
//#include shared/row.wgsl
//#include shared/activation.wgsl
//#include shared/softplus.wgsl
@group(0) @binding(0) var<storage, read> rows: array<f32>;
//#if VECTORS
@group(0) @binding(1) var<storage, read> xbc: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> ssm_state: array<vec4<f32>>;
//#else
@group(0) @binding(1) var<storage, read> xbc: array<f32>;
@group(0) @binding(3) var<storage, read_write> ssm_state: array<f32>;
//#endif
@group(0) @binding(2) var<storage, read> params: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> cursor: Cursor;

override HEADS: u32;
override HEAD_DIM: u32;
override D_STATE: u32;
override GROUPS: u32;
override XBC_STRIDE: u32;
override XBC_OFFSET: u32;
override DT_FACTOR: f32;
override Z_FACTOR: f32;
override DT_MIN: f32;
override DT_MAX: f32;
override LANES: u32;
override CHANNELS: u32;
override TILE: u32;
override FOURS: u32;     // vectors of a thread's states: D_STATE / 4 / LANES, rounded up
override LOADS: u32;     // of B's and C's vectors, a thread's for a tile
override OUTS: u32;      // of x, z and y, a thread's for a tile: TILE / LANES, rounded up
const INNER = HEADS * HEAD_DIM;
const STRIDE = 2u * INNER + 2u * GROUPS * D_STATE + HEADS;
const PARTS = (HEAD_DIM + CHANNELS - 1u) / CHANNELS; // workgroups of a head
const SIZE = LANES * CHANNELS;
const WIDTH = FOURS * LANES; // vectors of B, and of C
const BC = TILE * 2u * WIDTH;
const OUT = TILE * CHANNELS;
const PITCH = LANES + 1u;
const SUMS = OUT * PITCH;

var<workgroup> bc: array<vec4<f32>, BC>;       // [TILE, B then C]
var<workgroup> xs: array<f32, OUT>;            // [TILE, CHANNELS]
var<workgroup> steps: array<vec2<f32>, TILE>;  // decay, dt
var<workgroup> sums: array<f32, SUMS>;         // [TILE, CHANNELS, LANES]

fn x_at(t: u32, c: u32) -> f32 {
    let i = t * XBC_STRIDE + XBC_OFFSET + c;
//#if VECTORS
    return xbc[i / 4u][i % 4u];
//#else
    return xbc[i];
//#endif
}

// Vector i of a tile: of B's or C's states n to n + 3, of its token
fn bc_at(i: u32, t0: u32, last: u32, matrix: u32) -> vec4<f32> {
    let t = min(t0 + i / (2u * WIDTH), last);
    let n = i % WIDTH * 4u;
    var v = vec4<f32>(0.0);
    if n < D_STATE {
        let at = t * XBC_STRIDE + XBC_OFFSET + INNER + (i / WIDTH % 2u * GROUPS + matrix) * D_STATE + n;
//#if VECTORS
        v = xbc[at / 4u];
//#else
        for (var j = 0u; j < 4u; j++) { //#unroll
            if n + j < D_STATE {
                v[j] = xbc[at + j];
            }
        }
//#endif
    }
    return v;
}

// A thread's states to their place.
fn leave(h: ptr<function, array<vec4<f32>, FOURS>>, after: u32, lane: u32) {
    for (var f = 0u; f < FOURS; f++) { //#unroll
        let n = (f * LANES + lane) * 4u;
        if n < D_STATE {
//#if VECTORS
            ssm_state[(after + n) / 4u] = (*h)[f];
//#else
            for (var j = 0u; j < 4u; j++) { //#unroll
                if n + j < D_STATE {
                    ssm_state[after + n + j] = (*h)[f][j];
                }
            }
//#endif
        }
    }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x / PARTS;
    let matrix = head / (HEADS / GROUPS);
    let channel0 = group.x % PARTS * CHANNELS; // within the head
//#if BATCH
    let row = group.y;
    if row >= cursor.count {
        return;
    }
    let end = row + 1u;
//#else
    let row = 0u;
    let end = cursor.count;
//#endif
    let lane = thread % LANES;
    // Threads past the head's last channel work on it again and write nothing: barriers need every thread.
    let own = channel0 + thread / LANES;
    let c = head * HEAD_DIM + min(own, HEAD_DIM - 1u);
//#if ROWS
    let before = (cursor.spare * INNER + c) * D_STATE;
//#else
    let before = (found(row) * INNER + c) * D_STATE;
//#endif
    var h: array<vec4<f32>, FOURS>;
    for (var f = 0u; f < FOURS; f++) { //#unroll
        let n = (f * LANES + lane) * 4u;
        h[f] = vec4<f32>(0.0);
        if n < D_STATE {
//#if VECTORS
            h[f] = ssm_state[(before + n) / 4u];
//#else
            for (var j = 0u; j < 4u; j++) { //#unroll
                if n + j < D_STATE {
                    h[f][j] = ssm_state[before + n + j];
                }
            }
//#endif
        }
    }
    let a = -exp(params[head]);
    let d = params[HEADS + head];
    let dt_bias = params[2u * HEADS + head];

    // What the next tile takes; tokens past the last are the last again.
    var next: array<vec4<f32>, LOADS>;
    var next_x: array<f32, OUTS>;
    for (var i = 0u; i < LOADS; i++) { //#unroll
        next[i] = bc_at(min(i * SIZE + thread, BC - 1u), row, end - 1u, matrix);
    }
    for (var i = 0u; i < OUTS; i++) { //#unroll
        let o = min(i * SIZE + thread, OUT - 1u);
        next_x[i] = x_at(min(row + o / CHANNELS, end - 1u), head * HEAD_DIM + min(channel0 + o % CHANNELS, HEAD_DIM - 1u));
    }
    var dt_raw = rows[min(row + min(thread, TILE - 1u), end - 1u) * STRIDE + STRIDE - HEADS + head];

    for (var t0 = row; t0 < end; t0 += TILE) {
        for (var i = 0u; i < LOADS; i++) { //#unroll
            if i * SIZE + thread < BC {
                bc[i * SIZE + thread] = next[i];
            }
        }
        var x: array<f32, OUTS>;
        for (var i = 0u; i < OUTS; i++) { //#unroll
            x[i] = next_x[i];
            if i * SIZE + thread < OUT {
                xs[i * SIZE + thread] = x[i];
            }
        }
        if thread < TILE {
            var dt = softplus(DT_FACTOR * dt_raw + dt_bias);
//#if CLAMPED
            dt = clamp(dt, DT_MIN, DT_MAX);
//#endif
            steps[thread] = vec2<f32>(exp(dt * a), dt);
        }
        workgroupBarrier();
        var z: array<f32, OUTS>;
        for (var i = 0u; i < OUTS; i++) { //#unroll
            let o = min(i * SIZE + thread, OUT - 1u);
            let p = head * HEAD_DIM + min(channel0 + o % CHANNELS, HEAD_DIM - 1u);
//#if !UNGATED
            z[i] = rows[min(t0 + o / CHANNELS, end - 1u) * STRIDE + p];
//#endif
            next_x[i] = x_at(min(t0 + TILE + o / CHANNELS, end - 1u), p);
        }
        for (var i = 0u; i < LOADS; i++) { //#unroll
            next[i] = bc_at(min(i * SIZE + thread, BC - 1u), t0 + TILE, end - 1u, matrix);
        }
        dt_raw = rows[min(t0 + TILE + min(thread, TILE - 1u), end - 1u) * STRIDE + STRIDE - HEADS + head];
        for (var i = 0u; i < min(TILE, end - t0); i++) {
            let step = steps[i];
            let v = step.y * xs[i * CHANNELS + thread / LANES];
            var sum = vec4<f32>(0.0);
            for (var f = 0u; f < FOURS; f++) { //#unroll
                h[f] = step.x * h[f] + v * bc[i * 2u * WIDTH + f * LANES + lane];
                sum += bc[(i * 2u + 1u) * WIDTH + f * LANES + lane] * h[f];
            }
            sums[(i * CHANNELS + thread / LANES) * PITCH + lane] = (sum.x + sum.y) + (sum.z + sum.w);
        }
        workgroupBarrier();
        for (var i = 0u; i < OUTS; i++) { //#unroll
            let o = i * SIZE + thread;
            let t = t0 + o / CHANNELS;
            if o < OUT && t < end && channel0 + o % CHANNELS < HEAD_DIM {
                var sum = d * x[i];
                for (var k = 0u; k < LANES; k++) { //#unroll
                    sum += sums[o * PITCH + k];
                }
//#if UNGATED
                y[t * INNER + head * HEAD_DIM + channel0 + o % CHANNELS] = sum;
//#else
                y[t * INNER + head * HEAD_DIM + channel0 + o % CHANNELS] = sum * silu(Z_FACTOR * z[i]);
//#endif
            }
        }
//#if ROWS
        if own < HEAD_DIM {
            leave(&h, ((t0 + 1u) * INNER + c) * D_STATE, lane);
        }
//#endif
        // No barrier: what the next tile writes before one was last read before the last one.
    }
//#if !ROWS
    if own < HEAD_DIM {
        leave(&h, (left(row) * INNER + c) * D_STATE, lane);
    }
//#endif
}

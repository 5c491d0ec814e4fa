//#if SUBGROUPS
enable subgroups;
//#endif
// One token through a linear layer: y[r] = FACTOR (sum_k W[r, k] x[k] + bias[r]).  W [OUT, IN] as in shared/weight.wgsl
//
// NORM    x is normalised on the way (RMSNorm with the given gain): the scale factors out of the sum, so that
//         each row's lanes gather sum(x^2) beside their product and no pass of its own is needed
// ALIGNED IN and X_STRIDE are multiples of 4, so that four values load at once
// LAST    x is the last of the chunk's tokens (cursor.count), not the first
// What becomes of the sums:
// ADD     y += W x: the residual
// SWIGLU  W holds the gate's OUT rows, then up's: y[r] = SiLU(W[r] x) * (W[OUT + r] x)
// CONV    W is in_proj of Mamba or Mamba-2. D_INNER rows from OFFSET on pass through the causal convolution and SiLU as
//         in causal_conv1d.wgsl, each channel on its own, and conv_state moves on; the others stay as they are
// ROPE    W is attention's fused projection: shared/rope.wgsl
//
// LANES threads share ROWS outputs, so that x is read once for all of them; SWIGLU and ROPE make an output from
// two rows. Each step a lane takes 16 bytes of a quantized row (32 weights of 4 bits, 16 of 8), or 4 plain weights;
// scale and bias factor out of the group's inner product: sum_k (s q_k + b) x_k = s (q . x) + b sum(x).
// Nibbles are not shifted down: x is scaled by 16^-k instead, exactly, once for all rows.
// STAGED  x lies in workgroup memory, normalised and scaled, a step's vectors STEPS + 1 apart, so that neighbouring
//         lanes read neighbouring places. The next step's weights are on their way while a step is computed.
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
//#include shared/finish.wgsl
//#if QUANTIZED
@group(0) @binding(0) var<storage, read> weight: array<vec4<u32>>;
//#else
//#if !ALIGNED
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#else
//#if F32
@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
//#else
@group(0) @binding(0) var<storage, read> weight: array<vec2<u32>>;
//#endif
//#endif
//#endif
//#include shared/weight.wgsl
//#if ALIGNED
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
//#else
@group(0) @binding(2) var<storage, read> x: array<f32>;
//#endif
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
//#if NORM
//#if ALIGNED
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
//#else
@group(0) @binding(4) var<storage, read> gain: array<f32>;
//#endif
//#endif
//#if CONV
@group(0) @binding(5) var<storage, read> conv: array<f32>; // weights [D_INNER, D_CONV], then biases
@group(0) @binding(6) var<storage, read_write> conv_state: array<f32>;
override D_INNER: u32;
override D_CONV: u32;
override TAPS: u32; // D_CONV - 1: inputs that the state keeps
override OFFSET: u32;
//#endif
//#if ROPE
@group(0) @binding(5) var<storage, read> cursor: Cursor;
@group(0) @binding(6) var<storage, read_write> kv: array<f32>;
//#if !NOPE
@group(0) @binding(7) var<storage, read> angles: array<vec2<f32>>;
//#endif
//#include shared/rope.wgsl
//#endif
//#if LAST
@group(0) @binding(7) var<storage, read> cursor: Cursor;
//#endif

override IN: u32;
override OUT: u32;       // outputs: rows, or pairs of rows
override X_STRIDE: u32;  // elements between two tokens' x
override ROW0: u32;  // first row of y that this part of W makes
override EPS: f32;
override VALUES: u32;    // weights a lane takes in one step: 32, 16, 4 or 1
override LANES: u32;
override SIZE: u32;
override ROWS: u32;
override SUBGROUP: u32; // threads that add up among themselves: a subgroup's, or LANES of them
override WARP: u32;     // a subgroup's threads
const STEPS = IN / VALUES;
override N: u32;         // rows behind them: ROWS or 2 ROWS
override SUMS: u32;      // what lanes add up: N products and, with NORM but not STAGED, the sum of squares
override QUADS: u32; // VALUES / 4

//#if ALIGNED
alias Inputs = array<vec4<f32>, QUADS>;
//#else
alias Inputs = f32;
//#endif

//#if Q4
// Eight nibbles, where they stand, with eight inputs that are scaled for it.
fn word_dot(word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    return dot(vec4<f32>(vec4<u32>(word) & vec4<u32>(0xfu, 0xf0u, 0xf00u, 0xf000u)), low)
         + dot(vec4<f32>(vec4<u32>(word) & vec4<u32>(0xf0000u, 0xf00000u, 0xf000000u, 0xf0000000u)), high);
}
//#endif

// What a lane takes of a row in one step, as it is stored.
//#if QUANTIZED
struct Taken { data: vec4<u32>, affine: u32 }
//#else
//#if ALIGNED
//#if F32
struct Taken { data: vec4<f32> }
//#else
struct Taken { data: vec2<u32> }
//#endif
//#else
struct Taken { data: f32 }
//#endif
//#endif

fn take(row: u32, step: u32) -> Taken {
//#if QUANTIZED
    return Taken(weight[row * STEPS + step], affine[row * (IN / GROUP) + step * VALUES / GROUP]);
//#else
//#if ALIGNED
    return Taken(weight[row * STEPS + step]);
//#else
    let i = row * IN + step;
//#if F32
    return Taken(bitcast<f32>(weight[i]));
//#endif
//#if F16
    return Taken(unpack2x16float(weight[i / 2u])[i % 2u]);
//#endif
//#if BF16
    return Taken(bf16_pair(weight[i / 2u])[i % 2u]);
//#endif
//#endif
//#endif
}

// Its product with the lane's inputs, whose sum (of x itself, not as scaled) is given, too.
fn product(w: Taken, xs: Inputs, sum: f32) -> f32 {
//#if QUANTIZED
    let a = affine_pair(w.affine);
//#if Q4
    let q = (word_dot(w.data.x, xs[0], xs[1]) + word_dot(w.data.y, xs[2], xs[3]))
          + (word_dot(w.data.z, xs[4], xs[5]) + word_dot(w.data.w, xs[6], xs[7]));
//#else
    let q = (dot(bytes(w.data.x), xs[0]) + dot(bytes(w.data.y), xs[1])) + (dot(bytes(w.data.z), xs[2]) + dot(bytes(w.data.w), xs[3]));
//#endif
    return a.x * q + a.y * sum;
//#else
//#if ALIGNED
//#if F32
    return dot(w.data, xs[0]);
//#endif
//#if F16
    return dot(vec4<f32>(unpack2x16float(w.data.x), unpack2x16float(w.data.y)), xs[0]);
//#endif
//#if BF16
    return dot(vec4<f32>(bf16_pair(w.data.x), bf16_pair(w.data.y)), xs[0]);
//#endif
//#else
    return w.data * xs;
//#endif
//#endif
}

//#if Q4
// Vector i of a step's inputs is scaled by this, and its sum is its product with the inverse.
const EVEN = vec4<f32>(1.0, 0x1p-4, 0x1p-8, 0x1p-12);
const ODD = vec4<f32>(0x1p-16, 0x1p-20, 0x1p-24, 0x1p-28);
const EVEN_INVERSE = vec4<f32>(1.0, 0x1p4, 0x1p8, 0x1p12);
const ODD_INVERSE = vec4<f32>(0x1p16, 0x1p20, 0x1p24, 0x1p28);
//#endif

// The row of W behind output r: of a pair, the first.
fn first_row(r: u32) -> u32 {
//#if ROPE
    return r / HALF * HEAD_DIM + r % HALF;
//#else
    return r;
//#endif
}

//#if PAIRED
fn second_row(r: u32) -> u32 {
//#if ROPE
    return first_row(r) + HALF;
//#else
    return OUT + r;
//#endif
}
//#endif

fn finish(r: u32, a: f32, b: f32) {
//#if SWIGLU
    y[ROW0 + r] = silu(a) * b;
//#else
//#if ROPE
    place(vec2<f32>(a, b), r / HALF, r % HALF, cursor.pos, first_row(r), 0u);
//#else
//#if CONV
    let row = ROW0 + r;
    if row < OFFSET || row >= OFFSET + D_INNER {
        y[row] = a;
        return;
    }
    let c = row - OFFSET;
    // All are on their way before the first is written.
    var inputs: array<f32, D_CONV>;
    for (var k = 0u; k < TAPS; k++) { //#unroll
        inputs[k] = conv_state[c * TAPS + k];
    }
    inputs[TAPS] = a;
    var sum = conv[D_INNER * D_CONV + c] + conv[c * D_CONV + TAPS] * a;
    for (var k = 0u; k < TAPS; k++) { //#unroll
        sum += conv[c * D_CONV + k] * inputs[k];
        conv_state[c * TAPS + k] = inputs[k + 1u];
    }
    y[row] = silu(sum);
//#else
//#if ADD
    y[ROW0 + r] += a;
//#else
    y[ROW0 + r] = a;
//#endif
//#endif
//#endif
//#endif
}

//#if STAGED
const PITCH = STEPS + 1u;
const STAGE = QUADS * PITCH;
var<workgroup> stage: array<vec4<f32>, STAGE>;
//#if NORM
const SQUARES = SIZE / WARP;
var<workgroup> squares: array<f32, SQUARES>;
//#endif
//#endif

//#if SHARED
// Sums on their way between lanes: with subgroups, one a subgroup; without, one a lane.
const PARTIALS = SIZE / SUBGROUP;
var<workgroup> partial: array<array<f32, SUMS>, PARTIALS>;
//#endif

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = thread % LANES;
    let r0 = ((group.y * groups.x + group.x) * (SIZE / LANES) + thread / LANES) * ROWS;
    // Outputs past the last are the last again, and nothing is written: barriers below need every thread.
    var rows: array<u32, N>;
    for (var n = 0u; n < ROWS; n++) { //#unroll
        let r = min(r0 + n, OUT - 1u);
        rows[n] = first_row(r);
//#if PAIRED
        rows[ROWS + n] = second_row(r);
//#endif
    }
//#if LAST
    let first = (cursor.count - 1u) * X_STRIDE;
//#else
    let first = 0u;
//#endif
    var acc: array<f32, SUMS>;
//#if STAGED
    var next: array<Taken, N>;
    for (var n = 0u; n < N; n++) { //#unroll
        next[n] = take(rows[n], min(lane, STEPS - 1u));
    }
    var square = 0.0;
    for (var i = thread; i < STEPS * QUADS; i += SIZE) {
        var v = x[first / 4u + i];
//#if NORM
        square += dot(v, v);
        v *= gain[i];
//#endif
//#if Q4
        v *= select(ODD, EVEN, i % 2u == 0u);
//#endif
        stage[i % QUADS * PITCH + i / QUADS] = v;
    }
//#if NORM
//#if SUBGROUPS
    square = subgroupAdd(square);
//#endif
    if thread % WARP == 0u {
        squares[thread / WARP] = square;
    }
//#endif
    workgroupBarrier();
    for (var step = lane; step < STEPS; step += LANES) {
        var now: array<Taken, N>;
        for (var n = 0u; n < N; n++) { //#unroll
            now[n] = next[n];
            next[n] = take(rows[n], min(step + LANES, STEPS - 1u));
        }
        var sum = 0.0;
        var xs: Inputs;
        for (var i = 0u; i < QUADS; i++) { //#unroll
            xs[i] = stage[i * PITCH + step];
//#if QUANTIZED
//#if Q4
            sum += dot(xs[i], select(ODD_INVERSE, EVEN_INVERSE, i % 2u == 0u));
//#else
            sum += xs[i].x + xs[i].y + xs[i].z + xs[i].w;
//#endif
//#endif
        }
        for (var n = 0u; n < N; n++) { //#unroll
            acc[n] += product(now[n], xs, sum);
        }
    }
//#else
    for (var step = lane; step < STEPS; step += LANES) {
        var sum = 0.0;
        var xs: Inputs;
//#if ALIGNED
        for (var i = 0u; i < QUADS; i++) { //#unroll
            var v = x[first / 4u + step * QUADS + i];
//#if NORM
            acc[N] += dot(v, v);
            v *= gain[step * QUADS + i];
//#endif
            sum += v.x + v.y + v.z + v.w;
//#if Q4
            v *= select(ODD, EVEN, i % 2u == 0u);
//#endif
            xs[i] = v;
        }
//#else
        var v = x[first + step];
//#if NORM
        acc[N] += v * v;
        v *= gain[step];
//#endif
        xs = v;
//#endif
        for (var n = 0u; n < N; n++) { //#unroll
            acc[n] += product(take(rows[n], step), xs, sum);
        }
    }
//#endif
//#if SUBGROUPS
    for (var mask = min(LANES, SUBGROUP) / 2u; mask > 0u; mask /= 2u) {
        for (var n = 0u; n < SUMS; n++) { //#unroll
            acc[n] += subgroupShuffleXor(acc[n], mask);
        }
    }
//#endif
//#if SHARED
    // A subgroup's threads follow one another: its first one speaks for it.
    if thread % SUBGROUP == 0u {
        for (var n = 0u; n < SUMS; n++) { //#unroll
            partial[thread / SUBGROUP][n] = acc[n];
        }
    }
    workgroupBarrier();
    let own = thread / SUBGROUP;
    for (var stride = LANES / SUBGROUP / 2u; stride > 0u; stride /= 2u) {
        if lane % SUBGROUP == 0u && lane / SUBGROUP < stride {
            for (var n = 0u; n < SUMS; n++) {
                partial[own][n] += partial[own + stride][n];
            }
        }
        workgroupBarrier();
    }
    for (var n = 0u; n < SUMS; n++) { //#unroll
        acc[n] = partial[(thread - lane) / SUBGROUP][n];
    }
//#endif
//#if NORM
//#if STAGED
    var all = squares[0];
    for (var i = 1u; i < SQUARES; i++) {
        all += squares[i];
    }
    let scale = inverseSqrt(all / f32(IN) + EPS);
//#else
    let scale = inverseSqrt(acc[N] / f32(IN) + EPS);
//#endif
//#else
    let scale = 1.0;
//#endif
    for (var n = 0u; n < ROWS; n++) { //#unroll
        if lane == n % LANES && r0 + n < OUT {
//#if PAIRED
            finish(r0 + n, finished(acc[n] * scale, ROW0 + rows[n]), finished(acc[ROWS + n] * scale, ROW0 + rows[ROWS + n]));
//#else
            finish(r0 + n, finished(acc[n] * scale, ROW0 + rows[n]), 0.0);
//#endif
        }
    }
}

//#if SUBGROUPS
enable subgroups;
//#endif
// What the matvec kernels share: one token through a linear layer, or a few of one text, each by workgroups of its own
// (grid.x) that do what one token's do, to the bit. A kernel includes this file first and says what becomes of the sums,
//   fn store(t: u32, r: u32, v: f32)      v = FACTOR (sum_k W[r, k] x[k] + bias[r])     y[t, ROW0 + r] is r's place
// or, where an output is made from two rows (PAIRED), which they are and what becomes of both:
//   fn first_row(r: u32) -> u32
//   fn second_row(r: u32) -> u32
//   fn store(t: u32, r: u32, a: f32, b: f32)
// W [rows, IN] as in shared/weight.wgsl
//
// NORM    x is normalised on the way (RMSNorm with the given gain): the scale factors out of the sum, so that
//         each row's lanes gather sum(x^2) beside their product and no pass of its own is needed
// LAYER   x passes through LayerNorm on the way, whose gains and biases gain has [2, IN]; STAGED, too. Mean and variance are
//         those of a sum around the mean: each thread's own, brought to its subgroup's and then to that of all (Chan et al.)
// ALIGNED IN and X_STRIDE are multiples of 4, so that four values load at once
// LAST    x is the last of the chunk's tokens (cursor.count), not the first: as many as there are grid.x
//
// LANES threads share ROWS outputs, so that x is read once for all of them. Each step a lane takes 16 bytes of a quantized
// row (shared/matvec_quantized.wgsl), or 4 plain weights or one (shared/matvec_plain.wgsl).
// STAGED  x lies in workgroup memory, normalised and scaled, a step's vectors STEPS + 1 apart, so that neighbouring
//         lanes read neighbouring places. The next step's weights are on their way while a step is computed.
// HELD    a thread asks for its first HOLDS vectors of x before any weights: all of the workgroup waits for x
// DIGITS  x lies there as whole numbers in digits of 8 bits instead (shared/matvec_digits.wgsl); STAGED and quantized, too
// JOINED  x is what the splits of window_attention_split.wgsl found, joined as it is staged; STAGED, too. Each workgroup
//         reads all of it from the GPU's cache, which takes less time than a dispatch between
//#include shared/cursor.wgsl
//#include shared/finish.wgsl
//#include shared/weight.wgsl
//#if QUANTIZED
//#include shared/matvec_quantized.wgsl
//#else
//#include shared/matvec_plain.wgsl
//#endif
//#if ALIGNED
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
//#else
@group(0) @binding(2) var<storage, read> x: array<f32>;
//#endif
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
//#if LAYER
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
//#endif
//#if NORM
//#if ALIGNED
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
//#else
@group(0) @binding(4) var<storage, read> gain: array<f32>;
//#endif
//#endif
//#if LAST
@group(0) @binding(7) var<storage, read> cursor: Cursor;
//#endif

override IN: u32;
override OUT: u32;       // outputs: rows, or pairs of rows
override X_STRIDE: u32;  // elements between two tokens' x
override Y_STRIDE: u32;  // and y
override ROW0: u32;      // first row of y that this part of W makes
override EPS: f32;
override VALUES: u32;    // weights a lane takes in one step: 32, 16, 4 or 1
override LANES: u32;
override SIZE: u32;
override ROWS: u32;
override SUBGROUP: u32;  // threads that add up among themselves: a subgroup's, or LANES of them
override WARP: u32;      // a subgroup's threads
const STEPS = IN / VALUES;
override N: u32;         // rows behind them: ROWS or 2 ROWS
override SUMS: u32;      // what lanes add up: N products and, with NORM but not STAGED, the sum of squares
override QUADS: u32;     // VALUES / 4
override HOLDS: u32;

//#if ALIGNED
alias Inputs = array<vec4<f32>, QUADS>;
//#else
alias Inputs = f32;
//#endif

//#if JOINED
override SPLITS: u32;
override COLUMNS: u32; // vectors of a head
// sum_s exp(m_s - m) acc_s / sum_s exp(m_s - m) weight_s, as window_attention_merge.wgsl has it
fn input(first: u32, i: u32) -> vec4<f32> {
    let base = first + i / COLUMNS * SPLITS * (COLUMNS + 1u);
    var said: array<vec4<f32>, SPLITS>; // highest score, sum of weights
    var values: array<vec4<f32>, SPLITS>;
    for (var s = 0u; s < SPLITS; s++) { //#unroll
        said[s] = x[base + s * (COLUMNS + 1u) + COLUMNS];
        values[s] = x[base + s * (COLUMNS + 1u) + i % COLUMNS];
    }
    var highest = said[0].x;
    for (var s = 0u; s < SPLITS; s++) { //#unroll
        highest = max(highest, said[s].x);
    }
    var sum = vec4<f32>(0.0);
    var weight = 0.0;
    for (var s = 0u; s < SPLITS; s++) { //#unroll
        let share = exp(said[s].x - highest);
        weight += share * said[s].y;
        sum += share * values[s];
    }
    return sum / weight;
}
//#endif

//#if STAGED
//#if !JOINED
fn input(first: u32, i: u32) -> vec4<f32> { return x[first + i]; }
//#endif
const PITCH = STEPS + 1u;
//#if !DIGITS
const STAGE = QUADS * PITCH;
var<workgroup> stage: array<vec4<f32>, STAGE>;

// What multiplies vector i of x on the way.
fn gain_of(i: u32) -> vec4<f32> {
//#if NORM
    return gain[i];
//#else
    return vec4<f32>(1.0);
//#endif
}

// Stages vector i of x, which a gain multiplies; the square of x comes back.
fn put(i: u32, x: vec4<f32>, by: vec4<f32>) -> f32 {
    var v = x * by;
//#if Q4
    v *= select(ODD, EVEN, i % 2u == 0u);
//#endif
    stage[i % QUADS * PITCH + i / QUADS] = v;
    return dot(x, x);
}
//#endif
const SQUARES = SIZE / WARP;
//#if LAYER
var<workgroup> moments: array<vec3<f32>, SQUARES>; // how many values, their mean, their squares' sum around it
//#endif
//#if NORM
var<workgroup> squares: array<f32, SQUARES>;
//#endif
//#if DIGITS
//#include shared/matvec_digits.wgsl
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
    // Tokens come first: neighbours read the same weights while a cache has them.
    let t = group.x;
    let r0 = ((group.z * groups.y + group.y) * (SIZE / LANES) + thread / LANES) * ROWS;
    // Outputs past the last are the last again, and nothing is written: barriers below need every thread.
    var rows: array<u32, N>;
    for (var n = 0u; n < ROWS; n++) { //#unroll
        let r = min(r0 + n, OUT - 1u);
//#if PAIRED
        rows[n] = first_row(r);
        rows[ROWS + n] = second_row(r);
//#else
        rows[n] = r;
//#endif
    }
//#if LAST
    let first = (cursor.count - groups.x + t) * X_STRIDE;
//#else
    let first = t * X_STRIDE;
//#endif
    var acc: array<f32, SUMS>;
//#if STAGED
//#if HELD
    var held: array<vec4<f32>, HOLDS>;
    var gains: array<vec4<f32>, HOLDS>;
    for (var h = 0u; h < HOLDS; h++) { //#unroll
        let i = min(thread + h * SIZE, STEPS * QUADS - 1u);
        held[h] = input(first / 4u, i);
        gains[h] = gain_of(i);
    }
//#endif
    var next: array<Taken, N>;
    for (var n = 0u; n < N; n++) { //#unroll
        next[n] = take(rows[n], min(lane, STEPS - 1u));
    }
//#if LAYER
    var mine = vec3<f32>(0.0);
    for (var i = thread; i < STEPS * QUADS; i += SIZE) {
        mine += vec3<f32>(4.0, dot(input(first / 4u, i), vec4<f32>(1.0)), 0.0);
    }
    mine.y /= max(mine.x, 1.0);
    for (var i = thread; i < STEPS * QUADS; i += SIZE) {
        let v = input(first / 4u, i) - mine.y;
        mine.z += dot(v, v);
    }
//#if SUBGROUPS
    let near = subgroupAdd(mine.x);
    let center = subgroupAdd(mine.x * mine.y) / max(near, 1.0);
    mine = vec3<f32>(near, center, subgroupAdd(mine.z + mine.x * (mine.y - center) * (mine.y - center)));
//#endif
    if thread % WARP == 0u {
        moments[thread / WARP] = mine;
    }
    workgroupBarrier();
    var mean = 0.0;
    for (var i = 0u; i < SQUARES; i++) {
        mean += moments[i].x / f32(IN) * moments[i].y;
    }
    var variance = 0.0;
    for (var i = 0u; i < SQUARES; i++) {
        let off = moments[i].y - mean;
        variance += moments[i].z + moments[i].x * off * off;
    }
    let deviation = inverseSqrt(variance / f32(IN) + EPS);
//#endif
    var square = 0.0;
//#if DIGITS
    // As often for each thread: those of a step meet on the way.
    for (var turn = 0u; turn < TURNS; turn++) {
        let at = turn * SIZE + thread;
        let word = min(at, STEPS * 4u - 1u);
        var values: array<vec4<f32>, WORD_VECTORS>;
        for (var h = 0u; h < WORD_VECTORS; h++) { //#unroll
            var v = input(first / 4u, word * WORD_VECTORS + h);
//#if LAYER
            v = (v - mean) * deviation * gain[word * WORD_VECTORS + h] + gain[STEPS * QUADS + word * WORD_VECTORS + h];
//#endif
//#if NORM
            square += select(0.0, dot(v, v), at == word);
            v *= gain[word * WORD_VECTORS + h];
//#endif
            values[h] = v;
        }
        write_digits(word, at == word, values);
    }
//#else
//#if HELD
    for (var h = 0u; h < HOLDS; h++) { //#unroll
        let i = thread + h * SIZE;
        if i < STEPS * QUADS {
            square += put(i, held[h], gains[h]);
        }
    }
    for (var i = thread + HOLDS * SIZE; i < STEPS * QUADS; i += SIZE) {
        square += put(i, input(first / 4u, i), gain_of(i));
    }
//#else
    for (var i = thread; i < STEPS * QUADS; i += SIZE) {
        var v = input(first / 4u, i);
//#if LAYER
        v = (v - mean) * deviation * gain[i] + gain[STEPS * QUADS + i];
//#endif
        square += put(i, v, gain_of(i));
    }
//#endif
//#endif
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
//#if DIGITS
        let about = steps[step];
        var xs: Digits;
        for (var i = 0u; i < DIGIT_VECTORS; i++) { //#unroll
            xs[i] = digits[i * PITCH + step];
        }
        for (var n = 0u; n < N; n++) { //#unroll
            acc[n] += digit_product(now[n], xs, about);
        }
//#else
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
//#endif
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
            store(t, r0 + n, finished(acc[n] * scale, ROW0 + rows[n]), finished(acc[ROWS + n] * scale, ROW0 + rows[ROWS + n]));
//#else
            store(t, r0 + n, finished(acc[n] * scale, ROW0 + rows[n]));
//#endif
        }
    }
}

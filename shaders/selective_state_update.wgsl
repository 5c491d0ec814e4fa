//#if SUBGROUPS
enable subgroups;
//#endif
// One token of the selective scan, dt_proj included (Mamba, equation 2 and section 3.2; Samba, section 2.1):
//   dt[c]   = softplus(sum_k W[c, k] dbc[k] + dt_bias[c])                  W = dt_proj [D_INNER, IN], IN = dt_rank
//   h[c, n] = exp(dt A[c, n]) h[c, n] + dt B[n] x[c]                       A = -exp(A_log)
//   y[c]    = (sum_n C[n] h[c, n] + D[c] x[c]) * SiLU(z[c])
//
// xz [2 D_INNER] holds x after the convolution, then z; dbc [IN + 2 D_STATE] dt's input, B and C; params A_log
// [D_INNER, D_STATE], D, dt_bias; ssm_state h [D_INNER, D_STATE]; y [D_INNER]. Everything is fp32.
// UNGATED: y without SiLU(z).
// LANES threads share a channel: its row of W and its states. WORDS: IN is a multiple of PER, a word's weights.
// NORM: dbc's three parts pass through RMSNorms first, as in norm_dbc.wgsl; the sums of their squares, which every channel
// takes again, cost less than a dispatch between. GAINED: their gains [IN + 2 D_STATE] follow dt_bias in params.
// ROWS: the next tokens of one text, some of them guesses: dbc, xz and y have a row of each. ssm_state [rows + 1, ...] has
// the state before them at cursor.spare, and takes the one after row t at t + 1.
//#include shared/cursor.wgsl
//#include shared/activation.wgsl
//#include shared/softplus.wgsl
@group(0) @binding(0) var<storage, read> weight: array<u32>;
//#include shared/weight.wgsl
//#include shared/weight_at.wgsl
@group(0) @binding(2) var<storage, read> dbc: array<f32>;
@group(0) @binding(3) var<storage, read> xz: array<f32>;
@group(0) @binding(4) var<storage, read> params: array<f32>;
@group(0) @binding(5) var<storage, read_write> ssm_state: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
//#if ROWS
@group(0) @binding(7) var<storage, read> cursor: Cursor;
//#endif

override D_INNER: u32;
override D_STATE: u32;
override ROW0: u32;  // first channel of this part of W
override OUT: u32;       // channels of it
override LANES: u32;
override TURNS: u32;     // states of a lane: D_STATE / LANES, rounded up
override PER: u32;       // weights of a word
//#if NORM
override EPS: f32;
//#endif
const SIZE = 64u;

//#if SHARED
var<workgroup> partial: array<f32, SIZE>;
//#endif

// The sum over a channel's lanes, in each of them.
fn total(v: f32, thread: u32) -> f32 {
    var sum = v;
//#if SUBGROUPS
    for (var mask = LANES / 2u; mask > 0u; mask /= 2u) {
        sum += subgroupShuffleXor(sum, mask);
    }
//#endif
//#if SHARED
    partial[thread] = v;
    workgroupBarrier();
    sum = 0.0;
    for (var i = 0u; i < LANES; i++) {
        sum += partial[thread / LANES * LANES + i];
    }
    workgroupBarrier();
//#endif
    return sum;
}

// Value i of a token's dbc, which begins at `first`: with its norm's gain.
fn input(first: u32, i: u32) -> f32 {
//#if GAINED
    return dbc[first + i] * params[D_INNER * (D_STATE + 2u) + i];
//#else
    return dbc[first + i];
//#endif
}

//#if WORDS
// A row's product with the PER values from k on.
fn product(row: u32, first: u32, k: u32) -> f32 {
    let at = row * IN + k;
    let word = weight[at / PER];
//#if F32
    return bitcast<f32>(word) * input(first, k);
//#endif
//#if F16
    return dot(unpack2x16float(word), vec2<f32>(input(first, k), input(first, k + 1u)));
//#endif
//#if BF16
    return dot(bf16_pair(word), vec2<f32>(input(first, k), input(first, k + 1u)));
//#endif
//#if QUANTIZED
    let a = affine_at(at / GROUP);
    let low = vec4<f32>(input(first, k), input(first, k + 1u), input(first, k + 2u), input(first, k + 3u));
//#if Q8
    return a.x * dot(bytes(word), low) + a.y * dot(vec4<f32>(1.0), low);
//#else
    let high = vec4<f32>(input(first, k + 4u), input(first, k + 5u), input(first, k + 6u), input(first, k + 7u));
    return a.x * (dot(low_nibbles(word), low) + dot(high_nibbles(word), high)) + a.y * dot(vec4<f32>(1.0), low + high);
//#endif
//#endif
}
//#endif

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = thread % LANES;
    // Threads past the last channel work on it again and write nothing: barriers need every thread.
    let r = group.x * (SIZE / LANES) + thread / LANES;
    let row = min(r, OUT - 1u);
    let c = ROW0 + row;
    // The states are on their way while dt is summed up.
    var a: array<f32, TURNS>;
    var h: array<f32, TURNS>;
//#if ROWS
    let before = cursor.spare * D_INNER * D_STATE;
//#else
    let before = 0u;
//#endif
    for (var i = 0u; i < TURNS; i++) { //#unroll
        let at = c * D_STATE + min(lane + i * LANES, D_STATE - 1u);
        a[i] = exp(params[at]);
        h[i] = ssm_state[before + at];
    }
    let d = params[D_INNER * D_STATE + c];
    let dt_bias = params[D_INNER * (D_STATE + 1u) + c];
//#if ROWS
    for (var t = 0u; t < cursor.count; t++) {
    let after = (t + 1u) * D_INNER * D_STATE;
//#else
    let t = 0u;
    let after = 0u;
//#endif
    let of_xz = 2u * t * D_INNER + c;
    let of_dbc = t * (IN + 2u * D_STATE);
    let v = xz[of_xz];
//#if !UNGATED
    let z = xz[of_xz + D_INNER];
//#endif
    var raw = 0.0;
//#if WORDS
    for (var k = lane * PER; k < IN; k += LANES * PER) {
        raw += product(row, of_dbc, k);
    }
//#else
    for (var k = lane; k < IN; k += LANES) {
        raw += weight_at(row, k) * input(of_dbc, k);
    }
//#endif
    raw = total(raw, thread);
//#if NORM
    var squares = vec3<f32>(0.0);
    for (var k = lane; k < IN; k += LANES) {
        squares.x += dbc[of_dbc + k] * dbc[of_dbc + k];
    }
    for (var n = lane; n < D_STATE; n += LANES) {
        let b = dbc[of_dbc + IN + n];
        let c = dbc[of_dbc + IN + D_STATE + n];
        squares += vec3<f32>(0.0, b * b, c * c);
    }
    squares = vec3<f32>(total(squares.x, thread), total(squares.y, thread), total(squares.z, thread));
    let scale = inverseSqrt(squares / vec3<f32>(f32(IN), f32(D_STATE), f32(D_STATE)) + EPS);
    let dt = softplus(raw * scale.x + dt_bias);
    let of_x = dt * v * scale.y;
    let of_c = scale.z;
//#else
    let dt = softplus(raw + dt_bias);
    let of_x = dt * v;
    let of_c = 1.0;
//#endif
    var sum = 0.0;
    for (var i = 0u; i < TURNS; i++) { //#unroll
        let n = lane + i * LANES;
        if n < D_STATE {
            h[i] = exp(-dt * a[i]) * h[i] + of_x * input(of_dbc, IN + n);
            sum += of_c * input(of_dbc, IN + D_STATE + n) * h[i];
            if r < OUT {
                ssm_state[after + c * D_STATE + n] = h[i];
            }
        }
    }
    sum = total(sum, thread);
    if lane == 0u && r < OUT {
//#if UNGATED
        y[t * D_INNER + c] = sum + d * v;
//#else
        y[t * D_INNER + c] = (sum + d * v) * silu(z);
//#endif
    }
//#if ROWS
    }
//#endif
}

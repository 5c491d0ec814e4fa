// Weights to MLX affine groups, to the bit as package model/quant, this kernel's twin, packs them: of the ranges that it
// tries and the scales and biases that it refits, the one of the least squared error, in binary64.
//   w = scale * q + bias, q of BITS bits, GROUP weights to a group; scale and bias fp16
//
// source is rows of F32, F16 or BF16 values, one group after another, sizes.groups of them. The group at sizes.first of a
// matrix and those behind it take q [.., GROUP BITS / 32] and affine [..] (scale in a word's low half, bias in its high
// one). bad is the index in source of the first weight that is not finite or beyond fp16, if one is: its group takes nothing.
//
// A thread has a group, whose values lie in workgroup memory as fp32, those of neighbours side by side.
//#include shared/real.wgsl
struct Sizes { first: u32, groups: u32 }
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> q: array<u32>;
@group(0) @binding(2) var<storage, read_write> affine: array<u32>;
@group(0) @binding(3) var<storage, read_write> bad: atomic<u32>;
@group(0) @binding(4) var<storage, read> sizes: Sizes;

override BITS: u32;
override GROUP: u32;
override SIZE: u32;
override CUTS: u32;   // parts of the range that are tried
override REFITS: u32; // turns of refitting, at most
const LEVELS = (1u << BITS) - 1u;
const VALUES = SIZE * GROUP;
const ENCODE = 1u + CUTS + REFITS;
const WORDS = GROUP * BITS / 32u;

var<workgroup> values: array<u32, VALUES>; // [GROUP, SIZE]

//#if Q4
const CUT = array<Real, 9>(
    Real(vec2<u32>(0x00000000u, 0x100000u), -52, false), // 1
    Real(vec2<u32>(0xeb851eb8u, 0x1eb851u), -53, false), // 0.96
    Real(vec2<u32>(0xd70a3d71u, 0x1d70a3u), -53, false), // 0.92
    Real(vec2<u32>(0xc28f5c29u, 0x1c28f5u), -53, false), // 0.88
    Real(vec2<u32>(0xae147ae1u, 0x1ae147u), -53, false), // 0.84
    Real(vec2<u32>(0x9999999au, 0x199999u), -53, false), // 0.8
    Real(vec2<u32>(0x00000000u, 0x180000u), -53, false), // 0.75
    Real(vec2<u32>(0x66666666u, 0x166666u), -53, false), // 0.7
    Real(vec2<u32>(0xcccccccdu, 0x14ccccu), -53, false), // 0.65
);
//#else
const CUT = array<Real, 2>(
    Real(vec2<u32>(0x00000000u, 0x100000u), -52, false), // 1
    Real(vec2<u32>(0x7ae147aeu, 0x1fae14u), -53, false), // 0.99
);
//#endif

// Orders fp32's bits as their values, -0 below 0.
fn ordered(bits: u32) -> u32 { return select(bits | 0x80000000u, ~bits, (bits >> 31u) != 0u); }

// The fp16 after one, up or down
fn stepped(h: u32, up: bool) -> u32 {
    if (h & 0x7fffu) == 0u {
        return select(0x8001u, 1u, up);
    }
    return select(h - 1u, h + 1u, ((h & 0x8000u) == 0u) == up);
}

fn finite(h: u32) -> bool { return (h & 0x7c00u) != 0x7c00u; }

// The code next to at, (w - bias) / scale, of those that there are: floor(at + 1/2), of a sum that is rounded, too.
fn level(at: Real) -> u32 {
    // The largest below 1/2 is the one whose sum is rounded up, to 1.
    let least = Real(vec2<u32>(0xffffffffu, 0x1fffffu), -54, false);
    if at.neg || below(at, least) {
        return 0u;
    }
    if at.e > i32(BITS) - 53 { // 2^BITS and more
        return LEVELS;
    }
    let down = u32(-1 - at.e); // to halves
    let halves = select(at.m.y >> (min(down, 53u) - 32u), 0u, down >= 53u);
    return clamp((halves + 1u) / 2u, 1u, LEVELS);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first = (group.y * groups.x + group.x) * SIZE;
    let last = arrayLength(&source) - 1u;
    for (var i = thread; i < VALUES; i += SIZE) {
        let at = first * GROUP + i;
//#if F32
        let bits = source[min(at, last)];
//#else
        let half = (source[min(at / 2u, last)] >> (16u * (at % 2u))) & 0xffffu;
//#if BF16
        let bits = half << 16u;
//#else
        // An fp16 is an fp32; infinities and NaNs become what is refused.
        let exact = of_f16(half);
        var bits = (half & 0x8000u) << 16u;
        if !finite(half) {
            bits = 0x7f800000u;
        } else if !is_zero(exact) {
            bits |= (u32(exact.e + 52 + 127) << 23u) | (((exact.m.y & 0xfffffu) << 3u) | (exact.m.x >> 29u));
        }
//#endif
//#endif
        values[i % GROUP * SIZE + i / GROUP] = bits;
    }
    workgroupBarrier();
    let own = first + thread;
    if own >= sizes.groups {
        return;
    }
    var low = values[thread];
    var high = low;
    for (var i = 0u; i < GROUP; i++) {
        let bits = values[i * SIZE + thread];
        if (bits & 0x7fffffffu) > 0x477fe000u { // 65504
            atomicMin(&bad, own * GROUP + i);
            return;
        }
        low = select(low, bits, ordered(bits) < ordered(low));
        high = select(high, bits, ordered(bits) > ordered(high));
    }
    let lo = of_f32(low);
    let hi = of_f32(high);
    var scale = 0u;
    var bias = 0u;
    var constant = 0u; // the code of a group whose values are all equal
    let equal = low == high || ((low | high) & 0x7fffffffu) == 0u;
    if equal {
        bias = f16_of(lo);
        scale = f16_of(minus(lo, of_f16(bias)));
        constant = select(1u, 0u, (scale & 0x7fffu) == 0u);
    }
    var cuts = CUT; // only a variable takes any index
    let middle = scaled(plus(lo, hi), -1);
    let half = scaled(minus(hi, lo), -1);
    var sw = Real();
    for (var i = 0u; i < GROUP; i++) {
        sw = plus(sw, of_f32(values[i * SIZE + thread]));
    }
    // The best so far: its squared error, and of its codes q the sums of q, q^2 and q w.
    var least = Real();
    var least_q = 0u;
    var least_qq = 0u;
    var least_qw = Real();
    // After the candidates the best is encoded, in a turn of its own.
    var turn = select(0u, ENCODE, equal);
    loop {
        var s = scale;
        var b = bias;
        if turn < ENCODE {
            var above = Real();
            var under = LEVELS;
            if turn == 0u {
                // The range that certainly covers every weight: bias rounded down, scale rounded up.
                b = f16_of(lo);
                if below(lo, of_f16(b)) {
                    b = stepped(b, false);
                }
                above = minus(hi, of_f16(b));
            } else if turn <= CUTS {
                let part = times(half, cuts[turn - 1u]);
                b = f16_of(minus(middle, part));
                above = scaled(part, 1);
            } else {
                // The scale and bias that fit the best codes, by least squares
                under = GROUP * least_qq - least_q * least_q;
                above = minus(times(whole(false, GROUP, 0), least_qw), times(whole(false, least_q, 0), sw));
                if under == 0u {
                    turn = ENCODE;
                    continue;
                }
            }
            let exact = over(above, under);
            s = f16_of(exact);
            if turn == 0u && below(of_f16(s), exact) {
                s = stepped(s, true);
            }
            if turn > CUTS && finite(s) {
                let step = of_f16(s);
                b = f16_of(over(minus(sw, times(step, whole(false, least_q, 0))), GROUP));
            }
            // Not below zero, and neither beyond fp16
            if s == 0u || s >= 0x7c00u || !finite(b) {
                turn = select(turn + 1u, ENCODE, turn > CUTS);
                continue;
            }
        }
        // Products of scale and codes, and the bias, in 2^-24ths
        let step = vec2<u32>(select((s & 1023u) | 1024u, s, s < 1024u), select(max(s >> 10u, 1u) - 1u, 0u, s < 1024u));
        let offset = of_f16(b);
        let bias24 = shifted_left(vec2<u32>(select((b & 1023u) | 1024u, b & 1023u, (b & 0x7c00u) == 0u), 0u), max((b >> 10u) & 31u, 1u) - 1u);
        let inverse = scaled(over(Real(vec2<u32>(0u, 0x100000u), -52, false), max(step.x, 1u)), 24 - i32(step.y));
        var sum = Real();
        var sum_q = 0u;
        var sum_qq = 0u;
        var sum_qw = Real();
        var word = 0u;
        for (var i = 0u; i < GROUP; i++) {
            let w = of_f32(values[i * SIZE + thread]);
            let code = level(times(minus(w, offset), inverse));
            if turn == ENCODE {
                word |= select(code, constant, equal) << (BITS * (i % (32u / BITS)));
                if i % (32u / BITS) == 32u / BITS - 1u {
                    q[(sizes.first + own) * WORDS + i / (32u / BITS)] = word;
                    word = 0u;
                }
                continue;
            }
            let product = shifted_left(vec2<u32>(step.x * code, 0u), step.y);
            var read = sum64(product, bias24);
            let negative = offset.neg && below64(product, bias24);
            if offset.neg {
                read = select(difference64(product, bias24), difference64(bias24, product), negative);
            }
            let d = minus(settled(negative, read, -14), w);
            sum = plus(sum, times(d, d));
            sum_q += code;
            sum_qq += code * code;
            sum_qw = plus(sum_qw, times(whole(false, code, 0), w));
        }
        if turn == ENCODE {
            break;
        }
        let better = turn == 0u || below(sum, least);
        if better {
            least = sum;
            least_q = sum_q;
            least_qq = sum_qq;
            least_qw = sum_qw;
            scale = s;
            bias = b;
        }
        turn = select(turn + 1u, ENCODE, turn > CUTS && !better);
    }
    affine[sizes.first + own] = scale | (bias << 16u);
}

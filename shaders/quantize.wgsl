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

// The code next to v = w - bias over the scale, of those that there are
fn level(v: Real, inverse: Real) -> u32 {
    let at = times(v, inverse);
    if at.neg || is_zero(at) {
        return 0u;
    }
    let top = whole(false, LEVELS, 0);
    if !below(at, top) {
        return LEVELS;
    }
    let x = plus(at, Real(vec2<u32>(0u, 0x100000u), -53, false));
    let down = u32(-x.e); // x is from 1/2 to below 256
    return select(x.m.y >> (down - 32u), 0u, down >= 53u);
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
    var least = Real();
    var found = false;
    var turn = select(0u, 1u + CUTS + REFITS, equal);
    for (; turn < 1u + CUTS + REFITS; turn++) {
        var s = 0u;
        var b = 0u;
        if turn == 0u {
            // The range that certainly covers every weight: bias rounded down, scale rounded up.
            b = f16_of(lo);
            if below(lo, of_f16(b)) {
                b = stepped(b, false);
            }
            let exact = over(minus(hi, of_f16(b)), LEVELS);
            s = f16_of(exact);
            if below(of_f16(s), exact) {
                s = stepped(s, true);
            }
        } else if turn <= CUTS {
            let part = times(half, cuts[turn - 1u]);
            s = f16_of(over(scaled(part, 1), LEVELS));
            b = f16_of(minus(middle, part));
        } else {
            // The scale and bias that fit the present codes best, by least squares
            let exact = of_f16(scale);
            let inverse = inverse_of(scale);
            let offset = of_f16(bias);
            var sq = 0u;
            var sqq = 0u;
            var sw = Real();
            var sqw = Real();
            for (var i = 0u; i < GROUP; i++) {
                let w = of_f32(values[i * SIZE + thread]);
                let code = level(minus(w, offset), inverse);
                sq += code;
                sqq += code * code;
                sw = plus(sw, w);
                sqw = plus(sqw, times(whole(false, code, 0), w));
            }
            let det = GROUP * sqq - sq * sq;
            if det == 0u {
                break;
            }
            let n = whole(false, GROUP, 0);
            let of_codes = whole(false, sq, 0);
            s = f16_of(over(minus(times(n, sqw), times(of_codes, sw)), det));
            if !finite(s) {
                break;
            }
            b = f16_of(over(minus(sw, times(of_f16(s), of_codes)), GROUP));
        }
        // Not below zero, and neither beyond fp16
        var better = false;
        if s != 0u && s < 0x7c00u && finite(b) {
            let exact = of_f16(s);
            let inverse = inverse_of(s);
            let offset = of_f16(b);
            var sum = Real();
            for (var i = 0u; i < GROUP; i++) {
                let w = of_f32(values[i * SIZE + thread]);
                let code = level(minus(w, offset), inverse);
                let d = minus(plus(times(exact, whole(false, code, 0)), offset), w);
                sum = plus(sum, times(d, d));
            }
            better = !found || below(sum, least);
            if better {
                least = sum;
                found = true;
                scale = s;
                bias = b;
            }
        }
        if turn > CUTS && !better {
            break;
        }
    }
    affine[sizes.first + own] = scale | (bias << 16u);
    let inverse = inverse_of(select(scale, 1u, equal));
    let offset = of_f16(bias);
    for (var word = 0u; word < WORDS; word++) {
        var codes = 0u;
        for (var i = 0u; i < 32u / BITS; i++) {
            var code = constant;
            if !equal {
                code = level(minus(of_f32(values[(word * (32u / BITS) + i) * SIZE + thread]), offset), inverse);
            }
            codes |= code << (BITS * i);
        }
        q[(sizes.first + own) * WORDS + word] = codes;
    }
}

// 1 / scale, of a positive fp16
fn inverse_of(scale: u32) -> Real {
    let exponent = select(i32(scale >> 10u) - 25, -24, scale < 1024u);
    let m = select((scale & 1023u) | 1024u, scale, scale < 1024u);
    return scaled(over(Real(vec2<u32>(0u, 0x100000u), -52, false), m), -exponent);
}

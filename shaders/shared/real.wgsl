// IEEE 754's binary64 in whole numbers, for results that must be the host's to the last bit: WGSL has no float64, and
// its fp32 may be fused. Sums, products and quotients round to the nearest, ties to even. Exponents do not end: infinities,
// NaNs and numbers below 2^-1022 have no place here, and what is computed with it has none.

// (neg ? -1 : 1) * m * 2^e. m has 53 bits, the highest of them 1, lower word first; or is 0.
struct Real { m: vec2<u32>, e: i32, neg: bool }

fn is_zero(a: Real) -> bool { return (a.m.x | a.m.y) == 0u; }
fn negated(a: Real) -> Real { return Real(a.m, a.e, !a.neg); }
fn scaled(a: Real, exponent: i32) -> Real { return Real(a.m, a.e + exponent, a.neg); } // times 2^exponent

fn shifted_left(v: vec2<u32>, n: u32) -> vec2<u32> {
    if n == 0u {
        return v;
    }
    if n >= 32u {
        return vec2<u32>(0u, v.x << (n - 32u));
    }
    return vec2<u32>(v.x << n, (v.y << n) | (v.x >> (32u - n)));
}

// What falls out sets the lowest bit.
fn shifted_right(v: vec2<u32>, n: u32) -> vec2<u32> {
    if n == 0u {
        return v;
    }
    if n < 32u {
        let lost = select(0u, 1u, (v.x << (32u - n)) != 0u);
        return vec2<u32>(((v.x >> n) | (v.y << (32u - n))) | lost, v.y >> n);
    }
    if n == 32u {
        return vec2<u32>(v.y | select(0u, 1u, v.x != 0u), 0u);
    }
    if n < 64u {
        let lost = select(0u, 1u, (v.x | (v.y << (64u - n))) != 0u);
        return vec2<u32>((v.y >> (n - 32u)) | lost, 0u);
    }
    return vec2<u32>(select(0u, 1u, (v.x | v.y) != 0u), 0u);
}

fn sum64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn difference64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn below64(a: vec2<u32>, b: vec2<u32>) -> bool { return a.y < b.y || (a.y == b.y && a.x < b.x); }

// m * 2^(e - 10), rounded; m's lowest bit stands for all that was lost below it.
fn settled(neg: bool, wide: vec2<u32>, exponent: i32) -> Real {
    var m = wide;
    var e = exponent;
    if (m.x | m.y) == 0u {
        return Real(m, 0, neg);
    }
    let zeros = select(32u + countLeadingZeros(m.x), countLeadingZeros(m.y), m.y != 0u);
    if zeros == 0u {
        m = shifted_right(m, 1u);
        e += 1;
    } else {
        m = shifted_left(m, zeros - 1u);
        e -= i32(zeros) - 1;
    }
    let rest = m.x & 0x3ffu;
    m = sum64(m, vec2<u32>(0x200u, 0u));
    m = vec2<u32>((m.x >> 10u) | (m.y << 22u), m.y >> 10u);
    if rest == 0x200u {
        m.x &= 0xfffffffeu;
    }
    if m.y >= 0x200000u {
        m = vec2<u32>((m.x >> 1u) | (m.y << 31u), m.y >> 1u);
        e += 1;
    }
    return Real(m, e, neg);
}

fn plus(left: Real, right: Real) -> Real {
    if is_zero(left) && is_zero(right) {
        return Real(vec2<u32>(0u), 0, left.neg && right.neg);
    }
    if is_zero(left) {
        return right;
    }
    if is_zero(right) {
        return left;
    }
    var a = left;
    var b = right;
    if a.e < b.e || (a.e == b.e && below64(a.m, b.m)) {
        a = right;
        b = left;
    }
    let x = shifted_left(a.m, 10u);
    let y = shifted_right(shifted_left(b.m, 10u), u32(a.e - b.e));
    if a.neg == b.neg {
        return settled(a.neg, sum64(x, y), a.e);
    }
    let d = difference64(x, y);
    return settled(a.neg && (d.x | d.y) != 0u, d, a.e);
}

fn minus(a: Real, b: Real) -> Real { return plus(a, negated(b)); }

// a * b, 64 bits of it
fn wide32(a: u32, b: u32) -> vec2<u32> {
    let p = (a & 0xffffu) * (b & 0xffffu);
    let q = (a & 0xffffu) * (b >> 16u);
    let r = (a >> 16u) * (b & 0xffffu);
    let middle = (p >> 16u) + (q & 0xffffu) + (r & 0xffffu);
    return vec2<u32>((p & 0xffffu) | (middle << 16u), (a >> 16u) * (b >> 16u) + (q >> 16u) + (r >> 16u) + (middle >> 16u));
}

fn times(left: Real, right: Real) -> Real {
    // Shifted so that the upper 64 of 128 bits have what is needed.
    let a = shifted_left(left.m, 10u);
    let b = shifted_left(right.m, 11u);
    let low = wide32(a.x, b.x);
    let q = wide32(a.x, b.y);
    let r = wide32(a.y, b.x);
    let first = low.y + q.x;
    let second = first + r.x;
    let carry = select(0u, 1u, first < q.x) + select(0u, 1u, second < r.x);
    var m = sum64(sum64(wide32(a.y, b.y), vec2<u32>(q.y, 0u)), sum64(vec2<u32>(r.y, 0u), vec2<u32>(carry, 0u)));
    m.x |= select(0u, 1u, (low.x | second) != 0u);
    return settled(left.neg != right.neg, m, left.e + right.e + 53);
}

// a / n, n from 1 to 2^31 - 1
fn over(a: Real, n: u32) -> Real {
    let up = countLeadingZeros(n) - 1u;
    let divisor = n << up; // 31 bits
    var rest = 0u;
    var m = vec2<u32>(0u);
    for (var i = 0u; i < 93u; i++) {
        var bit = 0u;
        if i < 21u {
            bit = (a.m.y >> (20u - i)) & 1u;
        } else if i < 53u {
            bit = (a.m.x >> (52u - i)) & 1u;
        }
        rest = (rest << 1u) | bit;
        m = vec2<u32>(m.x << 1u, (m.y << 1u) | (m.x >> 31u));
        if rest >= divisor {
            rest -= divisor;
            m.x |= 1u;
        }
    }
    m.x |= select(0u, 1u, rest != 0u);
    return settled(a.neg, m, a.e + i32(up) - 30);
}

fn below(a: Real, b: Real) -> bool {
    if is_zero(a) || is_zero(b) {
        return (is_zero(b) && !is_zero(a) && a.neg) || (is_zero(a) && !is_zero(b) && !b.neg);
    }
    if a.neg != b.neg {
        return a.neg;
    }
    let smaller = a.e < b.e || (a.e == b.e && below64(a.m, b.m));
    let same = a.e == b.e && all(a.m == b.m);
    return !same && smaller != a.neg;
}

// n * 2^e
fn whole(neg: bool, n: u32, e: i32) -> Real {
    if n == 0u {
        return Real(vec2<u32>(0u), 0, neg);
    }
    let up = 21u + countLeadingZeros(n);
    return Real(shifted_left(vec2<u32>(n, 0u), up), e - i32(up), neg);
}

// Of an fp32's bits, which are finite
fn of_f32(bits: u32) -> Real {
    let exponent = i32((bits >> 23u) & 0xffu);
    if exponent == 0 {
        return whole((bits >> 31u) != 0u, bits & 0x7fffffu, -149);
    }
    return whole((bits >> 31u) != 0u, (bits & 0x7fffffu) | 0x800000u, exponent - 150);
}

// Of an fp16's bits, which are finite
fn of_f16(bits: u32) -> Real {
    let exponent = i32((bits >> 10u) & 31u);
    if exponent == 0 {
        return whole((bits >> 15u) != 0u, bits & 1023u, -24);
    }
    return whole((bits >> 15u) != 0u, (bits & 1023u) | 1024u, exponent - 25);
}

// v's n lowest bits, n from 1 to 31, rounded away: to the nearest, ties to even
fn rounded_off(v: u32, n: u32) -> u32 {
    let kept = v >> n;
    let rest = v & ((1u << n) - 1u);
    let middle = 1u << (n - 1u);
    return kept + select(0u, 1u, rest > middle || (rest == middle && (kept & 1u) != 0u));
}

// The fp16 next to the fp32 next to a, as bits, infinity included
fn f16_of(a: Real) -> u32 {
    let sign = select(0u, 0x8000u, a.neg);
    if is_zero(a) {
        return sign;
    }
    // 24 bits of 53, or fewer below fp32's normal range, where fp16 has 0 anyway
    var m = rounded_off(shifted_right(a.m, 21u).x, 8u);
    var e = a.e + 29;
    if m == 0x1000000u {
        m >>= 1u;
        e += 1;
    }
    let exponent = e + 23 + 15; // as fp16 stores it
    if exponent >= 31 {
        return sign | 0x7c00u;
    }
    if exponent <= 0 {
        let out = u32(14 - exponent);
        if out > 24u {
            return sign;
        }
        return sign | rounded_off(m, out);
    }
    return sign | (((u32(exponent) << 10u) | ((m & 0x7fffffu) >> 13u)) + (rounded_off(m, 13u) - (m >> 13u)));
}

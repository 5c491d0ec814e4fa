// x as whole numbers, for quantized rows on GPUs that multiply four pairs of 8-bit integers in one instruction: a third of
// the instructions that the same product takes with a conversion for each weight.
// Of a step's values the largest is 2^22 units, and each is the whole number of units next to it, so that nothing is off
// by more than 1.2e-7 of the largest: as fp32 rounds. The number is n = d0 + 2^8 d1 + 2^16 d2 with digits from -128 to 127,
// and sum_k q_k n_k is that of the digits' sums, which are exact. A weight of 8 bits counts from 128 on.
// The four threads that stage a step follow one another, in one subgroup.
const WORDS = STEPS * 4u; // of a row: a thread stages what one word of weights meets
const TURNS = (WORDS + SIZE - 1u) / SIZE;
override WORD_VECTORS: u32;     // vectors that a word meets: 2 at 4 bits, 1 at 8
override DIGIT_VECTORS: u32;    // of a step's digits: 3 WORD_VECTORS
const DIGITS_ROOM = DIGIT_VECTORS * PITCH;

alias Digits = array<vec4<u32>, DIGIT_VECTORS>;
var<workgroup> digits: array<vec4<u32>, DIGITS_ROOM>;
var<workgroup> steps: array<vec2<f32>, PITCH>; // unit, sum of x

fn write_digits(word: u32, live: bool, values: array<vec4<f32>, WORD_VECTORS>) {
    var v = values;
//#if Q4
    let most = max(abs(v[0]), abs(v[1]));
    let sums = v[0] + v[1];
//#else
    let most = abs(v[0]);
    let sums = v[0];
//#endif
    var largest = max(max(most.x, most.y), max(most.z, most.w));
    var sum = (sums.x + sums.y) + (sums.z + sums.w);
    for (var mask = 1u; mask < 4u; mask *= 2u) {
        largest = max(largest, subgroupShuffleXor(largest, mask));
        sum += subgroupShuffleXor(sum, mask);
    }
    let unit = max(largest * 0x1p-22, 0x1p-120); // zeros are zeros, and the inverse has an end
    let inverse = 1.0 / unit;
    var n: array<vec4<i32>, WORD_VECTORS>;
    for (var h = 0u; h < WORD_VECTORS; h++) { //#unroll
        n[h] = vec4<i32>(round(v[h] * inverse));
    }
    let step = word / 4u;
    for (var d = 0u; d < 3u; d++) { //#unroll
        if live {
//#if Q4
            // A word's nibbles are taken as those at even places and those at odd ones.
            let to = (d * 2u + word % 4u / 2u) * PITCH + step;
            digits[to][word % 2u * 2u] = pack4xI8(vec4<i32>(n[0].x, n[0].z, n[1].x, n[1].z));
            digits[to][word % 2u * 2u + 1u] = pack4xI8(vec4<i32>(n[0].y, n[0].w, n[1].y, n[1].w));
//#else
            digits[d * PITCH + step][word % 4u] = pack4xI8(n[0]);
//#endif
        }
        for (var h = 0u; h < WORD_VECTORS; h++) { //#unroll
            n[h] = (n[h] + vec4<i32>(128)) >> vec4<u32>(8u);
        }
    }
    if live && word % 4u == 0u {
        steps[step] = vec2<f32>(unit, sum);
    }
}

// What a lane took of a row, with the digits of its inputs, their unit and their sum.
fn digit_product(w: Taken, xs: Digits, about: vec2<f32>) -> f32 {
    let a = affine_pair(w.affine);
    var sums: array<i32, 3>;
//#if Q4
    let even = w.data & vec4<u32>(0x0f0f0f0fu);
    let odd = (w.data >> vec4<u32>(4u)) & vec4<u32>(0x0f0f0f0fu);
    for (var d = 0u; d < 3u; d++) { //#unroll
        let low = xs[d * 2u];
        let high = xs[d * 2u + 1u];
        sums[d] = ((dot4I8Packed(even.x, low.x) + dot4I8Packed(odd.x, low.y)) + (dot4I8Packed(even.y, low.z) + dot4I8Packed(odd.y, low.w)))
                + ((dot4I8Packed(even.z, high.x) + dot4I8Packed(odd.z, high.y)) + (dot4I8Packed(even.w, high.z) + dot4I8Packed(odd.w, high.w)));
    }
    let least = 0.0;
//#else
    let q = w.data ^ vec4<u32>(0x80808080u);
    for (var d = 0u; d < 3u; d++) { //#unroll
        let x = xs[d];
        sums[d] = (dot4I8Packed(q.x, x.x) + dot4I8Packed(q.y, x.y)) + (dot4I8Packed(q.z, x.z) + dot4I8Packed(q.w, x.w));
    }
    let least = 128.0;
//#endif
    // All three together would pass 2^31.
    let q_n = f32(sums[2]) * 65536.0 + f32(sums[1] * 256 + sums[0]);
    return a.x * (q_n * about.x + least * about.y) + a.y * about.y;
}

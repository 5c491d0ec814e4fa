// Rows of 4 or 8 bits for the matvec kernels: a lane takes 32 or 16 weights in one step. Scale and bias factor out of the
// group's inner product: sum_k (s q_k + b) x_k = s (q . x) + b sum(x).
// Nibbles are not shifted down: x is scaled by 16^-k instead, exactly, once for all rows.
@group(0) @binding(0) var<storage, read> weight: array<vec4<u32>>;

// What a lane takes of a row in one step, as it is stored.
struct Taken { data: vec4<u32>, affine: u32 }

fn take(row: u32, step: u32) -> Taken {
    return Taken(weight[row * STEPS + step], affine[row * (IN / GROUP) + step * VALUES / GROUP]);
}

// Its product with the lane's inputs, whose sum (of x itself, not as scaled) is given, too.
fn product(w: Taken, xs: Inputs, sum: f32) -> f32 {
    let a = affine_pair(w.affine);
//#if Q4
    let q = (word_dot(w.data.x, xs[0], xs[1]) + word_dot(w.data.y, xs[2], xs[3]))
          + (word_dot(w.data.z, xs[4], xs[5]) + word_dot(w.data.w, xs[6], xs[7]));
//#else
    let q = (dot(bytes(w.data.x), xs[0]) + dot(bytes(w.data.y), xs[1])) + (dot(bytes(w.data.z), xs[2]) + dot(bytes(w.data.w), xs[3]));
//#endif
    return a.x * q + a.y * sum;
}

//#if Q4
// Eight nibbles, where they stand, with eight inputs that are scaled for it.
fn word_dot(word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    return dot(vec4<f32>(vec4<u32>(word) & vec4<u32>(0xfu, 0xf0u, 0xf00u, 0xf000u)), low)
         + dot(vec4<f32>(vec4<u32>(word) & vec4<u32>(0xf0000u, 0xf00000u, 0xf000000u, 0xf0000000u)), high);
}

// Vector i of a step's inputs is scaled by this, and its sum is its product with the inverse.
const EVEN = vec4<f32>(1.0, 0x1p-4, 0x1p-8, 0x1p-12);
const ODD = vec4<f32>(0x1p-16, 0x1p-20, 0x1p-24, 0x1p-28);
const EVEN_INVERSE = vec4<f32>(1.0, 0x1p4, 0x1p8, 0x1p12);
const ODD_INVERSE = vec4<f32>(0x1p16, 0x1p20, 0x1p24, 0x1p28);
//#endif

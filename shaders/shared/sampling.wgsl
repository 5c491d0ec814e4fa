// What both halves of the sampler share: its settings, what the first leaves for the second, and the noise.
struct Sampling {
    temperature: f32,
    top_p: f32,       // 1: off
    min_p: f32,       // 0: off
    repetition: f32,  // 1: off
    top_k: u32,       // 0: off
    seed_low: u32,
    seed_high: u32,
    spare: u32,
}

// What is known of a chunk.
struct Part {
    peak: f32,      // the highest logit; above all numbers where one is no number
    peak_id: u32,   // the lowest token that has it, or NONE
    score: f32,     // the highest logit / temperature + noise
    score_id: u32,
    mass: f32,      // sum of exp((logit - peak) / temperature); 0 where top-p is not all there is
}

override VOCAB: u32;
override CHUNK: u32;  // a power of 2
override CHUNKS: u32; // VOCAB / CHUNK, rounded up

const NONE = 0xffffffffu;
const LOWEST = -3.0e38;

fn limits_number(s: Sampling) -> bool {
    return s.top_k > 0u && s.top_k < VOCAB;
}

fn pcg(v: u32) -> u32 {
    let state = v * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// Where the tokens' noise at a position comes from.
fn stream_at(s: Sampling, pos: u32) -> u32 {
    return pcg(s.seed_low ^ pcg(s.seed_high ^ pcg(pos)));
}

// Gumbel noise, -log(-log(u)), for u in (0, 1) from the upper 23 bits of a hash: exact in fp32, never 0 or 1, so that noise
// lies between -2.9 and 16.7.
// The highest noise decides, and it comes from u next to 1, where drivers' log is right to some 1e-7 of 1, not of
// itself: there -log(1 - v) is summed up as v + v^2/2 + v^3/3 + ...
fn gumbel(stream: u32, token: u32) -> f32 {
    let steps = f32(pcg(stream ^ pcg(token)) >> 9u) + 0.5;
    let v = (8388608.0 - steps) / 8388608.0;
    let series = v * (1.0 + v * (1.0 / 2.0 + v * (1.0 / 3.0 + v * (1.0 / 4.0 + v * (1.0 / 5.0 + v * (1.0 / 6.0 + v / 7.0))))));
    return -log(select(-log(steps / 8388608.0), series, v < 0.1));
}

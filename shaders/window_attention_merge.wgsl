// Joins what the splits of window_attention_split.wgsl found: with m the highest of all scores,
//   out[h, i] = sum_s exp(m_s - m) acc_s[i] / sum_s exp(m_s - m) weight_s
// A split without keys has m_s far below all others and weight 0.
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

override HEADS: u32;
override HEAD_DIM: u32;
override SPLITS: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x / HEAD_DIM;
    if head >= HEADS {
        return;
    }
    let base = head * SPLITS * (HEAD_DIM + 2u);
    let i = id.x % HEAD_DIM;
    var highest = partial[base + HEAD_DIM];
    for (var s = 1u; s < SPLITS; s++) {
        highest = max(highest, partial[base + s * (HEAD_DIM + 2u) + HEAD_DIM]);
    }
    var sum = 0.0;
    var weight = 0.0;
    for (var s = 0u; s < SPLITS; s++) {
        let at = base + s * (HEAD_DIM + 2u);
        let share = exp(partial[at + HEAD_DIM] - highest);
        sum += share * partial[at + i];
        weight += share * partial[at + HEAD_DIM + 1u];
    }
    out[id.x] = sum / weight;
}

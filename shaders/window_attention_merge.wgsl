//#if HALVED
enable f16;
//#endif
// Joins what the splits of window_attention_split.wgsl found, where the layer that reads it does not (shared/matvec.wgsl): with m the highest of all scores,
//   out[h, i] = sum_s exp(m_s - m) acc_s[i] / sum_s exp(m_s - m) weight_s
// A split without keys has m_s far below all others and weight 0. A workgroup takes COLUMNS values of a head; its splits
// are dealt out to SLICES of its threads, TOGETHER at a time.
// HALVED: out becomes the next product's x, too.
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
//#if HALVED
@group(0) @binding(2) var<storage, read_write> halved: array<f16>;
//#include shared/halved.wgsl
//#endif

override HEADS: u32;     // of all rows
override ROW_HEADS: u32; // of one
override HEAD_DIM: u32;
override SPLITS: u32;    // SIZE at most
override COLUMNS: u32;   // a power of 2
override TOGETHER: u32; // splits whose loads are under way at once
const SIZE = 256u;
const PITCH = HEAD_DIM + 4u;
const SLICES = SIZE / COLUMNS;

var<workgroup> shares: array<f32, SPLITS>;
var<workgroup> part: array<f32, SIZE>;
var<workgroup> weights: array<f32, SIZE>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let base = head * SPLITS * PITCH;
    let said = base + min(thread, SPLITS - 1u) * PITCH + HEAD_DIM;
    let score = partial[said];
    let mass = partial[said + 1u];
    part[thread] = score;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if thread < stride {
            part[thread] = max(part[thread], part[thread + stride]);
        }
        workgroupBarrier();
    }
    let share = exp(score - part[0]);
    if thread < SPLITS {
        shares[thread] = share;
    }
    weights[thread] = select(0.0, share * mass, thread < SPLITS);
    workgroupBarrier();
    let i = group.y * COLUMNS + thread % COLUMNS;
    var sum = 0.0;
    for (var s = thread / COLUMNS * TOGETHER; s < SPLITS; s += SLICES * TOGETHER) {
        for (var k = 0u; k < TOGETHER; k++) { //#unroll
            sum += select(0.0, shares[min(s + k, SPLITS - 1u)], s + k < SPLITS) * partial[base + min(s + k, SPLITS - 1u) * PITCH + min(i, HEAD_DIM - 1u)];
        }
    }
    part[thread] = sum;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if thread < stride {
            weights[thread] += weights[thread + stride];
            if stride >= COLUMNS {
                part[thread] += part[thread + stride];
            }
        }
        workgroupBarrier();
    }
    if thread < COLUMNS && i < HEAD_DIM {
        let joined = part[thread] / weights[0];
        out[head * HEAD_DIM + i] = joined;
//#if HALVED
        halved[halved_at(head / ROW_HEADS, head % ROW_HEADS * HEAD_DIM + i)] = half(joined);
//#endif
    }
}

// Sums and maxima over a workgroup of SIZE threads in one dimension.
const SIZE = 256u;

var<workgroup> best: array<f32, SIZE>;
var<workgroup> best_id: array<u32, SIZE>;
var<workgroup> partial: array<f32, SIZE>;

// The sum over the workgroup, in every thread, always added in the same order.
fn total(v: f32, lane: u32) -> f32 {
    workgroupBarrier();
    partial[lane] = v;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&partial[0]);
}

// The highest score and its lowest id, in every thread (best[0], best_id[0]).
fn highest(score: f32, id: u32, lane: u32) {
    workgroupBarrier();
    best[lane] = score;
    best_id[lane] = id;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            let other = best[lane + stride];
            let other_id = best_id[lane + stride];
            if other > best[lane] || (other == best[lane] && other_id < best_id[lane]) {
                best[lane] = other;
                best_id[lane] = other_id;
            }
        }
        workgroupBarrier();
    }
}

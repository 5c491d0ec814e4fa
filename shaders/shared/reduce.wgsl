// Sums and maxima over a workgroup of SIZE threads in one dimension. With SUBGROUPS a subgroup's threads, which follow
// one another, add up among themselves first, and PARTIALS sums meet in workgroup memory.
override SIZE: u32;
override SUBGROUP: u32;
const PARTIALS = SIZE / SUBGROUP;

var<workgroup> best: array<f32, PARTIALS>;
var<workgroup> best_id: array<u32, PARTIALS>;
var<workgroup> partial: array<f32, PARTIALS>;

// The sum over the workgroup, in every thread, always added in the same order.
fn total(v: f32, lane: u32) -> f32 {
    workgroupBarrier();
//#if SUBGROUPS
    let sum = subgroupAdd(v);
    if lane % SUBGROUP == 0u {
        partial[lane / SUBGROUP] = sum;
    }
    workgroupBarrier();
//#if TWO_LEVELS
    // As few partial sums as a subgroup has threads.
    return subgroupAdd(select(0.0, partial[lane % PARTIALS], lane % SUBGROUP < PARTIALS));
//#else
    var all = partial[0];
    for (var i = 1u; i < PARTIALS; i++) {
        all += partial[i];
    }
    return all;
//#endif
//#else
    partial[lane] = v;
    workgroupBarrier();
    for (var stride = SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier();
    }
    return partial[0];
//#endif
}

// The highest score and its lowest id, in every thread (best[0], best_id[0]).
fn highest(score: f32, id: u32, lane: u32) {
    workgroupBarrier();
//#if SUBGROUPS
    let top = subgroupMax(score);
    let top_id = subgroupMin(select(0xffffffffu, id, score == top));
    if lane % SUBGROUP == 0u {
        best[lane / SUBGROUP] = top;
        best_id[lane / SUBGROUP] = top_id;
    }
//#else
    best[lane] = score;
    best_id[lane] = id;
//#endif
    workgroupBarrier();
    for (var stride = PARTIALS / 2u; stride > 0u; stride /= 2u) {
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

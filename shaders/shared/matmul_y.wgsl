// y of the matmul kernels, and its store.
//#include shared/finish.wgsl
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn put(t: u32, r: u32, v: f32) {
//#if ADD
    y[t * sizes.y_stride + sizes.row0 + r] += finished(v, sizes.row0 + r);
//#else
    y[t * sizes.y_stride + sizes.row0 + r] = finished(v, sizes.row0 + r);
//#endif
}

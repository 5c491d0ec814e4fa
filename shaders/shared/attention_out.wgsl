// What attention leaves where one workgroup has all of a query's keys.
@group(0) @binding(2) var<storage, read_write> out: array<Near>;
// Column c of a head, which is counted over all rows.
fn put(head: u32, c: u32, v: Vec) {
//#if HALVES
//#if QUAD
    out[2u * head * COLS + c] = v.xy;
    out[(2u * head + 1u) * COLS + c] = v.zw;
//#else
    out[2u * head * COLS + c] = v.x;
    out[(2u * head + 1u) * COLS + c] = v.y;
//#endif
//#else
    out[head * COLS + c] = v;
//#endif
}

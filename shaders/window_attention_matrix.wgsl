enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
// A subgroup's number comes from its threads' numbers, which no analysis knows to be one for all of them.
diagnostic(off, chromium.subgroup_matrix_uniformity);
// window_attention.wgsl on matrix units: products of fp16 values, summed in fp32; softmax in fp32.
//
// A workgroup takes 16 queries of one head for each of its subgroups and walks the keys that any of them sees twice,
// since the sums in a matrix cannot be scaled when a query's maximum rises: first for the maxima, then for the weights
// and the values. Tiles lie at multiples of KEYS, so that a query's bits are the same however the prompt was cut.
//
// The next tile is on its way while this one is multiplied. Scores leave and weights enter the matrices through
// workgroup memory, where QUADS threads share a query: each has every fourth key. Rows there are padded against bank
// conflicts.
//#include shared/attention.wgsl
//#include shared/attention_out.wgsl
//#include shared/half.wgsl
@group(0) @binding(3) var<storage, read> cursor: Cursor;

override SUBGROUP: u32;
override WARPS: u32;        // subgroups of a workgroup
override KEYS: u32;         // keys of a tile: 32 or 64
override KEY_BLOCKS: u32;   // KEYS / 16
override DEPTH_BLOCKS: u32; // HEAD_DIM / 16
override ROWS: u32;         // queries of a thread in the softmax: 16 * QUADS / SUBGROUP
override OWN: u32;          // keys of a thread there, for each of them: KEYS / QUADS
override TURNS: u32;        // vectors of a tile that a thread brings: KEYS * COLS / SIZE
override TILE_ROWS: u32;    // keys and values, or the queries at first: max(2 KEYS, 16 WARPS)
const QUADS = 4u;
const BQ = 16u * WARPS;
const STRIDE = SUBGROUP / QUADS;
const PITCH = HEAD_DIM + 8u;
const S_PITCH = KEYS + 4u;
const P_PITCH = KEYS + 8u;
const TILE = TILE_ROWS * PITCH;
const S_TILE = BQ * S_PITCH;
const P_TILE = BQ * P_PITCH;
const VALUE_ROWS = KEYS * PITCH;
const LOG2E = 1.4426950408889634;

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;
alias Brought = array<Kept, TURNS>;

var<workgroup> tiles: array<f16, TILE>;     // KEYS keys, then their values
var<workgroup> scores: array<f32, S_TILE>;
var<workgroup> weights: array<f16, P_TILE>;

fn keep(at: u32, v: Vec) {
    let halves = halves4(v);
    for (var j = 0u; j < 4u; j++) { //#unroll
        tiles[at + j] = halves[j];
    }
}

fn keep_kept(at: u32, v: Kept) {
//#if HALVES
    let a = bitcast<vec2<f16>>(v.x);
    let b = bitcast<vec2<f16>>(v.y);
    tiles[at] = a.x;
    tiles[at + 1u] = b.x;
    tiles[at + 2u] = a.y;
    tiles[at + 3u] = b.y;
//#else
    keep(at, v);
//#endif
}

// Keys past the last are the last again: their weight is 0.
fn bring(brought: ptr<function, Brought>, offset: u32, tile: u32, last: u32, stored: u32, thread: u32) {
    for (var n = 0u; n < TURNS; n++) { //#unroll
        let i = n * SIZE + thread;
        (*brought)[n] = kv[offset + stored_at(min(tile + i / COLS, last), stored) + i % COLS];
    }
}

fn stage(brought: ptr<function, Brought>, to: u32, thread: u32) {
    for (var n = 0u; n < TURNS; n++) { //#unroll
        let i = n * SIZE + thread;
        keep_kept(to + i / COLS * PITCH + i % COLS * 4u, (*brought)[n]);
    }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let t0 = group.y * BQ;
    let key_head = key_head_of(head / (HEADS / KV_HEADS));
    let value_head = value_head_of(head / (HEADS / KV_HEADS));
    let values = values_at();
    let count = cursor.count;
    let pos0 = cursor.pos + t0;
    let last = cursor.pos + min(t0 + BQ, count) - 1u;
    let first = first_seen(pos0) / KEYS * KEYS;
    let query0 = thread / SUBGROUP * 16u;
    let lane = thread % SUBGROUP;
    let quad = lane % QUADS;
    let row0 = query0 + lane / QUADS;

    for (var i = thread; i < BQ * COLS; i += SIZE) {
        let t = min(t0 + i / COLS, count - 1u);
        keep(i / COLS * PITCH + i % COLS * 4u, query(t * ROW + query_head_of(head), i % COLS) * (SCALE * LOG2E));
    }
    workgroupBarrier();
    var queries: array<Left, DEPTH_BLOCKS>;
    for (var d = 0u; d < DEPTH_BLOCKS; d++) { //#unroll
        queries[d] = subgroupMatrixLoad<Left, row_major>(&tiles, query0 * PITCH + 16u * d, PITCH);
    }
    var keys: Brought;
    bring(&keys, 0u, first, last, key_head, thread);
    workgroupBarrier();
    stage(&keys, 0u, thread);
    workgroupBarrier();

    var highest: array<f32, ROWS>;
    for (var r = 0u; r < ROWS; r++) { //#unroll
        highest[r] = LOWEST;
    }
    for (var tile = first; tile <= last; tile += KEYS) {
        bring(&keys, 0u, select(tile + KEYS, first, tile + KEYS > last), last, key_head, thread); // the last tile: for the second walk
        {
            var sums: array<Sum, KEY_BLOCKS>;
            for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                sums[k] = Sum();
            }
            for (var d = 0u; d < DEPTH_BLOCKS; d++) { //#unroll
                for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                    let right = subgroupMatrixLoad<Right, col_major>(&tiles, 16u * k * PITCH + 16u * d, PITCH);
                    sums[k] = subgroupMatrixMultiplyAccumulate(queries[d], right, sums[k]);
                }
            }
            for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                subgroupMatrixStore<row_major>(&scores, query0 * S_PITCH + 16u * k, sums[k], S_PITCH);
            }
        }
        workgroupBarrier();
        stage(&keys, 0u, thread);
        for (var r = 0u; r < ROWS; r++) { //#unroll
            let row = row0 + r * STRIDE;
            let pos = pos0 + row;
            let seen = first_seen(pos);
            for (var i = 0u; i < OWN; i++) { //#unroll
                let j = tile + i * QUADS + quad;
                let score = scores[row * S_PITCH + i * QUADS + quad];
                highest[r] = max(highest[r], select(LOWEST, score, j <= pos && j >= seen));
            }
        }
        workgroupBarrier();
    }
    for (var r = 0u; r < ROWS; r++) { //#unroll
        scores[(row0 + r * STRIDE) * S_PITCH + quad] = highest[r];
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) { //#unroll
        for (var i = 0u; i < QUADS; i++) {
            highest[r] = max(highest[r], scores[(row0 + r * STRIDE) * S_PITCH + i]);
        }
    }
    workgroupBarrier();

    var acc: array<Sum, DEPTH_BLOCKS>;
    var total: array<f32, ROWS>;
    var brought: Brought;
    for (var tile = first; tile <= last; tile += KEYS) {
        bring(&brought, values, tile, last, value_head, thread);
        bring(&keys, 0u, tile + KEYS, last, key_head, thread);
        {
            var sums: array<Sum, KEY_BLOCKS>;
            for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                sums[k] = Sum();
            }
            for (var d = 0u; d < DEPTH_BLOCKS; d++) { //#unroll
                for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                    let right = subgroupMatrixLoad<Right, col_major>(&tiles, 16u * k * PITCH + 16u * d, PITCH);
                    sums[k] = subgroupMatrixMultiplyAccumulate(queries[d], right, sums[k]);
                }
            }
            for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
                subgroupMatrixStore<row_major>(&scores, query0 * S_PITCH + 16u * k, sums[k], S_PITCH);
            }
        }
        // Before it, all are done with these keys and with the last tile's values and weights.
        workgroupBarrier();
        stage(&brought, VALUE_ROWS, thread);
        stage(&keys, 0u, thread);
        for (var r = 0u; r < ROWS; r++) { //#unroll
            let row = row0 + r * STRIDE;
            let pos = pos0 + row;
            let seen = first_seen(pos);
            for (var i = 0u; i < OWN; i++) { //#unroll
                let j = tile + i * QUADS + quad;
                let score = scores[row * S_PITCH + i * QUADS + quad];
                let p = select(0.0, exp2(score - highest[r]), j <= pos && j >= seen);
                weights[row * P_PITCH + i * QUADS + quad] = f16(p);
                total[r] += p;
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < KEY_BLOCKS; k++) { //#unroll
            let left = subgroupMatrixLoad<Left, row_major>(&weights, query0 * P_PITCH + 16u * k, P_PITCH);
            for (var d = 0u; d < DEPTH_BLOCKS; d++) { //#unroll
                let right = subgroupMatrixLoad<Right, row_major>(&tiles, VALUE_ROWS + 16u * k * PITCH + 16u * d, PITCH);
                acc[d] = subgroupMatrixMultiplyAccumulate(left, right, acc[d]);
            }
        }
    }
    for (var r = 0u; r < ROWS; r++) { //#unroll
        scores[(row0 + r * STRIDE) * S_PITCH + quad] = total[r];
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) { //#unroll
        total[r] = 0.0;
        for (var i = 0u; i < QUADS; i++) {
            total[r] += scores[(row0 + r * STRIDE) * S_PITCH + i];
        }
    }
    for (var d = 0u; d < DEPTH_BLOCKS; d++) { //#unroll
        workgroupBarrier();
        subgroupMatrixStore<row_major>(&scores, query0 * S_PITCH, acc[d], S_PITCH);
        workgroupBarrier();
        for (var r = 0u; r < ROWS; r++) { //#unroll
            let row = row0 + r * STRIDE;
            if t0 + row < count {
                let at = row * S_PITCH + 4u * quad;
                let v = vec4<f32>(scores[at], scores[at + 1u], scores[at + 2u], scores[at + 3u]);
                put((t0 + row) * HEADS + head, 4u * d + quad, v / total[r]);
            }
        }
    }
}

// What a matmul kernel knows of its operands.
struct Sizes {
    width: u32,    // IN: weights in a row
    rows: u32,     // OUT: rows of this part of W, of matmul_blocks: of this slice of it
    x_stride: u32, // elements between two tokens' x
    y_stride: u32, // elements between two tokens' y
    row0: u32,     // first row of y that these rows make
    k_blocks: u32, // of matmul_blocks: 16s of k, with those that are zeros
    w_blocks: u32, // likewise, of rows
    first: u32,    // likewise: the part's row that the slice begins with
}

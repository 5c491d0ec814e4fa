// Where a product of a batch on matrix units (matmul_batch.wgsl) finds its x: fp16, in blocks of 16 tokens by 16 of k, those
// of the same k side by side. The kernel that makes x leaves it there, too, so that no reader has to bring it to fp16.
//#include shared/half.wgsl
override TOKEN_BLOCKS: u32; // of 16 tokens

fn halved_at(t: u32, k: u32) -> u32 {
    return ((k / 16u * TOKEN_BLOCKS + t / 16u) * 16u + t % 16u) * 16u + k % 16u;
}

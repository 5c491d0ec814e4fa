/** How many bytes a model's weights are, by its folder's index; 0 where that cannot be known. */
export async function modelSize(folder: string): Promise<number> {
  try {
    const response = await fetch(new URL("model.safetensors.index.json", folder));
    const { metadata } = await response.json();
    const sizes = Object.values((metadata.size ?? {}) as Record<string, unknown>).map(Number);
    const sum = sizes.reduce((a, b) => a + b, 0) || Number(metadata.total_size);
    return Number.isFinite(sum) && sum > 0 ? sum : 0;
  } catch {
    return 0;
  }
}

/** Where an engine in a page may compute: "auto" is WebGPU where that works and is quicker, else the processor. */
export const backends = ["auto", "webgpu", "cpu"] as const;
export type Backend = (typeof backends)[number];

/** The backend of that name; auto for any other, and for none. */
export const backendOf = (name: string | null | undefined): Backend =>
  backends.find((backend) => backend === name) ?? "auto";

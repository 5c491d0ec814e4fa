/** How large a model this machine has room for, found out before anything is downloaded. */

/** What the processor may fill: WebAssembly addresses 4 GiB, and the rest of the engine lives there, too. */
const PROCESSOR = 3 * 2 ** 30;
const PIECE = 256 * 2 ** 20;

/** The most bytes that each has room for, of the sizes that were asked about; 0: for none. */
export interface Room {
  webgpu: number;
  cpu: number;
}

/** Tries the sizes on the adapter: browsers tell no one how much memory there is. What is taken is given back at once. */
export async function roomFor(sizes: readonly number[]): Promise<Room> {
  const sorted = [...new Set(sizes)].sort((a, b) => a - b);
  const most = (fits: number) => (fits > 0 ? (sorted[fits - 1] ?? 0) : 0);
  const room = { webgpu: 0, cpu: most(sorted.filter((size) => size <= PROCESSOR).length) };
  const adapter = await globalThis.navigator?.gpu?.requestAdapter().catch(() => null);
  // What a software adapter has room for is the processor's memory.
  if (!adapter || adapter.info?.isFallbackAdapter) return room;
  const { maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize } }).catch(() => undefined);
  if (!device) return room;
  try {
    let [fits, above] = [0, sorted.length];
    while (fits < above) {
      const middle = Math.ceil((fits + above) / 2);
      if (await holds(device, most(middle), Math.min(PIECE, maxBufferSize))) fits = middle;
      else above = middle - 1;
    }
    room.webgpu = most(fits);
  } finally {
    device.destroy();
  }
  return room;
}

async function holds(device: GPUDevice, bytes: number, piece: number): Promise<boolean> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  const buffers: GPUBuffer[] = [];
  for (let left = bytes; left > 0; left -= piece)
    buffers.push(device.createBuffer({ size: Math.ceil(Math.min(left, piece) / 4) * 4, usage: 0x88 })); // storage, and copies to it
  const wrong = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  for (const buffer of buffers) buffer.destroy();
  await device.queue.onSubmittedWorkDone();
  return wrong.every((error) => error === null);
}

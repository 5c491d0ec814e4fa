import { within } from "./within.ts";

/** How long a browser has to say whether it has a GPU, in ms. Some take very long, and the engine starts only then. */
const PATIENCE = 2000;

/**
 * Whether the engine's memory should be one that helpers share: where the processor will compute. A GPU has no use for
 * it, and browsers keep what they compiled of an engine that comes unchanged. WebKitGTK makes such memory, but has no
 * name for what it consists of, which the rest asks for. A browser that does not say in time gets memory of its own,
 * which serves either machine.
 */
export async function threads(): Promise<boolean> {
  if (
    !globalThis.crossOriginIsolated ||
    !("SharedArrayBuffer" in globalThis) ||
    navigator.hardwareConcurrency < 2
  )
    return false;
  if (!navigator.gpu) return true;
  const asked = navigator.gpu.requestAdapter().catch(() => null);
  const adapter = await within(asked, "a GPU is looked for", PATIENCE).catch(() => undefined);
  return adapter === null || adapter?.info?.isFallbackAdapter === true;
}

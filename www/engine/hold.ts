/** Locks among the tabs of a browser. */
import { within } from "./within.ts";

/** Waits until no other tab holds the name; the browser lets go of what a killed tab held. */
export async function hold(name: string, signal: AbortSignal, onWait: () => void): Promise<() => void> {
  if (!globalThis.navigator?.locks) return () => {};
  const request = (options: LockOptions) =>
    new Promise<(() => void) | undefined>((resolve, reject) => {
      const granted = (lock: Lock | null) =>
        lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined);
      navigator.locks.request(name, options, granted).catch(reject);
    });
  const at = await within(request({ ifAvailable: true }), "the lock of a model");
  if (at) return at;
  onWait();
  return (await request({ signal })) ?? (() => {});
}

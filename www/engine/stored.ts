/** What the browser keeps of models between visits, for pages that show and delete it. */
import { openStore, type StoredModel } from "./store.ts";

export type { StoredModel };

/** The room that this site has in the browser. */
export interface Storage {
  /** Bytes in use, by models and all else of this site. */
  used: number;
  /** Bytes that the browser would give; 0 where it does not tell. */
  quota: number;
  /** Whether the browser keeps them until they are deleted by hand, even when the disk fills up. */
  persistent: boolean;
}

/** The models that are stored, wholly or in part, the one used last first. */
export async function storedModels(): Promise<StoredModel[]> {
  return (await (await openStore())?.list()) ?? [];
}

/** Deletes a stored model, but for files that another one needs. Throws an Error with one sentence for people. */
export async function deleteStored(url: string): Promise<void> {
  try {
    await (await openStore())?.remove(url);
  } catch (error) {
    if ((error as DOMException).name !== "NoModificationAllowedError") throw error;
    throw new Error("This model is being loaded in a tab: close that tab, then delete it.");
  }
}

export async function storage(): Promise<Storage> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return { used: usage, quota, persistent: (await navigator.storage?.persisted?.()) ?? false };
}

/** Asks the browser to keep what is stored; it may say no without asking the visitor. */
export async function persist(): Promise<boolean> {
  return (await navigator.storage?.persist?.()) ?? false;
}

/** The heavy half of the widget, loaded when a visitor starts a chat: the engine, which all widgets of a page share, and Markdown. */
import type { Backend } from "../engine/backend.ts";
import { type Progress, Samba, SambaError } from "../engine/client.ts";

export { MarkdownView } from "../view/markdown.ts";
export { SambaError };

interface Shared {
  samba: Promise<Samba>;
  users: number;
  stop: AbortController;
  hear: Set<(progress: Progress) => void>;
}

const engines = new Map<string, Shared>();

/** The engine with a model, started by the first who asks. Each who got it gives it back once. */
export async function borrow(
  folder: string,
  backend: Backend | "remote",
  remote: string | undefined,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ samba: Samba; giveBack(): void }> {
  const key = `${backend} ${remote ?? ""} ${folder}`;
  let shared = engines.get(key);
  if (!shared) {
    const hear = new Set<(progress: Progress) => void>();
    const stop = new AbortController();
    const tell = (progress: Progress) => {
      for (const one of hear) one(progress);
    };
    const samba = Samba.load(folder, { backend, remote, onProgress: tell, signal: stop.signal });
    shared = { samba, users: 0, stop, hear };
    engines.set(key, shared);
  }
  const mine = shared;
  mine.users++;
  mine.hear.add(onProgress);
  let given = false;
  const giveBack = () => {
    if (given) return;
    given = true;
    mine.hear.delete(onProgress);
    if (--mine.users > 0) return;
    if (engines.get(key) === mine) engines.delete(key);
    mine.stop.abort();
    mine.samba.then((samba) => samba.unload()).catch(() => {});
  };
  signal.addEventListener("abort", giveBack, { once: true });
  if (signal.aborted) giveBack();
  try {
    const samba = await mine.samba;
    mine.hear.delete(onProgress);
    return { samba, giveBack };
  } catch (error) {
    // The next who asks tries again.
    if (engines.get(key) === mine) engines.delete(key);
    throw error;
  } finally {
    signal.removeEventListener("abort", giveBack);
  }
}

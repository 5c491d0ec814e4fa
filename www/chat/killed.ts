/**
 * Loads that ended with the page itself: phones end pages that take too much memory, and open them again, which then load
 * again. Each load leaves a mark while it lasts and holds a lock: a mark without its lock is of a page that was ended.
 */

/** Marks of loads: { id, folder }. */
const KEY = "samba-loading";
const LOCK = "samba-loading ";
/** Ended loads of a model after which the page no longer loads it by itself. */
const MOST = 3;

interface Mark {
  id: string;
  folder: string;
}

function marks(): Mark[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((mark) => mark?.id && typeof mark.folder === "string") : [];
  } catch {
    return [];
  }
}

function write(list: Mark[]): void {
  try {
    if (list.length > 0) localStorage.setItem(KEY, JSON.stringify(list.slice(-20)));
    else localStorage.removeItem(KEY);
  } catch {
    // Then nothing is counted.
  }
}

/** Forgets what became of earlier loads of a model. */
export function forgetKilled(folder: string): void {
  write(marks().filter((mark) => mark.folder !== folder));
}

/**
 * Begins a load, and gives what is to be called once it has ended, whichever way. Undefined: the page was ended three
 * times in a row while it loaded this model.
 */
export async function beginLoad(folder: string): Promise<(() => void) | undefined> {
  const { locks } = navigator;
  if (!locks) return () => {};
  const before = new Set(marks().map(({ id }) => id));
  const held = new Set((await locks.query()).held?.map(({ name }) => name));
  // A load that has ended meanwhile has taken its mark along.
  const killed = marks().filter((m) => m.folder === folder && before.has(m.id) && !held.has(LOCK + m.id));
  if (killed.length >= MOST) return undefined;
  const id = crypto.randomUUID();
  let release = () => {};
  await new Promise<void>((granted) => {
    const hold = () =>
      new Promise<void>((done) => {
        release = done;
        granted();
      });
    locks.request(LOCK + id, hold).catch(() => granted());
  });
  write([...marks(), { id, folder }]);
  /** A visitor who leaves, or reloads, has not been thrown out. */
  const leave = () => {
    write(marks().filter((mark) => mark.id !== id));
    release();
  };
  addEventListener("pagehide", leave, { once: true });
  return () => {
    removeEventListener("pagehide", leave);
    leave();
    forgetKilled(folder);
  };
}

/** One engine in a worker of its own, and who waits for which of its answers. */
import { ownWorker } from "./beside.ts";
import { errorOf, InternalError } from "./errors.ts";
import type { Error as ErrorMessage, Reply, Request } from "./protocol.ts";

/** A request as it is made: the connection gives it its id. */
export type Asked<T extends Request = Request> = T extends Request ? Omit<T, "id"> : never;

/** What the client needs of an engine. */
export interface Connection {
  /** Sends a request, and bytes that go with it, and yields its answers up to the one that ends it; an error is thrown. */
  ask(request: Asked, signal?: AbortSignal, data?: ArrayBuffer): AsyncGenerator<Reply, void, undefined>;
  /** Ends the engine, and with an error all that wait for it. */
  close(): void;
}

const last = new Set<Reply["type"]>(["ready", "tokens", "saved", "done", "error"]);

/** An engine in a Web Worker. */
export class WorkerConnection implements Connection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #failure: ErrorMessage | undefined;
  #lastID = 0;

  /** @throws {@link InternalError} where the browser starts no such worker. */
  constructor(url: string | URL = ownWorker()) {
    const advice = `Check that ${url} is there and that the page's Content-Security-Policy allows it`;
    try {
      this.#worker = startWorker(url);
    } catch (error) {
      throw new InternalError("internal", `The browser starts no worker: ${error}. ${advice}.`);
    }
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.type === "error" && data.id === 0) this.#fail(data);
      else this.#waiting.get(data.id)?.(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ? `failed: ${event.message}` : `did not start. ${advice}`;
      this.#fail({ type: "error", id: 0, code: "internal", message: `The engine's worker ${reason}.` });
    };
  }

  async *ask(
    request: Asked,
    signal?: AbortSignal,
    data?: ArrayBuffer,
  ): AsyncGenerator<Reply, void, undefined> {
    if (this.#failure) throw errorOf(this.#failure);
    const id = ++this.#lastID;
    const replies: Reply[] = [];
    let wake = () => {};
    let finished = false;
    this.#waiting.set(id, (reply) => {
      replies.push(reply);
      wake();
    });
    const cancel = () => this.#post({ type: "cancel", id: ++this.#lastID, target: id });
    this.#post({ ...request, id } as Request, data);
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for (;;) {
        const reply = replies.shift();
        if (!reply) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        finished = last.has(reply.type);
        if (reply.type === "error") throw errorOf(reply);
        yield reply;
        if (finished) return;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
      if (!finished) cancel();
    }
  }

  /** Makes files the content of the folder at an address. */
  share(folder: string, files: File[]): void {
    this.#worker.postMessage({ folder, files });
  }

  close(): void {
    this.#worker.terminate();
    this.#fail({ type: "error", id: 0, code: "cancelled", message: "The model was unloaded." });
    this.#failure = {
      type: "error",
      id: 0,
      code: "not_loaded",
      message: "The model was unloaded: load it again.",
    };
  }

  #post(request: Request, data?: ArrayBuffer): void {
    if (data) this.#worker.postMessage({ ...request, data }, [data]);
    else this.#worker.postMessage(request);
  }

  #fail(error: ErrorMessage): void {
    this.#failure ??= error;
    for (const hear of this.#waiting.values()) hear(error);
  }
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;
const vouched = new Set<string>();

/**
 * Starts the engine's worker, from the address given or from beside this
 * script. Browsers start no worker from another origin, so one that lies
 * there is imported by a worker of this page's own: its server must allow
 * that (Access-Control-Allow-Origin), and a CSP of the page must have blob:
 * and that origin in worker-src.
 */
export function startWorker(from: string | URL = ownWorker()): Worker {
  let url = new URL(from, document.baseURI).href;
  if (new URL(url).origin !== location.origin) {
    const text = `import ${JSON.stringify(url)};`;
    url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  }
  vouched.add(url);
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types?.createPolicy("samba", { createScriptURL: (asked) => (vouched.has(asked) ? asked : "") });
  return new Worker((policy?.createScriptURL(url) ?? url) as string, { type: "module", name: "samba" });
}

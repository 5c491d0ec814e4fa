/**
 * The engine as a page sees it.
 *
 *     const samba = await Samba.load("models/default/", { onProgress });
 *     for await (const part of samba.chat({ messages, signal })) {
 *       if (part.type === "text") show(part.text);
 *     }
 */
import type {
  ChatMessage,
  Code,
  Done,
  Error as ErrorMessage,
  Generate,
  Load,
  Progress,
  Ready,
  Reply,
  Request,
  Text,
} from "./protocol.ts";

export type { ChatMessage, Code, Done, ErrorMessage, Progress, Ready, Text };

/** What the engine reports when it cannot do what was asked: a code for programs, a sentence for people. */
export class SambaError extends Error {
  override name = "SambaError";
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

export interface LoadOptions {
  /** Hears of bytes and shards as they come. */
  onProgress?: (progress: Progress) => void;
  /** Ends the loading. */
  signal?: AbortSignal | undefined;
  /** "webgpu" (the default), or "cpu": slow, but everywhere. */
  backend?: "webgpu" | "cpu";
}

/** Settings of an answer; what is left out is the model's own. */
export type ChatRequest = Omit<Generate, "type" | "id" | "binary" | "prompt" | "messages"> & {
  messages: ChatMessage[];
  /** Ends the answer; the last part then is done with finish_reason "cancelled". */
  signal?: AbortSignal | undefined;
};

/** What an answer is made of: reading the prompt, text as it comes, and at the end what it took. */
export type ChatPart = Progress | Text | Done;

/** A model, loaded and ready. */
export class Samba {
  private constructor(
    private readonly engine: EngineClient,
    /** What was loaded, and what it runs on. */
    readonly about: Ready,
  ) {}

  /** Starts an engine in a worker of its own and loads the model in the folder at the address given. */
  static async load(url: string | URL, options: LoadOptions = {}): Promise<Samba> {
    const engine = new EngineClient();
    const request: Omit<Load, "id"> = {
      type: "load",
      url: new URL(url, document.baseURI).href,
      backend: options.backend ?? "webgpu",
    };
    try {
      for await (const reply of engine.ask(request, options.signal)) {
        if (reply.type === "progress") options.onProgress?.(reply);
        else if (reply.type === "ready") return new Samba(engine, reply);
      }
      throw new SambaError("internal", "The engine did not answer to load.");
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  /** Answers a conversation. Leaving the loop early cancels the rest. */
  async *chat({ signal, ...settings }: ChatRequest): AsyncGenerator<ChatPart, void, undefined> {
    for await (const reply of this.engine.ask({ type: "generate", ...settings }, signal)) {
      if (reply.type === "progress" || reply.type === "text" || reply.type === "done") yield reply;
    }
  }

  /** Ends the engine and gives back all its memory. */
  unload(): void {
    this.engine.close();
  }
}

type Asked<T> = T extends Request ? Omit<T, "id"> : never;

/** One worker, and who waits for which of its answers. */
class EngineClient {
  readonly #worker = new Worker(workerURL() as string, { type: "module", name: "samba" });
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #failure: ErrorMessage | undefined;
  #lastID = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.type === "error" && data.id === 0) this.#fail(data);
      else this.#waiting.get(data.id)?.(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ? `: ${event.message}` : "";
      this.#fail({ type: "error", id: 0, code: "internal", message: `The engine's worker failed${reason}.` });
    };
  }

  /** Sends a request and yields its answers up to the one that ends it; an error is thrown. */
  async *ask(request: Asked<Request>, signal?: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    if (this.#failure) throw new SambaError(this.#failure.code, this.#failure.message);
    const id = ++this.#lastID;
    const replies: Reply[] = [];
    let wake = () => {};
    let finished = false;
    this.#waiting.set(id, (reply) => {
      replies.push(reply);
      wake();
    });
    const cancel = () => this.#post({ type: "cancel", id: ++this.#lastID, target: id });
    this.#post({ ...request, id } as Request);
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
        finished = reply.type === "done" || reply.type === "ready" || reply.type === "error";
        if (reply.type === "error") throw new SambaError(reply.code, reply.message);
        yield reply;
        if (finished) return;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
      if (!finished) cancel();
    }
  }

  close(): void {
    this.#worker.terminate();
    this.#fail({ type: "error", id: 0, code: "cancelled", message: "The engine was ended." });
  }

  #post(request: Request): void {
    this.#worker.postMessage(request);
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

let trusted: unknown;

/** The worker's address, vouched for where the page demands Trusted Types. */
export function workerURL(): unknown {
  const url = new URL(SAMBA_WORKER, import.meta.url).href;
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  trusted ??=
    types
      ?.createPolicy("samba", { createScriptURL: (asked) => (asked === url ? asked : "") })
      .createScriptURL(url) ?? url;
  return trusted;
}

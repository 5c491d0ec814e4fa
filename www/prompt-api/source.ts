/** The model behind a LanguageModel: loaded once for all sessions, when the first one asks for it. */
import { type LoadOptions, Samba, storedModels } from "../engine/client.ts";
import type { Availability } from "./index.ts";

/** A loading that creates wait for; the last one to leave ends it. */
interface Loading {
  engine: Promise<Samba>;
  waiting: number;
  controller: AbortController;
  /** How much of it has come, 0 to 1; and who hears of it. */
  done: number;
  hear: Set<(done: number) => void>;
}

export class Source {
  readonly #model: string | URL | Samba;
  readonly #options: LoadOptions;
  #loading: Loading | undefined;
  #loaded: Samba | undefined;

  constructor(model: string | URL | Samba, options: LoadOptions) {
    this.#model = model;
    this.#options = options;
    if (model instanceof Samba) this.#loaded = model;
  }

  async availability(): Promise<Availability> {
    if (this.#loaded) return "available";
    if (this.#loading) return "downloading";
    const plain = (url: string) => url.replace(/\/*(#.*)?$/, "$1");
    const { bits } = this.#options;
    const folder = new URL(String(this.#model), document.baseURI);
    folder.hash = bits ? `bits=${bits}` : "";
    const href = plain(folder.href);
    const stored = (await storedModels()).find(({ url }) => plain(url) === href);
    return stored?.complete ? "available" : "downloadable";
  }

  /** A session on the model; the target hears of its download. */
  async session(signal: AbortSignal | undefined, target: EventTarget): Promise<Samba> {
    let last = -1;
    const report = (done: number) => {
      const loaded = Math.floor(done * 0x10000) / 0x10000; // no finer, says the draft
      if (signal?.aborted || loaded <= last) return;
      last = loaded;
      target.dispatchEvent(
        new ProgressEvent("downloadprogress", { lengthComputable: true, loaded, total: 1 }),
      );
    };
    report(0);
    signal?.throwIfAborted();
    const engine = this.#loaded ?? (await this.#load(signal, report));
    signal?.throwIfAborted();
    report(1);
    signal?.throwIfAborted();
    return await engine.state.fork();
  }

  /** Ends the engine, unless it was given. */
  unload(): void {
    this.#loading?.controller.abort();
    if (!(this.#model instanceof Samba)) {
      this.#loaded?.unload();
      this.#loaded = undefined;
    }
  }

  async #load(signal: AbortSignal | undefined, report: (done: number) => void): Promise<Samba> {
    this.#loading ??= this.#begin(this.#model as string | URL);
    const loading = this.#loading;
    loading.waiting++;
    loading.hear.add(report);
    report(loading.done);
    let leave = () => {};
    try {
      return await new Promise((resolve, reject) => {
        leave = () => reject(signal?.reason);
        signal?.addEventListener("abort", leave, { once: true });
        loading.engine.then(resolve, reject);
      });
    } finally {
      signal?.removeEventListener("abort", leave);
      loading.hear.delete(report);
      if (--loading.waiting === 0 && !this.#loaded) loading.controller.abort();
    }
  }

  #begin(model: string | URL): Loading {
    const controller = new AbortController();
    const loading: Loading = {
      engine: Samba.load(model, {
        ...this.#options,
        signal: controller.signal,
        onProgress: ({ phase, loaded, total }) => {
          if (!(phase === "download" || phase === "pack") || !total) return;
          loading.done = Math.min(loaded / total, 1 - 1 / 0x10000); // all is there when it runs
          for (const report of loading.hear) report(loading.done);
        },
      }),
      waiting: 0,
      controller,
      done: 0,
      hear: new Set(),
    };
    loading.engine
      .then((engine) => {
        if (this.#loading === loading) this.#loaded = engine;
        else engine.unload();
      })
      .catch(() => {}) // those who wait hear of it
      .finally(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    controller.signal.addEventListener("abort", () => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    return loading;
  }
}

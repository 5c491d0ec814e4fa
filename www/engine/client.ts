/**
 * Samba language models in a web page, in OpenAI's shapes.
 *
 *     const samba = await Samba.load("models/default/", { onProgress });
 *     const stream = await samba.chat.completions.create({ messages, stream: true });
 *     for await (const chunk of stream) show(chunk.choices[0]?.delta.content ?? "");
 *
 * The engine runs in a worker: the page stays responsive, and nothing that is
 * said leaves the machine, unless the backend is "remote".
 */
import type { Backend } from "./backend.ts";
import { ChatCompletions, type ChatMessageParam, Completions, conversation } from "./completions.ts";
import { type Asked, WebSocketConnection, WorkerConnection } from "./connection.ts";
import { CancelledError, InternalError, refuse, SambaError } from "./errors.ts";
import { HUB, hubFolder } from "./hub.ts";
import { addressOf, filesOf } from "./local.ts";
import type { Load, Progress, Ready, Tokens } from "./protocol.ts";
import { Session, State } from "./state.ts";
import { canShare, TabsConnection } from "./tabs.ts";

export type { Backend } from "./backend.ts";
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionParams,
  ChatCompletions,
  ChatEnded,
  ChatLogprob,
  ChatLogprobs,
  ChatMessageParam,
  ChatTokenLogprob,
  Completion,
  CompletionChoice,
  CompletionChunk,
  CompletionHead,
  CompletionLogprobs,
  CompletionParams,
  Completions,
  CompletionUsage,
  Ended,
  FinishReason,
  RequestOptions,
  ResponseFormat,
  SamplingParams,
  Stream,
} from "./completions.ts";
export {
  BadRequestError,
  CancelledError,
  DeviceError,
  InternalError,
  ModelError,
  NetworkError,
  NotLoadedError,
  RefusedError,
  SambaError,
  StateError,
} from "./errors.ts";
export type { Code, Header, Progress, Ready, Timings } from "./protocol.ts";
export type {
  ChatTool,
  ChatToolCall,
  ChatToolCallDelta,
  SpeechParams,
  SpokenParams,
  ToolChoice,
} from "./speech.ts";
export type { ReadInfo, ReadOptions, State, StateInfo } from "./state.ts";
export { inspectState } from "./state.ts";
export type { Storage, StoredModel } from "./stored.ts";
export { deleteStored, persist, storage, storedModels } from "./stored.ts";

/** How to load a model. */
export interface LoadOptions {
  /** Hears of bytes and shards as they come. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the loading. */
  signal?: AbortSignal | undefined;
  /**
   * Where to compute. "auto" (the default): on WebGPU where it computes right and is quicker than the processor, else
   * on that, else at the server that `remote` names; `about.reason` says why. "webgpu" and "cpu" insist. "remote": at a
   * server (`samba serve --engine`), whose address then stands in the place of the model folder's, or in `remote`;
   * what is said leaves the machine.
   */
  backend?: Backend | "remote" | undefined;
  /** A server's /engine, wss: or https:, for the backend "remote", or for "auto" to fall back on. */
  remote?: string | URL | undefined;
  /**
   * A hub, such as https://huggingface.co: the address may then be a model's name there, ORG/NAME, or its page. The
   * folder is fetched from it as it is; it sees the download. true is that one.
   */
  hub?: string | URL | true | undefined;
  /**
   * Packs weights that are not packed yet in 4 or 8 bits while they come, as `samba convert` would: the download stays
   * as large, what the machine needs and what is stored for the next visit shrinks to a quarter or half of bf16's.
   * A folder that is packed already is taken as it is if it has these bits, else refused. Left out: weights stay as they are.
   */
  bits?: 4 | 8 | undefined;
  /**
   * On the processor, how many threads compute at most, 1 to 64. There are several only where the page is alone with
   * its origin (`crossOriginIsolated`) and the browser has no GPU. Left out: as many as the machine has cores, at most 4.
   */
  threads?: number | undefined;
  /** What the server's owner gave out to be let in with. */
  token?: string | undefined;
  /**
   * Whether tabs of this origin that load the same model share one engine, and one copy of its weights. Default true; a
   * folder of the visitor's own disk, and a page without https, have an engine of their own.
   */
  shared?: boolean | undefined;
  /** Where the engine's worker script lies; left out: beside this script. Another origin's works, too. */
  worker?: string | URL | undefined;
}

/** A model, loaded and ready. */
export class Samba {
  /** Answers conversations. */
  readonly chat: { readonly completions: ChatCompletions };
  /** Continues texts. */
  readonly completions: Completions;
  /** Saves, restores and copies the conversation's state. */
  readonly state: State;
  readonly #engine: Session;

  private constructor(
    engine: Session,
    /** What was loaded, and what it runs on. */
    readonly about: Ready,
  ) {
    this.#engine = engine;
    this.chat = { completions: new ChatCompletions(engine, about.model) };
    this.completions = new Completions(engine, about.model);
    this.state = new State(engine, about, (fork) => new Samba(fork, about));
  }

  /**
   * Starts an engine in a worker of its own and loads the model in the folder
   * at the address given.
   * @throws {@link SambaError} of the class that says what is wrong; nothing stays behind then.
   */
  static async load(url: string | URL, options: LoadOptions = {}): Promise<Samba> {
    const { hub } = options;
    if (hub !== undefined && hub !== true && !/^https?:/.test(URL.canParse(hub) ? new URL(hub).protocol : ""))
      refuse("hub", `is ${JSON.stringify(hub)}, want a hub's address, such as ${HUB}`);
    const published = hub && hubFolder(String(url), hub === true ? HUB : String(hub));
    if (!published && !URL.canParse(url, document.baseURI))
      refuse("url", `is ${JSON.stringify(url)}, want a model folder's address`);
    return await Samba.#load(published || new URL(url, document.baseURI).href, [], options);
  }

  /**
   * Loads a model from the visitor's own disk: a folder from showDirectoryPicker,
   * what was dropped on the page, or the files of an <input>.
   * @throws {@link SambaError} as load does.
   */
  static async loadFiles(
    from: FileSystemDirectoryHandle | DataTransfer | Iterable<File>,
    options: LoadOptions = {},
  ): Promise<Samba> {
    const files = await filesOf(from);
    if (files.length === 0) refuse("files", "has none: want a model folder's");
    return await Samba.#load(addressOf(files), files, options);
  }

  static async #load(href: string, files: File[], options: LoadOptions): Promise<Samba> {
    const {
      onProgress,
      signal,
      backend = "auto",
      shared = true,
      worker,
      remote = href,
      token,
      bits,
      threads,
    } = options;
    if (bits !== undefined && bits !== 4 && bits !== 8)
      refuse("bits", `is ${JSON.stringify(bits)}, want 4 or 8`);
    if (threads !== undefined && !(Number.isInteger(threads) && threads > 0 && threads <= 64))
      refuse("threads", `is ${JSON.stringify(threads)}, want 1 to 64`);
    if (backend === "auto" && options.remote) {
      try {
        return await Samba.#load(href, files, { ...options, remote: undefined });
      } catch (error) {
        if (error instanceof CancelledError || !(error instanceof SambaError)) throw error;
        const far = await Samba.#load(href, files, { ...options, backend: "remote" });
        far.about.reason = `A server computes: ${error.message}`;
        return far;
      }
    }
    if (signal?.aborted) throw new CancelledError("cancelled", "Loading was cancelled.");
    const request: Asked<Load> = {
      type: "load",
      url: href,
      backend,
      ...(bits && { bits }),
      ...(threads && { threads }),
    };
    const engine =
      backend === "remote"
        ? new WebSocketConnection(serverOf(remote), token)
        : shared && files.length === 0 && canShare()
          ? new TabsConnection(request, worker)
          : new WorkerConnection(worker);
    try {
      if (files.length > 0 && engine instanceof WorkerConnection) engine.share(href, files);
      for await (const reply of engine.ask(request, signal)) {
        if (reply.type === "progress") onProgress?.(reply);
        else if (reply.type === "ready") {
          if (backend === "remote") reply.adapter = `${serverOf(remote).host} (${reply.adapter})`;
          return new Samba(new Session(engine), reply);
        }
      }
      throw new InternalError("internal", "The engine did not answer to load.");
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  /** The token ids of a text, or of a conversation as the model reads it. Control tokens that a text spells are text, unless they are asked for. */
  async tokenize(
    text: string | readonly ChatMessageParam[],
    { control_tokens = false }: { control_tokens?: boolean | undefined } = {},
  ): Promise<number[]> {
    if (typeof text !== "string" && !Array.isArray(text))
      refuse("text", "is neither a string nor a list of messages");
    const what = typeof text === "string" ? { text, control_tokens } : { messages: conversation(text) };
    return (await this.#tokens({ type: "tokenize", ...what })).ids;
  }

  /** The text of token ids, special tokens written out. */
  async detokenize(ids: ArrayLike<number>): Promise<string> {
    const list = Array.from(ids);
    const bad = list.findIndex((id) => !Number.isInteger(id) || id < 0);
    if (bad >= 0) refuse(`ids[${bad}]`, `is ${list[bad]}, want a whole number from 0`);
    return (await this.#tokens({ type: "detokenize", ids: list })).text;
  }

  /** How many tabs share the engine at the moment, this one among them, and whether it is in this one. */
  get sharing(): { tabs: number; here: boolean } {
    const { engine } = this.#engine;
    return engine instanceof TabsConnection
      ? { tabs: engine.tabs, here: engine.leads }
      : { tabs: 1, here: true };
  }

  /** Ends the engine and gives back all its memory; what still runs ends with a {@link CancelledError}. A fork is dropped alone. */
  unload(): void {
    this.#engine.close();
  }

  async #tokens(request: Asked): Promise<Tokens> {
    for await (const reply of this.#engine.ask(request)) if (reply.type === "tokens") return reply;
    throw new InternalError("internal", `The engine did not answer to ${request.type}.`);
  }
}

/** A server's address as WebSockets have it. */
function serverOf(address: string | URL): URL {
  if (!URL.canParse(address, document.baseURI))
    refuse(
      "remote",
      `is ${JSON.stringify(address)}, want a server's address, such as wss://example.org/engine`,
    );
  const url = new URL(address, document.baseURI);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.hash = "";
  if (!/^wss?:$/.test(url.protocol)) refuse("remote", `is ${url}, want an address of wss: or https:`);
  return url;
}

/**
 * The browsers' Prompt API over a Samba model:
 *
 *     const LanguageModel = languageModel("models/default/", { native: true });
 *     const session = await LanguageModel.create({ initialPrompts: [{ role: "system", content: "Be brief." }] });
 *     for await (const text of session.promptStreaming("Tell me a story.")) show(text);
 *
 * What is done here follows the draft at webmachinelearning.github.io/prompt-api
 * and, where the draft leaves it open, the published web-platform tests.
 */
import { BadRequestError, type LoadOptions, NetworkError, Samba } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import {
  type Message,
  messagesOf,
  type LanguageModelPrompt as Prompt,
  schemaOf,
  supported,
  validate,
} from "./input.ts";
import { Source } from "./source.ts";

export type { LanguageModelContent, LanguageModelMessage, LanguageModelPrompt } from "./input.ts";

/** Whether a model is there. */
export type Availability = "unavailable" | "downloadable" | "downloading" | "available";

/** Between the likeliest words and surprising ones; "balanced" is the model's own way. */
export type SamplingMode =
  | "most-predictable"
  | "predictable"
  | "slightly-predictable"
  | "balanced"
  | "slightly-creative"
  | "creative"
  | "most-creative";

/** How far each mode moves the model's own temperature. */
const modes: Record<SamplingMode, number> = {
  "most-predictable": 0,
  predictable: 0.5,
  "slightly-predictable": 0.75,
  balanced: 1,
  "slightly-creative": 1.15,
  creative: 1.3,
  "most-creative": 1.6,
};

/** What a session is asked to deal with. Types other than "text" are not available. */
export interface LanguageModelExpected {
  type: "text" | "image" | "audio" | "tool-call" | "tool-response";
  /** BCP 47 tags. The model's languages are not known here: all are taken. */
  languages?: readonly string[];
}

export interface LanguageModelCreateCoreOptions {
  expectedInputs?: readonly LanguageModelExpected[];
  expectedOutputs?: readonly LanguageModelExpected[];
  samplingMode?: SamplingMode | undefined;
  /** As in the draft's experimental part; not together with samplingMode. */
  topK?: number | undefined;
  temperature?: number | undefined;
  /** Refused: the engine calls no tools. */
  tools?: readonly object[];
}

export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions {
  signal?: AbortSignal | undefined;
  /** Is handed an EventTarget, which hears of `downloadprogress`: ProgressEvents from 0 to 1. */
  monitor?: ((monitor: EventTarget) => void) | undefined;
  /** What the conversation begins with; a system message comes first. */
  initialPrompts?: Prompt | undefined;
}

export interface LanguageModelPromptOptions {
  /** A JSON Schema that the answer obeys. RegExps are refused. */
  responseConstraint?: object | undefined;
  /** Without effect: the schema is never written into the prompt. */
  omitResponseConstraintInput?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** How `languageModel` loads its model. */
export interface LanguageModelOptions extends Omit<LoadOptions, "signal" | "onProgress"> {
  /** Whether the browser's own LanguageModel answers where it is available; this model does elsewhere. */
  native?: boolean | undefined;
  /** The most tokens of an answer. Default 4096. */
  maxTokens?: number | undefined;
}

/** What `LanguageModel` is in the Prompt API: the static side. */
export interface LanguageModelFactory {
  availability(options?: LanguageModelCreateCoreOptions): Promise<Availability>;
  create(options?: LanguageModelCreateOptions): Promise<LanguageModel>;
  /** Not of the API: gives the memory back. Sessions end; the next create loads the model again. */
  unload(): void;
  readonly prototype: LanguageModel;
}

/**
 * A class in the place of the browser's LanguageModel, of one model: a folder's
 * address, loaded by the first create, or a Samba, on which sessions are forks.
 */
export function languageModel(
  model: string | URL | Samba,
  { native = false, maxTokens = 4096, ...load }: LanguageModelOptions = {},
): LanguageModelFactory {
  const source = new Source(model, load);
  const sessions = new Set<LanguageModel>();
  const own = (globalThis as { LanguageModel?: LanguageModelFactory }).LanguageModel;

  /** The browser's, where it was asked for and can do what is asked. */
  const browsers = async (options: LanguageModelCreateCoreOptions) => {
    if (!native || !own || own.prototype instanceof LanguageModel) return;
    const { expectedInputs, expectedOutputs } = options;
    const asked = { ...(expectedInputs && { expectedInputs }), ...(expectedOutputs && { expectedOutputs }) };
    const availability = await own.availability(asked).catch(() => "unavailable" as const);
    return availability === "unavailable" ? undefined : { availability, create: () => own.create(options) };
  };

  class Bound extends LanguageModel {
    static async availability(options: LanguageModelCreateCoreOptions = {}): Promise<Availability> {
      validate(options);
      const theirs = await browsers(options);
      if (theirs) return theirs.availability;
      return supported(options) ? source.availability() : "unavailable";
    }

    static async create(options: LanguageModelCreateOptions = {}): Promise<LanguageModel> {
      validate(options);
      const { signal, monitor, initialPrompts } = options;
      signal?.throwIfAborted();
      const initial = initialPrompts?.length ? messagesOf(initialPrompts) : [];
      const settings = sampling(options);
      const theirs = await browsers(options);
      signal?.throwIfAborted();
      if (theirs) return await theirs.create();
      const target = new EventTarget();
      monitor?.(target);
      if (!supported(options))
        throw new DOMException(
          "The model reads and writes text alone, and calls no tools.",
          "NotSupportedError",
        );
      const samba = await source.session(signal, target).catch((error) => {
        signal?.throwIfAborted();
        throw failure(error, error instanceof NetworkError ? "NetworkError" : "OperationError");
      });
      const { temperature = 0 } = samba.about.sampling;
      const session = new Bound(
        samba,
        {
          ...(settings.factor != null && { temperature: Math.min(settings.factor * temperature, 100) }),
          ...settings.given,
          max_tokens: maxTokens,
        },
        options.samplingMode ?? null,
        sessions,
      );
      try {
        if (initial.length > 0) await session.append(initial, { signal });
        signal?.throwIfAborted();
      } catch (error) {
        session.destroy();
        throw error;
      }
      return session;
    }

    static unload(): void {
      for (const session of sessions) session.destroy();
      source.unload();
    }
  }
  return Bound;
}

/** The options' part of a request. */
function sampling({ samplingMode, topK, temperature }: LanguageModelCreateCoreOptions) {
  if (samplingMode !== undefined && (topK !== undefined || temperature !== undefined))
    throw new TypeError("samplingMode and topK or temperature exclude each other.");
  if (samplingMode !== undefined && !Object.hasOwn(modes, samplingMode))
    throw new TypeError(`samplingMode is none of ${Object.keys(modes).join(", ")}.`);
  const given: { top_k?: number; temperature?: number } = {};
  if (topK !== undefined) given.top_k = Number.isFinite(topK) ? Math.trunc(topK) : 0;
  if (temperature !== undefined) given.temperature = Math.min(temperature, 100);
  return { factor: samplingMode === undefined ? undefined : modes[samplingMode], given };
}

type Settings = { temperature?: number; top_k?: number; max_tokens: number };

/** A session. Its prompts are answered one after another; one that is aborted leaves no trace in the conversation. */
export class LanguageModel extends EventTarget {
  /** Would hear of what was forgotten for want of room; a state never is. */
  oncontextoverflow: ((event: Event) => void) | null = null;
  readonly samplingMode: SamplingMode | null;
  readonly #samba: Samba;
  readonly #settings: Settings;
  readonly #sessions: Set<LanguageModel>;
  readonly #destroyed = new AbortController();
  #history: Message[] = [];
  #usage = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(samba: Samba, settings: Settings, mode: SamplingMode | null, sessions: Set<LanguageModel>) {
    if (!(samba instanceof Samba)) throw new TypeError("Illegal constructor: create() makes sessions.");
    super();
    this.#samba = samba;
    this.#settings = settings;
    this.samplingMode = mode;
    this.#sessions = sessions;
    sessions.add(this);
  }

  /** Tokens in the conversation: what measureContextUsage says of what was asked, and the answers' own. */
  get contextUsage(): number {
    return this.#usage;
  }

  /** No end: a state has one size at any length, or grows as long as there is memory. */
  get contextWindow(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Answers, and takes both into the conversation. */
  prompt(input: Prompt, options: LanguageModelPromptOptions = {}): Promise<string> {
    return this.#answer(input, options, options.signal, () => {});
  }

  /** The same, piece by piece. Canceling the stream ends the answer. */
  promptStreaming(input: Prompt, options: LanguageModelPromptOptions = {}): ReadableStream<string> {
    this.#signal(options.signal).throwIfAborted();
    const left = new AbortController();
    return new ReadableStream<string>({
      start: (controller) => {
        const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
        const open = () => !left.signal.aborted; // a canceled stream is closed
        this.#answer(input, options, signal, (text) => controller.enqueue(text)).then(
          () => open() && controller.close(),
          (error) => open() && controller.error(error),
        );
      },
      cancel: (reason) => left.abort(reason),
    });
  }

  /** Reads ahead: what comes after it is answered without a wait. */
  async append(input: Prompt, options: { signal?: AbortSignal | undefined } = {}): Promise<undefined> {
    const messages = messagesOf(input);
    if (messages.at(-1)?.prefix)
      throw new DOMException(
        "A prefix is the beginning of an answer: prompt() takes one.",
        "NotSupportedError",
      );
    return await this.#run(options.signal, async (signal) => {
      if (Array.isArray(input) && input.length === 0) return undefined;
      this.#follows(messages);
      const more = await this.#tokens(messages);
      const history = [...this.#history, ...messages];
      try {
        await this.#samba.state.read(history, { signal });
      } catch (error) {
        // A template that has no beginning without a question is read with it.
        if (!(error instanceof BadRequestError)) throw error;
      }
      signal.throwIfAborted();
      this.#history = history;
      this.#usage += more;
      return undefined;
    });
  }

  /** How many tokens a prompt would add. */
  async measureContextUsage(input: Prompt, options: LanguageModelPromptOptions = {}): Promise<number> {
    if (options.omitResponseConstraintInput && options.responseConstraint === undefined)
      throw new TypeError("omitResponseConstraintInput is given without responseConstraint.");
    const messages = messagesOf(input);
    return await this.#run(options.signal, () => this.#tokens(messages));
  }

  /** A second session that goes on from here, on the same engine. */
  clone(options: { signal?: AbortSignal | undefined } = {}): Promise<LanguageModel> {
    return this.#run(options.signal, async (signal) => {
      const fork = await this.#samba.state.fork();
      const clone = new (this.constructor as typeof LanguageModel)(
        fork,
        this.#settings,
        this.samplingMode,
        this.#sessions,
      );
      clone.#history = this.#history;
      clone.#usage = this.#usage;
      if (signal.aborted) clone.destroy(); // with this session, or by the one who asked
      return clone;
    });
  }

  /** Ends what runs with an InvalidStateError, and gives the state back. */
  destroy(): void {
    if (!this.#sessions.delete(this)) return;
    this.#destroyed.abort(new DOMException("The session has been destroyed.", "InvalidStateError"));
    this.#samba.unload();
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw new TypeError("signal is no AbortSignal.");
    return signal ? AbortSignal.any([this.#destroyed.signal, signal]) : this.#destroyed.signal;
  }

  /** Works when its turn comes; an abort rejects at once, with its reason. */
  async #run<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = this.#signal(given);
    signal.throwIfAborted();
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return work(signal);
    });
    this.#last = turn.catch(() => {});
    return await new Promise<T>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      turn
        .then(resolve, (error) => reject(signal.aborted ? signal.reason : failure(error)))
        .finally(() => signal.removeEventListener("abort", abort));
    });
  }

  async #answer(
    input: Prompt,
    { responseConstraint }: LanguageModelPromptOptions,
    given: AbortSignal | undefined,
    show: (text: string) => void,
  ): Promise<string> {
    const messages = messagesOf(input);
    const schema = schemaOf(responseConstraint);
    if (schema && messages.at(-1)?.prefix)
      throw new DOMException(
        "responseConstraint and prefix are not supported together.",
        "NotSupportedError",
      );
    return await this.#run(given, async (signal) => {
      this.#follows(messages);
      const more = await this.#tokens(messages);
      const turns = [...this.#history, ...messages];
      const begun = turns.at(-1)?.prefix ? turns.pop()?.content || undefined : undefined;
      const { text, tokens } = await this.#generate(turns, begun, schema, signal, show);
      this.#history = [...turns, { role: "assistant", content: (begun ?? "") + text, prefix: false }];
      this.#usage += more + tokens;
      return text;
    });
  }

  /** A system message has nothing before it. */
  #follows([first]: Message[]): void {
    if (first?.role === "system" && this.#usage > 0)
      throw new TypeError("A system message comes first, or not at all.");
  }

  async #generate(
    turns: Message[],
    begun: string | undefined,
    schema: object | undefined,
    signal: AbortSignal,
    show: (text: string) => void,
  ): Promise<{ text: string; tokens: number }> {
    let text = "";
    let ended: string | null = null;
    let tokens = 0;
    const params = {
      ...this.#settings,
      stream: true,
      stream_options: { include_usage: true },
      response_format: schema && { type: "json_schema" as const, json_schema: { schema } },
    } as const;
    const messages = begun === undefined ? turns : [...turns, { role: "assistant", content: begun }];
    const stream = await this.#samba.chat.completions.create(
      { ...params, messages, continue_final_message: begun !== undefined },
      { signal },
    );
    for await (const { choices, usage } of stream) {
      const [choice] = choices;
      const piece = choice?.delta.content ?? "";
      if (piece && !signal.aborted) show(piece);
      text += piece;
      ended = choice?.finish_reason ?? ended;
      tokens = usage?.completion_tokens ?? tokens;
    }
    signal.throwIfAborted();
    if (schema !== undefined && ended === "length")
      throw new DOMException(
        `The answer was cut at ${this.#settings.max_tokens} tokens, before it obeyed responseConstraint.`,
        "UnknownError",
      );
    return { text, tokens };
  }

  /** As the model reads them where nothing came before. */
  async #tokens(messages: Message[]): Promise<number> {
    try {
      return (await this.#samba.tokenize(messages)).length;
    } catch (error) {
      // Templates may know no conversation that begins so; its words are counted then.
      if (!(error instanceof BadRequestError)) throw error;
      return (await this.#samba.tokenize(messages.map(({ content }) => content).join("\n"))).length;
    }
  }
}

/** An engine's error by the draft's names; others as they are. */
function failure(error: unknown, name?: string): unknown {
  if (error instanceof DOMException || error instanceof TypeError || error instanceof RangeError)
    return error;
  const schema = error instanceof BadRequestError && error.param?.startsWith("schema");
  const renamed = new DOMException(said(error), schema ? "NotSupportedError" : (name ?? "UnknownError"));
  return Object.assign(renamed, { cause: error });
}

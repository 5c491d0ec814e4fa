/** OpenAI's completions over the engine's protocol: their arguments, answers and chunks. */
import type { Asked, Connection } from "./connection.ts";
import { CancelledError, InternalError, refuse } from "./errors.ts";
import type {
  ChatMessage,
  Done,
  Generate,
  Progress,
  Logprob as SampledLogprob,
  Text,
  Timings,
  TokenLogprob,
} from "./protocol.ts";
import { numbers, type Settings } from "./settings.ts";
import {
  type ChatToolCall,
  type ChatToolCallDelta,
  type SpeechParams,
  type SpokenParams,
  speech,
  speechParams,
  spoken,
} from "./speech.ts";

/** One turn of a conversation. */
export interface ChatMessageParam extends SpokenParams {
  /** Who speaks: "system" (or "developer"), "user", "assistant", "tool", or what the model's template knows besides. */
  role: string;
  /** What is said: a text, or parts of type "text", which are put together; an assistant may have said nothing. What else OpenAI's types have is refused. */
  content?: string | readonly { type: string; text?: string | undefined }[] | null | undefined;
  /** Taken and ignored. */
  name?: string | undefined;
}

/** What the answer must be: any text, any JSON object, or JSON that a schema describes. */
export type ResponseFormat =
  | { type: "text" }
  | { type: "json_object" }
  | {
      type: "json_schema";
      json_schema: {
        name?: string | undefined;
        description?: string | undefined;
        schema?: object | boolean | undefined;
        strict?: boolean | null | undefined;
      };
    };

/** As OpenAI's types have what may be left out. */
type OrNull<T> = { [Name in keyof T]: T[Name] | null | undefined };

/** What both kinds of completions take. Settings left out, or null, are the model's own. */
export interface SamplingParams extends OrNull<Settings> {
  /** Taken and ignored: the loaded model answers, and answers bear its name. */
  model?: string | null | undefined;
  /** Texts that end the answer, themselves left out; at most 16. */
  stop?: string | readonly string[] | null | undefined;
  /** Whether the answer comes in chunks, one a token. */
  stream?: boolean | null | undefined;
  /** With stream: whether a last chunk brings the usage. */
  stream_options?: { include_usage?: boolean | null | undefined } | null | undefined;
  /** Taken and ignored. */
  user?: string | null | undefined;
  /** Ends the answer: a stream with finish_reason "cancelled", the rest with a CancelledError. */
  signal?: AbortSignal | undefined;
  /** Hears how much of a long prompt has been read: tokens, of how many. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** What `samba.chat.completions.create` takes. */
export interface ChatCompletionParams extends SamplingParams, SpeechParams {
  /** The conversation so far. */
  messages: readonly ChatMessageParam[];
  /** As max_tokens. */
  max_completion_tokens?: number | null | undefined;
  /** Enforced while sampling: what would break it is never sampled. An answer cut at max_tokens is a beginning of it. */
  response_format?: ResponseFormat | null | undefined;
  /** Whether to report the tokens and their log probabilities. */
  logprobs?: boolean | null | undefined;
  /** The last message is not finished: the answer goes on with it. As in vLLM. */
  continue_final_message?: boolean | null | undefined;
  /** With logprobs: how many of the likeliest tokens to report in each place; 0 to 20. */
  top_logprobs?: number | null | undefined;
}

/** What `samba.completions.create` takes. */
export interface CompletionParams extends SamplingParams {
  /** The text to continue. */
  prompt: string;
  /** A text that comes after the answer, which fills the gap before it; the prompt may then be empty. Models without tokens for that refuse it. */
  suffix?: string | null | undefined;
  /** Control tokens that the prompt spells, such as `<|im_end|>`, are control tokens. Otherwise they are text, as they always are in messages. */
  control_tokens?: boolean | null | undefined;
  /** Asks for log probabilities, of this many of the likeliest tokens in each place; 0 to 20. */
  logprobs?: number | null | undefined;
  /** Enforced while sampling, as in chat completions. */
  response_format?: ResponseFormat | null | undefined;
}

/** What OpenAI's clients take beside the arguments. */
export interface RequestOptions {
  /** As the argument of that name. */
  signal?: AbortSignal | null | undefined;
}

/** Why an answer ended: the model ended it or a stop text came, or it reached max_tokens. */
export type Ended = "stop" | "length";

/** Why a chat's answer ended: it may call tools, besides. */
export type ChatEnded = Ended | "tool_calls";

/** Why a streamed answer ended; "cancelled", by an abort, is not among OpenAI's. */
export type FinishReason = Ended | "cancelled";

/** What an answer took. */
export interface CompletionUsage {
  /** Tokens of the whole prompt. */
  prompt_tokens: number;
  /** Tokens of the answers. */
  completion_tokens: number;
  /** Both together. */
  total_tokens: number;
  /** Of the prompt, how many stood in the state and were not computed again. */
  prompt_tokens_details: { cached_tokens: number };
  /** Of the answers, how many were thought before them. */
  completion_tokens_details: { reasoning_tokens: number };
  /** Where the time went, in seconds. */
  timings: Timings;
  /** Tokens that the state has seen now: the length of the context. */
  context_tokens: number;
  /** Size of that state in bytes: the same at every length. */
  state_bytes: number;
}

/** A token's log probability, before penalties, biases and filters, at temperature 1. */
export interface ChatLogprob {
  token: string;
  bytes: number[] | null;
  logprob: number;
}

/** A sampled token's, and the likeliest ones' in its place. */
export interface ChatTokenLogprob extends ChatLogprob {
  top_logprobs: ChatLogprob[];
}

/** The log probabilities of a choice. */
export interface ChatLogprobs {
  content: ChatTokenLogprob[];
  refusal: null;
}

/** A whole answer. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  /** Seconds since 1970. */
  created: number;
  model: string;
  choices: {
    index: number;
    message: {
      role: "assistant";
      /** null where tools are called and nothing else is said. */
      content: string | null;
      refusal: null;
      /** What the model thought before it, if it did. */
      reasoning_content?: string;
      tool_calls?: ChatToolCall[];
    };
    finish_reason: ChatEnded;
    logprobs: ChatLogprobs | null;
  }[];
  usage: CompletionUsage;
}

/** A piece of an answer: its beginning with the role, then one a token, then its end with the reason. */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /** Seconds since 1970. */
  created: number;
  model: string;
  /** One, or none in the chunk with the usage. */
  choices: {
    index: number;
    /** content is empty while a character is not complete yet. */
    delta: {
      role?: "assistant";
      content?: string;
      /** What the model thinks before its answer. */
      reasoning_content?: string;
      tool_calls?: ChatToolCallDelta[];
    };
    finish_reason: FinishReason | "tool_calls" | null;
    logprobs: ChatLogprobs | null;
  }[];
  /** In the last chunk, with stream_options.include_usage. */
  usage?: CompletionUsage | null;
}

/** The log probabilities of a text completion. */
export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[];
  /** Where each token begins in the text. */
  text_offset: number[];
}

/** A whole continuation. */
export interface Completion extends CompletionHead {
  choices: CompletionChoice<Ended>[];
  usage: CompletionUsage;
}

/** A piece of a continuation; its end has a reason. */
export interface CompletionChunk extends CompletionHead {
  /** One, or none in the chunk with the usage. */
  choices: CompletionChoice<FinishReason | null>[];
  /** In the last chunk, with stream_options.include_usage. */
  usage?: CompletionUsage | null;
}

/** What a continuation and its pieces share. */
export interface CompletionHead {
  id: string;
  object: "text_completion";
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** A text, or a piece of it. */
export interface CompletionChoice<Reason> {
  index: number;
  text: string;
  finish_reason: Reason;
  logprobs: CompletionLogprobs | null;
}

/** Chunks as they come. Leaving the loop early ends the answer, and so does the controller. */
export class Stream<Chunk> implements AsyncIterable<Chunk> {
  readonly #chunks: AsyncGenerator<Chunk, void, undefined>;

  /** @internal */
  constructor(
    chunks: AsyncGenerator<Chunk, void, undefined>,
    /** Its abort ends the answer. */
    readonly controller: AbortController,
  ) {
    this.#chunks = chunks;
  }

  /** Can be walked once. */
  [Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    return this.#chunks;
  }
}

/** `samba.chat.completions` */
export class ChatCompletions {
  readonly #engine: Connection;
  readonly #model: string;

  /** @internal */
  constructor(engine: Connection, model: string) {
    this.#engine = engine;
    this.#model = model;
  }

  /**
   * Answers a conversation.
   * @throws {@link BadRequestError} for an argument that is wrong, before anything is sampled.
   */
  create(
    params: ChatCompletionParams & { stream: true },
    options?: RequestOptions,
  ): Promise<Stream<ChatCompletionChunk>>;
  create(
    params: ChatCompletionParams & { stream?: false | null | undefined },
    options?: RequestOptions,
  ): Promise<ChatCompletion>;
  create(
    params: ChatCompletionParams,
    options?: RequestOptions,
  ): Promise<ChatCompletion | Stream<ChatCompletionChunk>>;
  async create(
    params: ChatCompletionParams,
    options: RequestOptions = {},
  ): Promise<ChatCompletion | Stream<ChatCompletionChunk>> {
    known("chat.completions.create", params, chatParams);
    const { logprobs, top_logprobs, max_completion_tokens } = params;
    if (typeof (logprobs ?? false) !== "boolean")
      refuse("logprobs", `is ${shown(logprobs)}, want true or false`);
    if (top_logprobs && !logprobs) refuse("top_logprobs", "is given without logprobs: true");
    const request: Asked<Generate> = {
      ...sampling(params, { top_logprobs, max_completion_tokens }),
      ...speech(params),
      messages: conversation(params.messages),
    };
    if (max_completion_tokens === ANY) delete request.max_tokens;
    else if (max_completion_tokens != null) request.max_tokens = max_completion_tokens;
    if (logprobs) request.top_logprobs = top_logprobs ?? 0;
    const open = params.continue_final_message ?? false;
    if (typeof open !== "boolean") refuse("continue_final_message", `is ${shown(open)}, want true or false`);
    if (open) request.open = true;
    const head = { id: newID("chatcmpl"), created: now(), model: this.#model };
    const answer = await begin(this.#engine, request, params, options);
    if (params.stream) return new Stream(chatChunks(answer, head, params), answer.controller);

    const choices: ChatCompletion["choices"] = Array.from({ length: request.n ?? 1 }, (_, index) => ({
      index,
      message: { role: "assistant" as const, content: "", refusal: null },
      finish_reason: "stop",
      logprobs: logprobs ? { content: [], refusal: null } : null,
    }));
    const done = await collect(answer, (piece) => {
      const choice = choices[piece.choice ?? 0];
      if (!choice) return;
      const { message } = choice;
      message.content += piece.text;
      if (piece.reasoning) message.reasoning_content = (message.reasoning_content ?? "") + piece.reasoning;
      if (piece.tool_calls)
        message.tool_calls = [...(message.tool_calls ?? []), ...(piece.tool_calls as ChatToolCall[])];
      choice.logprobs?.content.push(...(piece.logprobs ?? []).map(chatLogprob));
      if (piece.finish_reason) choice.finish_reason = piece.finish_reason as ChatEnded;
    });
    for (const { message } of choices)
      if (message.tool_calls && message.content === "") message.content = null;
    return { ...head, object: "chat.completion", choices, usage: usageOf(done) };
  }
}

/** `samba.completions` */
export class Completions {
  readonly #engine: Connection;
  readonly #model: string;

  /** @internal */
  constructor(engine: Connection, model: string) {
    this.#engine = engine;
    this.#model = model;
  }

  /**
   * Continues a text.
   * @throws {@link BadRequestError} for an argument that is wrong, before anything is sampled.
   */
  create(
    params: CompletionParams & { stream: true },
    options?: RequestOptions,
  ): Promise<Stream<CompletionChunk>>;
  create(
    params: CompletionParams & { stream?: false | null | undefined },
    options?: RequestOptions,
  ): Promise<Completion>;
  create(params: CompletionParams, options?: RequestOptions): Promise<Completion | Stream<CompletionChunk>>;
  async create(
    params: CompletionParams,
    options: RequestOptions = {},
  ): Promise<Completion | Stream<CompletionChunk>> {
    known("completions.create", params, textParams);
    const { logprobs } = params;
    const given: unknown = params.prompt;
    const prompt = Array.isArray(given) && given.length === 1 ? given[0] : given;
    const suffix = params.suffix ?? "";
    if (typeof suffix !== "string") refuse("suffix", `is ${shown(suffix)}, want a text`);
    if (typeof prompt !== "string" || prompt + suffix === "")
      refuse("prompt", `is ${shown(prompt)}, want a text`);
    const controlTokens = params.control_tokens ?? false;
    if (typeof controlTokens !== "boolean")
      refuse("control_tokens", `is ${shown(controlTokens)}, want true or false`);
    const request: Asked<Generate> = { ...sampling(params, { logprobs }), prompt };
    if (controlTokens) request.control_tokens = true;
    if (suffix) request.suffix = suffix;
    if (logprobs != null) request.top_logprobs = logprobs;
    const head = {
      id: newID("cmpl"),
      object: "text_completion" as const,
      created: now(),
      model: this.#model,
    };
    const answer = await begin(this.#engine, request, params, options);
    if (params.stream) return new Stream(textChunks(answer, head, params), answer.controller);

    const choices = Array.from({ length: request.n ?? 1 }, (_, index) => ({
      index,
      text: "",
      finish_reason: "stop" as Ended,
      logprobs: logprobs != null ? textLogprobs([], 0) : null,
    }));
    const done = await collect(answer, (piece) => {
      const choice = choices[piece.choice ?? 0];
      if (!choice) return;
      if (choice.logprobs) append(choice.logprobs, textLogprobs(piece.logprobs ?? [], choice.text.length));
      choice.text += piece.text;
      if (piece.finish_reason) choice.finish_reason = piece.finish_reason as Ended;
    });
    return { ...head, choices, usage: usageOf(done) };
  }
}

/** OpenAI's arguments that mean nothing to an engine without accounts. */
const ignored = [
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
];
const commonParams = [
  ...numbers,
  ...ignored,
  "model",
  "stop",
  "logit_bias",
  "stream",
  "stream_options",
  "signal",
  "onProgress",
  "response_format",
  "logprobs",
];
const chatParams = new Set([
  ...commonParams,
  "messages",
  "max_completion_tokens",
  "top_logprobs",
  "continue_final_message",
  ...speechParams,
]);
const textParams = new Set([...commonParams, "prompt", "suffix", "control_tokens"]);

/** What other arguments of OpenAI's may be, since it changes nothing. */
const harmless: Record<string, unknown[]> = {
  tools: [[]],
  tool_choice: ["none", "auto"],
  parallel_tool_calls: [true, false],
  functions: [[]],
  function_call: ["none", "auto"],
  modalities: [["text"], []],
  reasoning_effort: ["none"], // of a text
  verbosity: ["medium"],
  top_logprobs: [0],
  best_of: [1],
  echo: [false],
  suffix: [""],
};

/** The same of a message. */
const harmlessInTurns: Record<string, unknown[]> = {
  function_call: [],
  audio: [],
  images: [[]],
  prefix: [false],
};

/** Whether a value is one of some; null is none, and always fine. */
function among(values: unknown[] | undefined, value: unknown): boolean {
  return value == null || (values ?? []).some((one) => JSON.stringify(one) === JSON.stringify(value));
}

/** Refuses arguments that nothing would heed. */
function known(method: string, params: object, names: Set<string>): void {
  if (typeof params !== "object" || params === null) refuse("params", `is ${shown(params)}, want an object`);
  for (const [name, value] of Object.entries(params)) {
    if (!names.has(name) && !among(harmless[name], value))
      refuse(name, `is not an argument of ${method} here`);
  }
}

/** By which clients say of a seed, or of a longest length, that any will do. */
const ANY = -1;

/** The part of a request that both kinds of completions share. */
function sampling(
  params: SamplingParams & { response_format?: ResponseFormat | null | undefined },
  more: object,
): Asked<Generate> {
  const request: Asked<Generate> = { type: "generate" };
  // They go to the engine as they are; it refuses what is out of range.
  for (const name of numbers) {
    const value = params[name];
    if (value == null) continue;
    number(name, value);
    if (value !== ANY || !(name === "seed" || name === "max_tokens")) request[name] = value;
  }
  for (const [name, value] of Object.entries(more)) if (value != null) number(name, value);
  const { model, stop, logit_bias, stream, stream_options, signal } = params;
  if (model != null && typeof model !== "string") refuse("model", `is ${shown(model)}, want a string`);
  if (stop != null) {
    const texts = typeof stop === "string" ? [stop] : [...list("stop", stop)];
    texts.forEach((text, i) => {
      if (typeof text !== "string") refuse(`stop[${i}]`, `is ${shown(text)}, want a string`);
    });
    if (texts.length > 0) request.stop = texts;
  }
  if (logit_bias != null) {
    if (typeof logit_bias !== "object" || Array.isArray(logit_bias))
      refuse("logit_bias", `is ${shown(logit_bias)}, want an object`);
    for (const [token, bias] of Object.entries(logit_bias)) {
      if (!/^\d{1,9}$/.test(token))
        refuse(`logit_bias[${shown(token)}]`, "is no token id, want a whole number");
      number(`logit_bias[${token}]`, bias);
    }
    if (Object.keys(logit_bias).length > 0) request.logit_bias = { ...logit_bias };
  }
  if (stream != null && typeof stream !== "boolean")
    refuse("stream", `is ${shown(stream)}, want true or false`);
  if (stream_options != null && typeof stream_options !== "object")
    refuse("stream_options", `is ${shown(stream_options)}, want an object`);
  if (stream_options?.include_usage && !stream) refuse("stream_options", "is given without stream: true");
  if (signal != null && !(signal instanceof AbortSignal))
    refuse("signal", `is ${shown(signal)}, want an AbortSignal`);
  const schema = schemaOf(params.response_format);
  if (schema !== undefined) request.schema = schema;
  return request;
}

function schemaOf(format: ResponseFormat | null | undefined): unknown {
  switch (format?.type) {
    case undefined:
      if (format != null)
        refuse("response_format.type", 'is missing, want "text", "json_object" or "json_schema"');
      return undefined;
    case "text":
      return undefined;
    case "json_object":
      return { type: "object" };
    case "json_schema": {
      const schema = format.json_schema?.schema;
      if (schema === undefined)
        refuse("response_format.json_schema.schema", "is missing, want a JSON Schema");
      try {
        return JSON.parse(JSON.stringify(schema));
      } catch {
        return refuse("response_format.json_schema.schema", "is no JSON");
      }
    }
  }
  return refuse(
    "response_format.type",
    `is ${shown((format as { type: unknown }).type)}, want "text", "json_object" or "json_schema"`,
  );
}

function number(name: string, value: unknown): void {
  if (typeof value !== "number" || !Number.isFinite(value)) refuse(name, `is ${shown(value)}, want a number`);
}

function list<T>(name: string, value: readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : refuse(name, `is ${shown(value)}, want a list`);
}

/** A value as an error shows it: short. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "function") return "a function";
  let text: string;
  try {
    text =
      JSON.stringify(value, (_, v) => (typeof v === "bigint" || Number.isNaN(v) ? String(v) : v)) ??
      String(value);
  } catch {
    text = String(value);
  }
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A conversation as the engine takes it. */
export function conversation(messages: readonly ChatMessageParam[]): ChatMessage[] {
  const turns = list("messages", messages);
  if (turns.length === 0) refuse("messages", "is empty, want at least one message");
  return turns.map((message, i) => {
    const { role, content } = message ?? {};
    if (typeof role !== "string" || role === "")
      refuse(`messages[${i}].role`, `is ${shown(role)}, want a string`);
    for (const [name, value] of Object.entries(message)) {
      const values = harmlessInTurns[name];
      if (values && !among(values, value)) refuse(`messages[${i}].${name}`, "is not possible here");
    }
    const more = spoken(message as ChatMessageParam, `messages[${i}]`);
    if (typeof content === "string")
      return { role: role === "developer" ? "system" : role, content, ...more };
    if (content == null && role === "assistant") return { role, content: "", ...more };
    if (!Array.isArray(content)) refuse(`messages[${i}].content`, `is ${shown(content)}, want a string`);
    const texts = (content as { type: string; text: unknown }[]).map((part, j) => {
      const at = `messages[${i}].content[${j}]`;
      if (part?.type !== "text")
        refuse(`${at}.type`, `is ${shown(part?.type)}, want "text": the model reads nothing else`);
      return typeof part.text === "string"
        ? part.text
        : refuse(`${at}.text`, `is ${shown(part.text)}, want a string`);
    });
    return { role: role === "developer" ? "system" : role, content: texts.join(""), ...more };
  });
}

/** An answer under way. */
interface Answer {
  parts: AsyncGenerator<Text | Done, void, undefined>;
  controller: AbortController;
}

/** Asks, and waits for the first sign of life, so that what is wrong with the arguments is thrown here. */
async function begin(
  engine: Connection,
  request: Asked<Generate>,
  { signal, onProgress }: SamplingParams,
  options: RequestOptions,
): Promise<Answer> {
  const controller = new AbortController();
  const signals = [signal, options.signal, controller.signal].filter((s) => s != null);
  const replies = engine.ask(request, AbortSignal.any(signals));
  const first = await replies.next();
  async function* parts(): AsyncGenerator<Text | Done, void, undefined> {
    try {
      for (let next = first; !next.done; next = await replies.next()) {
        const reply = next.value;
        if (reply.type === "progress") onProgress?.(reply);
        else if (reply.type === "text" || reply.type === "done") yield reply;
      }
    } finally {
      await replies.return();
    }
  }
  return { parts: parts(), controller };
}

/** Hands all pieces on and returns what the answer took. */
async function collect({ parts }: Answer, take: (piece: Text) => void): Promise<Done> {
  for await (const part of parts) {
    if (part.type === "text") take(part);
    else if (part.finish_reason === "cancelled")
      throw new CancelledError("cancelled", "The answer was cancelled.");
    else return part;
  }
  throw new InternalError("internal", "The engine did not finish its answer.");
}

type Head = { id: string; created: number; model: string };

async function* chatChunks(
  answer: Answer,
  head: Head,
  params: ChatCompletionParams,
): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  const chunk = (choices: ChatCompletionChunk["choices"], usage?: CompletionUsage): ChatCompletionChunk => {
    const made: ChatCompletionChunk = { ...head, object: "chat.completion.chunk", choices };
    if (params.stream_options?.include_usage) made.usage = usage ?? null;
    return made;
  };
  const open = new Set<number>();
  for (let index = 0; index < (params.n ?? 1); index++) {
    open.add(index);
    yield chunk([{ index, delta: { role: "assistant", content: "" }, finish_reason: null, logprobs: null }]);
  }
  const calls = new Map<number, number>(); // how many each choice has made
  const end = (index: number, reason: string) => {
    open.delete(index);
    return chunk([{ index, delta: {}, finish_reason: reason as FinishReason, logprobs: null }]);
  };
  for await (const part of answer.parts) {
    if (part.type === "text") {
      const index = part.choice ?? 0;
      const logprobs = params.logprobs
        ? { content: (part.logprobs ?? []).map(chatLogprob), refusal: null }
        : null;
      const delta: ChatCompletionChunk["choices"][0]["delta"] = {};
      if (part.reasoning) delta.reasoning_content = part.reasoning;
      if (part.tool_calls) {
        const from = calls.get(index) ?? 0;
        calls.set(index, from + part.tool_calls.length);
        delta.tool_calls = (part.tool_calls as ChatToolCall[]).map((call, i) => ({
          index: from + i,
          ...call,
        }));
      }
      if (part.text || !(part.reasoning || part.tool_calls)) delta.content = part.text;
      yield chunk([{ index, delta, finish_reason: null, logprobs }]);
      if (part.finish_reason) yield end(index, part.finish_reason);
      continue;
    }
    for (const index of [...open]) yield end(index, part.finish_reason ?? "stop");
    if (params.stream_options?.include_usage) yield chunk([], usageOf(part));
  }
}

async function* textChunks(
  answer: Answer,
  head: CompletionHead,
  params: CompletionParams,
): AsyncGenerator<CompletionChunk, void, undefined> {
  const chunk = (choices: CompletionChunk["choices"], usage?: CompletionUsage): CompletionChunk => {
    const made: CompletionChunk = { ...head, choices };
    if (params.stream_options?.include_usage) made.usage = usage ?? null;
    return made;
  };
  const open = new Map<number, number>(); // characters so far
  for (let index = 0; index < (params.n ?? 1); index++) open.set(index, 0);
  for await (const part of answer.parts) {
    if (part.type === "text") {
      const index = part.choice ?? 0;
      const at = open.get(index) ?? 0;
      const logprobs = params.logprobs != null ? textLogprobs(part.logprobs ?? [], at) : null;
      const reason = (part.finish_reason as FinishReason | undefined) ?? null;
      yield chunk([{ index, text: part.text, finish_reason: reason, logprobs }]);
      if (reason) open.delete(index);
      else open.set(index, at + part.text.length);
      continue;
    }
    for (const index of open.keys()) {
      const reason = (part.finish_reason ?? "stop") as FinishReason;
      yield chunk([{ index, text: "", finish_reason: reason, logprobs: null }]);
    }
    if (params.stream_options?.include_usage) yield chunk([], usageOf(part));
  }
}

/** A token's text, where its bytes are whole characters. */
function tokenText(bytes: number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function chatLogprob(sampled: TokenLogprob): ChatTokenLogprob {
  const plain = ({ bytes, logprob }: SampledLogprob): ChatLogprob => ({
    token: tokenText(bytes),
    bytes,
    logprob,
  });
  return { ...plain(sampled), top_logprobs: sampled.top.map(plain) };
}

function textLogprobs(sampled: TokenLogprob[], offset: number): CompletionLogprobs {
  return {
    tokens: sampled.map(({ bytes }) => tokenText(bytes)),
    token_logprobs: sampled.map(({ logprob }) => logprob),
    top_logprobs: sampled.map(({ top }) =>
      Object.fromEntries(top.map(({ bytes, logprob }) => [tokenText(bytes), logprob])),
    ),
    text_offset: sampled.map(() => offset),
  };
}

function append(to: CompletionLogprobs, more: CompletionLogprobs): void {
  to.tokens.push(...more.tokens);
  to.token_logprobs.push(...more.token_logprobs);
  to.top_logprobs.push(...more.top_logprobs);
  to.text_offset.push(...more.text_offset);
}

function usageOf({ usage, timings, position, state_bytes }: Done): CompletionUsage {
  const { prompt_tokens, prefilled_tokens, completion_tokens, total_tokens, reasoning_tokens = 0 } = usage;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    prompt_tokens_details: { cached_tokens: prompt_tokens - prefilled_tokens },
    completion_tokens_details: { reasoning_tokens },
    timings,
    context_tokens: position,
    state_bytes,
  };
}

const now = () => Math.floor(Date.now() / 1000);

function newID(kind: string): string {
  const random = crypto.getRandomValues(new Uint8Array(12));
  return `${kind}-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

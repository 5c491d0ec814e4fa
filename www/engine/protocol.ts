// Generated from wasm/protocol by go generate; do not edit.
import type { Settings } from "./settings.ts";

/** ProtocolVersion counts the changes after which one end would misunderstand the other. */
export const PROTOCOL_VERSION = 1;

/** What a message may have at most. */
export const MAX_MESSAGE_BYTES = 67108864;

/** CloseCode is why a server ends a connection, beside the WebSocket standard's own codes. */
export const closeCodes = {
  /** the session goes on over another connection */
  elsewhere: 4000,
  /** nothing was asked for long; a new connection goes on */
  idle: 4001,
  /** what was sent was not taken */
  slow: 4002,
  /** connect again: the answer is computed again from the state on disk */
  restart: 4003,
} as const;

/** How a saved state begins, and where its header's parts stand; model/conversation/file.go has the layout. */
export const savedState = {
  magic: "\x93SAMBA\r\n",
  version: 2,
  bytes: 2048,
  at: { version: 8, payload: 16, position: 24, model: 32, sum: 2016 },
} as const;

/** Code tells faults apart for programs; people read the message. */
export type Code =
  | "bad_request"
  | "not_loaded"
  | "cancelled"
  | "no_webgpu"
  | "no_adapter"
  | "device_lost"
  | "missing"
  | "network"
  | "wrong_length"
  | "wrong_hash"
  | "bad_model"
  | "too_large"
  | "bad_state"
  | "busy"
  | "forbidden"
  | "internal";

/** Header is what every message starts with. */
export interface Header {
  /** Which message this is. */
  type: string;
  /** The request that this message makes or answers. */
  id: number;
  /** Length in bytes of the binary frame that follows. Only over a WebSocket; postMessage carries the bytes as the property data. */
  binary?: number;
  /**
   * Only to and from servers. In a reply: its place among the replies to the request, from 1, progress not counted. In a
   * request that is sent again after a cut: the place of the last reply that came, whose successors are sent.
   */
  seq?: number;
}

/**
 * Load asks for the model in a folder; the model loaded before is dropped first.
 * It is answered by progress messages and one ready.
 */
export interface Load extends Header {
  type: "load";
  /**
   * Where the model folder is: for an engine in a page an http or https address, for one in a process a path. Or
   * "random:421M?bits=4&seed=0": random weights in a published model's shapes, for an engine that measures.
   */
  url: string;
  /** Where to compute: "webgpu" (the default), "cpu", or "auto": WebGPU where it works and is quicker; "remote" takes the model that a server has, whatever the URL. */
  backend?: string;
  /**
   * 4 or 8: weights that are not packed yet are packed in as many bits while they come; what is kept for the next visit
   * is the packed form. Left out: they stay as they are.
   */
  bits?: number;
  /**
   * On the processor, in a page that is alone with its origin: how many threads compute, at most 64. Where
   * the browser has a GPU it is one, whatever this says. Left out: as many as suit.
   */
  threads?: number;
}

/** TemplateOptions are what a chat template is given beside the messages. */
export interface TemplateOptions {
  /** What the model may call, as OpenAI's API has it: [{"type": "function", "function": {"name", "description", "parameters"}}]. */
  tools?: unknown;
  /** A list of documents, for templates that know them. */
  documents?: unknown;
  /**
   * How much is thought before the answer: "none", "minimal", "low", "medium", "high", "xhigh" or "max". A template that does not know
   * it may still think; then the lower ones bound the tokens of the thought.
   */
  reasoning_effort?: string;
  /** Whether the model thinks before it answers, where it can do either. */
  enable_thinking?: boolean;
  /** An object of further names that the template knows. */
  chat_template_kwargs?: unknown;
}

/** CalledFunction is a function's name and what it is called with. */
export interface CalledFunction {
  /** As the tools have it. */
  name: string;
  /** A JSON object, as text. */
  arguments: string;
}

/** ToolCall is a call of a tool, whole. */
export interface ToolCall {
  /** Tells the call from others of the conversation. */
  id: string;
  /** Always "function". */
  type: string;
  /** What is called. */
  function: CalledFunction;
}

/** ChatMessage is one turn of a conversation. */
export interface ChatMessage {
  /** Who speaks: "system", "user" or "assistant", or what the model's template knows besides. */
  role: string;
  /** What is said; may be empty where tools are called. */
  content: string;
  /** What an assistant thought before it. Whether the model reads it again is its template's to say. */
  reasoning_content?: string;
  /** The tools that an assistant called. */
  tool_calls?: ToolCall[];
  /** With the role "tool": the id of the call whose result this is. */
  tool_call_id?: string;
  /** With the role "tool": the tool's name; known from the call where that is among the messages. */
  name?: string;
}

/**
 * Generate asks for the continuation of a conversation or of a text. It is
 * answered by progress messages while a long prompt is read, text messages and
 * one done. What stands in the session's state already is not computed again.
 * Settings left out are the model's own.
 */
export interface Generate extends Header, TemplateOptions, Settings {
  type: "generate";
  /** The conversation so far, rendered by the model's chat template. Either messages or prompt. */
  messages?: ChatMessage[];
  /** A text to continue as it stands. */
  prompt?: string;
  /** With prompt, which may then be empty: a text that comes after the answer, which fills what is between them. Control tokens in it are as in prompt. A model without tokens for that is an error. */
  suffix?: string;
  /** Control tokens that the prompt spells, such as <|im_end|>, are control tokens. Otherwise they are text, as they always are in messages. */
  control_tokens?: boolean;
  /** The messages, or the prompt, are not all of it, but come after what the session's state holds. A state that holds nothing, since it is new or was lost, is an error. */
  append?: boolean;
  /** The last message is not finished: the answer goes on with it. */
  open?: boolean;
  /** Asks for each token's log probability, and for those of this many of the likeliest tokens in its place; 0 to 20. */
  top_logprobs?: number;
  /** A JSON Schema that the answer obeys: tokens that would break it are never sampled. */
  schema?: unknown;
  /** Whether tools are called: "auto", "none", "required", or one function: {"type": "function", "function": {"name"}}. What is called obeys its parameters' schema. */
  tool_choice?: unknown;
  /** Whether one answer may call several times. Default true. */
  parallel_tool_calls?: boolean;
  /** The most tokens of a thought before the answer; at least 0. Then it is ended. */
  reasoning_budget?: number;
  /** Texts that end the answer, themselves left out; at most 16. */
  stop?: string[];
  /** The session that answers. */
  session?: number;
}

/**
 * Logits asks for the logits of every position of a sequence, from an empty
 * state. It is answered by logits messages in order and one done.
 */
export interface Logits extends Header {
  type: "logits";
  /** The token ids. */
  ids: number[];
  /** Tokens per prefill step; 0 lets the engine choose. */
  chunk?: number;
  /** Whether the last position's logits are all that is wanted. */
  last?: boolean;
}

/**
 * Score asks how likely the model finds a sequence: the log probability of each
 * token after those before it, from an empty state. It is answered by scores
 * messages in order and one done.
 */
export interface Score extends Header {
  type: "score";
  /** The token ids, two or more. */
  ids: number[];
}

/**
 * Tokenize asks for the token ids of a text, or of a conversation as the model
 * would read it. It is answered by one tokens message.
 */
export interface Tokenize extends Header, TemplateOptions {
  type: "tokenize";
  /** The text. */
  text?: string;
  /** Control tokens that the text spells are control tokens, not text. */
  control_tokens?: boolean;
  /** The conversation, rendered by the model's chat template. Either messages or text. */
  messages?: ChatMessage[];
}

/** Detokenize asks for the text of token ids. It is answered by one tokens message. */
export interface Detokenize extends Header {
  type: "detokenize";
  /** The token ids. */
  ids: number[];
}

/**
 * Bench asks for measurements: prompts of random tokens are read and continued
 * from an empty state, as generate does it. It is answered by progress messages,
 * one benched and one done; the session's state is dropped.
 */
export interface Bench extends Header {
  type: "bench";
  /** Tokens of a prompt. */
  prompt: number;
  /** Tokens to generate after it. */
  generate: number;
  /** How often, after one run that does not count. */
  runs: number;
  /** Of the prompt's tokens. */
  seed?: number;
  /** Whether to measure what the adapter reaches at best, too. */
  roofline?: boolean;
  /** Whether to time each kernel, too, where the adapter has timestamps. */
  kernels?: boolean;
  /** And those of a step of this many sequences together. Default none. */
  batch?: number;
  /** Whether all layers run for all of a prompt's tokens, those that carry no state, too. */
  every_layer?: boolean;
  /** Whether to measure instead what guesses bring where prompts have more or less of the answer in them. */
  guesses?: boolean;
}

/**
 * LongRun asks for one long measurement: a prompt of random tokens is read, or a
 * text is written after one, by a conversation of its own. It is answered by
 * progress messages, a lap wherever one was asked for, and one done.
 */
export interface LongRun extends Header {
  type: "long_run";
  /** Tokens to read. */
  prompt: number;
  /** Tokens to write after them. */
  generate?: number;
  /** How many sequences are written together. Default 1. */
  batch?: number;
  /** After how many tokens to tell where the run stands, ascending: of those written, or read where none are. */
  laps: number[];
  /** Of the prompt's tokens and of the sampler. */
  seed?: number;
  /** Whether laps bring the tokens of the first sequence, and the last one the logits that follow them. */
  trace?: boolean;
  /** Whether all layers run for all of a prompt's tokens, those that carry no state, too. */
  every_layer?: boolean;
}

/**
 * Absorb has a conversation or a text read without an answer, so that the
 * answer costs no reading later. It is answered by progress messages and one
 * done, whose read says how far it came; cancelled, what was read is kept.
 */
export interface Absorb extends Header, TemplateOptions {
  type: "absorb";
  /** The conversation so far. Either messages or prompt. */
  messages?: ChatMessage[];
  /** A text to be continued. */
  prompt?: string;
  /** Control tokens that the prompt spells are control tokens, not text. */
  control_tokens?: boolean;
  /** The last message is not finished: what is read ends with its content, to which more may come. */
  open?: boolean;
  /** The session that reads. */
  session?: number;
}

/** Save asks for a session's state, answered by one saved. */
export interface Save extends Header {
  type: "save";
  /** The session. */
  session?: number;
}

/**
 * Restore puts a saved state, the attachment, in the place of a session's; a
 * session of that number need not exist. It is answered by one done, or by an
 * error, and then nothing has changed.
 */
export interface Restore extends Header {
  type: "restore";
  /** The session. */
  session?: number;
}

/**
 * Reset empties a session's state; a session of that number need not exist. It is
 * answered by one done.
 */
export interface Reset extends Header {
  type: "reset";
  /** The session. */
  session?: number;
}

/**
 * Fork copies a session's state into another one, new or in the place of the
 * one that had the number. It is answered by one done.
 */
export interface Fork extends Header {
  type: "fork";
  /** The session that is copied. */
  session?: number;
  /** The number of the copy, from 1. */
  into: number;
}

/** Drop gives a session's memory back, any but the first's. It is answered by one done. */
export interface Drop extends Header {
  type: "drop";
  /** The session; one that is not there is no fault. */
  session: number;
}

/**
 * Cancel ends another request of the same connection, running or waiting. It
 * has no answer of its own: a generate or an absorb ends with done and "cancelled", all else
 * with the error "cancelled".
 */
export interface Cancel extends Header {
  type: "cancel";
  /** The id of the request to end. */
  target: number;
}

/**
 * Hello is the first message to a server and is answered by one welcome, or by
 * an error and the end of the connection. A client whose connection was cut
 * names its session, then sends again each request that is not finished, with
 * the seq of the last reply that came: whichever server hears it goes on there.
 * For that a generate must carry its seed.
 */
export interface Hello extends Header {
  type: "hello";
  /** The version that the client speaks. */
  version: number;
  /** What the server's owner gave the client to be let in. */
  token?: string;
  /** The session to go on with, as welcome named it; left out: a new one. */
  session?: string;
  /** The secret that came with it. */
  secret?: string;
}

/** Ping asks for a pong at once: whether the other end is there. */
export interface Ping extends Header {
  type: "ping";
}

/** Progress says how far a long step is. */
export interface Progress extends Header {
  type: "progress";
  /** The step: "download" (from the network or the store), "pack" (the same, and what comes is packed in fewer bits), "compile", "prefill", "bench", "rebuild" after a lost device, or "connect" after a cut line to a server. */
  phase: string;
  /** Done so far: bytes of a download, as they come, else steps or tokens. */
  loaded: number;
  /** Of how many; 0 where that is not known. */
  total: number;
  /** How many a second, over the last seconds; left out where that is not known. */
  rate?: number;
  /** Seconds left of this step at that rate; left out where that is not known. */
  seconds_left?: number;
  /** Files complete so far, or the number of the current file. */
  shard?: number;
  /** Of how many files. */
  shards?: number;
  /** The current file. */
  file?: string;
  /** What is waited for, where that takes long: a sentence for people. */
  note?: string;
}

/** Defaults are the settings that hold where a request names none. A neutral value means that a setting is off. */
export interface Defaults {
  /** The most tokens of an answer. */
  max_tokens: number;
  /** As in generate. */
  temperature: number;
  top_p: number;
  top_k: number;
  min_p: number;
  repetition_penalty: number;
}

/** Ready says that a model is loaded, and what it is. */
export interface Ready extends Header {
  type: "ready";
  /** The folder's name. */
  model: string;
  /** How many weights the model has, shared ones counted once. */
  parameters: number;
  /** Bits per quantized weight; 0 where the weights are floats. */
  bits: number;
  /** Layers, each a mixer and mostly an MLP. */
  layers: number;
  /** Width of the residual stream. */
  hidden_size: number;
  /** Keys that an attention layer sees; 0 without such layers. */
  sliding_window: number;
  /** Key and value heads of an attention layer, and their width; 0 without such layers. */
  num_key_value_heads: number;
  head_dim: number;
  /** Columns of the logits. */
  vocab_size: number;
  /** Whether the model has a chat template, so that it takes messages. */
  chat: boolean;
  /** Whether that takes tools, so that the model calls them. */
  tools?: boolean;
  /** Whether that knows thoughts before answers. */
  thinks?: boolean;
  /** What computes: "webgpu", "vulkan" and so on, or "cpu". */
  backend: string;
  /** The adapter's own name for itself. */
  adapter: string;
  /** Why it computes there, where there was a choice: a sentence for people. */
  reason?: string;
  /** The adapter's features in use. */
  features?: string[];
  /** Size of one conversation's state in bytes: the same at token 1 and token 1,000,000, unless it grows. */
  state_bytes: number;
  /** Size of a saved state in bytes, before the first token where it grows. */
  saved_bytes: number;
  /** What each token adds to both, in bytes: the keys and values of full attention. Without such layers nothing grows. */
  state_bytes_per_token?: number;
  /** What tells this model's saved states from others': 64 hexadecimal digits. */
  hash: string;
  /** What holds where a request names no setting: the model's own choice. */
  sampling: Defaults;
}

/**
 * Logprob is a token and how likely it was, before penalties, biases and
 * filters, and at temperature 1.
 */
export interface Logprob {
  /** The token's id. */
  id: number;
  /** Its bytes as the answer shows them: not always whole characters; none for special tokens. */
  bytes: number[];
  /** The natural logarithm of its probability. */
  logprob: number;
}

/** TokenLogprob is a sampled token and the likeliest tokens in its place. */
export interface TokenLogprob extends Logprob {
  /** The likeliest tokens in order, as many as were asked for. */
  top: Logprob[];
}

/** Text is the next piece of an answer. */
export interface Text extends Header {
  type: "text";
  /** Whole characters, never a part of one; may be empty. */
  text: string;
  /** Of an answer to messages: what the model thinks before it, which is no part of the text. */
  reasoning?: string;
  /** Of an answer to messages with tools: calls that are complete now. */
  tool_calls?: ToolCall[];
  /** How many tokens it took. */
  tokens: number;
  /** Which of n answers it belongs to, from 0. */
  choice?: number;
  /** On the last piece of an answer: why it ended, as in done. */
  finish_reason?: string;
  /** Of those tokens in order, where the request asked for them. */
  logprobs?: TokenLogprob[];
}

/**
 * LogitsRows carries logits of consecutive positions: the attachment holds
 * rows × vocab_size little-endian float32.
 */
export interface LogitsRows extends Header {
  type: "logits";
  /** The first position. */
  row: number;
  /** How many positions. */
  rows: number;
}

/**
 * Scores carries natural logarithms of consecutive tokens' probabilities: the
 * attachment holds count little-endian float32.
 */
export interface Scores extends Header {
  type: "scores";
  /** The place in ids of the first of these tokens; at least 1, since ids[0] follows nothing. */
  first: number;
  /** How many tokens. */
  count: number;
}

/** Tokens answers tokenize and detokenize. */
export interface Tokens extends Header {
  type: "tokens";
  /** The token ids. */
  ids: number[];
  /** The text. */
  text: string;
}

/**
 * Saved answers save: the attachment is the state, a file that begins with a
 * header of its own.
 */
export interface Saved extends Header {
  type: "saved";
  /** Tokens in it. */
  position: number;
  /** Of the model that it belongs to, as ready has it. */
  hash: string;
}
export interface BenchRun {
  prefill: number;
  first_token: number;
  tokens: number;
  decode: number;
  save: number;
  restore: number;
}
export interface Cost {
  bytes: number;
  state: number;
  ops: number;
}
export interface Launches {
  decode: number;
  prefill: number;
}
export interface Roofline {
  read_bytes_per_second: number;
  ops_per_second: number;
}
export interface Memory {
  state: number;
  gpu: number;
  heap: number;
  js?: number;
  resident?: number;
}
export interface KernelTime {
  kernel: string;
  role: string;
  launches: number;
  seconds: number;
}
export interface Guessed {
  steps: number;
  rows: number;
  tokens: number;
}
export interface GuessTask {
  task: string;
  plain: number[];
  guess: number[];
  tokens: number;
  done: Guessed;
}
export interface BenchReport {
  warmup: number;
  runs: BenchRun[];
  prefill: Cost;
  decode: Cost;
  launches: Launches;
  variant: string;
  roofline: Roofline;
  prefill_chunk: number;
  memory: Memory;
  prefill_kernels?: KernelTime[];
  decode_kernels?: KernelTime[];
  batch_kernels?: KernelTime[];
  prefill_span?: number;
  decode_span?: number;
  batch_span?: number;
  guesses?: GuessTask[];
}

/** Benched carries what a bench measured. */
export interface Benched extends Header {
  type: "benched";
  /** The measurements, in seconds, bytes and operations. */
  report: BenchReport;
}
export interface Lap {
  tokens: number;
  seconds: number;
  counted: Cost;
  memory: Memory;
  ids?: number[];
  logits?: number[];
}

/** Lapped says where a long run stands. */
export interface Lapped extends Header {
  type: "lap";
  /** The measurements until here, in seconds, bytes and operations. */
  lap: Lap;
}

/** Usage counts tokens as OpenAI's API does. */
export interface Usage {
  /** Tokens of the whole prompt. */
  prompt_tokens: number;
  /** Of those, how many had to be computed; the rest stood in the state. */
  prefilled_tokens: number;
  /** Tokens of the answer. */
  completion_tokens: number;
  /** Of those, how many were thought before it. */
  reasoning_tokens?: number;
  /** Both together. */
  total_tokens: number;
}

/** Timings are in seconds. */
export interface Timings {
  /** Spent reading the prompt. */
  prefill: number;
  /** From the request to the first token. */
  first_token: number;
  /** Spent on the answer. */
  decode: number;
  /** Steps that took guesses, the tokens that they absorbed, and those that they brought: one each, and one for each right guess. */
  guessed_steps?: number;
  guessed_rows?: number;
  guessed_tokens?: number;
}

/** Done ends a request that has no answer of another kind. */
export interface Done extends Header {
  type: "done";
  /** Why the answer ended: "stop", "length", "tool_calls" or "cancelled"; empty after logits. */
  finish_reason?: string;
  /** Token counts. */
  usage: Usage;
  /** Where the time went. */
  timings: Timings;
  /** Tokens in the session's state now: the length of the context. */
  position: number;
  /** Size of that state in bytes. */
  state_bytes: number;
  /** After absorb: how much of the last message's content, or of the prompt, the state holds, in UTF-16 units. */
  read?: number;
}

/** Error ends a request that could not be served. */
export interface Error extends Header {
  type: "error";
  /** What kind of fault it was; see the Code constants. */
  code: Code;
  /** One sentence: what was got, what was wanted, what to do. */
  message: string;
  /** The field of the request that is at fault, where there is one: "temperature". */
  param?: string;
  /** With the code too_large: the bits in which the model would fit if load packed it, where there are any. */
  bits?: number;
}

/** Welcome answers hello. */
export interface Welcome extends Header {
  type: "welcome";
  /** The version that the server speaks. */
  version: number;
  /** The session's name. It is no secret: balancers may send a session's connections to one server by it. */
  session: string;
  /** What proves that a client may go on with the session. */
  secret: string;
  /** The last request whose effect the session's state has; 0 in a new session. */
  answered: number;
  /** Seconds without a message after which the server takes the client for gone: send pings in between. */
  silence: number;
}

/** Pong answers ping. */
export interface Pong extends Header {
  type: "pong";
}

/** What a client sends. */
export type Request = Load | Generate | Logits | Score | Tokenize | Detokenize | Bench | LongRun | Absorb | Save | Restore | Reset | Fork | Drop | Cancel | Hello | Ping;

/** What an engine answers. */
export type Reply = Progress | Ready | Text | LogitsRows | Scores | Tokens | Saved | Benched | Lapped | Done | Error | Welcome | Pong;

/** Replies that end their request. */
export const ending: ReadonlySet<Reply["type"]> = new Set<Reply["type"]>(["ready", "tokens", "saved", "done", "error"]);

/** Requests that read or change the conversation's state. */
export const stateful: ReadonlySet<Request["type"]> = new Set<Request["type"]>(["generate", "logits", "score", "bench", "long_run", "absorb", "save", "restore", "reset", "fork", "drop"]);

/** Requests that are one session's, the first's if they name none. */
export const ofSession: ReadonlySet<Request["type"]> = new Set<Request["type"]>(["generate", "absorb", "save", "restore", "reset", "fork"]);

/**
 * A Samba model for the AI SDK:
 *
 *     const model = samba(await Samba.load("models/default/"));
 *     const { textStream } = streamText({ model, prompt: "Tell me a story." });
 */
import {
  type JSONObject,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4FinishReason,
  type LanguageModelV4Message,
  type LanguageModelV4StreamPart,
  type LanguageModelV4Usage,
  type SharedV4Warning,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type { ChatCompletionParams, ChatMessageParam, CompletionUsage, Samba } from "../engine/client.ts";
import { readable } from "./readable.ts";

/**
 * The model as the AI SDK (version 7, language models of version 4) takes it. A
 * promise, such as that of Samba.load, is waited for by the first call.
 * Settings that the SDK has no name for go into `providerOptions.samba`.
 */
export function samba(engine: Samba | PromiseLike<Samba>): LanguageModelV4 {
  return new SambaLanguageModel(engine);
}

class SambaLanguageModel implements LanguageModelV4 {
  readonly specificationVersion = "v4";
  readonly provider = "samba";
  readonly supportedUrls = {};
  readonly #engine: Samba | PromiseLike<Samba>;

  constructor(engine: Samba | PromiseLike<Samba>) {
    this.#engine = engine;
  }

  /** The folder's name; "samba" while it is being loaded. */
  get modelId(): string {
    return "about" in this.#engine ? this.#engine.about.model : "samba";
  }

  async doGenerate(options: LanguageModelV4CallOptions) {
    const { params, warnings } = asked(options);
    const engine = await ready(this.#engine, options.abortSignal);
    const answer = await engine.chat.completions
      .create({ ...params, stream: false }, { signal: options.abortSignal })
      .catch((error) => {
        options.abortSignal?.throwIfAborted();
        throw error;
      });
    const [choice] = answer.choices;
    const text = choice?.message.content ?? "";
    return {
      content: text === "" ? [] : [{ type: "text" as const, text }],
      finishReason: finished(choice?.finish_reason),
      usage: used(answer.usage),
      request: { body: params },
      response: about(answer),
      warnings,
    };
  }

  async doStream(options: LanguageModelV4CallOptions) {
    const { params, warnings } = asked(options);
    const { abortSignal, includeRawChunks } = options;
    const engine = await ready(this.#engine, abortSignal);
    const chunks = await engine.chat.completions.create(
      { ...params, stream: true, stream_options: { include_usage: true } },
      { signal: abortSignal },
    );
    async function* parts(): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
      yield { type: "stream-start", warnings };
      const id = "0";
      let begun = false;
      let reason: string | undefined;
      let usage: CompletionUsage | undefined;
      try {
        for await (const chunk of chunks) {
          if (includeRawChunks) yield { type: "raw", rawValue: chunk };
          if (!begun) {
            begun = true;
            yield { type: "response-metadata", ...about(chunk) };
            yield { type: "text-start", id };
          }
          const [choice] = chunk.choices;
          const delta = choice?.delta.content;
          if (delta) yield { type: "text-delta", id, delta };
          reason = choice?.finish_reason ?? reason;
          usage = chunk.usage ?? usage;
        }
      } catch (error) {
        abortSignal?.throwIfAborted();
        yield { type: "error", error };
        reason = "error";
      }
      if (reason === "cancelled") abortSignal?.throwIfAborted();
      if (begun) yield { type: "text-end", id };
      yield { type: "finish", finishReason: finished(reason), usage: used(usage) };
    }
    return { stream: readable(parts()), request: { body: params } };
  }
}

/** The engine once it is loaded; an abort does not wait for that. */
async function ready(engine: Samba | PromiseLike<Samba>, signal: AbortSignal | undefined): Promise<Samba> {
  signal?.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
  });
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([engine, aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** The request in OpenAI's shapes, and what of it is not heeded. */
function asked(options: LanguageModelV4CallOptions): {
  params: ChatCompletionParams;
  warnings: SharedV4Warning[];
} {
  const { responseFormat, reasoning, toolChoice } = options;
  if (options.tools?.length && toolChoice?.type !== "none") throw unsupported("tools");
  const warnings: SharedV4Warning[] = [];
  if (reasoning && reasoning !== "provider-default" && reasoning !== "none")
    warnings.push({
      type: "unsupported",
      feature: "reasoning",
      details: "The model does not reason apart from its answer.",
    });
  const params: ChatCompletionParams = {
    max_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    stop: options.stopSequences,
    seed: options.seed,
    ...options.providerOptions?.samba,
    messages: options.prompt.map(message),
  };
  if (responseFormat?.type === "json")
    params.response_format = responseFormat.schema
      ? {
          type: "json_schema",
          json_schema: { name: responseFormat.name, schema: responseFormat.schema as object | boolean },
        }
      : { type: "json_object" };
  return { params, warnings };
}

function message({ role, content }: LanguageModelV4Message): ChatMessageParam {
  if (role === "system") return { role, content };
  if (role === "tool") throw unsupported("tool results");
  const texts = content.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "reasoning") return "";
    if (part.type === "file" && part.data.type === "text") return part.data.text;
    throw unsupported(part.type === "file" ? `files of type ${part.mediaType}` : `${part.type} parts`);
  });
  return { role, content: texts.join("") };
}

function unsupported(functionality: string): UnsupportedFunctionalityError {
  return new UnsupportedFunctionalityError({
    functionality,
    message: `Samba's models take texts alone: ${functionality} are not supported.`,
  });
}

function finished(raw: string | undefined): LanguageModelV4FinishReason {
  switch (raw) {
    case "stop":
    case "length":
    case "error":
      return { unified: raw, raw };
    default:
      return { unified: "interrupted", raw };
  }
}

function used(usage: CompletionUsage | undefined): LanguageModelV4Usage {
  const total = usage?.prompt_tokens;
  const cacheRead = usage?.prompt_tokens_details.cached_tokens;
  return {
    inputTokens: {
      total,
      noCache: usage && usage.prompt_tokens - (cacheRead ?? 0),
      cacheRead,
      cacheWrite: undefined,
    },
    outputTokens: { total: usage?.completion_tokens, text: usage?.completion_tokens, reasoning: undefined },
    ...(usage && { raw: usage as unknown as JSONObject }),
  };
}

function about({ id, created, model }: { id: string; created: number; model: string }) {
  return { id, timestamp: new Date(created * 1000), modelId: model };
}

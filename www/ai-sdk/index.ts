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
  type LanguageModelV4Content,
  type LanguageModelV4FinishReason,
  type LanguageModelV4Message,
  type LanguageModelV4StreamPart,
  type LanguageModelV4ToolCall,
  type LanguageModelV4ToolResultOutput,
  type LanguageModelV4Usage,
  type SharedV4Warning,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type {
  ChatCompletionParams,
  ChatMessageParam,
  ChatToolCall,
  CompletionUsage,
  Samba,
} from "../engine/client.ts";
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
    const engine = await ready(this.#engine, options.abortSignal);
    const { params, warnings } = asked(options, engine);
    const answer = await engine.chat.completions
      .create({ ...params, stream: false }, { signal: options.abortSignal })
      .catch((error) => {
        options.abortSignal?.throwIfAborted();
        throw error;
      });
    const [choice] = answer.choices;
    const { content: text, reasoning_content, tool_calls } = choice?.message ?? {};
    const content: LanguageModelV4Content[] = [];
    if (reasoning_content) content.push({ type: "reasoning", text: reasoning_content });
    if (text) content.push({ type: "text", text });
    content.push(...(tool_calls ?? []).map(called));
    return {
      content,
      finishReason: finished(choice?.finish_reason),
      usage: used(answer.usage),
      request: { body: params },
      response: about(answer),
      warnings,
    };
  }

  async doStream(options: LanguageModelV4CallOptions) {
    const { abortSignal, includeRawChunks } = options;
    const engine = await ready(this.#engine, abortSignal);
    const { params, warnings } = asked(options, engine);
    const chunks = await engine.chat.completions.create(
      { ...params, stream: true, stream_options: { include_usage: true } },
      { signal: abortSignal },
    );
    async function* parts(): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
      yield { type: "stream-start", warnings };
      let begun = false;
      let id = 0; // of the part that is open
      let open: "reasoning" | "text" | undefined;
      function* part(type: typeof open, delta?: string): Generator<LanguageModelV4StreamPart> {
        if (open && open !== type) yield { type: `${open}-end`, id: `${id++}` };
        if (type && open !== type) yield { type: `${type}-start`, id: `${id}` };
        open = type;
        if (type && delta) yield { type: `${type}-delta`, id: `${id}`, delta };
      }
      let reason: string | undefined;
      let usage: CompletionUsage | undefined;
      try {
        for await (const chunk of chunks) {
          if (includeRawChunks) yield { type: "raw", rawValue: chunk };
          if (!begun) {
            begun = true;
            yield { type: "response-metadata", ...about(chunk) };
          }
          const [choice] = chunk.choices;
          const { content, reasoning_content, tool_calls } = choice?.delta ?? {};
          if (reasoning_content) yield* part("reasoning", reasoning_content);
          if (content) yield* part("text", content);
          for (const call of tool_calls ?? []) {
            yield* part(undefined);
            yield { type: "tool-input-start", id: call.id, toolName: call.function.name };
            yield { type: "tool-input-delta", id: call.id, delta: call.function.arguments };
            yield { type: "tool-input-end", id: call.id };
            yield called(call);
          }
          reason = choice?.finish_reason ?? reason;
          usage = chunk.usage ?? usage;
        }
      } catch (error) {
        abortSignal?.throwIfAborted();
        yield { type: "error", error };
        reason = "error";
      }
      if (reason === "cancelled") abortSignal?.throwIfAborted();
      yield* part(undefined);
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
function asked(
  options: LanguageModelV4CallOptions,
  { about }: Samba,
): {
  params: ChatCompletionParams;
  warnings: SharedV4Warning[];
} {
  const { responseFormat, reasoning = "provider-default", toolChoice, tools } = options;
  const warnings: SharedV4Warning[] = [];
  const thinks = about.thinks || reasoning === "none";
  if (reasoning !== "provider-default" && !thinks)
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
    messages: options.prompt.flatMap(message),
  };
  if (reasoning !== "provider-default" && thinks) params.reasoning_effort = reasoning;
  if (tools?.length) {
    params.tools = tools.map((tool) => {
      if (tool.type !== "function") throw unsupported(`tools of type ${tool.type}`);
      const { name, description, inputSchema } = tool;
      return { type: "function", function: { name, description, parameters: inputSchema } };
    });
    if (toolChoice)
      params.tool_choice =
        toolChoice.type === "tool"
          ? { type: "function", function: { name: toolChoice.toolName } }
          : toolChoice.type;
  }
  if (responseFormat?.type === "json")
    params.response_format = responseFormat.schema
      ? {
          type: "json_schema",
          json_schema: { name: responseFormat.name, schema: responseFormat.schema as object | boolean },
        }
      : { type: "json_object" };
  return { params, warnings };
}

function message({ role, content }: LanguageModelV4Message): ChatMessageParam[] {
  if (role === "system") return [{ role, content }];
  if (role === "tool")
    return content.map((part) => {
      if (part.type !== "tool-result") throw unsupported(`${part.type} parts`);
      return { role, tool_call_id: part.toolCallId, content: result(part.output) };
    });
  const texts: string[] = [];
  const thoughts: string[] = [];
  const tool_calls: ChatToolCall[] = [];
  for (const part of content) {
    if (part.type === "text") texts.push(part.text);
    else if (part.type === "reasoning") thoughts.push(part.text);
    else if (part.type === "tool-call")
      tool_calls.push({
        id: part.toolCallId,
        type: "function",
        function: { name: part.toolName, arguments: JSON.stringify(part.input) },
      });
    else if (part.type === "file" && part.data.type === "text") texts.push(part.data.text);
    else throw unsupported(part.type === "file" ? `files of type ${part.mediaType}` : `${part.type} parts`);
  }
  return [
    {
      role,
      content: texts.join(""),
      ...(thoughts.length > 0 && { reasoning_content: thoughts.join("") }),
      ...(tool_calls.length > 0 && { tool_calls }),
    },
  ];
}

/** A tool's result as a text. */
function result(output: LanguageModelV4ToolResultOutput): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "execution-denied":
      return output.reason ?? "The tool was not allowed to run.";
    case "content":
      return output.value
        .map((part) => {
          if (part.type !== "text") throw unsupported(`tool results with ${part.type} parts`);
          return part.text;
        })
        .join("");
    default:
      return JSON.stringify(output.value);
  }
}

function called({ id, function: { name, arguments: input } }: ChatToolCall): LanguageModelV4ToolCall {
  return { type: "tool-call", toolCallId: id, toolName: name, input };
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
    case "tool_calls":
      return { unified: "tool-calls", raw };
    default:
      return { unified: "interrupted", raw };
  }
}

function used(usage: CompletionUsage | undefined): LanguageModelV4Usage {
  const total = usage?.prompt_tokens;
  const cacheRead = usage?.prompt_tokens_details.cached_tokens;
  const reasoning = usage?.completion_tokens_details.reasoning_tokens;
  return {
    inputTokens: {
      total,
      noCache: usage && usage.prompt_tokens - (cacheRead ?? 0),
      cacheRead,
      cacheWrite: undefined,
    },
    outputTokens: {
      total: usage?.completion_tokens,
      text: usage && usage.completion_tokens - (reasoning ?? 0),
      reasoning,
    },
    ...(usage && { raw: usage as unknown as JSONObject }),
  };
}

function about({ id, created, model }: { id: string; created: number; model: string }) {
  return { id, timestamp: new Date(created * 1000), modelId: model };
}

/**
 * A Samba model for LangChain:
 *
 *     const model = new ChatSamba({ samba: await Samba.load("models/default/") });
 *     for await (const { text } of await model.stream("Tell me a story.")) show(text);
 */
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import {
  assembleStructuredOutputPipeline,
  createContentParser,
} from "@langchain/core/language_models/structured_output";
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  type ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import type {
  ChatCompletionParams,
  ChatMessageParam,
  ChatTool,
  ChatToolCall,
  CompletionUsage,
  ResponseFormat,
  Samba,
  ToolChoice,
} from "../engine/client.ts";
import { type CamelSettings, camelSettings } from "../engine/settings.ts";

const { logitBias: _, n: __, ...ownSettings } = camelSettings;

/** How to sample; what is left out is the model's own. The names are those of `samba.chat.completions.create`, in camel case. */
export interface ChatSambaSettings extends Omit<CamelSettings, "logitBias" | "n"> {
  /** Any text, any JSON object, or JSON that a schema describes. */
  responseFormat?: ResponseFormat | undefined;
  /** Whether one answer may call several tools. Default true. */
  parallelToolCalls?: boolean | undefined;
  /** How much the model thinks before it answers, where its template knows that. */
  reasoningEffort?: ChatCompletionParams["reasoning_effort"];
  /** The most tokens of a thought. */
  reasoningBudget?: number | undefined;
}

/** What a call may set: the settings, `stop`, `signal`, `timeout` and what else every Runnable takes. */
export interface ChatSambaCallOptions extends BaseChatModelCallOptions, ChatSambaSettings {
  /** What the model may call; see bindTools. */
  tools?: BindToolsInput[] | undefined;
}

/** What the constructor takes. */
export interface ChatSambaFields extends BaseChatModelParams, ChatSambaSettings {
  /** The loaded model, or the promise of one. */
  samba: Samba | PromiseLike<Samba>;
  /** Texts that end every answer. */
  stop?: string[] | undefined;
}

/** A chat model that runs in the page. It answers one call after another, a batch as well. */
export class ChatSamba extends BaseChatModel<ChatSambaCallOptions> {
  readonly #fields: ChatSambaFields;

  static override lc_name(): string {
    return "ChatSamba";
  }

  constructor(fields: ChatSambaFields) {
    super(fields);
    this.#fields = fields;
  }

  override _llmType(): string {
    return "samba";
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    const { temperature, max_tokens, stop } = this.invocationParams(options);
    const { samba } = this.#fields;
    return {
      ls_provider: "samba",
      ls_model_type: "chat",
      ls_model_name: "about" in samba ? samba.about.model : "samba",
      ...(temperature != null && { ls_temperature: temperature }),
      ...(max_tokens != null && { ls_max_tokens: max_tokens }),
      ...(stop != null && { ls_stop: [stop].flat() as string[] }),
    };
  }

  /** The settings of a call, in OpenAI's names. */
  override invocationParams(
    options: Partial<this["ParsedCallOptions"]> = {},
  ): Omit<ChatCompletionParams, "messages"> {
    const set = { ...this.#fields, ...options };
    const sampling = Object.entries(ownSettings).map(([camel, name]) => [
      name,
      set[camel as keyof ChatSambaSettings],
    ]);
    return {
      ...Object.fromEntries(sampling),
      stop: set.stop,
      response_format: set.responseFormat,
      parallel_tool_calls: set.parallelToolCalls,
      reasoning_effort: set.reasoningEffort,
      reasoning_budget: set.reasoningBudget,
      ...(options.tools?.length && {
        tools: options.tools.map((tool) => convertToOpenAITool(tool) as ChatTool),
        tool_choice: choice(options.tool_choice),
      }),
    };
  }

  /** The model with tools: LangChain's own, Zod's, or OpenAI's shapes. Calls obey the tools' schemas, whatever the model. */
  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<ChatSambaCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatSambaCallOptions> {
    return this.withConfig({ tools, ...kwargs } as Partial<ChatSambaCallOptions>);
  }

  override async _generate(messages: BaseMessage[], options: this["ParsedCallOptions"]): Promise<ChatResult> {
    const { params, signal } = this.#asked(messages, options);
    const samba = await this.#fields.samba;
    signal?.throwIfAborted();
    const { choices, usage, model, id } = await samba.chat.completions
      .create({ ...params, stream: false }, { signal })
      .catch((error) => {
        signal?.throwIfAborted();
        throw error;
      });
    const { content, reasoning_content, tool_calls } = choices[0]?.message ?? {};
    const text = content ?? "";
    const finish_reason = choices[0]?.finish_reason;
    const response_metadata = { model_name: model, finish_reason, timings: usage.timings };
    const message = new AIMessage({
      content: text,
      id,
      response_metadata,
      tool_calls: (tool_calls ?? []).map(({ id, function: { name, arguments: args } }) => ({
        type: "tool_call",
        id,
        name,
        args: JSON.parse(args),
      })),
      additional_kwargs: reasoning_content ? { reasoning_content } : {},
    });
    Object.assign(message, { usage_metadata: counted(usage) }); // whose type in AIMessage is undefined
    return { generations: [{ text, message, generationInfo: { finish_reason } }], llmOutput: { usage } };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { params, signal } = this.#asked(messages, options);
    const samba = await this.#fields.samba;
    signal?.throwIfAborted();
    const stream = await samba.chat.completions.create(
      { ...params, stream: true, stream_options: { include_usage: true } },
      { signal },
    );
    for await (const { id, model, choices, usage } of stream) {
      const { content, reasoning_content, tool_calls } = choices[0]?.delta ?? {};
      const text = content ?? "";
      const finish_reason = choices[0]?.finish_reason ?? undefined;
      if (finish_reason === "cancelled") signal?.throwIfAborted();
      if (text === "" && !reasoning_content && !tool_calls && !finish_reason && !usage) continue;
      const message = new AIMessageChunk({
        content: text,
        id,
        tool_call_chunks: (tool_calls ?? []).map(({ index, id, function: { name, arguments: args } }) => ({
          type: "tool_call_chunk",
          index,
          id,
          name,
          args,
        })),
        additional_kwargs: reasoning_content ? { reasoning_content } : {},
      });
      if (finish_reason) message.response_metadata = { model_name: model, finish_reason };
      if (usage) {
        Object.assign(message, { usage_metadata: counted(usage) }); // whose type in AIMessage is undefined
        message.response_metadata = { timings: usage.timings };
      }
      const chunk = new ChatGenerationChunk({
        text,
        message,
        ...(finish_reason && { generationInfo: { finish_reason } }),
      });
      yield chunk;
      await run?.handleLLMNewToken(text, { prompt: 0, completion: 0 }, undefined, undefined, undefined, {
        chunk,
      });
    }
  }

  /**
   * Answers that obey a schema: Zod's, a standard schema or JSON Schema. Tokens
   * that would break it are never sampled.
   */
  override withStructuredOutput<RunOutput extends Record<string, unknown> = Record<string, unknown>>(
    schema: Parameters<typeof createContentParser<RunOutput>>[0],
    config?: StructuredOutputMethodOptions<false>,
  ): Runnable<BaseLanguageModelInput, RunOutput>;
  override withStructuredOutput<RunOutput extends Record<string, unknown> = Record<string, unknown>>(
    schema: Parameters<typeof createContentParser<RunOutput>>[0],
    config?: StructuredOutputMethodOptions<true>,
  ): Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: RunOutput }>;
  override withStructuredOutput<RunOutput extends Record<string, unknown> = Record<string, unknown>>(
    schema: Parameters<typeof createContentParser<RunOutput>>[0],
    config: StructuredOutputMethodOptions<boolean> = {},
  ):
    | Runnable<BaseLanguageModelInput, RunOutput>
    | Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: RunOutput }> {
    const { name = "answer", method = "jsonSchema", includeRaw } = config;
    if (method === "functionCalling")
      throw new Error(
        'ChatSamba keeps answers to a schema without calls: leave out method, or take "jsonSchema".',
      );
    const responseFormat: ResponseFormat =
      method === "jsonMode"
        ? { type: "json_object" }
        : { type: "json_schema", json_schema: { name, schema: toJsonSchema(schema as never) as object } };
    const model = this.withConfig({ responseFormat } as Partial<ChatSambaCallOptions>);
    return assembleStructuredOutputPipeline(
      model,
      createContentParser<RunOutput>(schema),
      includeRaw,
      "StructuredOutput",
    );
  }

  #asked(messages: BaseMessage[], options: this["ParsedCallOptions"]) {
    const params: ChatCompletionParams = {
      ...this.invocationParams(options),
      messages: messages.map(message),
    };
    return { params, signal: options.signal };
  }
}

/** What LangChain calls the roles. */
const roles: Record<string, string> = {
  human: "user",
  ai: "assistant",
  system: "system",
  developer: "system",
};

function message(from: BaseMessage): ChatMessageParam {
  const kind = from.type === "generic" ? (from as BaseMessage & { role: string }).role : from.type;
  if (kind === "function")
    throw new Error("ChatSamba takes results of tools, and no messages of type function.");
  const parts = typeof from.content === "string" ? [{ type: "text", text: from.content }] : from.content;
  const texts = parts.map((part) => {
    if (part.type === "text") return String(part.text);
    if (part.type === "reasoning" || part.type === "tool_call") return "";
    throw new Error(`ChatSamba reads texts alone: it takes no content of type ${part.type}.`);
  });
  const turn: ChatMessageParam = { role: roles[kind] ?? kind, content: texts.join("") };
  if (kind === "tool") turn.tool_call_id = (from as ToolMessage).tool_call_id;
  if (kind !== "ai") return turn;
  const { tool_calls, additional_kwargs } = from as AIMessage;
  if (typeof additional_kwargs?.reasoning_content === "string")
    turn.reasoning_content = additional_kwargs.reasoning_content;
  if (tool_calls?.length)
    turn.tool_calls = tool_calls.map(
      ({ id, name, args }, i): ChatToolCall => ({
        id: id ?? `call_${i}`,
        type: "function",
        function: { name, arguments: JSON.stringify(args) },
      }),
    );
  return turn;
}

/** Which tools are called, in OpenAI's words; LangChain says a tool's name, too, and "any". */
function choice(given: BaseChatModelCallOptions["tool_choice"]): ToolChoice | undefined {
  if (given === "any") return "required";
  if (typeof given !== "string") return given as ToolChoice | undefined;
  if (given === "auto" || given === "none" || given === "required") return given;
  return { type: "function", function: { name: given } };
}

function counted({
  prompt_tokens,
  completion_tokens,
  total_tokens,
  prompt_tokens_details,
  completion_tokens_details,
}: CompletionUsage): UsageMetadata {
  return {
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    total_tokens,
    input_token_details: { cache_read: prompt_tokens_details.cached_tokens },
    output_token_details: { reasoning: completion_tokens_details.reasoning_tokens },
  };
}

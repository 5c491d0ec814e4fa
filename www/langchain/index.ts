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
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import {
  assembleStructuredOutputPipeline,
  createContentParser,
} from "@langchain/core/language_models/structured_output";
import { AIMessage, AIMessageChunk, type BaseMessage, type UsageMetadata } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import type {
  ChatCompletionParams,
  ChatMessageParam,
  CompletionUsage,
  ResponseFormat,
  Samba,
} from "../engine/client.ts";
import { type CamelSettings, camelSettings } from "../engine/settings.ts";

const { logitBias: _, n: __, ...ownSettings } = camelSettings;

/** How to sample; what is left out is the model's own. The names are those of `samba.chat.completions.create`, in camel case. */
export interface ChatSambaSettings extends Omit<CamelSettings, "logitBias" | "n"> {
  /** Any text, any JSON object, or JSON that a schema describes. */
  responseFormat?: ResponseFormat | undefined;
}

/** What a call may set: the settings, `stop`, `signal`, `timeout` and what else every Runnable takes. */
export interface ChatSambaCallOptions extends BaseChatModelCallOptions, ChatSambaSettings {}

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
    };
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
    const text = choices[0]?.message.content ?? "";
    const finish_reason = choices[0]?.finish_reason;
    const response_metadata = { model_name: model, finish_reason, timings: usage.timings };
    const message = new AIMessage({ content: text, id, response_metadata });
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
      const text = choices[0]?.delta.content ?? "";
      const finish_reason = choices[0]?.finish_reason ?? undefined;
      if (finish_reason === "cancelled") signal?.throwIfAborted();
      if (text === "" && !finish_reason && !usage) continue;
      const message = new AIMessageChunk({ content: text, id });
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
      throw new Error('ChatSamba calls no functions: leave out method, or take "jsonSchema".');
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
    if ((options as { tools?: unknown[] }).tools?.length || options.tool_choice)
      throw new Error("ChatSamba calls no tools: leave out tools and tool_choice.");
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
  if (kind === "tool" || kind === "function")
    throw new Error(`ChatSamba calls no tools: it takes no messages of type ${kind}.`);
  const parts = typeof from.content === "string" ? [{ type: "text", text: from.content }] : from.content;
  const texts = parts.map((part) => {
    if (part.type === "text") return String(part.text);
    if (part.type === "reasoning") return "";
    throw new Error(`ChatSamba reads texts alone: it takes no content of type ${part.type}.`);
  });
  return { role: roles[kind] ?? kind, content: texts.join("") };
}

function counted({
  prompt_tokens,
  completion_tokens,
  total_tokens,
  prompt_tokens_details,
}: CompletionUsage): UsageMetadata {
  return {
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    total_tokens,
    input_token_details: { cache_read: prompt_tokens_details.cached_tokens },
  };
}

/** Tools and thoughts in OpenAI's shapes: what is asked of them, and what an answer has of them. */
import { refuse } from "./errors.ts";
import type { ChatMessage, Generate, ToolCall } from "./protocol.ts";

/** A function that the model may call. */
export interface ChatTool {
  /** Always "function". */
  type: "function";
  function: {
    /** 1 to 64 letters, digits, _ and -. */
    name: string;
    /** What it does, for the model. */
    description?: string | undefined;
    /** A JSON Schema of an object: calls obey it, whatever the model. Left out: no arguments. */
    parameters?: object | undefined;
    /** Taken and ignored: calls obey their schema always. */
    strict?: boolean | null | undefined;
  };
}

/** Whether tools are called: as the model likes, not, at least one, or this one. */
export type ToolChoice = "auto" | "none" | "required" | { type: "function"; function: { name: string } };

/** A call of a tool. */
export interface ChatToolCall {
  /** For the message with its result. */
  id: string;
  type: "function";
  function: {
    name: string;
    /** A JSON object, as text. */
    arguments: string;
  };
}

/** A call in a chunk: the engine gives each in one piece. */
export interface ChatToolCallDelta extends ChatToolCall {
  /** Its place among the answer's calls. */
  index: number;
}

/** What `samba.chat.completions.create` takes of tools and thoughts. The model's chat template must know them. */
export interface SpeechParams {
  /** What the model may call; an empty list is none. */
  tools?: readonly ChatTool[] | null | undefined;
  /** Default "auto". */
  tool_choice?: ToolChoice | null | undefined;
  /** Whether one answer may call several times. Default true. */
  parallel_tool_calls?: boolean | null | undefined;
  /** How much the model thinks before it answers. Where its template does not know this, the lower ones bound the thought's tokens. */
  reasoning_effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null | undefined;
  /** The most tokens of a thought; then it is ended. As no one but Samba has it. */
  reasoning_budget?: number | null | undefined;
  /** Whether the model thinks before it answers, where it can do either. As in vLLM's chat_template_kwargs. */
  enable_thinking?: boolean | null | undefined;
  /** Further names that the template knows. As in vLLM. */
  chat_template_kwargs?: object | null | undefined;
  /** Documents, for templates that know them. */
  documents?: readonly object[] | null | undefined;
}

/** What a message has beside its content. */
export interface SpokenParams {
  /** What an assistant thought before it; the template says whether the model reads it again. */
  reasoning_content?: string | null | undefined;
  /** The tools that an assistant called. */
  tool_calls?: readonly ChatToolCall[] | null | undefined;
  /** With the role "tool": the call whose result this is. */
  tool_call_id?: string | null | undefined;
}

/** The names of the arguments. */
export const speechParams = [
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning_effort",
  "reasoning_budget",
  "enable_thinking",
  "chat_template_kwargs",
  "documents",
] as const satisfies readonly (keyof SpeechParams)[];

/** What the arguments must be that are no lists, objects or choices. */
const types: Partial<Record<keyof SpeechParams, string>> = {
  parallel_tool_calls: "boolean",
  enable_thinking: "boolean",
  reasoning_effort: "string",
  reasoning_budget: "number",
};

/** The arguments as the engine takes them; what is wrong within them, it says itself. What says nothing is left out. */
export function speech(params: SpeechParams): Partial<Generate> {
  const request: Record<string, unknown> = {};
  const silent: Partial<Record<keyof SpeechParams, unknown[]>> = { reasoning_budget: [-1] };
  if (!params.tools?.length) {
    silent.tool_choice = ["auto", "none"];
    silent.parallel_tool_calls = [true, false];
  }
  for (const name of speechParams) {
    const value: unknown = params[name];
    if (value == null) continue;
    const type = types[name];
    if (type && typeof value !== type) refuse(name, `is a ${typeof value}, want a ${type}`);
    if (silent[name]?.includes(value)) continue;
    if (typeof value === "object" && Object.keys(value).length === 0) continue; // of a list, too
    try {
      request[name] = JSON.parse(JSON.stringify(value));
    } catch {
      refuse(name, "is no JSON");
    }
  }
  return request;
}

/** What a message has beside its content, as the engine takes it. */
export function spoken(message: SpokenParams & { role: string }, at: string): Partial<ChatMessage> {
  const { role, reasoning_content, tool_calls, tool_call_id } = message;
  const more: Partial<ChatMessage> = {};
  if (typeof reasoning_content === "string" && reasoning_content) more.reasoning_content = reasoning_content;
  if (tool_calls?.length) {
    if (role !== "assistant")
      refuse(`${at}.tool_calls`, `is of a ${role}, but only an assistant calls tools`);
    more.tool_calls = tool_calls.map((call, i): ToolCall => {
      const { id, type, function: called } = call ?? {};
      const where = `${at}.tool_calls[${i}]`;
      if (type !== "function") refuse(`${where}.type`, 'is not "function"');
      if (typeof id !== "string") refuse(`${where}.id`, "is missing");
      if (typeof called?.name !== "string" || typeof called.arguments !== "string")
        refuse(`${where}.function`, "is not a name and arguments, both of them texts");
      return { id, type, function: { name: called.name, arguments: called.arguments } };
    });
  }
  if (role === "tool" && tool_call_id) more.tool_call_id = tool_call_id;
  return more;
}

/** What the Prompt API's methods take, checked as the draft says. */
import type { LanguageModelCreateOptions } from "./index.ts";

/** A piece of a message; pieces of type "text" are put together, others refused. */
export interface LanguageModelContent {
  type: "text" | "image" | "audio" | "tool-call" | "tool-response";
  value: unknown;
}

/** A message of a conversation. */
export interface LanguageModelMessage {
  role: "system" | "user" | "assistant";
  content: string | readonly LanguageModelContent[];
  /** The last message alone, of the assistant: its answer begins so. */
  prefix?: boolean | undefined;
}

/** A text is what the user says. */
export type LanguageModelPrompt = string | readonly LanguageModelMessage[];

/** A message in the one form that is left. */
export interface Message {
  role: LanguageModelMessage["role"];
  content: string;
  prefix: boolean;
}

const roles = ["system", "user", "assistant"];
const types = ["text", "image", "audio", "tool-call", "tool-response"];

/** The messages of an input. What is neither a text nor a list is taken for the text that it becomes, as everywhere on the web. */
export function messagesOf(input: LanguageModelPrompt): Message[] {
  const list: readonly LanguageModelMessage[] = Array.isArray(input)
    ? input
    : [{ role: "user", content: `${input}` }];
  if (list.length === 0) return [{ role: "user", content: "", prefix: false }];
  return list.map((message, i) => {
    if (typeof message !== "object" || message === null) throw new TypeError(`Message ${i} is no object.`);
    const { role, content, prefix = false } = message;
    if (!roles.includes(role))
      throw new TypeError(`The role of message ${i} is none of ${roles.join(", ")}.`);
    if (prefix && role !== "assistant")
      throw new DOMException(`Message ${i} has a prefix, but is not the assistant's.`, "SyntaxError");
    if (prefix && i < list.length - 1)
      throw new DOMException(`Message ${i} has a prefix, but is not the last one.`, "SyntaxError");
    if (role === "system" && i > 0) throw new TypeError("A system message comes first, or not at all.");
    return { role, content: textOf(content, role, i), prefix: Boolean(prefix) };
  });
}

function textOf(content: LanguageModelMessage["content"], role: string, i: number): string {
  if (content === undefined) throw new TypeError(`Message ${i} has no content.`);
  if (!Array.isArray(content)) return `${content}`;
  const texts = (content as readonly LanguageModelContent[]).map((part) => {
    if (!types.includes(part?.type))
      throw new TypeError(`A part's type in message ${i} is none of ${types.join(", ")}.`);
    if (part.value === undefined) throw new TypeError(`A part of message ${i} has no value.`);
    if (part.type !== "text")
      throw new DOMException(
        `Message ${i} has a part of type ${part.type}: ${role === "assistant" ? "the assistant writes" : "the model reads"} text alone.`,
        "NotSupportedError",
      );
    if (typeof part.value !== "string") throw new TypeError(`A text in message ${i} is no string.`);
    return part.value;
  });
  return texts.join("");
}

/** A constraint as a JSON Schema. */
export function schemaOf(constraint: object | undefined): object | undefined {
  if (constraint === undefined) return undefined;
  if (typeof constraint !== "object" || constraint === null)
    throw new TypeError("responseConstraint is no object.");
  if (constraint instanceof RegExp)
    throw new DOMException(
      'responseConstraint is a RegExp, which is not supported: take a JSON Schema, such as { type: "string", pattern: "…" }.',
      "NotSupportedError",
    );
  try {
    return JSON.parse(JSON.stringify(constraint));
  } catch {
    throw new DOMException(
      "responseConstraint is no JSON Schema: it cannot be written as JSON.",
      "NotSupportedError",
    );
  }
}

/** Throws where options are wrong in themselves, whatever the model. */
export function validate({
  expectedInputs,
  expectedOutputs,
  topK,
  temperature,
}: LanguageModelCreateOptions): void {
  for (const { type, languages } of [...(expectedInputs ?? []), ...(expectedOutputs ?? [])]) {
    if (!types.includes(type)) throw new TypeError(`The type ${type} is none of ${types.join(", ")}.`);
    if (languages) Intl.getCanonicalLocales([...languages]); // a RangeError where one is no language tag
  }
  if (topK !== undefined && !(topK >= 1)) throw new RangeError("topK is below 1.");
  if (temperature !== undefined && !(temperature >= 0)) throw new RangeError("temperature is below 0.");
}

/** Whether a model of texts can do what is asked. */
export function supported({ expectedInputs, expectedOutputs, tools }: LanguageModelCreateOptions): boolean {
  const expected = [...(expectedInputs ?? []), ...(expectedOutputs ?? [])];
  return expected.every(({ type }) => type === "text") && !tools?.length;
}

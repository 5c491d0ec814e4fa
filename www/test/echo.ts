/** The library over an engine that says again what it was asked, word by word. */
import { Samba } from "../engine/client.ts";
import type { Asked, Connection } from "../engine/connection.ts";
import { errorOf } from "../engine/errors.ts";
import type { ChatMessage, Done, Ready, Reply } from "../engine/protocol.ts";
import { Session } from "../engine/state.ts";

const words = (text: string) => text.match(/\S+\s*/g) ?? [];
/** Tokens of a conversation: a word is one, and what a template writes around a message, three. */
const tokens = (messages: readonly ChatMessage[]) =>
  messages.reduce((sum, { content }) => sum + words(content).length + 3, 0);

/**
 * A loaded model, and what its engine was asked. An answer's pieces come one a task; one of "forever" has no end.
 * Given tools, it calls the first one, unless it has a result or is not to; told to think, it does.
 */
export function echo(thinks = false) {
  const asked: Asked[] = [];
  const done = (more: Partial<Done> = {}): Done => ({
    type: "done",
    id: 1,
    finish_reason: "stop",
    usage: { prompt_tokens: 9, prefilled_tokens: 4, completion_tokens: 2, total_tokens: 11 },
    timings: { prefill: 0.1, first_token: 0.2, decode: 0.3 },
    position: 11,
    state_bytes: 1000,
    ...more,
  });
  async function* replies(request: Asked, signal?: AbortSignal): AsyncGenerator<Reply, void, undefined> {
    if (request.type === "tokenize") {
      const n = request.messages ? tokens(request.messages) : words(request.text ?? "").length;
      yield { type: "tokens", id: 1, ids: Array(n).fill(0), text: "" };
    } else if (request.type === "generate") {
      const { schema, messages, max_tokens = 1024 } = request;
      if (schema && "not" in (schema as object))
        throw errorOf({ code: "bad_request", message: "schema.not is not supported.", param: "schema.not" });
      const said = schema ? '{"Rating": 4}' : (messages?.at(-1)?.content ?? request.prompt ?? "");
      const all = said === "forever" ? undefined : words(said);
      if (request.reasoning_effort && request.reasoning_effort !== "none")
        yield { type: "text", id: 1, text: "", tokens: 1, reasoning: "Hm." };
      const [tool] = (request.tools ?? []) as { function: { name: string } }[];
      if (tool && request.tool_choice !== "none" && messages?.at(-1)?.role !== "tool") {
        const call = {
          id: "call_1",
          type: "function",
          function: { name: tool.function.name, arguments: '{"city":"Bonn"}' },
        };
        yield { type: "text", id: 1, text: "", tokens: 1, tool_calls: [call], finish_reason: "tool_calls" };
        yield done({ finish_reason: "tool_calls" });
        return;
      }
      const n = Math.min(all?.length ?? max_tokens, max_tokens);
      const finish_reason = n === all?.length ? "stop" : "length";
      for (let i = 0; i < n; i++) {
        await new Promise(setImmediate);
        if (signal?.aborted) {
          yield done({ finish_reason: "cancelled" });
          return;
        }
        const text = all?.[i] ?? "on ";
        yield { type: "text", id: 1, text, tokens: 1, ...(i === n - 1 && { finish_reason }) };
      }
      yield done({
        finish_reason,
        usage: { prompt_tokens: 9, prefilled_tokens: 4, completion_tokens: n, total_tokens: 9 + n },
      });
    } else yield done();
  }
  const connection: Connection = {
    ask(request, signal) {
      asked.push(request);
      return replies(request, signal);
    },
    close() {},
  };
  const about = { model: "echo", sampling: { temperature: 0.8 }, tools: true, thinks } as Ready;
  const make = Samba as unknown as new (session: Session, about: Ready) => Samba;
  return { samba: new make(new Session(connection), about), asked };
}

/** What was thrown. */
export async function caught(work: () => unknown): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown.");
}

/** How a request goes on with another engine, which knows nothing of it: what was said already is not said twice. */
import type { Asked } from "./connection.ts";
import type { Done, Generate, Ready, Reply, Request, Text } from "./protocol.ts";

/** A request that is not finished, and what came of it. */
export class Unfinished {
  cancelled = false;
  /** The pieces of an answer that came, and the tokens in them. */
  #pieces: Text[] = [];
  #tokens = 0;
  /** Tokens that the engine at work has read, not written. */
  #read = 0;
  /** Pieces that are still to come a second time. */
  #again: Text[] = [];
  /** Whether the engine at work goes on with the text, and has not begun to. */
  #trying = false;

  constructor(
    readonly request: Request,
    readonly data: ArrayBuffer | undefined,
  ) {
    // Any engine that has the seed gives the same answer.
    if (request.type === "generate") request.seed ??= Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  }

  /** What another engine is asked: to go on with the text where that is all there is to it, else for the same again. */
  next(about: Ready | undefined): Asked {
    const { request } = this;
    this.#read = 0;
    this.#trying = false;
    this.#again = [];
    if (request.type !== "generate" || this.#pieces.length === 0) return request;
    const more = about && this.#goneOn(request, about);
    if (more) {
      this.#read = this.#tokens;
      this.#trying = true;
      return more;
    }
    this.#again = [...this.#pieces];
    return request;
  }

  #goneOn(request: Generate, about: Ready): Asked<Generate> | undefined {
    const said = this.#pieces.map(({ text }) => text).join("");
    const left = (request.max_tokens ?? about.sampling.max_tokens) - this.#tokens;
    const plain = this.#pieces.every(
      (piece) => !(piece.reasoning || piece.tool_calls || piece.finish_reason),
    );
    const counted = request.presence_penalty || request.frequency_penalty;
    const formed = request.schema !== undefined || (request.tools as unknown[] | undefined)?.length;
    const listed = request.top_logprobs !== undefined || (request.n ?? 1) > 1;
    if (!said || left < 1 || !plain || about.thinks || counted || formed || listed || request.control_tokens)
      return undefined;
    const more: Asked<Generate> = { ...request, max_tokens: left };
    if (!request.messages) return { ...more, prompt: (request.prompt ?? "") + said };
    const last = request.messages.at(-1);
    more.messages =
      request.open && last
        ? [...request.messages.slice(0, -1), { ...last, content: last.content + said }]
        : [...request.messages, { role: "assistant", content: said }];
    more.open = true;
    return more;
  }

  /** Takes a reply in. Nothing: it is not to be heard. "again": the engine is to be asked for the same; "other": it says something else. */
  take(reply: Reply): Reply | "again" | "other" | undefined {
    if (reply.type === "text") {
      this.#trying = false;
      const before = this.#again.shift();
      if (before) return same(before, reply) ? undefined : "other";
      this.#pieces.push(reply);
      this.#tokens += reply.tokens;
      return reply;
    }
    // Not every template can leave an answer open.
    if (reply.type === "error" && reply.code === "bad_request" && this.#trying) {
      this.#read = 0;
      this.#trying = false;
      this.#again = [...this.#pieces];
      return "again";
    }
    return reply.type === "done" && this.#read > 0 ? this.#counted(reply) : reply;
  }

  #counted(reply: Done): Done {
    const { usage } = reply;
    return {
      ...reply,
      usage: {
        ...usage,
        prompt_tokens: usage.prompt_tokens - this.#read,
        completion_tokens: usage.completion_tokens + this.#read,
      },
    };
  }
}

const same = (a: Text, b: Text): boolean =>
  a.text === b.text && a.choice === b.choice && (a.reasoning ?? "") === (b.reasoning ?? "");

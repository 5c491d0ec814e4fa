/** Which message the engine's state stands after, and how to bring it to another: from what is kept, or from the text. */
import { type ChatMessageParam, StateError } from "../engine/client.ts";
import { savedBytes } from "../engine/state.ts";
import { strings } from "../strings.ts";
import type { Conversation, Message } from "./conversation.ts";
import type { Engine } from "./engine.ts";
import type { ConversationStates } from "./storage/storage.ts";

/** A conversation as the engine reads it: texts that were attached stand in one turn with the question after them. */
export function messagesOf(system: string, path: Message[]): (ChatMessageParam & { content: string })[] {
  const said: ReturnType<typeof messagesOf> = system ? [{ role: "system", content: system }] : [];
  for (const { role, content, reasoning } of path) {
    const before = said.at(-1);
    if (role === "user" && before?.role === "user") before.content += BETWEEN + content;
    else said.push({ role, content, ...(reasoning && { reasoning_content: reasoning }) });
  }
  return said;
}

const BETWEEN = "\n\n";

export class Memory {
  #held: { engine: Engine; message: string; system: string } | undefined;

  constructor(private readonly states: ConversationStates) {}

  /** The message that the engine's state stands after, as far as that is known. */
  get holds(): string | undefined {
    return this.#held?.message;
  }

  /** What the engine's state holds is not known any more. */
  lose(): void {
    this.#held = undefined;
  }

  /**
   * Brings the engine's state as near to the end of a path as what is kept allows. A half sentence says why the text
   * is read again, which is slower and nothing else.
   */
  async recall(engine: Engine, { id: conversation, system }: Conversation, path: Message[]): Promise<string> {
    const held = this.#held;
    const known = held?.engine === engine && held.system === system;
    const here = known ? path.findIndex(({ id }) => id === held.message) : -1;
    let reason = "";
    const all = await this.states.of(conversation);
    for (let at = path.length - 1; at > here; at--) {
      const kept = all.get(path[at]?.id ?? "");
      if (kept?.system !== system) continue;
      if (kept.model !== engine.about.hash) {
        reason ||= strings.stateOther;
        continue;
      }
      const blob = await this.states.read(kept);
      if (!blob) continue;
      try {
        await engine.state.restore(blob);
        this.#held = { engine, message: kept.message, system };
        return "";
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        reason = error.message;
        await this.states.drop(kept);
      }
    }
    if (here >= 0) return "";
    this.lose();
    const said = path.some(({ role, content }) => role === "assistant" && content);
    return reason || (said && this.states.available && this.states.limit > 0 ? strings.stateMissing : "");
  }

  /** The engine's state stands after this message now, of this many tokens where that is known: keeps it. */
  async remember(engine: Engine, { system }: Conversation, message: Message, tokens: number): Promise<void> {
    this.#held = { engine, message: message.id, system };
    if (engine.about.backend === "remote") return; // the server keeps it
    if (this.states.limit < savedBytes(engine.about, tokens)) return;
    await this.states.keep(message, system, await engine.state.save());
  }
}

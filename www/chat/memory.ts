/** Which message the engine's state stands after, and how to bring it to another: from what is kept, or from the text. */
import { type ChatMessageParam, type Samba, StateError } from "../engine/client.ts";
import { strings } from "../strings.ts";
import type { Conversation, Message } from "./conversation.ts";
import type { States } from "./states.ts";

/** A conversation as the engine reads it: texts that were attached stand in one turn with the question after them. */
export function messagesOf(system: string, path: Message[]): (ChatMessageParam & { content: string })[] {
  const said: ReturnType<typeof messagesOf> = system ? [{ role: "system", content: system }] : [];
  for (const { role, content } of path) {
    const before = said.at(-1);
    if (role === "user" && before?.role === "user") before.content += BETWEEN + content;
    else said.push({ role, content });
  }
  return said;
}

const BETWEEN = "\n\n";

export class Memory {
  #held: { samba: Samba; message: string; system: string } | undefined;

  constructor(private readonly states: States) {}

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
  async recall(samba: Samba, { system }: Conversation, path: Message[]): Promise<string> {
    const held = this.#held;
    const known = held?.samba === samba && held.system === system;
    const here = known ? path.findIndex(({ id }) => id === held.message) : -1;
    let reason = "";
    for (let at = path.length - 1; at > here; at--) {
      const kept = await this.states.find(path[at]?.id ?? "");
      if (kept?.system !== system) continue;
      if (kept.model !== samba.about.hash) {
        reason ||= strings.stateOther;
        continue;
      }
      const blob = await this.states.read(kept);
      if (!blob) continue;
      try {
        await samba.state.restore(blob);
        this.#held = { samba, message: kept.message, system };
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

  /** The engine's state stands after this message now: keeps it. */
  async remember(samba: Samba, { system }: Conversation, message: Message): Promise<void> {
    this.#held = { samba, message: message.id, system };
    if (samba.about.backend === "remote") return; // the server keeps it
    if (this.states.limit < samba.about.saved_bytes) return;
    await this.states.keep(message, system, await samba.state.save());
  }
}

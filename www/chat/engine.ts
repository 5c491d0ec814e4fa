/** What the chat needs of an engine, so that tests can give it another one. */
import type { Samba } from "../engine/client.ts";

export interface Engine {
  readonly about: Pick<
    Samba["about"],
    "model" | "backend" | "hash" | "saved_bytes" | "state_bytes_per_token"
  >;
  readonly chat: { readonly completions: Pick<Samba["chat"]["completions"], "create"> };
  readonly state: Pick<Samba["state"], "read" | "restore" | "save">;
  tokenize(text: string): Promise<number[]>;
}

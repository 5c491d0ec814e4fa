/** What only Samba can offer: a conversation's state, saved, restored and copied. */
import type { Samba } from "./client.ts";
import { type ChatMessageParam, conversation } from "./completions.ts";
import type { Asked, Connection } from "./connection.ts";
import { errorOf, InternalError, refuse } from "./errors.ts";
import {
  type Absorb,
  type Done,
  ofSession,
  type Progress,
  type Ready,
  type Reply,
  type Saved,
  savedState,
} from "./protocol.ts";

/** What a state is. */
export interface StateInfo {
  /** Tokens in it: the length of the context. */
  position: number;
  /** Size of a saved state, in bytes: the same at any position, unless the model's state grows. */
  stateBytes: number;
  /** Of which model it is: as `samba.about.hash`. */
  model: string;
}

/** Bytes of a saved state after this many tokens: always the same, but with full attention. */
export function savedBytes(
  about: Pick<Ready, "saved_bytes" | "state_bytes_per_token">,
  tokens: number,
): number {
  return about.saved_bytes + tokens * (about.state_bytes_per_token ?? 0);
}

/** Bytes that a conversation's state has in memory after this many tokens. Room that was made ahead is not counted. */
export function stateBytes(about: Ready, tokens: number): number {
  return about.state_bytes_per_token ? savedBytes(about, tokens) : about.state_bytes;
}

/** How far reading came. */
export interface ReadInfo extends StateInfo {
  /** How much of the text, or of the last message's content, the state holds, in the units of a string's length. */
  read: number;
  /** Whether the caller's signal ended it early. */
  cancelled: boolean;
}

export interface ReadOptions {
  /** Hears of tokens as they are read: `{ loaded, total }`. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the reading; what was read is kept. */
  signal?: AbortSignal | undefined;
  /** The last message is not finished: more may come after its content. */
  open?: boolean | undefined;
}

/** A connection on which all that is asked is asked of one of the engine's sessions. */
export class Session implements Connection {
  #gone = false;

  constructor(
    readonly engine: Connection,
    readonly number = 0,
    readonly numbers = { last: 0 },
  ) {}

  ask(request: Asked, signal?: AbortSignal, data?: ArrayBuffer): AsyncGenerator<Reply, void, undefined> {
    if (this.#gone)
      throw errorOf({ code: "not_loaded", message: "This fork was unloaded: fork another one." });
    const mine = this.number > 0 && ofSession.has(request.type);
    return this.engine.ask(mine ? ({ ...request, session: this.number } as Asked) : request, signal, data);
  }

  /** Copies the session. */
  async fork(): Promise<Session> {
    const into = ++this.numbers.last;
    for await (const _ of this.ask({ type: "fork", into }));
    return new Session(this.engine, into, this.numbers);
  }

  /** Ends the engine, or drops the session if it is a fork. */
  close(): void {
    if (this.number === 0) this.engine.close();
    if (this.number === 0 || this.#gone) return;
    this.#gone = true;
    const drop = async () => {
      for await (const _ of this.engine.ask({ type: "drop", session: this.number }));
    };
    drop().catch(() => {}); // an engine that has gone has dropped it
  }
}

/**
 * The state of a conversation: all that the model knows of what was said. Going
 * on from it costs nothing, however long the conversation is.
 *
 *     const before = await samba.state.save();
 *     …
 *     await samba.state.restore(before); // as if nothing had been said since
 */
export class State {
  readonly #session: Session;
  readonly #about: Ready;
  readonly #wrap: (session: Session) => Samba;

  /** @internal */
  constructor(session: Session, about: Ready, wrap: (session: Session) => Samba) {
    this.#session = session;
    this.#about = about;
    this.#wrap = wrap;
  }

  /**
   * The state as a file, from which this engine or another one of the same model
   * goes on with the same tokens, in this browser or another.
   */
  async save({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<Blob> {
    for await (const reply of this.#session.ask({ type: "save" }, signal))
      if (reply.type === "saved") return new Blob([(reply as Saved & { data: ArrayBuffer }).data]);
    throw new InternalError("internal", "The engine did not answer to save.");
  }

  /**
   * Puts a saved state in the place of this one.
   * @throws {@link StateError} where it is damaged, of a newer version or of another model; nothing has changed then.
   */
  async restore(state: Blob): Promise<StateInfo> {
    if (!(state instanceof Blob)) refuse("state", "is no Blob, want what save() returned");
    return this.#info(await this.#done({ type: "restore" }, undefined, await state.arrayBuffer()));
  }

  /**
   * A second conversation that goes on from this one's state, with the same
   * engine. Neither knows of the other from then on. Its `unload()` drops it
   * alone; this one's ends the engine for both.
   */
  async fork(): Promise<Samba> {
    return this.#wrap(await this.#session.fork());
  }

  /**
   * Has a text, or a conversation, read without an answer: the answer to it, or
   * to what begins with it, then comes without a wait. An aborted signal ends it
   * early without an error: what was read stands in the state.
   */
  async read(text: string | readonly ChatMessageParam[], options: ReadOptions = {}): Promise<ReadInfo> {
    const { onProgress, signal, open } = options;
    const request: Asked<Absorb> = { type: "absorb" };
    if (typeof text !== "string") request.messages = conversation(text);
    else if (text === "") refuse("text", "is empty");
    else request.prompt = text;
    if (open) request.open = true;
    const done = await this.#done(request, signal, undefined, onProgress);
    return { ...this.#info(done), read: done.read ?? 0, cancelled: done.finish_reason === "cancelled" };
  }

  /** Forgets the conversation. */
  async reset(): Promise<StateInfo> {
    return this.#info(await this.#done({ type: "reset" }));
  }

  /** What a saved state is; see {@link inspectState}. */
  inspect(state: Blob): Promise<StateInfo> {
    return inspectState(state);
  }

  #info({ position }: { position: number }): StateInfo {
    return { position, stateBytes: savedBytes(this.#about, position), model: this.#about.hash };
  }

  async #done(
    request: Asked,
    signal?: AbortSignal,
    data?: ArrayBuffer,
    onProgress?: (progress: Progress) => void,
  ): Promise<Done> {
    for await (const reply of this.#session.ask(request, signal, data)) {
      if (reply.type === "progress") onProgress?.(reply);
      else if (reply.type === "done") return reply;
    }
    throw new InternalError("internal", `The engine did not answer to ${request.type}.`);
  }
}

/**
 * Reads a saved state's header: what it is, without an engine. Its content is
 * checked when it is restored.
 * @throws {@link StateError} where it is no state, or damaged.
 */
export async function inspectState(state: Blob): Promise<StateInfo> {
  const bad = (what: string): never => {
    throw errorOf({ code: "bad_state", message: `The saved state ${what}.` });
  };
  const { magic, version: known, bytes: length, at } = savedState;
  const header = await state.slice(0, length).arrayBuffer();
  const begins = new Uint8Array(header, 0, Math.min(magic.length, header.byteLength));
  if (String.fromCharCode(...begins) !== magic || header.byteLength < 16)
    return bad("is no file that Samba saved: it does not begin as one");
  const view = new DataView(header);
  const version = view.getUint32(at.version, true);
  if (version > known)
    return bad(`is of format ${version}, this Samba reads up to ${known}: it was saved by a newer one`);
  if (header.byteLength < length)
    return bad(`is cut short: it has ${state.size} bytes, its header alone has ${length}`);
  const bytes = new Uint8Array(header);
  if (globalThis.crypto?.subtle) {
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.subarray(0, at.sum)));
    if (sum.some((byte, i) => byte !== bytes[at.sum + i]))
      return bad("is damaged: its header has another checksum than it says");
  }
  const size = length + Number(view.getBigUint64(at.payload, true));
  if (state.size < size) return bad(`is cut short: it has ${state.size} bytes, its header says ${size}`);
  if (state.size > size) return bad(`is damaged: it has ${state.size} bytes, its header says ${size}`);
  const model = Array.from(bytes.subarray(at.model, at.model + 32), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return { position: Number(view.getBigUint64(at.position, true)), stateBytes: size, model };
}

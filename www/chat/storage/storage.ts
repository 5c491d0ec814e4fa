/** What the chat keeps, and where: everything that goes on after a reload passes through here. */
import type { Conversation, Message, Thread } from "../conversation.ts";

/** The conversations. What cannot be kept is reported, and the page goes on without; nothing here rejects. */
export interface Conversations {
  /** Whether this browser keeps anything for the page. */
  readonly keeps: boolean;
  /** A change could not be kept. */
  onfault: (error: unknown) => void;
  /** Another tab changed a conversation, or deleted it. */
  onchange: (conversation: string, gone: boolean) => void;
  /** All conversations, the one that changed last first. */
  list(): Promise<Conversation[]>;
  read(id: string): Promise<Thread | undefined>;
  /**
   * Keeps a conversation and those of its messages that are given, all of them or none; tells whether it did. A title
   * that it has there already stays: another tab may have renamed it.
   */
  save(thread: Thread, messages?: Iterable<Message>): Promise<boolean>;
  /** Keeps whole conversations, all of them or none. */
  add(threads: Thread[]): Promise<boolean>;
  rename(id: string, title: string): Promise<void>;
  /** Takes a message out of a conversation. */
  drop(conversation: Conversation, message: Message): Promise<void>;
  remove(id: string): Promise<void>;
  /** Ids of the conversations in whose messages all words of the query stand. */
  search(query: string, signal: AbortSignal): Promise<Set<string>>;
  /** Notes an answer that may not be finished: the page is going away. */
  draft(message: Message): void;
}

/** A state that is kept. */
export interface KeptState {
  /** The last message that it knows. */
  message: string;
  conversation: string;
  /** The system prompt that the conversation began with. */
  system: string;
  /** The hash of the model that it belongs to. */
  model: string;
  /** Tokens that it has absorbed. */
  position: number;
  /** Its name in the folder; branches share one. */
  file: string;
  bytes: number;
  /** When it was last kept or gone on from, in milliseconds of the epoch. */
  used: number;
}

/** What the engine knew after a turn. */
export interface ConversationStates {
  /** Whether this browser keeps states at all. */
  readonly available: boolean;
  /** The most bytes that states may take here; 0 keeps none. */
  readonly limit: number;
  /**
   * Keeps the state after a message; one that was kept for it before stays until this one is whole.
   * @throws {@link RoomError} where there is no room, or no place.
   */
  keep(message: Message, system: string, blob: Blob): Promise<void>;
  /** The state after a message, if it is kept. */
  find(message: string): Promise<KeptState | undefined>;
  /** All that are kept of a conversation, by their messages. */
  of(conversation: string): Promise<Map<string, KeptState>>;
  /** The bytes of a kept state; undefined where they are gone, and then the state is forgotten. */
  read(kept: KeptState): Promise<Blob | undefined>;
  /** Lets messages of a branch have the states that those of a conversation have. */
  share(conversation: string, pairs: [from: string, to: Message][]): Promise<void>;
  /** Forgets a state. */
  drop(kept: KeptState): Promise<void>;
  /** Forgets all states of a conversation, or of all. */
  forget(conversation?: string): Promise<void>;
}

/** Why a state could not be kept: a sentence. */
export class RoomError extends Error {
  override name = "RoomError";
}

export interface Storage {
  readonly conversations: Conversations;
  readonly states: ConversationStates;
}

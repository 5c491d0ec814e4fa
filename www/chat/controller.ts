/**
 * What happens in a conversation, without a document: what is asked, read, answered and kept, and what may be done
 * now. A page hands it actions and shows what it holds; an engine, a storage and the tabs' agreement are given to it.
 */
import type { CompletionUsage } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { strings } from "../strings.ts";
import {
  type Finish,
  type Message,
  newConversation,
  type Sampling,
  Thread,
  titleOf,
} from "./conversation.ts";
import type { Engine } from "./engine.ts";
import { Memory, messagesOf } from "./memory.ts";
import { type Pace, readText } from "./reading.ts";
import { RoomError, type Storage } from "./storage/storage.ts";

/**
 * Idle: a question may be asked. Waiting: one has been, and no model is loaded yet. Reading: a text is being read in
 * the background, and a question may be asked. Answering: only Stop. Elsewhere: another tab has the conversation.
 */
export type Phase = "idle" | "waiting" | "reading" | "answering" | "elsewhere";

export type Action =
  /** Asks a text after a message; left out, at the end. */
  | { do: "ask"; text: string; after?: string | null }
  /** Answers the message again, or for the first time; null: what stands before all. */
  | { do: "answer"; to: string | null }
  /** Goes on with an answer that was stopped, cut or broken off. */
  | { do: "go on"; message: Message }
  | { do: "stop" }
  | { do: "attach"; name: string; text: string; title?: string }
  | { do: "stop reading" }
  | { do: "take out"; message: Message }
  /** Shows another version. */
  | { do: "show"; message: Message }
  | { do: "branch"; message: Message }
  | { do: "open"; id: string }
  | { do: "begin"; system: string; sampling: Sampling }
  | { do: "set"; system: string; sampling: Sampling }
  /** A model is loaded, or is no longer. */
  | { do: "have"; engine: Engine | undefined };

/** What a page shows of it. */
export interface View {
  /** The conversation's messages, or what may be done with them, changed. */
  draw(): void;
  /** More of an answer came, or it waits for something else. */
  grow(message: Message): void;
  /** How far the reading of a text is; nothing: it has ended, or rests. */
  pace(message: Message, pace?: Pace): void;
  /** Tokens of the context, or tokens a second, changed. */
  figures(): void;
  /** Another conversation is shown. */
  enter(): void;
  /** The conversation that is shown has an address now. */
  settle(): void;
  /** The list of conversations changed. */
  list(): void;
  /** A question waits for a model. */
  want(): void;
  /** An answer is complete. */
  answered(message: Message): void;
  say(text: string): void;
  notify(text: string): void;
  /** The same, until it is closed. */
  warn(text: string): void;
  fail(error: unknown): void;
}

/** Which tab may write to a conversation. */
export interface Holding {
  readonly mine: boolean;
  onchange: () => void;
  /** Another tab asks for the conversation. */
  onasked: () => Promise<void>;
  take(id: string): Promise<void>;
}

/** How often what was written so far is kept, in milliseconds. */
const KEEP_EVERY = 500;

interface Piece {
  text: string;
  reasoning?: string;
  finish?: string | null;
  usage?: CompletionUsage | null | undefined;
}

export class Controller {
  thread = new Thread(newConversation());
  /** Tokens of the conversation for the model; 0 where that is not known. Tokens a second of the last answer. */
  context = 0;
  rate = 0;
  readonly memory: Memory;
  #engine: Engine | undefined;
  #answering: { message: Message; stop: AbortController; waits: string } | undefined;
  #reading: { message: Message; cut: AbortController; pause: AbortController } | undefined;
  /** The question that waits for a model. */
  #asked: string | undefined;
  /** Whether what was said last is kept. */
  #kept = true;
  readonly #remarks = new Map<string, string>();
  /** What was said once already about states that could not be kept. */
  readonly #told = new Set<string>();
  /** Ends with what is being written or read; it never rejects. */
  #work: Promise<void> = Promise.resolve();
  /** Counts conversations that were entered or asked for: one that comes after another was asked for is not shown. */
  #wanted = 0;
  /** Ends once the state after the last answer is kept, or could not be; it never rejects. */
  #remembered: Promise<void> = Promise.resolve();
  /** Conversations that were deleted: nothing of them is kept any more. */
  readonly #gone = new Set<string>();

  constructor(
    private readonly storage: Storage,
    private readonly holding: Holding,
    private readonly view: View,
  ) {
    this.memory = new Memory(storage.states);
    storage.conversations.onfault = (error) => {
      console.warn(`not kept: ${error}`);
      view.warn(strings.notSaved);
    };
    storage.conversations.onchange = (id, gone) => {
      view.list();
      if (gone) void this.#removedElsewhere(id);
      else if (id === this.thread.conversation.id) void this.#refetch();
    };
    holding.onasked = () => this.rest();
    holding.onchange = () => void this.#held();
  }

  get phase(): Phase {
    if (!this.holding.mine) return "elsewhere";
    if (this.#answering) return "answering";
    if (this.#reading) return "reading";
    return this.asked ? "waiting" : "idle";
  }

  /** The question of this conversation that waits for a model. */
  get asked(): string | undefined {
    return this.#asked !== undefined && this.thread.get(this.#asked) ? this.#asked : undefined;
  }

  /** Whether a question may be asked now. */
  get open(): boolean {
    const { phase } = this;
    return phase === "idle" || phase === "reading";
  }

  /** The answer that is being written, and what it waits for. */
  get writing(): { message: Message; waits: string } | undefined {
    return this.#answering;
  }

  /** A remark at a message's foot, for as long as the page is open. */
  remark(message: Message): string {
    return this.#remarks.get(message.id) ?? "";
  }

  /** Resolves once nothing is written or read any more. */
  async settled(): Promise<void> {
    for (let work: Promise<void> | undefined; work !== this.#work; ) {
      work = this.#work;
      await work;
    }
  }

  /** Stops what is being written, lets what is being read rest, and waits for both. */
  async rest(): Promise<void> {
    this.#answering?.stop.abort();
    this.#reading?.pause.abort();
    await this.#work;
  }

  /** Deletes a conversation and its states for good. What is being written or read of it is stopped first. */
  async remove(id: string): Promise<void> {
    this.#gone.add(id);
    if (this.#worksOn(id)) await this.rest();
    await this.#remembered;
    await this.storage.conversations.remove(id);
    await this.storage.states.forget(id).catch(() => {}); // the next visit sweeps
  }

  /** The page goes away: notes the answer that is being written. */
  leave(): void {
    if (this.#answering) this.storage.conversations.draft(this.#answering.message);
  }

  /** Does what is asked for where that is possible now, and tells whether it is. */
  dispatch(action: Action): boolean {
    switch (action.do) {
      case "ask":
        return this.#ask(action.text, action.after);
      case "answer":
        return this.#answer(action.to);
      case "go on":
        return this.#answer(action.message.parent, action.message);
      case "stop":
        this.#answering?.stop.abort();
        return this.#answering !== undefined;
      case "attach":
        return this.#attach(action.name, action.text, action.title ?? action.name);
      case "stop reading":
        this.#reading?.cut.abort();
        return this.#reading !== undefined;
      case "take out":
        if (this.#answering || !this.holding.mine) return false;
        void this.rest().then(() => this.#takeOut(this.thread, action.message));
        return true;
      case "show":
        if (this.#answering || !this.holding.mine) return false;
        this.thread.show(action.message);
        void this.#keep();
        this.view.draw();
        return true;
      case "branch":
        void this.#branch(action.message);
        return true;
      case "open":
        void this.#open(action.id);
        return true;
      case "begin":
        this.#enter(new Thread(newConversation(action.system, action.sampling)));
        return true;
      case "set":
        Object.assign(this.thread.conversation, { system: action.system, sampling: action.sampling });
        if (this.holding.mine && this.thread.conversation.head) void this.#keep();
        return true;
      case "have":
        return this.#have(action.engine);
    }
  }

  #have(engine: Engine | undefined): boolean {
    this.#engine = engine;
    this.view.draw();
    if (!engine) return true;
    void this.#showContext();
    const { asked } = this;
    this.#asked = undefined;
    if (asked) this.#answer(this.#withTexts(asked));
    else this.#readOn();
    return true;
  }

  /** The last of the texts that were attached behind a question while it waited: they are read with it. */
  #withTexts(asked: string): string {
    const { path } = this.thread;
    let at = path.findIndex(({ id }) => id === asked);
    while (at >= 0 && path[at + 1]?.name) at++;
    return path[at]?.id ?? asked;
  }

  // Conversations

  /** Shows another conversation. What was being written is stopped and stays where it is; what was being read is read on later. */
  #enter(next: Thread): void {
    this.#wanted++;
    this.#answering?.stop.abort();
    this.#reading?.pause.abort();
    this.thread = next;
    this.context = this.rate = 0;
    const { id } = next.conversation;
    void this.#work
      .then(() => (this.thread.conversation.id === id ? this.holding.take(id) : undefined))
      .then(() => this.#readOn());
    void this.#showContext();
    this.view.enter();
    this.view.draw();
  }

  /** Shows a kept conversation. What is being written is kept first: it may be this one's. */
  async #open(id: string): Promise<void> {
    const wanted = ++this.#wanted;
    if (id === this.thread.conversation.id) return this.view.enter();
    await this.rest();
    const found = await this.storage.conversations.read(id);
    if (wanted !== this.#wanted) return;
    const { system, sampling } = this.thread.conversation;
    this.#enter(found ?? new Thread(newConversation(system, sampling)));
  }

  async #branch(message: Message): Promise<void> {
    const wanted = ++this.#wanted;
    const from = this.thread;
    const titles = (await this.storage.conversations.list()).map(({ title }) => title);
    const next = from.branch(message, branchTitle(from.conversation.title, new Set(titles)));
    const old = from.pathTo(message.id);
    await this.storage.conversations.add([next]);
    const pairs = next.path.map((copy, i): [string, Message] => [old[i]?.id ?? "", copy]);
    await this.storage.states.share(from.conversation.id, pairs).catch(() => {}); // it is read again then
    if (wanted === this.#wanted) this.#enter(next);
    else this.view.list();
  }

  /** Shows how long the conversation is for the model, where a kept state tells. */
  async #showContext(): Promise<void> {
    const { conversation } = this.thread;
    const kept = await this.storage.states.find(conversation.head ?? "");
    if (!kept || conversation !== this.thread.conversation || this.#answering) return;
    this.context = kept.position;
    this.view.figures();
  }

  /** Shows the conversation as it was kept by another tab; while this one writes to it, under its new title. */
  async #refetch(): Promise<void> {
    const { id } = this.thread.conversation;
    const changed = await this.storage.conversations.read(id);
    const { conversation } = this.thread;
    if (conversation.id !== id) return;
    if (this.#answering || this.#reading) {
      conversation.title = changed?.conversation.title || conversation.title;
      this.view.draw();
      return;
    }
    if (!changed) {
      if (this.thread.conversation.head) this.#enter(new Thread(newConversation()));
      return;
    }
    this.thread = changed;
    this.view.draw();
  }

  /** Another tab deleted a conversation. What this one wrote to it before it heard of that goes, too. */
  async #removedElsewhere(id: string): Promise<void> {
    if (this.#gone.has(id)) return;
    this.#gone.add(id);
    if (this.#worksOn(id)) await this.remove(id);
    if (id === this.thread.conversation.id) this.#enter(new Thread(newConversation()));
  }

  #worksOn(id: string): boolean {
    return [this.#answering, this.#reading].some((work) => work?.message.conversation === id);
  }

  async #held(): Promise<void> {
    this.view.draw();
    if (!this.holding.mine) {
      this.#answering?.stop.abort();
      this.#reading?.pause.abort();
      return;
    }
    if (this.thread.conversation.head) await this.#refetch();
    this.#readOn();
    this.view.draw();
  }

  #keep(...messages: Message[]): Promise<void> {
    return this.#save(this.thread, messages);
  }

  async #save(thread: Thread, messages: Message[]): Promise<void> {
    if (this.#gone.has(thread.conversation.id)) return;
    this.#kept = await this.storage.conversations.save(thread, messages);
  }

  // Answers

  #ask(text: string, after = this.thread.conversation.head): boolean {
    if (!this.open || text.trim() === "") return false;
    const question = this.thread.add(after, "user", text);
    void this.#keep(question);
    if (this.#engine) return this.#answer(question.id);
    this.#asked = question.id;
    this.#listed(this.thread);
    this.view.draw();
    this.view.want();
    return true;
  }

  #answer(to: string | null, going?: Message): boolean {
    const engine = this.#engine;
    if (this.#answering || !this.holding.mine) return false;
    if (!engine) {
      if (!going && to) this.#asked = to; // it is answered once there is one
      this.view.draw();
      this.view.want();
      return true;
    }
    const { thread } = this; // another may be shown before this one is complete
    const message = going ?? thread.add(to, "assistant", "", engine.about.model);
    const waits = this.#reading ? strings.readFirst(this.#reading.message.name ?? "") : strings.thinking;
    this.#answering = { message, stop: new AbortController(), waits };
    delete message.finish;
    this.view.draw();
    this.view.grow(message);
    const { signal } = this.#answering.stop;
    this.#listed(thread);
    const kept = this.#save(thread, [message]);
    this.#after(async () => {
      await kept;
      await this.#write(engine, thread, message, signal, going !== undefined);
    });
    return true;
  }

  async #write(
    engine: Engine,
    thread: Thread,
    message: Message,
    signal: AbortSignal,
    going: boolean,
  ): Promise<void> {
    const before = { content: message.content, tokens: going ? (message.tokens ?? 0) : 0 };
    const save = async () => {
      // A tab that does not answer may lose the conversation to another one, whose head it is then.
      if (this.holding.mine || thread !== this.thread) await this.#save(thread, [message]);
    };
    const speed = new Speed();
    let usage: CompletionUsage | undefined;
    let kept = performance.now();
    try {
      for await (const piece of this.#pieces(engine, thread, message, signal, going)) {
        usage = piece.usage ?? usage;
        if (piece.finish) message.finish = piece.finish as Finish;
        if (!piece.text && !piece.reasoning) continue;
        message.content += piece.text;
        if (piece.reasoning) message.reasoning = (message.reasoning ?? "") + piece.reasoning;
        if (thread === this.thread) {
          this.context += 1; // a piece is a token
          this.rate = speed.add(1);
          this.view.figures();
        }
        this.view.grow(message);
        if (performance.now() - kept < KEEP_EVERY) continue;
        kept = performance.now();
        void save();
      }
      message.finish ??= "failed";
    } catch (error) {
      message.finish = "failed";
      this.view.fail(error);
    }
    this.#answering = undefined;
    if (usage) {
      const { completion_tokens, timings } = usage;
      message.tokens = before.tokens + completion_tokens;
      message.rate = timings.decode > 0 ? (completion_tokens - 1) / timings.decode : 0;
      await this.#countTexts(engine, thread, message).catch(() => {}); // they are counted with the next answer
    }
    await save();
    const gone = this.#gone.has(thread.conversation.id);
    if (gone || message.finish === "failed" || message.content === before.content) this.memory.lose();
    else
      this.#remembered = this.memory
        .remember(engine, thread.conversation, message, usage?.context_tokens ?? 0)
        .catch((error) => this.#notKept(error));
    this.view.list();
    if (thread !== this.thread) return;
    if (usage) {
      this.context = usage.context_tokens;
      this.rate = message.rate ?? 0;
      this.view.figures();
    }
    this.view.draw();
    if (message.content) this.view.answered(message);
    this.#readOn();
  }

  /** What the engine writes; going: after what the message has already. */
  async *#pieces(
    engine: Engine,
    thread: Thread,
    message: Message,
    signal: AbortSignal,
    going: boolean,
  ): AsyncGenerator<Piece> {
    const { system, sampling } = thread.conversation;
    const path = thread.pathTo(going ? message.id : message.parent);
    const reason = signal.aborted ? "" : await this.memory.recall(engine, thread.conversation, path);
    if (reason) this.#remarks.set(message.id, strings.readAgain(reason));
    const onProgress = ({ phase, loaded, total }: { phase: string; loaded: number; total: number }) => {
      if (this.#answering?.message !== message) return;
      this.#answering.waits = strings.phases[phase] ?? strings.reading(loaded, total);
      this.view.grow(message);
    };
    const how = {
      ...sampling,
      stream: true,
      stream_options: { include_usage: true },
      signal,
      onProgress,
    } as const;
    const messages = messagesOf(system, path);
    const stream = await engine.chat.completions.create({ messages, continue_final_message: going, ...how });
    for await (const { choices, usage } of stream)
      yield {
        text: choices[0]?.delta.role ? "" : (choices[0]?.delta.content ?? ""),
        reasoning: choices[0]?.delta.reasoning_content ?? "",
        finish: choices[0]?.finish_reason ?? null,
        usage,
      };
  }

  /** Texts that nobody had time to read before have been read with the question. */
  async #countTexts(engine: Engine, thread: Thread, answer: Message): Promise<void> {
    for (const text of thread.pathTo(answer.parent)) {
      if (!text.name || text.tokens) continue;
      text.tokens = (await engine.tokenize(text.content)).length;
      if (text.finish === "failed") text.finish = undefined;
      await this.#save(thread, [text]);
    }
  }

  /** Says once why a state could not be kept. */
  #notKept(error: unknown): void {
    console.warn(`state not kept: ${error}`);
    if (!this.#kept) return; // nor is the text, which has been said
    const reason = said(error);
    const sentence = error instanceof RoomError ? reason : strings.stateNotKept(reason);
    if (this.#told.has(sentence)) return;
    this.#told.add(sentence);
    this.view.notify(sentence);
  }

  // Long texts

  #attach(name: string, text: string, title: string): boolean {
    if (!this.holding.mine) return false;
    const { thread } = this;
    thread.conversation.title ||= titleOf(title);
    const message = thread.attach(name, text);
    this.#listed(thread);
    this.view.draw();
    void this.#keep(message).then(() => this.view.list());
    this.#readOn();
    return true;
  }

  /** Reads the first text at the end of the conversation that is not read yet, then the next. */
  #readOn(): void {
    const engine = this.#engine;
    if (!engine || this.#answering || this.#reading || !this.holding.mine) return;
    const { path, conversation } = this.thread;
    if (this.#gone.has(conversation.id)) return;
    const message = path
      .slice(path.findLastIndex(({ name }) => !name) + 1)
      .find(({ tokens, finish }) => !tokens && finish !== "failed");
    if (!message) return;
    const reading = { message, cut: new AbortController(), pause: new AbortController() };
    this.#reading = reading;
    const { thread } = this;
    this.view.say(strings.textStarts(message.name ?? ""));
    this.view.draw();
    this.view.pace(message, { done: 0, total: 0, rate: 0, left: 0 });
    this.#after(async () => {
      await this.#read(engine, thread, reading);
      this.#reading = undefined;
      this.view.pace(message);
      this.view.draw();
      void this.#showContext();
      if (!reading.pause.signal.aborted) this.#readOn();
    });
  }

  async #read(
    engine: Engine,
    thread: Thread,
    { message, cut, pause }: { message: Message; cut: AbortController; pause: AbortController },
  ): Promise<void> {
    const { name = "" } = message;
    try {
      const whole = await readText(engine, this.memory, thread, message, {
        cut: cut.signal,
        pause: pause.signal,
        onPace: (pace) => this.view.pace(message, pace),
        onfault: (error) => this.#notKept(error),
      });
      const { tokens = 0, content, finish } = message;
      if (content === "") {
        await this.#takeOut(thread, message);
        this.view.notify(strings.nothingRead(name));
      } else if (whole) {
        await this.#save(thread, [message]);
        this.view.say((finish === "cancelled" ? strings.textStopped : strings.textDone)(name, tokens));
      }
    } catch (error) {
      this.memory.lose();
      if (pause.signal.aborted) return;
      message.finish = "failed"; // it is read with the question then
      this.view.fail(error);
    }
  }

  /** Takes out a text that nothing follows. */
  async #takeOut(from: Thread, message: Message): Promise<void> {
    if (from.conversation.head !== message.id) return;
    from.drop(message);
    const kept = await this.storage.states.find(message.id);
    if (kept) await this.storage.states.drop(kept);
    if (from.messages.length === 0) await this.storage.conversations.remove(from.conversation.id);
    else if (!this.#gone.has(from.conversation.id))
      await this.storage.conversations.drop(from.conversation, message);
    this.view.list();
    if (from === this.thread) this.view.draw();
  }

  // One thing after another

  /** Does a piece of work after all before it, however that ended. */
  #after(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error) => {
      this.#answering = this.#reading = undefined;
      this.view.fail(error);
      this.view.draw();
    });
  }

  #listed(thread: Thread): void {
    if (thread === this.thread) this.view.settle();
    this.view.list();
  }
}

/** What tells a branch from its original, and from other branches. */
export function branchTitle(title: string, others: Set<string>): string {
  const original = title.replace(strings.branchMark, "");
  for (let n = 1; ; n++) {
    const branch = strings.branchOf(original, n);
    if (!others.has(branch)) return branch;
  }
}

/** Tokens a second over the last two seconds: steady enough to read, quick enough to be true. */
class Speed {
  #times: number[] = [];
  add(tokens: number): number {
    const now = performance.now();
    for (let i = 0; i < tokens; i++) this.#times.push(now);
    while ((this.#times[0] ?? now) < now - 2000) this.#times.shift();
    const span = now - (this.#times[0] ?? now);
    return span > 200 ? ((this.#times.length - 1) * 1000) / span : 0;
  }
}

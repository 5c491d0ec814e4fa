/**
 * The conversation on the page. Every turn is there at once as plain text, so that it is found and heard; Markdown,
 * figures and buttons come to those in view, and while there is nothing else to do to the last ones.
 */
import type { Controller } from "./controller.ts";
import type { Message } from "./conversation.ts";
import type { Pace } from "./reading.ts";
import { type Deeds, Turn } from "./turn.ts";

/** How many of the last turns are dressed before they come into view. */
const AHEAD = 600;
/** Those so near to what is seen are dressed, too, in pixels. */
const NEAR = 800;
/** From this many turns on the browser leaves out the layout of those that are out of view. */
const LONG = 40;
/** Below everything: to ask how high that is would cost a layout. */
const END = 2 ** 30;

export class Turns {
  #turns: Turn[] = [];
  #byMessage = new Map<Message, Turn>();
  readonly #growing = new Set<Message>();
  #frame = 0;
  #ending = false;
  #idle = 0;

  constructor(
    private readonly list: HTMLElement,
    /** What scrolls. */
    private readonly scroller: HTMLElement,
    private readonly controller: Controller,
    private readonly deeds: Deeds,
  ) {
    list.setAttribute("role", "list");
    scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    addEventListener("resize", () => this.#soon());
  }

  get empty(): boolean {
    return this.#turns.length === 0;
  }

  /** Shows the conversation's path. Turns that are there already stay. */
  draw(): void {
    const { path } = this.controller.thread;
    const before = this.#turns;
    const turns = path.map((message) => this.#byMessage.get(message) ?? new Turn(message, this.deeds));
    let same = 0;
    while (same < turns.length && turns[same] === before[same]) same++;
    for (const turn of before.slice(same)) turn.element.remove();
    const added = document.createDocumentFragment();
    for (const turn of turns.slice(same)) added.append(turn.element);
    this.list.append(added);
    this.list.classList.toggle("long", turns.length > LONG);
    this.#turns = turns;
    if (same < turns.length || turns.length < before.length)
      this.#byMessage = new Map(turns.map((turn) => [turn.message, turn]));
    const long = turns.length > LONG;
    for (const [at, turn] of turns.entries()) if (turn.dressed || !long) this.#dress(at);
    if (!long) return;
    this.#soon();
    this.#dressWhenIdle();
  }

  /** Shows more of an answer with the next picture, and what it waits for. */
  grow(message: Message): void {
    this.#growing.add(message);
    this.#soon();
  }

  pace(message: Message, pace?: Pace): void {
    const turn = this.#byMessage.get(message);
    if (!pace) {
      turn?.endReading();
      return;
    }
    const follow = pace.total === 0 && this.#nearEnd();
    turn?.read(pace);
    if (follow) this.toEnd();
  }

  /** What is heard of a message. */
  textOf(message: Message): string {
    return this.#byMessage.get(message)?.text ?? message.content;
  }

  /** Goes to a message, and to the buttons that led there. */
  goTo(message: Message): void {
    const turn = this.#byMessage.get(message);
    turn?.element.scrollIntoView({ block: "nearest" });
    turn?.element.querySelector<HTMLElement>(".versions button:enabled")?.focus();
  }

  toEnd(): void {
    this.#ending = true; // what is dressed then is higher
    this.scroller.scrollTop = END;
    this.#soon();
  }

  toStart(): void {
    this.scroller.scrollTop = 0;
  }

  /** Turns the last question into a field. */
  editLast(): void {
    this.#turns.findLast(({ message }) => message.role === "user")?.edit();
  }

  /** Copies the last answer. */
  copyLast(): void {
    const last = this.#turns.at(-1);
    if (last?.message.role === "assistant") last.element.querySelector<HTMLElement>(".copy-turn")?.click();
  }

  #nearEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  #soon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const follow = this.#ending || (this.#growing.size > 0 && this.#nearEnd());
      this.#ending = false;
      for (const message of this.#growing) {
        const turn = this.#byMessage.get(message);
        const { writing } = this.controller;
        if (writing?.message === message) turn?.write(writing.waits);
      }
      this.#growing.clear();
      if (this.#turns.length > LONG) this.#nearby(follow);
      if (follow) this.scroller.scrollTop = END;
    });
  }

  #dress(at: number): void {
    const turn = this.#turns[at];
    const { controller } = this;
    if (!turn) return;
    const { writing, phase } = controller;
    if (writing?.message === turn.message) {
      turn.write(writing.waits);
      return;
    }
    turn.finish({
      versions: controller.thread.versions(turn.message),
      busy: phase !== "idle",
      last: at === this.#turns.length - 1,
      remark: controller.remark(turn.message),
      asked: controller.asked === turn.message.id,
    });
  }

  /** Dresses what is in view and near it; what is dressed may push other turns away, or more into view. */
  #nearby(atEnd: boolean): void {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const all = this.#turns;
    for (let round = 0; round < 3; round++) {
      if (atEnd) this.scroller.scrollTop = END;
      // All is measured before anything changes: a layout of a long conversation costs.
      const first = this.#first((turn) => turn.element.getBoundingClientRect().bottom >= top - NEAR);
      const after = this.#first((turn) => turn.element.getBoundingClientRect().top > bottom + NEAR);
      const bare: number[] = [];
      for (let at = first; at < after; at++) if (!all[at]?.dressed) bare.push(at);
      if (bare.length === 0) return;
      for (const at of bare) this.#dress(at);
    }
  }

  /** The place of the first turn of which something holds that holds of all after it. */
  #first(holds: (turn: Turn) => boolean): number {
    let [low, high] = [0, this.#turns.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#turns[middle] as Turn)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Dresses the last turns, a few at a time. */
  #dressWhenIdle(): void {
    const next = () => {
      this.#idle = 0;
      const until = performance.now() + 8;
      const first = Math.max(0, this.#turns.length - AHEAD);
      for (let at = this.#turns.length - 1; at >= first; at--) {
        if (this.#turns[at]?.dressed) continue;
        if (performance.now() > until) return this.#dressWhenIdle();
        this.#dress(at);
      }
    };
    this.#idle ||= window.setTimeout(next, 30);
  }
}

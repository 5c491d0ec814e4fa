/** Sentences above the field: those that tell go away by themselves, those that ask or warn stay until they are closed. */
import { strings } from "../strings.ts";
import { iconButton, make } from "../view/dom.ts";

/** A notice stays for a moment and for each of its characters, in milliseconds. */
const MOMENT = 5000;
const PER_CHARACTER = 60;

export class Notices {
  #later: ReturnType<typeof setTimeout> | undefined;
  #stays = false;

  constructor(
    private readonly element: HTMLElement,
    /** Where the focus goes when the visitor closes one. */
    private readonly next: HTMLElement,
  ) {
    // Who reads it, or is about to press what is in it, has the time that takes.
    for (const held of ["pointerenter", "focusin"])
      element.addEventListener(held, () => clearTimeout(this.#later));
    for (const left of ["pointerleave", "focusout"]) element.addEventListener(left, () => this.#wait());
  }

  /** Shows a sentence. */
  readonly tell = (text: string): void => this.#show(text, false);

  /** Shows a sentence until it is closed, with what can be done about it. */
  readonly keep = (text: string, ...choices: HTMLElement[]): void => this.#show(text, true, ...choices);

  #show(text: string, stays: boolean, ...choices: HTMLElement[]): void {
    const close = iconButton("close", strings.close, () => {
      this.#hide();
      this.next.focus();
    });
    this.element.replaceChildren(make("p", "", text), ...choices, close);
    this.element.hidden = false;
    this.#stays = stays;
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#later);
    if (this.#stays || this.element.hidden || this.element.matches(":hover, :focus-within")) return;
    const length = this.element.textContent?.length ?? 0;
    this.#later = setTimeout(() => this.#hide(), MOMENT + PER_CHARACTER * length);
  }

  #hide(): void {
    clearTimeout(this.#later);
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}

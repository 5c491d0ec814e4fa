/** The field that one writes in, its button, and the texts that come into it from elsewhere. */
import { said } from "../engine/errors.ts";
import { strings, textStrings } from "../strings.ts";
import { composes } from "../view/composition.ts";
import { $, icon, make } from "../view/dom.ts";
import { mostBytes, textOf } from "../view/text.ts";
import type { Controller } from "./controller.ts";
import type { State } from "./model.ts";

/** A text longer than this is read by itself when it is pasted. */
const LONG = 4000;

export class Composer {
  readonly #form = $<HTMLFormElement>("composer");
  readonly #field = $<HTMLTextAreaElement>("prompt");
  readonly #send = $<HTMLButtonElement>("send");
  readonly #attach = $<HTMLButtonElement>("attach");

  constructor(
    private readonly controller: Controller,
    /** Whether there is a model. */
    private readonly life: () => State,
    private readonly tell: (text: string) => void,
    editLast: () => void,
  ) {
    const field = this.#field;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      field.focus();
      if (controller.phase === "answering") return controller.dispatch({ do: "stop" });
      if (!controller.dispatch({ do: "ask", text: field.value.trim() })) return;
      this.write("");
    };
    field.oninput = () => {
      this.#fit();
      this.draw();
    };
    field.onpaste = (event) => this.#paste(event);
    field.onkeydown = (event) => {
      if (composes(event)) return; // Enter chooses a word then
      if (event.key === "Enter" && !event.shiftKey && controller.phase !== "answering") {
        event.preventDefault();
        this.#form.requestSubmit();
      } else if (event.key === "ArrowUp" && field.value === "" && controller.open) {
        event.preventDefault();
        editLast();
      }
    };
  }

  /** Brings button and field to what can be done now. */
  draw(): void {
    const state = this.life();
    this.#field.placeholder = state === "loading" ? strings.placeholderLoading : strings.placeholder;
    const { phase, open } = this.controller;
    const busy = phase === "answering";
    const label = busy ? strings.stop : state === "asleep" ? strings.sendFirst : strings.send;
    if (this.#send.getAttribute("aria-label") !== label) {
      this.#send.replaceChildren(icon(busy ? "stop" : "send"));
      this.#send.setAttribute("aria-label", label);
      this.#send.title = label;
      this.#send.classList.toggle("stop", busy);
    }
    this.#send.disabled = !busy && (!open || this.#field.value.trim() === "");
    this.#attach.disabled = phase === "elsewhere";
  }

  /** Puts a text into the field. */
  write(text: string): void {
    this.#field.value = text;
    this.#fit();
    this.#field.dispatchEvent(new Event("input"));
  }

  focus(): void {
    this.#field.focus();
  }

  /** Has text files read. */
  async attach(files: Iterable<File>): Promise<void> {
    const complaints: string[] = [];
    for (const file of files) {
      try {
        const text = await textOf(file);
        if (!this.controller.dispatch({ do: "attach", name: file.name, text }))
          complaints.push(strings.elsewhere);
      } catch (error) {
        complaints.push(said(error));
      }
    }
    if (complaints.length > 0) this.tell([...new Set(complaints)].join(" "));
    this.#field.focus();
  }

  /** Asks for text files to be read. */
  pick(): void {
    const files = make("input");
    files.type = "file";
    files.multiple = true;
    files.accept = "text/*,.txt,.md,.csv,.json,.html,.log,.tex";
    files.onchange = () => this.attach(files.files ?? []);
    files.click();
  }

  #paste(event: ClipboardEvent): void {
    const text = (event.clipboardData?.getData("text/plain") ?? "").replaceAll("\r\n", "\n");
    if (text.length <= LONG || this.controller.phase === "elsewhere") return;
    event.preventDefault();
    const { size } = new Blob([text]);
    if (size > mostBytes) this.tell(textStrings.tooLarge(strings.pasted, size, mostBytes));
    else this.controller.dispatch({ do: "attach", name: strings.pasted, text, title: text });
  }

  #fit(): void {
    const field = this.#field;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    // Firefox rounds the height and would show a scrollbar for the rest of a pixel.
    field.style.overflowY = field.scrollHeight > field.clientHeight + 2 ? "auto" : "hidden";
  }
}

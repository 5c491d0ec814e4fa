/** Shows Markdown as it streams. What a model writes is hostile until it is sanitised. */
import DOMPurify from "dompurify";
import { strings } from "../strings.ts";
import { type Block, Blocks } from "./blocks.ts";
import { copyFrom, make } from "./dom.ts";

// Text only: no images (a request would leave the machine), no forms, no styles, no handlers, no names.
const allowed = {
  ALLOWED_TAGS: [
    ..."p br strong em del u sub sup kbd mark code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 hr a".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "value", "align", "language"],
  ADD_URI_SAFE_ATTR: ["start", "value", "align", "language"], // no addresses in them
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

/** Shows a block; one that cannot be rendered is plain text. */
function render({ source, html }: Block): DocumentFragment {
  try {
    // There is none for a text that opens a frameset in the page's place.
    const fragment: DocumentFragment | null = html === undefined ? null : DOMPurify.sanitize(html, allowed);
    if (fragment) return dressed(fragment);
  } catch (error) {
    console.warn(`shown as plain text: ${error}`);
  }
  const plain = document.createDocumentFragment();
  const text = make("p", "", source.trim());
  text.dir = "auto";
  plain.append(text);
  return plain;
}

function dressed(fragment: DocumentFragment): DocumentFragment {
  for (const link of fragment.querySelectorAll("a[href]")) {
    link.setAttribute("rel", "noopener noreferrer nofollow");
    link.setAttribute("target", "_blank");
  }
  for (const block of fragment.querySelectorAll("table")) block.setAttribute("tabindex", "0"); // they scroll
  for (const other of fragment.querySelectorAll("[language]:not(pre)")) other.removeAttribute("language");
  for (const block of fragment.querySelectorAll("pre")) dress(block);
  // Headings of an answer stand below the page's own.
  for (const heading of fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Math.min(6, Number(heading.localName[1]) + 3);
    const lower = make(`h${level}` as "h4", "", ...heading.childNodes);
    lower.dataset.level = heading.localName[1];
    heading.replaceWith(lower);
  }
  for (const block of fragment.querySelectorAll<HTMLElement>(directed)) {
    const [letter] = /\p{L}/u.exec(block.textContent ?? "") ?? [];
    if (letter) block.dir = rightToLeft.test(letter) ? "rtl" : "ltr";
  }
  return fragment;
}

/** What has a direction of its own. By "auto" a list would have none: it leaves out what has one inside. */
const directed = "p, h4, h5, h6, ul, ol, li, blockquote, table, th, td";
const rightToLeft =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}\p{Script=Mende_Kikakui}]/u;

/** Gives a block of code its head: what language it is in, and a button that copies it. */
function dress(pre: HTMLPreElement): void {
  const language = pre.getAttribute("language") ?? "";
  pre.removeAttribute("language");
  pre.tabIndex = 0;
  pre.dir = "ltr";
  const copy = make("button", "copy-code", strings.copy);
  copy.type = "button";
  copy.onclick = () => copyFrom(copy, pre.textContent ?? "");
  const block = make("div", "code");
  pre.replaceWith(block);
  block.append(make("div", "code-head", make("span", "", language || strings.code), copy), pre);
  block.dataset.language = language;
}

/** Colours a block of code whose last line has come. */
async function colour(block: HTMLElement): Promise<void> {
  const { language = "" } = block.dataset;
  const code = block.querySelector("code");
  if (!language || !code) return;
  const { highlight } = await import("./highlight.ts");
  const coloured = highlight(code.textContent ?? "", language.toLowerCase());
  if (coloured) code.replaceChildren(coloured);
}

/** A view takes no more than about this share of the time, however costly a text is to show. */
const SHARE = 0.25;

/**
 * An element that shows a growing Markdown text. Blocks that did not change
 * stay as they are, so a long answer costs no more per token than a short one.
 */
export class MarkdownView {
  readonly #blocks = new Blocks();
  readonly #nodes: ChildNode[][] = [];
  #coloured = 0;
  /** Before then nothing is drawn, in milliseconds; and what is to be drawn then. */
  #rests = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly element: HTMLElement) {}

  /** Shows the text so far, or, once it is complete, all of it. */
  show(text: string, complete = false): void {
    clearTimeout(this.#later);
    const begun = performance.now();
    if (!complete && begun < this.#rests) {
      this.#later = setTimeout(() => this.show(text), this.#rests - begun);
      return;
    }
    const { keep, next, settled } = this.#blocks.show(text, complete);
    for (const stale of this.#nodes.splice(keep)) for (const node of stale) node.remove();
    const all = document.createDocumentFragment();
    for (const block of next) {
      const fragment = render(block);
      this.#nodes.push([...fragment.childNodes]);
      all.append(fragment);
    }
    this.element.append(all);
    for (let at = Math.min(this.#coloured, keep); at < settled; at++)
      for (const node of this.#nodes[at] ?? [])
        if (node instanceof HTMLElement)
          for (const block of node.matches(".code") ? [node] : node.querySelectorAll<HTMLElement>(".code"))
            void colour(block).catch(() => {}); // it stays in one colour
    this.#coloured = settled;
    const end = performance.now();
    this.#rests = end + (end - begun) * (1 / SHARE - 1);
  }
}

/** Shows Markdown as it streams. What a model writes is hostile until it is sanitised. */
import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";
import { strings } from "../strings.ts";
import { copyFrom, make } from "./dom.ts";

// Text only: no images (a request would leave the machine), no forms, no styles, no handlers, no names.
const allowed = {
  ALLOWED_TAGS: [
    ..."p br strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 hr a".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align", "language"],
  ADD_URI_SAFE_ATTR: ["start", "align", "language"], // no addresses in them
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

const marked = new Marked({
  gfm: true,
  renderer: {
    // Its language is kept beside the code, to be looked up among those known.
    code: ({ text, lang = "" }) =>
      `<pre language="${quoted(lang.split(/[\s,{]/, 1)[0] ?? "")}"><code>${quoted(text)}\n</code></pre>`,
    // Those who cannot see a box hear its state; nobody can click it.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

function quoted(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Whether a list has no words: an answer such as "1815." is a number, not the start of an enumeration. */
const bare = (source: Token): boolean =>
  source.type === "list" && (source as Tokens.List).items.every(({ text }) => !text.trim());

function render(source: Token): DocumentFragment {
  if (bare(source)) return plain(source.raw.trim());
  // There is none for a text that opens a frameset in the page's place.
  const fragment: DocumentFragment | null = DOMPurify.sanitize(marked.parser([source]), allowed);
  if (!fragment) return plain(source.raw);
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
  return fragment;
}

function plain(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(make("p", "", text));
  return fragment;
}

/** Gives a block of code its head: what language it is in, and a button that copies it. */
function dress(pre: HTMLPreElement): void {
  const language = pre.getAttribute("language") ?? "";
  pre.removeAttribute("language");
  pre.tabIndex = 0;
  pre.dir = "ltr";
  const copy = make("button", "copy-code", strings.copy);
  copy.type = "button";
  copy.onclick = () => copyFrom(copy, pre.textContent ?? "", strings.copied);
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

/**
 * An element that shows a growing Markdown text. Blocks that did not change
 * stay as they are, so a long answer costs no more per token than a short one.
 */
export class MarkdownView {
  #blocks: { raw: string; nodes: ChildNode[] }[] = [];
  #coloured = 0;

  constructor(private readonly element: HTMLElement) {}

  /** Shows the text so far, or, once it is complete, all of it. */
  show(text: string, complete = false): void {
    const tokens = marked.lexer(text);
    let same = 0;
    while (
      same < tokens.length &&
      same < this.#blocks.length &&
      tokens[same]?.raw === this.#blocks[same]?.raw
    )
      same++;
    for (const stale of this.#blocks.splice(same)) for (const node of stale.nodes) node.remove();
    for (const token of tokens.slice(same)) {
      const fragment = render(token);
      const nodes = [...fragment.childNodes];
      this.element.append(fragment);
      this.#blocks.push({ raw: token.raw, nodes });
    }
    // What another block follows will not change any more.
    const settled = complete ? this.#blocks.length : this.#blocks.length - 1;
    for (let at = Math.min(this.#coloured, same); at < settled; at++)
      for (const node of this.#blocks[at]?.nodes ?? [])
        if (node instanceof HTMLElement)
          for (const block of node.matches(".code") ? [node] : node.querySelectorAll<HTMLElement>(".code"))
            colour(block);
    this.#coloured = Math.max(0, settled);
  }
}

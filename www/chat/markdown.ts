/** Shows Markdown as it streams. What a model writes is hostile until it is sanitised. */
import DOMPurify from "dompurify";
import { marked, type Token } from "marked";

// Text only: no images (a request would leave the machine), no forms, no styles, no handlers.
const allowed = {
  ALLOWED_TAGS: [
    ..."p br strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 hr a".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

function render(source: Token): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parser([source]), allowed);
  for (const link of fragment.querySelectorAll("a[href]")) {
    link.setAttribute("rel", "noopener noreferrer nofollow");
    link.setAttribute("target", "_blank");
  }
  for (const block of fragment.querySelectorAll("pre, table")) block.setAttribute("tabindex", "0"); // they scroll
  return fragment;
}

/**
 * An element that shows a growing Markdown text. Blocks that did not change
 * stay as they are, so a long answer costs no more per token than a short one.
 */
export class MarkdownView {
  #blocks: { raw: string; nodes: ChildNode[] }[] = [];

  constructor(private readonly element: HTMLElement) {}

  show(text: string): void {
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
  }
}

/**
 * Markdown as a list of blocks, each a source and its HTML. Nothing here needs a document, and nothing that a model
 * writes makes it throw, nest without bound, or take more than about linear time: a block that cannot be rendered is
 * plain text. No character of a text is lost, except those that are Markdown's own marks.
 */
import MarkdownIt, {
  type MarkdownIt as Parser,
  type RendererRule,
  type StateBlock,
  type StateInline,
  type Token,
} from "markdown-it";

/** A paragraph, a list, a table …: what stands at the top level of a text. */
export interface Block {
  /** Its part of the text. */
  readonly source: string;
  /** Not yet sanitised; undefined where the source is to be shown as it stands. */
  readonly html: string | undefined;
}

/** Quotes and lists within each other: what lies deeper is text. */
const DEEPEST_BLOCK = 24;
/** Emphasis within emphasis. */
const DEEPEST_MARK = 8;
/** The longest in characters; a longer block is shown as it stands, a longer formula or address ends there. */
const LONGEST = 200_000;
const LONGEST_FORMULA = 2000;
const LONGEST_ADDRESS = 2000;

/** Elements that people write as HTML within Markdown, and what becomes of them. All other HTML is text. */
const elements: Record<string, string> = {
  ...{ b: "strong", strong: "strong", i: "em", em: "em", s: "del", strike: "del", del: "del" },
  ...{ u: "u", sub: "sub", sup: "sup", kbd: "kbd", mark: "mark" },
};

const cjk =
  /[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}\p{Script_Extensions=Hangul}\p{Script_Extensions=Bopomofo}\uff00-\uffef]/u;

/**
 * The blocks of a text that grows. What another block follows does not change any more and is not read again, so a
 * long answer costs no more per token than a short one.
 */
export class Blocks {
  /** The part that does not change any more, and its blocks. */
  #done = "";
  #settled: Block[] = [];
  #rest: Block[] = [];

  constructor(private readonly render: (tokens: Token[]) => string | undefined = renderTokens) {}

  /**
   * Reads the text so far. The first keep blocks of the last time stay; next come after them. The first settled of
   * all never change unless the text's beginning does.
   */
  show(text: string, complete = false): { keep: number; next: Block[]; settled: number } {
    const whole = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    // Links above may have their addresses here below, which shows at the end.
    const again = complete && this.#settled.length > 0 && /^ {0,3}\[[^\]\n]+\]:/m.test(whole);
    if (again || !whole.startsWith(this.#done)) {
      this.#done = "";
      this.#settled = [];
      this.#rest = [];
    }
    const rest = this.#read(whole.slice(this.#done.length));
    let same = 0;
    while (same < rest.length && rest[same]?.source === this.#rest[same]?.source) same++;
    const keep = this.#settled.length + same;
    const next = rest.slice(same);
    // A line that is not complete may turn out to belong to the block before it.
    const open = rest.at(-1)?.source.includes("\n") ? 1 : 2;
    const done = rest.splice(0, Math.max(0, rest.length - open));
    this.#done += done.map(({ source }) => source).join("");
    this.#settled.push(...done);
    this.#rest = rest;
    return { keep, next, settled: this.#settled.length + (complete ? rest.length : 0) };
  }

  #read(text: string): Block[] {
    let tokens: Token[];
    try {
      tokens = md.parse(text, {});
    } catch {
      // Whichever block it is: those beside it are shown as they should be.
      const middle = (text.indexOf("\n\n", text.length >> 1) + 1 || text.indexOf("\n\n") + 1) + 1;
      if (middle === 1 || middle >= text.length) return [{ source: text, html: undefined }];
      return [...this.#read(text.slice(0, middle)), ...this.#read(text.slice(middle))];
    }
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    const offset = (line: number) => starts[line] ?? text.length;
    const spans: { line: number; tokens: Token[] | undefined }[] = [];
    let end = 0;
    // Lines without tokens that are not blank: addresses of links given below, which are shown as they stand.
    const gap = (to: number) => {
      if (text.slice(offset(end), offset(to)).trim()) spans.push({ line: end, tokens: undefined });
    };
    for (let at = 0; at < tokens.length; ) {
      let after = at + 1;
      if (tokens[at]?.nesting === 1) while (tokens[after++]?.level !== 0);
      const [line, stop] = tokens[at]?.map ?? [end, end];
      gap(line);
      spans.push({ line, tokens: tokens.slice(at, after) });
      end = stop;
      at = after;
    }
    gap(starts.length);
    return spans.map(({ line, tokens }, i) => {
      const source = text.slice(i === 0 ? 0 : offset(line), offset(spans[i + 1]?.line ?? starts.length));
      return { source, html: tokens && source.length <= LONGEST ? this.#html(tokens) : undefined };
    });
  }

  #html(tokens: Token[]): string | undefined {
    try {
      return this.render(tokens);
    } catch {
      return undefined;
    }
  }
}

/** A list without words is none: an answer such as "1815." is a number, not the start of an enumeration. */
const bare = (tokens: Token[]): boolean =>
  /^(ordered|bullet)_list_open$/.test(tokens[0]?.type ?? "") && !tokens.some(({ content }) => content.trim());

function renderTokens(tokens: Token[]): string | undefined {
  return bare(tokens) ? undefined : md.renderer.render(tokens, md.options, {}).trimEnd();
}

const md = parser();

function parser(): Parser {
  const md = new MarkdownIt({ linkify: true, maxNesting: 4 * DEEPEST_BLOCK });
  const { rules } = md.renderer;
  const quoted = md.utils.escapeHtml;

  // Text within blocks

  md.inline.ruler.before("escape", "formula", formula);
  md.inline.ruler.before("autolink", "element", element);
  md.inline.State = class extends md.inline.State {
    // In Chinese, Japanese and Korean no space stands between a sentence and the next: a mark beside such a letter
    // opens or closes whatever punctuation is on its other side.
    override scanDelims(start: number, canSplitWord: boolean) {
      const scanned = super.scanDelims(start, canSplitWord);
      if (!canSplitWord) return scanned;
      const before = [...this.src.slice(Math.max(0, start - 2), start)].at(-1) ?? " ";
      const after = String.fromCodePoint(this.src.codePointAt(start + scanned.length) ?? 32);
      if (cjk.test(before) && !/\s/.test(after)) scanned.can_open = true;
      if (cjk.test(after) && !/\s/.test(before)) scanned.can_close = true;
      return scanned;
    }
  };
  // What has no scheme is no address: names of files look like hosts.
  md.core.ruler.disable("linkify");
  // A sentence may go on behind an address without a space: punctuation that addresses do not have ends it.
  const { linkify } = md;
  const matchAtStart = linkify.matchAtStart.bind(linkify);
  linkify.matchAtStart = (text) => {
    const start = text.slice(0, LONGEST_ADDRESS);
    const end = start.search(/[\s<>]|(?![\x21-\x7e])[\p{P}\p{S}]/u);
    return matchAtStart(end < 0 ? start : start.slice(0, end));
  };
  md.normalizeLinkText = (text) => text; // an address is shown as it was written
  md.core.ruler.push("marks", ({ tokens }) => {
    for (const { children } of tokens) if (children) pairMarks(children);
  });
  // A picture is a link: no request leaves the machine before the visitor asks for it.
  rules.image = (tokens, at) => {
    const token = tokens[at] as Token;
    const address = String(token.attrGet("src") ?? "");
    return `<a href="${quoted(address)}">${quoted(token.content || address)}</a>`;
  };

  // Blocks

  // Within others an address given below would be lost: there it is text.
  const reference = md.block.ruler.__rules__.find(({ name }) => name === "reference")?.fn;
  md.block.ruler.at(
    "reference",
    (state, ...lines) => state.level === 0 && reference?.(state, ...lines) === true,
  );
  md.block.ruler.before("table", "deep", deep, { alt: [] });
  md.block.ruler.before("fence", "formula", formulaBlock, { alt: ["paragraph", "blockquote", "list"] });
  md.core.ruler.push("lists", ({ tokens }) => dressLists(tokens));
  rules.formula = (tokens, at) => `<p>${quoted(tokens[at]?.content ?? "").replaceAll("\n", "<br>")}</p>`;
  // The language is kept beside the code, to be looked up among those known.
  const code: RendererRule = (tokens, at) => {
    const { info, content } = tokens[at] as Token;
    const language =
      md.utils
        .unescapeAll(info)
        .trim()
        .split(/[\s,{]/, 1)[0] ?? "";
    return `<pre language="${quoted(language)}"><code>${quoted(content.replace(/\n$/, ""))}</code></pre>`;
  };
  rules.fence = rules.code_block = code;
  const cell: RendererRule = (tokens, at, options, _, renderer) => {
    const token = tokens[at] as Token;
    const align = /text-align:(\w+)/.exec(String(token.attrGet("style")))?.[1];
    token.attrs = align ? [["align", align]] : null;
    return renderer.renderToken(tokens, at, options);
  };
  rules.th_open = rules.td_open = cell;
  return md;
}

/** Formulas keep what Markdown would take for marks: \(a_1*b_1\), \[ … \], $x$, $$x$$. A \( without its end stays, too. */
function formula(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  let length = 0;
  if (src[pos] === "\\" && "([)]".includes(src[pos + 1] ?? " ")) {
    const close = { "(": "\\)", "[": "\\]" }[src[pos + 1] ?? ""];
    const end = close ? src.slice(pos + 2, pos + LONGEST_FORMULA).indexOf(close) : -1;
    length = end < 0 ? 2 : end + 4;
  } else if (src[pos] === "$") {
    // As in Pandoc: prices are none.
    const found = /^\$\$(?!\$)[^$]+\$\$|^\$(?![\s$])(?:[^$\\\n]|\\.)*(?<!\s)\$(?!\d)/.exec(
      src.slice(pos, pos + LONGEST_FORMULA),
    );
    length = found?.[0].length ?? 0;
  }
  if (length === 0 || pos + length > state.posMax) return false;
  if (!silent) state.push("text", "", 0).content = src.slice(pos, pos + length);
  state.pos += length;
  return true;
}

/** The same over several lines, of which some may look like lists or headings. It ends at a blank line at the latest. */
function formulaBlock(state: StateBlock, from: number, to: number, silent: boolean): boolean {
  const line = (at: number) =>
    state.src.slice((state.bMarks[at] ?? 0) + (state.tShift[at] ?? 0), state.eMarks[at]);
  const close = { "\\[": "\\]", $$: "$$" }[line(from).slice(0, 2)];
  if (!close || line(from).indexOf(close, 2) >= 0) return false;
  if (silent) return true;
  let next = from + 1;
  for (let open = true; open && next < to && !state.isEmpty(next); next++) open = !line(next).includes(close);
  const token = state.push("formula", "p", 0);
  token.content = state.getLines(from, next, state.blkIndent, false).trim();
  token.map = [from, next];
  state.line = next;
  return true;
}

/** <sup>, <br> and their like; whether each has its other end shows once all are there. */
function element(state: StateInline, silent: boolean): boolean {
  if (state.src[state.pos] !== "<") return false;
  const found = /^<(\/?)([a-z]{1,6}) ?\/?>/i.exec(state.src.slice(state.pos, state.pos + 12));
  const [whole, slash = "", name = ""] = found ?? [];
  const tag = name.toLowerCase();
  if (!whole || !(tag === "br" || Object.hasOwn(elements, tag))) return false;
  if (!silent && tag === "br") state.push("hardbreak", "br", 0);
  else if (!silent) {
    // Without nesting for now: the parser takes it for granted that what opens is closed.
    const token = state.push(slash ? "element_close" : "element_open", elements[tag] ?? "", 0);
    token.markup = whole;
  }
  state.pos += whole.length;
  return true;
}

/** Makes text of elements without their other end, and of marks within too many others. */
function pairMarks(tokens: Token[]): void {
  const open: Token[] = [];
  const plain = new Set<Token>();
  let depth = 0;
  const text = (token: Token) => {
    token.content = token.markup;
    token.type = "text";
    token.tag = "";
    token.nesting = 0;
  };
  const leave = () => {
    const token = open.pop();
    if (token && plain.has(token)) text(token);
    else depth--;
    return token;
  };
  for (const token of tokens) {
    if (token.tag === "s") token.tag = "del";
    if (token.type === "element_open") token.nesting = 1;
    if (token.type === "element_close") token.nesting = -1;
    if (token.nesting === 1) {
      if (depth >= DEEPEST_MARK && token.type !== "link_open") plain.add(token);
      else depth++;
      open.push(token);
    } else if (token.nesting === -1) {
      const last = open.at(-1);
      if (token.type === "element_close" && !(last?.type === "element_open" && last.tag === token.tag)) {
        text(token);
        continue;
      }
      while (token.type !== "element_close" && open.at(-1)?.type === "element_open") {
        plain.add(open.at(-1) as Token);
        leave();
      }
      const begun = leave();
      if (begun?.type === "text") text(token);
    }
  }
  for (const token of open) text(token);
}

/** What is left of a list or quote within too many others. */
function deep(state: StateBlock, from: number, to: number): boolean {
  if (state.level < DEEPEST_BLOCK) return false;
  let next = from + 1;
  while (next < to && (state.isEmpty(next) || (state.sCount[next] ?? 0) >= state.blkIndent)) next++;
  state.line = next;
  state.push("paragraph_open", "p", 1).map = [from, next];
  const inline = state.push("inline", "", 0);
  inline.content = state.getLines(from, next, state.blkIndent, false).trim();
  inline.map = [from, next];
  inline.children = [];
  state.push("paragraph_close", "p", -1);
  return true;
}

/** Boxes of tasks are characters, and numbers that were left out stay left out. */
function dressLists(tokens: Token[]): void {
  const numbers: number[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.type === "ordered_list_open") numbers.push(Number(token.attrGet("start") ?? 1));
    else if (token.type === "bullet_list_open") numbers.push(Number.NaN);
    else if (/_list_close$/.test(token.type)) numbers.pop();
    else if (token.type === "list_item_open") {
      const expected = numbers.pop() ?? Number.NaN;
      const written = Number(token.info);
      if (written > expected) token.attrSet("value", String(written));
      numbers.push(1 + Math.max(expected, written));
      const [first] = tokens[at + 2]?.children ?? [];
      if (tokens[at + 1]?.type === "paragraph_open" && first?.type === "text")
        first.content = first.content.replace(/^\[([ xX])\](?=\s)/, (_, mark) => (mark === " " ? "☐" : "☑"));
    }
  }
}

/**
 * Makes the documentation's pages out of the READMEs, the guides beside this file and the types' comments:
 *
 *     node www/docs/build.mjs FOLDER
 *
 * No text stands here that a README could have. Each section of a README is on one page, and each link leads to one: what
 * does not resolve fails the build. The pages have no scripts, and links that hold on any host, in any folder.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import hljs from "highlight.js/lib/common";
import MarkdownIt from "markdown-it";
import { reference } from "./reference.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const out = resolve(process.argv[2] ?? "");
if (!process.argv[2]) throw new Error("usage: node www/docs/build.mjs FOLDER");

const library = "www/README.md";

/** Every page: its file's name, its title, the Markdown file it comes from and, of a file that makes several, the heading it begins at. */
const groups = [
  [
    "Start",
    [
      ["index", "Documentation", "www/docs/index.md"],
      ["examples", "Examples", "www/docs/examples.md"],
    ],
  ],
  [
    "Guides",
    [
      ["embed", "The widget", "www/widget/README.md"],
      ["library", "The library", library],
      ["answers", "Answers", library, "Answers"],
      ["json", "JSON", library, "JSON"],
      ["tools", "Tools", library, "Tools"],
      ["thoughts", "Thoughts", library, "Thoughts"],
      ["states", "A conversation's state", library, "A conversation's state"],
      ["interfaces", "Other interfaces", library, "Other interfaces"],
      ["errors", "Errors", library, "Errors"],
      ["install", "Installing it", library, "Installing and serving it"],
      ["offline", "Without a network", "www/docs/offline.md"],
      ["serving", "The server", "tools/server/README.md"],
      ["command", "The samba command", "tools/README.md"],
    ],
  ],
  [
    "Reference",
    [
      ["reference", "samba-web", { entry: "engine/client", name: "samba-web" }],
      [
        "reference-prompt-api",
        "samba-web/prompt-api",
        { entry: "prompt-api/index", name: "samba-web/prompt-api" },
      ],
      ["reference-ai-sdk", "samba-web/ai-sdk", { entry: "ai-sdk/index", name: "samba-web/ai-sdk" }],
      [
        "reference-langchain",
        "samba-web/langchain",
        { entry: "langchain/index", name: "samba-web/langchain" },
      ],
    ],
  ],
  [
    "How it is built",
    [
      ["project", "The project", "README.md"],
      ["engine", "The engine in a page", "www/engine/README.md"],
      ["chat", "The chat page", "www/chat/README.md"],
      ["model", "The model", "model/README.md"],
      ["shaders", "The shaders", "shaders/README.md"],
      ["measuring", "Measuring", "tools/bench/README.md"],
      ["default-model", "The default model", "www/models/default/README.md"],
      ["training", "How it was trained", "tools/train/README.md"],
    ],
  ],
].map(([title, list]) => ({
  title,
  pages: list.map(([name, title, from, section]) => ({ name, title, from, section })),
}));
const pages = groups.flatMap(({ pages }) => pages);

/** Pages of the site that the documentation leads to, by their sources. */
const elsewhere = { "www/chat/index.html": "../", "www/lab/index.html": "../lab.html" };

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** What a heading is linked by, as code hosts make it. */
const slug = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const coloured = (code, language) =>
  hljs.getLanguage(language) ? hljs.highlight(code, { language, ignoreIllegals: true }).value : escaped(code);

const md = new MarkdownIt({ html: true });
const { rules } = md.renderer;
rules.html_block = rules.html_inline = (tokens, at) => {
  const text = tokens[at].content;
  if (!/^\s*<!--[\s\S]*-->\s*$/.test(text)) throw new Error(`a Markdown file has HTML: ${text}`);
  return "";
};
rules.fence = (tokens, at) => {
  let { info, content } = tokens[at];
  const [language = "", from, file] = info.trim().split(/\s+/);
  if (from === "from") content = readFileSync(root + file, "utf8");
  return `<pre tabindex="0"><code>${coloured(content, language)}</code></pre>\n`;
};
rules.code_block = (tokens, at) => `<pre tabindex="0"><code>${escaped(tokens[at].content)}</code></pre>\n`;
// A page's policy allows no styles in attributes.
for (const cell of ["th_open", "td_open"])
  rules[cell] = (tokens, at, options, _env, self) => {
    const style = tokens[at].attrGet("style");
    tokens[at].attrs = style ? [["class", style.replace("text-align:", "")]] : [];
    return self.renderToken(tokens, at, options);
  };
rules.table_open = () => '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n';
rules.table_close = () => "</table></div>\n";

/** A Markdown file as sections: each a heading with what follows it, up to the next one. */
function sectionsOf(file) {
  const text = readFileSync(root + file, "utf8").replace(/^---\n[\s\S]*?\n---\n/, "");
  const sections = [];
  const slugs = new Map();
  const tokens = md.parse(text, {});
  for (const [at, token] of tokens.entries()) {
    if (token.type === "heading_open" && token.level === 0) {
      const title = tokens[at + 1].children.map(({ content }) => content).join("");
      const seen = slugs.get(slug(title)) ?? 0;
      slugs.set(slug(title), seen + 1);
      const id = seen ? `${slug(title)}-${seen}` : slug(title);
      sections.push({ level: Number(token.tag[1]), title, id, tokens: [] });
    }
    if (!sections.length) throw new Error(`${file} does not begin with a heading`);
    sections.at(-1).tokens.push(token);
  }
  return sections;
}

/** Sections by file; each has the page that it is on. */
const files = new Map();
for (const { from } of pages)
  if (typeof from === "string" && !files.has(from)) files.set(from, sectionsOf(from));
for (const [file, sections] of files) {
  const mine = pages.filter(({ from }) => from === file);
  let page = mine.find(({ section }) => !section);
  const whole = page;
  let under = 0;
  for (const section of sections) {
    const begins = mine.find((candidate) => candidate.section === section.title);
    if (begins || section.level <= under) {
      page = begins ?? whole;
      under = begins ? section.level : 0;
    }
    section.page = page;
    section.base = page === whole ? 1 : under;
  }
  for (const { name, section } of mine)
    if (section && !sections.some(({ title }) => title === section))
      throw new Error(`page ${name}: ${file} has no section "${section}"`);
}

/** Where a link of a Markdown file leads; undefined: to a file of the repository that the site does not have. */
function target(file, link) {
  if (/^https?:/.test(link)) return link;
  const [path, anchor] = link.split("#");
  const to = path ? posix.normalize(posix.join(posix.dirname(file), path)) : file;
  const sections = files.get(to);
  if (sections) {
    const section = anchor === undefined ? sections[0] : sections.find(({ id }) => id === anchor);
    if (!section) throw new Error(`${file}: ${link} leads to no heading of ${to}`);
    return `${section.page.name}.html${anchor === undefined ? "" : `#${anchor}`}`;
  }
  if (!existsSync(root + to)) throw new Error(`${file}: ${link} leads to no file`);
  if (/^www\/examples\/[^/]+$/.test(to)) return to.replace("www/", "../");
  return elsewhere[to];
}

/** Copies a picture beside the pages. */
function picture(file, source) {
  const from = posix.join(posix.dirname(file), source);
  const name = `${posix.dirname(from).replaceAll("/", "-")}-${basename(from)}`;
  copyFileSync(root + from, resolve(out, name));
  return name;
}

/** Makes inline tokens the site's: links that hold there, pictures that lie there. */
function dress(file, tokens) {
  const unlinked = [];
  for (const token of tokens) {
    if (token.type === "image") token.attrSet("src", picture(file, token.attrGet("src")));
    if (token.type === "link_open") {
      const to = target(file, token.attrGet("href"));
      unlinked.push(!to);
      if (!to) Object.assign(token, { type: "text", tag: "", content: "" });
      else token.attrSet("href", to);
      if (to?.startsWith("http")) token.attrSet("rel", "noreferrer");
    } else if (token.type === "link_close" && unlinked.pop())
      Object.assign(token, { type: "text", tag: "", content: "" });
  }
}

/** A heading that can be linked to. */
const heading = (level, id, inner) =>
  `<h${level} id="${escaped(id)}">${inner}${level > 1 ? ` <a class="anchor" href="#${escaped(id)}" aria-label="Link to this section">#</a>` : ""}</h${level}>\n`;

/** A page of Markdown: its body, and its headings. */
function guide({ name, from }) {
  const headings = [];
  let body = "";
  for (const { page, base, level, id, title, tokens } of files.get(from)) {
    if (page.name !== name) continue;
    for (const token of tokens) if (token.children) dress(from, token.children);
    const shown = Math.max(1, level - base + 1);
    if (shown === 2) headings.push({ id, title });
    body += heading(shown, id, md.renderer.renderInline(tokens[1].children, md.options, {}));
    body += md.renderer.render(tokens.slice(3), md.options, {});
  }
  return { body, headings };
}

/** A type's comment, in which HTML is text. */
const comments = new MarkdownIt();
comments.renderer.rules.code_block = (tokens, at) =>
  `<pre tabindex="0"><code>${coloured(tokens[at].content, "ts")}</code></pre>\n`;
const comment = (text) => comments.render(text);

const menu = (current) =>
  groups
    .map(({ title, pages }) => {
      const entries = pages.map((page) => {
        const here = page === current ? ' aria-current="page"' : "";
        return `<li><a href="${page.name}.html"${here}>${escaped(page.title)}</a></li>`;
      });
      return `<h2>${title}</h2>\n<ul>\n${entries.join("\n")}\n</ul>`;
    })
    .join("\n");

function dressed(page, { body, headings }) {
  const at = pages.indexOf(page);
  const beside = (other, rel, word) =>
    other ? `<a rel="${rel}" href="${other.name}.html"><span>${word}</span> ${escaped(other.title)}</a>` : "";
  const parts =
    headings.length > 2
      ? `<details class="parts"><summary>On this page</summary>\n<ul>\n${headings.map(({ id, title }) => `<li><a href="#${escaped(id)}">${escaped(title)}</a></li>`).join("\n")}\n</ul></details>\n`
      : "";
  const end = body.indexOf("</h1>") + "</h1>".length;
  const title = page.name === "index" ? "Samba: documentation" : `${page.title} – Samba`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<link rel="icon" href="../icons/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs.css">
</head>
<body>
<header>
<a class="brand" href="index.html"><img src="../icons/icon.svg" alt="" width="26" height="26">Samba</a>
<a class="to-menu" href="#menu">All pages</a>
<a href="../">Chat</a>
</header>
<main>
${body.slice(0, end)}
${parts}${body.slice(end)}<div class="beside">${beside(pages[at - 1], "prev", "Before:")}${beside(pages[at + 1], "next", "Next:")}</div>
</main>
<nav id="menu" aria-label="Documentation" tabindex="-1">
${menu(page)}
</nav>
</body>
</html>
`;
}

mkdirSync(out, { recursive: true });
const typed = reference(
  pages.filter(({ from }) => typeof from !== "string"),
  { comment, heading, escaped },
);
for (const page of pages)
  writeFileSync(resolve(out, `${page.name}.html`), dressed(page, typed.get(page) ?? guide(page)));

/**
 * The reference: what the package's declarations say, with their comments. The TypeScript compiler writes the
 * declarations and reads them again; its interface for programs is called unstable, so package-lock.json pins it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const www = fileURLToPath(new URL("../", import.meta.url));

const kinds = new Map([
  [SyntaxKind.ClassDeclaration, "class"],
  [SyntaxKind.InterfaceDeclaration, "interface"],
  [SyntaxKind.TypeAliasDeclaration, "type"],
  [SyntaxKind.FunctionDeclaration, "function"],
  [SyntaxKind.VariableStatement, "constant"],
]);

/** The bodies and headings of the pages for these entries of the package, by page. */
export function reference(pages, { comment, heading, escaped }) {
  const folder = mkdtempSync(join(tmpdir(), "samba-reference-"));
  const tsc = [`${www}node_modules/typescript/bin/tsc`, "-p", `${www}tsconfig.package.json`];
  execFileSync(process.execPath, [...tsc, "--outDir", folder, "--emitDeclarationOnly"], { stdio: "inherit" });
  const config = join(folder, "tsconfig.json");
  const compilerOptions = { noEmit: true, noResolve: true, noLib: true, types: [] };
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ["**/*.d.ts"] }));
  const api = new API({ cwd: folder });
  try {
    const { program } = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    const modules = new Modules((path) => program.getSourceFile(join(folder, `${path}.d.ts`)));
    const found = pages.map((page) => modules.exportsOf(page.from.entry));
    /** Which page has a declaration. What no entry exports stands on the first page that speaks of it. */
    const homes = new Map();
    for (const [i, list] of found.entries())
      for (const each of list) if (!homes.has(each.key)) homes.set(each.key, pages[i]);
    for (const [i, list] of found.entries())
      for (const each of list)
        for (const other of modules.namedIn(each))
          if (!homes.has(other.key)) {
            homes.set(other.key, pages[i]);
            list.push({ ...other, inner: true });
          }
    const bodies = new Map();
    for (const [i, page] of pages.entries()) {
      const mine = found[i].filter(({ key }) => homes.get(key) === page);
      bodies.set(page, rendered(page, mine, modules, homes));
    }
    return bodies;
  } finally {
    api.close();
    rmSync(folder, { recursive: true, force: true });
  }

  function rendered(page, declarations, modules, homes) {
    const file = modules.file(page.from.entry);
    /** Names in code and comments, as links. */
    const link = (from, name, text = name) => {
      const [first, ...rest] = name.split(".");
      const to = modules.find(from, first);
      const home = to && homes.get(to.key);
      if (!home) return escaped(text);
      return `<a href="${home === page ? "" : `${home.name}.html`}#${[to.name, ...rest].join(".")}">${escaped(text)}</a>`;
    };
    const words = (from, text) =>
      comment(text.replace(/\{@link ([\w.]+)\}/g, "`@link $1`")).replace(
        /<code>@link ([\w.]+)<\/code>/g,
        (_, name) => `<code>${link(from, name)}</code>`,
      );
    const code = (from, text, self) =>
      text.replace(
        /(\/\*[\s\S]*?\*\/|\/\/[^\n]*)|("[^"\n]*"|`[^`]*`)|([A-Za-z_$][\w$]*)|([^\w"`$/]+|.)/g,
        (_, remark, quoted, word, rest) => {
          if (remark) return `<span class="hljs-comment">${escaped(remark)}</span>`;
          if (quoted) return `<span class="hljs-string">${escaped(quoted)}</span>`;
          if (word && keywords.has(word)) return `<span class="hljs-keyword">${word}</span>`;
          return word && word !== self ? link(from, word) : escaped(word ?? rest);
        },
      );
    const headings = [];
    const intro = leading(file.text);
    let body = `${heading(1, page.name, escaped(page.from.name))}${words(page.from.entry, intro)}`;
    const order = ["class", "function", "constant", "interface", "type"];
    const shown = declarations.filter(({ inner }) => !inner);
    shown.sort((a, b) => Number(b.from === page.from.entry) - Number(a.from === page.from.entry));
    const sorted = [
      ...order.flatMap((kind) => shown.filter((d) => d.kind === kind)),
      ...declarations.filter(({ inner }) => inner),
    ];
    for (const { name, kind, nodes, from, inner } of sorted) {
      headings.push({ id: name, title: name });
      const what = inner ? `${kind}, not exported` : kind;
      body += heading(2, name, `${escaped(name)} <span class="kind">${what}</span>`);
      for (const node of nodes) {
        body += words(from, said(node));
        const members = node.members && (kind === "class" || kind === "interface") ? node.members : undefined;
        body += `<pre tabindex="0"><code>${code(from, members ? head(node) : own(node), name)}</code></pre>\n`;
        if (!members) continue;
        const seen = new Set();
        let list = "";
        for (const member of members) {
          const text = own(member);
          if (/^(private |protected |#)/.test(text) || hidden(member)) continue;
          const called = member.name?.getText?.() ?? member.name?.text ?? "constructor";
          const id = seen.has(called) ? "" : ` id="${escaped(`${name}.${called}`)}"`;
          seen.add(called);
          const about = said(member);
          list += `<dt${id}><code>${code(from, text)}</code></dt><dd>${about ? words(from, about) : ""}</dd>\n`;
        }
        if (list) body += `<dl>\n${list}</dl>\n`;
      }
    }
    return { body, headings };
  }
}

const keywords = new Set(
  "abstract any as async boolean class const constructor declare export extends false function get implements in infer interface keyof let never new null number object readonly set static string symbol this true type typeof undefined unique unknown void".split(
    " ",
  ),
);

/** The modules of the package's declarations, by their paths without an ending. */
class Modules {
  #files = new Map();
  constructor(open) {
    this.open = open;
  }

  file(path) {
    if (!this.#files.has(path)) this.#files.set(path, this.open(path));
    return this.#files.get(path);
  }

  /** A declaration that a module knows by a name; undefined for other packages' and the language's own. */
  find(path, name) {
    const file = this.file(path);
    const nodes = [];
    for (const statement of file?.statements ?? []) {
      const names = kinds.get(statement.kind) === "constant" ? declared(statement) : [statement.name?.text];
      if (kinds.has(statement.kind) && names.includes(name)) nodes.push(statement);
      for (const { local, exported, module } of specifiers(statement)) {
        if (exported !== name) continue;
        return module?.startsWith(".") ? this.find(beside(path, module), local) : undefined;
      }
    }
    if (!nodes.length) return undefined;
    return { key: `${path} ${name}`, name, kind: kinds.get(nodes[0].kind), nodes, from: path };
  }

  /** What a module exports, in its order. */
  exportsOf(path) {
    const names = new Set();
    for (const statement of this.file(path).statements) {
      if (statement.kind === SyntaxKind.ExportDeclaration)
        for (const { exported } of specifiers(statement)) names.add(exported);
      else if ((statement.modifiers ?? []).some(({ kind }) => kind === SyntaxKind.ExportKeyword))
        for (const name of statement.name ? [statement.name.text] : declared(statement)) names.add(name);
    }
    return [...names].map((name) => {
      const found = this.find(path, name);
      if (!found) throw new Error(`${path} exports ${name}, which no declaration has`);
      return found;
    });
  }

  /** The package's own declarations that a declaration names where its users see it. */
  namedIn({ nodes, from }) {
    const found = [];
    for (const node of nodes) {
      const parts = node.members
        ? [
            head(node),
            ...[...node.members]
              .filter((m) => !hidden(m))
              .map(own)
              .filter((t) => !/^(private |#)/.test(t)),
          ]
        : [own(node)];
      const text = parts.join("\n").replace(/\/\*[\s\S]*?\*\/|"[^"\n]*"/g, "");
      for (const [word] of text.matchAll(/\b[A-Z]\w*\b/g)) {
        const other = this.find(from, word);
        if (other) found.push(other);
      }
    }
    return found;
  }
}

const beside = (path, module) => posix.join(posix.dirname(path), module.replace(/\.(d\.)?ts$/, ""));
const declared = (statement) =>
  [...(statement.declarationList?.declarations ?? [])].map(({ name }) => name.text);

/** Names that an import or an export hands on. */
function* specifiers(statement) {
  const { exportClause, importClause, moduleSpecifier } = statement;
  const list = exportClause?.elements ?? importClause?.namedBindings?.elements ?? [];
  for (const { name, propertyName } of list)
    yield { exported: name.text, local: (propertyName ?? name).text, module: moduleSpecifier?.text };
}

const textOf = (node) => node.getSourceFile().text.slice(node.getStart(), node.end);

/** A node's text, without its comment and its place in a file. */
function own(node) {
  const text = textOf(node).replace(/^\/\*\*[\s\S]*?\*\/\s*/, "");
  const indent = text.match(/\n( *)\S[^\n]*$/)?.[1] ?? "";
  return text
    .replaceAll(`\n${indent}`, "\n")
    .replace(/^export /, "")
    .replace(/^declare /, "")
    .replaceAll("    ", "  ");
}

/** What stands before a declaration's members. */
const head = (node) => {
  const text = own(node);
  const body = [...node.members].length
    ? node
        .getSourceFile()
        .text.slice(node.getStart(), [...node.members][0].pos)
        .replace(/^\/\*\*[\s\S]*?\*\/\s*/, "")
    : text.replace(/\}$/, "");
  return body
    .replace(/^export /, "")
    .replace(/^declare /, "")
    .replace(/\s*\{\s*$/, "");
};

const remark = (node) => {
  const before = node.getSourceFile().text.slice(node.pos, node.getStart());
  return before.match(/\/\*\*[\s\S]*?\*\/(?![\s\S]*\/\*\*)/)?.[0] ?? "";
};
const hidden = (node) => remark(node).includes("@internal");

/** A comment's text as Markdown. */
const plain = (comment) =>
  comment
    .replace(/^\/\*\*\s?|\s*\*\/$/g, "")
    .replace(/^[ \t]*\* ?/gm, "")
    .replace(/^@throws /gm, "\nThrows ")
    .trim();
const said = (node) => plain(remark(node));

/** What a file says of itself: its first comment. */
const leading = (text) => plain(text.match(/^\/\*\*[\s\S]*?\*\//)?.[0] ?? "");

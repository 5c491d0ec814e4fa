/** Answers in Markdown: what a model writes loses nothing, and none of it brings the page to a stop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, Blocks } from "../view/blocks.ts";

const blocksOf = (text: string) => new Blocks().show(text, true).next;
const html = (text: string) =>
  blocksOf(text)
    .map((block) => block.html?.trim() ?? `plain:${block.source.trim()}`)
    .join("\n");

/** What is seen of HTML without attributes of its own. */
const seen = (text: string) =>
  html(text)
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");

/** How deep elements stand within each other. */
function depth(markup: string): number {
  let now = 0;
  let most = 0;
  for (const [, slash] of markup.matchAll(/<(\/?)(?!br|hr)[a-z]/g)) {
    now += slash ? -1 : 1;
    most = Math.max(most, now);
  }
  return most;
}

/** Draws from a seed, the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("angle brackets that are no formatting stay text", () => {
  for (const text of [
    "Use vector<int>; run git clone <url>. If a<b and c>d then stop.",
    "map<string, vector<int>> m; std::unique_ptr<T[]> p;",
    "ssh <user>@<host> -p <port>",
    "if (a < b && c > d) return x<y>(z);",
    "<details><summary>More</summary>inside</details>",
    "<!-- a remark --> <think>hm</think> <img src=x> </p>",
    "half <sup>open, and </b> closed",
  ])
    assert.equal(seen(text), text);
  assert.equal(seen("<div>\n\ninside\n\n</div>"), "<div>\ninside\n</div>");
});

test("raised, lowered and the like are formatted", () => {
  assert.equal(
    html("x<sup>2</sup> H<sub>2</sub>O <kbd>Ctrl</kbd> <b>b</b><br>new"),
    "<p>x<sup>2</sup> H<sub>2</sub>O <kbd>Ctrl</kbd> <strong>b</strong><br>\nnew</p>",
  );
  assert.equal(html("<sup>a *b</sup> c*"), "<p>&lt;sup&gt;a <em>b&lt;/sup&gt; c</em></p>");
});

test("formulas keep their backslashes and marks", () => {
  for (const text of [
    "\\(a_1\\) and \\[ x \\]",
    "\\(a*b*c\\), $a_i*b_i*c_i$ and $$\\{x_1*y*z\\}$$",
    "an end \\) without a beginning \\(",
    "it costs $5 or $6, not 7$",
  ])
    assert.equal(html(text), `<p>${text.replaceAll("<", "&lt;")}</p>`);
  assert.equal(
    html("so\n\\[\nx\n= 5\n- 3\n\\]\nand"),
    "<p>so</p>\n<p>\\[<br>x<br>= 5<br>- 3<br>\\]</p>\n<p>and</p>",
  );
  assert.equal(html("it costs $5 or *about* $6"), "<p>it costs $5 or <em>about</em> $6</p>");
});

test("emphasis needs no spaces in Chinese, Japanese and Korean", () => {
  assert.equal(
    html("**重要です。**続きます。これは**「重要」**な点です。"),
    "<p><strong>重要です。</strong>続きます。これは<strong>「重要」</strong>な点です。</p>",
  );
  assert.equal(
    html("这是**“重点”**，而*（注）*是"),
    "<p>这是<strong>“重点”</strong>，而<em>（注）</em>是</p>",
  );
  assert.equal(html("이것은 **중요(重要)**합니다"), "<p>이것은 <strong>중요(重要)</strong>합니다</p>");
  assert.equal(html("a * b * c and snake_case_name"), "<p>a * b * c and snake_case_name</p>");
});

test("an address ends where the sentence goes on", () => {
  for (const [text, address] of [
    ["見て https://example.com/a。次。", "https://example.com/a"],
    ["（https://example.com/b）を", "https://example.com/b"],
    ["看https://example.com/c，然后", "https://example.com/c"],
    ["「https://example.com/d?x=1&y=2」", "https://example.com/d?x=1&amp;y=2"],
    ["see https://example.com/e_(f), then", "https://example.com/e_(f)"],
    ["https://ja.wikipedia.org/wiki/日本", "https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC"],
  ] as const) {
    assert.match(html(text), new RegExp(`href="${address.replace(/[?()]/g, "\\$&")}"`));
    assert.equal(seen(text), text);
  }
  assert.equal(html("main.rs and example.com"), "<p>main.rs and example.com</p>");
});

test("code is what was written, without a line break behind it", () => {
  assert.equal(html("```bash\nrm -r x\n```"), '<pre language="bash"><code>rm -r x</code></pre>');
  assert.equal(html("```\na\n\n```"), '<pre language=""><code>a\n</code></pre>');
  assert.equal(html("    <b>\n"), '<pre language=""><code>&lt;b&gt;</code></pre>');
});

test("lists, tasks, tables, pictures, links given below", () => {
  assert.equal(html("1815."), "plain:1815.");
  assert.equal(seen("- [x] done\n- [ ] open").trim(), "☑ done\n☐ open");
  assert.match(html("1. a\n3. b\n4. c"), /<li>a<\/li>\n<li value="3">b<\/li>\n<li>c<\/li>/);
  assert.doesNotMatch(html("1. a\n1. b"), /value/);
  assert.match(html("| a |\n|--:|\n| 1 |"), /<th align="right">a<\/th>/);
  assert.match(
    html("![a boat](https://example.com/b.png)"),
    /<a href="https:\/\/example.com\/b.png">a boat<\/a>/,
  );
  assert.equal(
    html("read [it][1]\n\n[1]: https://example.com"),
    '<p>read <a href="https://example.com">it</a></p>\nplain:[1]: https://example.com',
  );
});

test("blocks within blocks, and marks within marks, have an end", () => {
  for (const text of [
    ">".repeat(6000),
    `${"> ".repeat(2000)}x`,
    `${"- ".repeat(3000)}x`,
    Array.from({ length: 250 }, (_, i) => `${"  ".repeat(i)}- x`).join("\n"),
    Array.from({ length: 250 }, (_, i) => `${"> - ".repeat(i)}x`).join("\n"),
    "*a **b ".repeat(2000) + "c** d*".repeat(2000),
    `${"<sup>".repeat(3000)}x${"</sup>".repeat(3000)}`,
    `${"[".repeat(5000)}x${"](y)".repeat(5000)}`,
    `${"![".repeat(5000)}x${"](y)".repeat(5000)}`,
  ]) {
    for (const block of blocksOf(text)) assert.ok(depth(block.html ?? "") <= 60, text.slice(0, 30));
    assert.ok(blocksOf(text).length > 0);
    const letters = (all: string) => all.replace(/[^a-z]/g, "");
    if (!text.includes("](y)") && !text.includes("sup"))
      assert.equal(letters(seen(text)), letters(text), text.slice(0, 30));
  }
});

test("a block that cannot be rendered is plain text, and those beside it are not", () => {
  const picky = new Blocks((tokens) => {
    if (tokens.some(({ content }) => content.includes("evil"))) throw new RangeError("too much recursion");
    return "fine";
  });
  const { next } = picky.show("good\n\nevil *text*\n\ngood", true);
  assert.deepEqual(next, [
    { source: "good\n\n", html: "fine" },
    { source: "evil *text*\n\n", html: undefined },
    { source: "good", html: "fine" },
  ]);
});

test("a text that grows is read block by block, and comes to the same", () => {
  const pieces = [
    ..."ab *_`#>-+1.|~[]()$\\\n\n  \t<:".split(""),
    ...[
      "\n\n",
      "\n- ",
      "\n1. ",
      "\n> ",
      "```\n",
      "| a |\n|---|\n",
      "\\[\n",
      "\\]",
      "**",
      "===\n",
      "---\n",
      "    ",
    ],
    ...["重", "。", "[a]: https://x.example\n", "[a]", "https://example.com", "<sup>", "</sup>", "\r\n"],
  ];
  for (let seed = 1; seed <= 400; seed++) {
    const draw = random(seed);
    let text = "";
    const grown = new Blocks();
    const shown: Block[] = [];
    let most = 0;
    const take = (complete: boolean) => {
      const { keep, next, settled } = grown.show(text, complete);
      shown.splice(keep, shown.length, ...next);
      assert.ok(settled <= shown.length);
      most = Math.max(most, settled);
    };
    for (let i = 0; i < 60; i++) {
      text += pieces[draw(pieces.length)];
      take(false);
    }
    take(true);
    assert.deepEqual(
      shown.map(({ html, source }) => html ?? source),
      blocksOf(text).map(({ html, source }) => html ?? source),
      JSON.stringify(text),
    );
    assert.equal(
      shown
        .map(({ source }) => source)
        .join("")
        .trimEnd(),
      text.replace(/\r\n?/g, "\n").trimEnd(),
    );
  }
});

test("what is settled is not read again", () => {
  let rendered = 0;
  const grown = new Blocks(() => {
    rendered++;
    return "";
  });
  let text = "";
  for (let i = 0; i < 2000; i++) {
    text += i % 10 === 9 ? "word.\n\n" : "word ";
    grown.show(text);
  }
  assert.ok(rendered < 2 * 2000 + 200, `${rendered} blocks were rendered`);
});

test("code whose colours would take the page a second stays plain", async () => {
  const { highlight } = await import("../view/highlight.ts");
  assert.equal(highlight("a".repeat(8001).replace(/.{80}/g, "$&\n"), "csharp"), undefined);
  assert.equal(highlight("a".repeat(1001), "ini"), undefined);
});

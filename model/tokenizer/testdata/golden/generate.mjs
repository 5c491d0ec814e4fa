// Makes the golden files beside this script with the Rust tokenizers (npm package "tokenizers").
//
//   npm ci && node generate.mjs            encode and decode with the committed vocabularies
//   npm ci && node generate.mjs text.txt   train the vocabularies first, on any few hundred KB of text
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import tokenizers from "tokenizers";
import { kinds } from "./kinds.mjs";
import { random, strings } from "./strings.mjs";

const here = import.meta.dirname;
const save = (name, value) => writeFileSync(join(here, `${name}.json.gz`), gzipSync(JSON.stringify(value), { level: 9 }));
const load = (name) => JSON.parse(gunzipSync(readFileSync(join(here, `${name}.json.gz`))));

const merges = 3000;
const added = (contents, flags) => contents.map((content) => ({ content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...flags?.[content] }));
const odd = { "[PAD]": { special: true }, "[WORD]": { single_word: true }, "[LEFT]": { lstrip: true }, "[RIGHT]": { rstrip: true }, "[NORM]": { normalized: true }, "naïve token": { normalized: true }, "[SPEC]": { special: true, normalized: true }, aa: {}, aaa: {} };

/** Trains on the text's lines, cut by the pre-tokenizer, and keeps the first merges. */
function train(text, pre_tokenizer, normalizer) {
  const file = join(mkdtempSync(join(tmpdir(), "golden-")), "text.txt");
  writeFileSync(file, text);
  const t = tokenizers.Tokenizer.fromString(JSON.stringify({ version: "1.0", added_tokens: [], normalizer, pre_tokenizer, post_processor: null, decoder: null, model: { type: "BPE", vocab: {}, merges: [] } }));
  t.train([file]);
  const saved = `${file}.json`;
  t.save(saved, false);
  const { model } = JSON.parse(readFileSync(saved, "utf8"));
  return model;
}

function base(model, first, keepAlphabet) {
  const kept = model.merges.slice(0, merges).map((m) => (Array.isArray(m) ? m : m.split(" ")));
  const tokens = [...first];
  const known = new Set(tokens);
  const add = (t) => known.has(t) || (known.add(t), tokens.push(t));
  for (const [a, b] of kept) for (const part of [a, b]) if ([...part].length === 1) add(part);
  if (keepAlphabet) Object.keys(model.vocab).filter((t) => [...t].length === 1 && t.codePointAt(0) < 0x250).sort().forEach(add);
  for (const [a, b] of kept) add(a + b);
  return { vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges: kept };
}

if (process.argv[2]) {
  const corpus = readFileSync(process.argv[2], "utf8");
  const text = `${corpus}\n${strings().join("\n")}\n`;
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const alphabet = tokenizers.byteLevelAlphabet().sort();
  const bytesFirst = ["<|endoftext|>", ...alphabet];
  save("base-words", base(train(text, { ...byteLevel, use_regex: true }, null), bytesFirst));
  save("base-lines", base(train(text, { ...byteLevel, use_regex: false }, null), bytesFirst));
  const fallback = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  save("base-pieces", base(train(text, null, { type: "Replace", pattern: { String: " " }, content: "▁" }), ["<unk>", "<s>", "</s>", ...fallback], true));
}

save("strings", strings());
for (const kind of kinds) {
  const b = load(`base-${kind.base}`);
  const size = Object.keys(b.vocab).length;
  const sentencepiece = kind.base === "pieces";
  const specials = sentencepiece ? ["<unk>", "<s>", "</s>"] : ["<|endoftext|>"];
  const extra = ["<|im_start|>", "<|im_end|>", ...Object.keys(odd), ...Object.keys(kind.added ?? {})];
  const special = Object.fromEntries([...specials, "<|im_start|>", "<|im_end|>"].map((t) => [t, { special: true }]));
  // The Rust tokenizers forget that a token is special once the normalizer changes its
  // spelling ("▁</s>"), and show it. We skip it, so that case is not asked of them.
  if (kind.patch.normalizer?.normalizers?.[0].type === "Prepend") special["[SPEC]"] = { normalized: true };
  const contents = [...specials, ...extra]; // some stand in the vocabulary already, most do not
  let next = size;
  const added_tokens = added(contents, { ...odd, ...special, ...kind.added }).map((t) => ({ id: b.vocab[t.content] ?? next++, ...t }));
  const model = {
    type: "BPE", dropout: null, unk_token: sentencepiece ? "<unk>" : null, continuing_subword_prefix: null, end_of_word_suffix: null,
    fuse_unk: sentencepiece, byte_fallback: sentencepiece, ignore_merges: false, ...kind.model,
  };
  // Half the kinds write merges the old way, as one string.
  const pairs = kind.name.length % 2 === 0;
  const head = { version: "1.0", truncation: null, padding: null, added_tokens, ...kind.patch };
  const full = { ...head, model: { ...model, vocab: b.vocab, merges: pairs ? b.merges : b.merges.map((m) => m.join(" ")) } };
  const t = tokenizers.Tokenizer.fromString(JSON.stringify(full));

  const list = strings().filter((_, i) => i % (kind.stride ?? 1) === 0);
  const ids = [];
  const texts = []; // null where decoding gives the string back
  for (const [i, s] of list.entries()) {
    const encoded = (await t.encode(s, null, { addSpecialTokens: i % 4 === 0 })).getIds();
    ids.push(encoded);
    const text = await t.decode(encoded, true);
    texts.push(text === s ? null : text);
  }
  const draw = random(7);
  const loose = []; // any ids at all, as a model might sample them; some do not exist
  for (let i = 0; i < 200; i++) {
    const sequence = Array.from({ length: 1 + Math.floor(draw() * 20) }, () => Math.floor((draw() < 0.5 ? 300 : next + 3) * draw()));
    loose.push([sequence, await t.decode(sequence, i % 2 === 0)]);
  }
  save(kind.name, { base: kind.base, stride: kind.stride ?? 1, pairs, head, model, ids, texts, loose });
  console.log(kind.name, ids.flat().length);
}

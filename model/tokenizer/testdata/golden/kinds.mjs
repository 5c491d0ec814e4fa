// The tokenizers under test: a trained vocabulary (base) and what stands around it in tokenizer.json.

const byteLevel = (use_regex, add_prefix_space = false) => ({ type: "ByteLevel", add_prefix_space, trim_offsets: true, use_regex });
const split = (Regex, behavior = "Isolated", invert = false) => ({ type: "Split", pattern: { Regex }, behavior, invert });
const sequence = (...pretokenizers) => ({ type: "Sequence", pretokenizers });
const metaspace = (prepend_scheme, split) => ({ type: "Metaspace", replacement: "▁", prepend_scheme, split });

const cl100k = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const tiktoken = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s";
const o200k = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const qwen = cl100k.replace("\\p{N}{1,3}", "\\p{N}");
const deepseek = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const kimi = "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const byteDecoder = { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true };
const template = (bos, bosId, eos, eosId) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }, ...(eos ? [{ SpecialToken: { id: eos, type_id: 0 } }] : [])],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
  special_tokens: { [bos]: { id: bos, ids: [bosId], tokens: [bos] }, ...(eos ? { [eos]: { id: eos, ids: [eosId], tokens: [eos] } } : {}) },
});

const llamaDecoder = { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] };
const legacy = { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] };
const bytes = { normalizer: null, decoder: byteDecoder, post_processor: byteDecoder };
const pieces = { normalizer: null, pre_tokenizer: null, post_processor: template("<s>", 1), decoder: llamaDecoder };
// Runs of spaces as GPT-NeoX has them: tokens of their own, to be normalized, not special.
const spaces = Object.fromEntries(Array.from({ length: 23 }, (_, i) => [" ".repeat(24 - i), { normalized: true }]));
// Punctuation, then words, then single digits: Falcon-H1's order, one step each.
const falconH1 = sequence({ type: "Punctuation", behavior: "Contiguous" }, byteLevel(true), { type: "Digits", individual_digits: true });
const reserved = (from, to) => Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`<|reserved_${from + i}|>`, { special: true }]));
const rare = 5; // these take every fifth string only

export const kinds = [
  { name: "gpt2", base: "words", patch: { ...bytes, pre_tokenizer: byteLevel(true) } },
  { name: "cl100k", base: "lines", model: { ignore_merges: true }, patch: { ...bytes, pre_tokenizer: sequence(split(cl100k), byteLevel(false)),
    post_processor: { type: "Sequence", processors: [byteDecoder, template("<|endoftext|>", 0)] } } },
  { name: "o200k", base: "lines", patch: { ...bytes, pre_tokenizer: sequence(split(o200k), byteLevel(false)) } },
  { name: "digits", base: "words", patch: { ...bytes, pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)) } },
  { name: "sentencepiece-legacy", base: "pieces", patch: { ...pieces, normalizer: legacy } },
  { name: "sentencepiece-metaspace", base: "pieces", patch: { ...pieces, pre_tokenizer: metaspace("first", false), post_processor: template("<s>", 1, "</s>", 2) } },

  { name: "gpt2-prefix-space", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: byteLevel(true, true) } },
  { name: "unsplit", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: byteLevel(false) } },
  { name: "qwen", base: "lines", stride: rare, patch: { ...bytes, normalizer: { type: "NFC" }, pre_tokenizer: sequence(split(qwen), byteLevel(false)) } },
  { name: "tiktoken", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split(tiktoken), byteLevel(false)) } },
  { name: "deepseek", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split("\\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(deepseek), byteLevel(false)) } },
  { name: "kimi", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split(kimi), byteLevel(false)) } },
  { name: "digits-from-the-right", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split("\\p{N}{1,3}(?=(?:\\p{N}{3})*\\b)"), byteLevel(false)) } },
  { name: "falcon", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence({ type: "Punctuation", behavior: "Contiguous" }, byteLevel(true), { type: "Digits", individual_digits: false }, split("[0-9][0-9][0-9]")) } },
  { name: "nfkc", base: "lines", stride: rare, patch: { ...bytes, normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Replace", pattern: { Regex: "\\s{2,}" }, content: " " }, { type: "Strip", strip_left: true, strip_right: true }] }, pre_tokenizer: byteLevel(true) } },
  ...["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"].flatMap((behavior) => [
    { name: `split-${behavior}`, base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split("[aeiou\\s]", behavior), byteLevel(false)) } },
    { name: `split-${behavior}-inverted`, base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence(split("[A-Za-z]+?", behavior, true), byteLevel(false)) } },
  ]),
  { name: "whitespace", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence({ type: "Whitespace" }, byteLevel(false)) } },
  { name: "whitespace-split", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence({ type: "WhitespaceSplit" }, { type: "Punctuation", behavior: "Isolated" }, byteLevel(false)) } },
  { name: "delimiter", base: "lines", stride: rare, patch: { ...bytes, pre_tokenizer: sequence({ type: "CharDelimiterSplit", delimiter: "e" }, split("(?=[A-Z])"), byteLevel(false)) } },
  { name: "metaspace-always", base: "pieces", stride: rare, patch: { ...pieces, pre_tokenizer: metaspace("always", true), decoder: metaspace("always", true) } },
  { name: "metaspace-never", base: "pieces", stride: rare, patch: { ...pieces, pre_tokenizer: metaspace("never", true), decoder: metaspace("never", true) } },
  { name: "gemma", base: "pieces", stride: rare, patch: { ...pieces, normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" }, pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
    decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }] } } },
  { name: "fused-unknown", base: "pieces", stride: rare, model: { byte_fallback: false, fuse_unk: true }, patch: { ...pieces, normalizer: legacy } },
  { name: "single-unknown", base: "pieces", stride: rare, model: { byte_fallback: false, fuse_unk: false }, patch: { ...pieces, normalizer: legacy } },
  { name: "no-unknown", base: "pieces", stride: rare, model: { byte_fallback: false, fuse_unk: false, unk_token: null }, patch: { ...pieces, normalizer: legacy, decoder: null } },

  // The families' own, in the form in which they are published: pre-tokenizer, processors, and the tokens that are added.
  { name: "neox", base: "words", stride: rare, added: { "<|padding|>": { special: true }, ...spaces }, patch: { ...bytes, normalizer: { type: "NFC" }, pre_tokenizer: byteLevel(true) } },
  { name: "jamba", base: "pieces", stride: rare, added: { "<|pad|>": { special: true }, "<|startoftext|>": { special: true }, "<|endoftext|>": { special: true }, "<|unk|>": { special: true }, "<think>": {}, "</think>": {}, "<tool_calls>": {} },
    patch: { ...pieces, normalizer: legacy, post_processor: template("<s>", 1) } },
  { name: "granite", base: "lines", stride: rare, added: { "<|start_of_role|>": { special: true }, "<|end_of_role|>": { special: true }, "<|end_of_text|>": { special: true }, "<|fim_prefix|>": { special: true }, "<|fim_middle|>": { special: true }, "<|fim_suffix|>": { special: true }, "<|tool_call|>": { special: true }, "<tool_call>": {}, "</tool_call>": {} },
    patch: { ...bytes, pre_tokenizer: sequence(split(cl100k, "Removed", true), byteLevel(false)), post_processor: { ...byteDecoder, add_prefix_space: true, trim_offsets: false } } },
  { name: "lfm2", base: "lines", stride: rare, model: { ignore_merges: true }, added: { "<|pad|>": { special: true }, "<|startoftext|>": { special: true }, "<|tool_list_start|>": { special: true }, "<|tool_call_start|>": { special: true }, ...reserved(0, 8) },
    patch: { ...bytes, pre_tokenizer: sequence(split(cl100k), byteLevel(false)), post_processor: { type: "Sequence", processors: [{ ...byteDecoder, trim_offsets: false }, template("<|endoftext|>", 0)] } } },
  { name: "falcon-h1", base: "lines", stride: rare, added: { ">>TITLE<<": { special: true }, ">>ABSTRACT<<": { special: true }, "<|begin_of_text|>": { special: true }, "<|eom_id|>": { special: true }, ...reserved(0, 8) }, patch: { ...bytes, pre_tokenizer: falconH1 } },
];

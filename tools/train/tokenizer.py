"""Byte-level BPE: trained here, saved as a Hugging Face tokenizer.json, and used to encode the corpus.

Plain Python, so that the tokenizer can be made on any machine. Text is first cut into words; every word is
merged on its own, so a corpus is encoded word by word with a memo of words already seen.
"""
import argparse
import collections
import heapq
import json
import multiprocessing
import sys

import regex

from corpus import CorpusError, documents

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END_OF_TEXT, TURN_START, TURN_END]

# What tokenizer.json says as Sequence[Digits(individual), ByteLevel(GPT-2's pattern)], in one pattern: Digits
# isolates every numeric character first, so a run of spaces before a digit ends its piece and stays whole.
WORDS = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\p{N}|\s+(?=\p{N})|\s+(?!\S)|\s+")


def byte_letters():
    """GPT-2's printable stand-in for each of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    spare = 256
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(spare)
            spare += 1
    return [letters[byte] for byte in range(256)]


LETTERS = byte_letters()


def train_merges(counts, merges):
    """The `merges` most frequent pair merges, greedily, over {word: count}. Pairs are of symbol strings.

    Pair counts are kept up to date merge by merge; the heap holds stale entries that are skipped when popped.
    Ties break by the pair's text, so the result does not depend on the order of the counts.
    """
    words = [([LETTERS[b] for b in word.encode()], n) for word, n in counts.items()]
    pairs = collections.Counter()
    where = collections.defaultdict(set)
    for index, (symbols, n) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += n
            where[pair].add(index)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    made = []
    while heap and len(made) < merges:
        negative, pair = heapq.heappop(heap)
        if pairs.get(pair, 0) != -negative:
            continue
        if -negative < 2:
            break
        made.append(pair)
        joined = pair[0] + pair[1]
        changed = set()
        for index in where.pop(pair):
            symbols, n = words[index]
            i, merged = 0, []
            for old in zip(symbols, symbols[1:]):
                pairs[old] -= n
                changed.add(old)
            while i < len(symbols):
                if i + 1 < len(symbols) and symbols[i] == pair[0] and symbols[i + 1] == pair[1]:
                    merged.append(joined)
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            words[index] = (merged, n)
            for new in zip(merged, merged[1:]):
                pairs[new] += n
                where[new].add(index)
                changed.add(new)
        pairs.pop(pair, None)
        for old in changed:
            if pairs.get(old, 0) > 0:
                heapq.heappush(heap, (-pairs[old], old))
    return made


def tokenizer_json(merges):
    """The tokenizer.json of these merges: special tokens first, then the bytes, then the merges in order."""
    tokens = SPECIAL + sorted(LETTERS) + [a + b for a, b in merges]
    vocab = {}
    for token in tokens:  # two merges may spell the same token: it keeps its first id
        vocab.setdefault(token, len(vocab))
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
        "added_tokens": [{"id": vocab[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for t in SPECIAL],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True}, level]},
        "decoder": dict(level),
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": [list(pair) for pair in merges]},
    }


class Tokenizer:
    """Encodes and decodes with a tokenizer.json written by this file."""

    def __init__(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
            model = data["model"]
            self.vocab = model["vocab"]
            self.ranks = {tuple(pair): rank for rank, pair in enumerate(model["merges"])}
            kinds = [p["type"] for p in data["pre_tokenizer"]["pretokenizers"]]
            if kinds != ["Digits", "ByteLevel"]:
                raise KeyError("pre_tokenizer")
            self.end, self.turn_start, self.turn_end = (self.vocab[t] for t in SPECIAL)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{path}: not a tokenizer.json of tools/train ({error!r}): make one with tokenizer.py")
        self.tokens = [token for token, _ in sorted(self.vocab.items(), key=lambda item: item[1])]
        self.memo = {}

    def __len__(self):
        return len(self.vocab)

    @property
    def sizes(self):
        """Bytes of text that each token stands for, none for the special ones."""
        return [0 if token in SPECIAL else len(token) for token in self.tokens]

    def encode(self, text):
        """Ids of plain text; special tokens written in it stay text, so no document can forge a turn."""
        memo, ids = self.memo, []
        for word in WORDS.findall(text):
            got = memo.get(word)
            if got is None:
                got = memo[word] = self._merge([LETTERS[b] for b in word.encode("utf-8", "replace")])
            ids += got
        return ids

    def _merge(self, symbols):
        while len(symbols) > 1:
            rank, i = min((self.ranks.get(pair, sys.maxsize), i) for i, pair in enumerate(zip(symbols, symbols[1:])))
            if rank == sys.maxsize:
                break
            symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
        return [self.vocab[symbol] for symbol in symbols]

    def decode(self, ids):
        """Text of ids, special tokens left out, broken UTF-8 replaced."""
        back = {letter: byte for byte, letter in enumerate(LETTERS)}
        out = bytearray()
        for i in ids:
            token = self.tokens[int(i)]
            if token not in SPECIAL:
                out += bytes(back[letter] for letter in token)
        return out.decode("utf-8", "replace")


def count_words(path):
    counts = collections.Counter()
    for document in documents(path, allow_truncated=True):
        texts = [document["text"]] if "text" in document else [m["content"] for m in document["messages"]]
        for text in texts:
            counts.update(WORDS.findall(text))
    return counts


def main():
    parser = argparse.ArgumentParser(description="Train a byte-level BPE tokenizer on JSON-lines shards.")
    parser.add_argument("shards", nargs="+", help="*.jsonl.xz with text or messages")
    parser.add_argument("--vocab", type=int, default=16384, help="size with special tokens and bytes (default 16384)")
    parser.add_argument("--min-count", type=int, default=3, help="words seen less often are left out (default 3)")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--out", required=True, help="tokenizer.json to write")
    args = parser.parse_args()
    room = args.vocab - len(SPECIAL) - len(LETTERS)
    if room < 0:
        raise CorpusError(f"--vocab {args.vocab}: want at least {len(SPECIAL) + len(LETTERS)} (special tokens and bytes)")
    with multiprocessing.Pool(args.workers) as pool:
        counts = sum(pool.imap_unordered(count_words, args.shards), collections.Counter())
    counts = {word: n for word, n in counts.items() if n >= args.min_count}
    print(f"{len(counts)} different words", file=sys.stderr)
    merges = train_merges(counts, room)
    data = tokenizer_json(merges)
    # A merge that spells an existing token adds no id: train a few more until the vocabulary is full.
    extra = room
    while len(data["model"]["vocab"]) < args.vocab and len(merges) == extra:
        extra += args.vocab - len(data["model"]["vocab"])
        merges = train_merges(counts, extra)
        data = tokenizer_json(merges)
    with open(args.out, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
    print(f"{args.out}: {len(data['model']['vocab'])} tokens", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"tokenizer.py: {error}")

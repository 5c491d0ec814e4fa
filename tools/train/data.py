"""From shards of text to batches of tokens.

`data.py` encodes shards once. A text shard becomes one stream of uint16 ids, every document ended by <|endoftext|>;
a chat shard becomes dialogues in ChatML with a mark at every token the assistant has to say itself. Dialogues that hold
one of the questions that answers are judged by (questions.py) are left out.
"""
import argparse
import bisect
import functools
import glob
import multiprocessing
import os
import sys

import numpy as np

from corpus import CorpusError, documents
from questions import held_back
from tokenizer import Tokenizer

# Last documents of a kind's last shard, for validation.
HELD_OUT = {"stories": 8, "wikipedia": 200, "chat": 700, "authored": 200, "generated": 400}
TIMES = {"trivia": 0.25, "authored": 2.0, "made": 0.2}  # how often an epoch has a dialogue of a source, where it is not once

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def encode_dialogue(tokenizer, messages):
    """Ids and marks of one dialogue, as CHAT_TEMPLATE writes it, then <|endoftext|>.

    A mark of 1 says that the model learns to produce this token: the assistant's words and the <|im_end|> after them.
    """
    ids, learn = [], []

    def add(tokens, mark):
        ids.extend(tokens)
        learn.extend([mark] * len(tokens))

    newline = tokenizer.encode("\n")
    for message in messages:
        # Header and words are encoded apart: a template's text before the words ends in a newline, and
        # a tokenizer that saw both together would join it to words that begin with white space.
        add([tokenizer.turn_start] + tokenizer.encode(message["role"] + "\n"), 0)
        mark = int(message["role"] == "assistant")
        add(tokenizer.encode(message["content"].strip()) + [tokenizer.turn_end], mark)
        add(newline, 0)
    add([tokenizer.end], 0)
    return ids, learn


_worker = None


def _start(path):
    global _worker
    _worker = Tokenizer(path)


def _encode(document):
    """Ids, marks and times an epoch of a document, or None where it is held back."""
    if "text" in document:
        return np.array(_worker.encode(document["text"]) + [_worker.end], np.uint16), None, 1.0
    if held_back(document["messages"]):
        return None
    ids, learn = encode_dialogue(_worker, document["messages"])
    return np.array(ids, np.uint16), np.array(learn, np.uint8), TIMES.get(document.get("source", "").split("-")[0], 1.0)


def encode_shards(shards, tokenizer_path, out, workers, allow_truncated=False, more_follow=False):
    """Encodes shards into out: NAME.ids.npy, for dialogues NAME.learn.npy, .ends.npy and .times.npy, and NAME.val.*"""
    vocabulary = len(Tokenizer(tokenizer_path))
    if vocabulary > 65536:
        raise CorpusError(f"{tokenizer_path}: {vocabulary} tokens: want at most 65536, ids are stored in two bytes")
    os.makedirs(out, exist_ok=True)
    last = {os.path.basename(shard).split("-")[0]: shard for shard in sorted(shards)}
    with multiprocessing.Pool(workers, _start, (tokenizer_path,)) as pool:
        for shard in shards:
            base = os.path.basename(shard).split(".")[0]
            kind = base.split("-")[0]
            read = list(pool.imap(_encode, documents(shard, allow_truncated), chunksize=4 if kind == "stories" else 64))
            done = [row for row in read if row is not None]
            held = min(HELD_OUT.get(kind, 0), len(done) // 4) if last[kind] == shard and not more_follow else 0
            parts = {base: done[:len(done) - held], base + ".val": done[len(done) - held:]}
            for name, rows in parts.items():
                if not rows:
                    continue
                at = os.path.join(out, name)
                ids = np.concatenate([row[0] for row in rows])
                if rows[0][1] is not None:
                    np.save(at + ".learn.npy", np.concatenate([row[1] for row in rows]))
                    np.save(at + ".ends.npy", np.cumsum([len(row[0]) for row in rows]))
                    np.save(at + ".times.npy", np.array([row[2] for row in rows], np.float32))
                np.save(at + ".ids.npy", ids)
                print(f"{name}: {len(rows)} documents, {len(ids)} tokens", flush=True)
            if len(read) > len(done):
                print(f"{base}: {len(read) - len(done)} dialogues held back, which have questions that answers are judged by", flush=True)


def _names(folder, chat, held_out):
    names = sorted(path[:-len(".ids.npy")] for path in glob.glob(os.path.join(folder, "*.ids.npy")))
    return [name for name in names
            if name.endswith(".val") == held_out and os.path.exists(name + ".learn.npy") == chat]


@functools.lru_cache(maxsize=None)  # the streams of a run share what they read
def _loaded(names, suffix):
    return np.concatenate([np.load(name + suffix) for name in names])


def _load(names, suffix):
    return _loaded(tuple(names), suffix)


class Stream:
    """Rows without end, at any number: row(number) is ids [length + 1], weights [length] of what is learned, and since
    [length], how many tokens lie between each id and the first that it may know of."""

    def batch(self, step, size, rank=0, ranks=1):
        """Process rank's share of the rows of batch `step`, of size rows."""
        numbers = range(step * size + size * rank // ranks, step * size + size * (rank + 1) // ranks)
        return tuple(map(np.stack, zip(*map(self.row, numbers))))


class TextStream(Stream):
    """Rows cut from all text, in a new order and at new cuts every epoch."""

    def __init__(self, folder, length, seed=0, held_out=False):
        names = _names(folder, False, held_out)
        if not names:
            raise CorpusError(f"{folder}: no encoded text: run data.py on the text shards first")
        self.ids, self.length, self.seed, self.shuffle = _load(names, ".ids.npy"), length, seed, not held_out
        self.rows = (len(self.ids) - 1 - (length if self.shuffle else 0)) // length
        if self.rows < 1:
            raise CorpusError(f"{folder}: {len(self.ids)} tokens of text, want at least {2 * length + 1} for rows of {length}")
        self.epoch = None

    def row(self, number):
        epoch, index = divmod(number, self.rows)
        if self.shuffle and self.epoch != epoch:
            random = np.random.default_rng((self.seed, epoch))
            self.epoch, self.order, self.offset = epoch, random.permutation(self.rows), int(random.integers(self.length))
        start = self.order[index] * self.length + self.offset if self.shuffle else index * self.length
        ids = self.ids[start:start + self.length + 1].astype(np.int64)
        return ids, np.ones(self.length, np.float32), np.arange(self.length, dtype=np.int32)


class ChatStream(Stream):
    """Rows packed from whole dialogues; a share of the rows is plain text, so that the model keeps its English.

    Every row starts with a dialogue, as a conversation starts when the model is used; its other dialogues know nothing of
    each other where since is heeded. An epoch has a dialogue as often
    as its source's TIMES say: 0.25 is a quarter of them, 3.5 each one three or four times. What is left of a row is
    <|endoftext|>, not learned.
    """

    def __init__(self, folder, length, end, seed=0, held_out=False, text=0.0):
        names = _names(folder, True, held_out)
        if not names:
            raise CorpusError(f"{folder}: no encoded chat: run data.py on the chat shards first")
        self.ids, self.learn = _load(names, ".ids.npy"), _load(names, ".learn.npy")
        self.lengths = np.concatenate([np.diff(np.load(name + ".ends.npy"), prepend=0) for name in names])
        self.ends = np.cumsum(self.lengths)
        self.times = np.ones(len(self.ends), np.float32) if held_out else _load(names, ".times.npy")
        self.length, self.end, self.seed = length, end, seed
        self.text = TextStream(folder, length, seed) if text > 0 else None
        self.text_share = text
        self.starts = [0]  # of each epoch that was packed so far, in rows of dialogues, and where the next one starts
        self.packed = None, []

    def pack(self, epoch):
        """The epoch's rows: lists of dialogue numbers that fit a row of length + 1 tokens together."""
        if self.packed[0] != epoch:
            random = np.random.default_rng((self.seed, epoch))
            drawn = np.floor(self.times + random.random(len(self.times))).astype(int)
            rows, row, room = [], [], self.length + 1
            for number in random.permutation(np.repeat(np.arange(len(drawn)), drawn)):
                if row and self.lengths[number] > room:
                    rows.append(row)
                    row, room = [], self.length + 1
                row.append(int(number))
                room -= int(self.lengths[number])
            self.packed = epoch, rows + [row]
        return self.packed[1]

    @property
    def rows(self):
        """How many rows of dialogues the first epoch has."""
        return len(self.pack(0))

    def fill(self, row):
        ids = np.full(self.length + 1, self.end, np.int64)
        learn = np.zeros(self.length + 1, np.float32)
        since = np.arange(self.length + 1, dtype=np.int32)
        at = 0
        for number in row:
            stop = self.ends[number]
            start = stop - self.lengths[number]
            take = min(self.length + 1 - at, int(stop - start))
            ids[at:at + take] = self.ids[start:start + take]
            learn[at:at + take] = self.learn[start:start + take]
            since[at:] = np.arange(self.length + 1 - at)
            at += take
        return ids, learn[1:], since[:-1]

    def row(self, number):
        """Text and dialogues are spread evenly by their shares."""
        before, after = (int(n * (1 - self.text_share)) for n in (number, number + 1))
        if before == after:
            return self.text.row(number - before)
        while before >= self.starts[-1]:
            self.starts.append(self.starts[-1] + len(self.pack(len(self.starts) - 1)))
        epoch = bisect.bisect_right(self.starts, before) - 1
        return self.fill(self.pack(epoch)[before - self.starts[epoch]])


def main():
    parser = argparse.ArgumentParser(description="Encode JSON-lines shards into token streams.")
    parser.add_argument("shards", nargs="+", help="*.jsonl.xz; the name up to the first '-' is the kind")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--allow-truncated", action="store_true", help="use the whole lines of a shard cut off in the middle")
    parser.add_argument("--more-follow", action="store_true",
                        help="another call encodes the last shards of these kinds, so hold nothing out here")
    args = parser.parse_args()
    encode_shards(args.shards, args.tokenizer, args.out, args.workers, args.allow_truncated, args.more_follow)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"data.py: {error}")

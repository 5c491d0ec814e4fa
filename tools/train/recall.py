"""What recall is learned from: documents with a pass key somewhere in much irrelevant text, and the question for it at their end.

The plain form is the passkey prompt after Mohtashami and Jaggi; around it stand varied phrasings, real text as filler,
and the same as a chat. Three things make the Mamba states learn it, not attention alone. In most of these rows attention
sees the last few keys only (model.NEAR): four layers of a window of 2,048 reach across 4,096 tokens by handing on from
one to the next, which is learned first and is of no use at 16,384. Dense rows hold many documents of all lengths, the
shortest barely longer than what attention sees, with keys from one digit on: what is easy to hold is learned first. And
filler may be given a pace: each of its tokens counts for the states as if it came that many times (model.stretch), so
that 4,096 tokens teach what 262,144 ask.
"""
import itertools

import numpy as np

from corpus import CorpusError

INTRO = ("There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. I will quiz you "
         "about the important information there.")
GARBAGE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
FACT = "The pass key is {k}. Remember it. {k} is the pass key."
QUESTION, ANSWER = "What is the pass key?", "The pass key is"

INTROS = [INTRO, "Somewhere in the text below there is a number. Keep it in mind.", "Read the following with care.", ""]
FILLERS = [
    GARBAGE.split(". ")[0] + ".", "The sky is blue.", "The sun is yellow.", "Here we go.", "There and back again.",
    "The river runs to the sea.", "It rained in the morning.", "Nothing happened for a while.", "The road is long.",
    "A dog sleeps in the yard.", "The wind moves the leaves.", "She closed the window.", "They walked on in silence.",
    "The bread was warm.", "Winter comes after autumn.", "The old clock struck again.", "Birds sing in the trees.",
    "He read the paper and drank his tea."]
PHRASINGS = [  # fact, question, start of the answer
    (FACT, QUESTION, ANSWER),
    ("The secret code is {k}. Do not forget it.", "What is the secret code?", "The secret code is"),
    ("My phone number is {k}. Please write it down.", "What is my phone number?", "Your phone number is"),
    ("The number of the room is {k}.", "What is the number of the room?", "The number of the room is"),
    ("The password is {k}. The password is {k}.", "What was the password?", "The password was"),
    ("Remember this number: {k}.", "Which number should you remember?", "The number is"),
    ("The key to the safe is {k}. {k} opens the safe.", "What is the key to the safe?", "The key to the safe is"),
    ("Note that the magic number is {k}.", "What is the magic number?", "The magic number is"),
]
DIGITS = {"short": {"a": [1, 2, 3, 5], "p": [0.4, 0.2, 0.1, 0.3]}, "long": {"a": [4, 5, 6, 7], "p": [0.1, 0.7, 0.1, 0.1]}}
ASKED, TOLD, AFTER = 1.0, 0.5, 1.0  # weights: the key in the answer, where the fact repeats it, what ends the answer
ROW = 0.5  # all weights of a row with keys come to this share of a row of text
SHORTEST, SHORT = 40, 80  # tokens of a dense row's document, with a few words of filler, and its longest where rows are densest
HELD = 0.75  # of the rows with keys: attention sees model.NEAR keys only
LONGEST_PACE = 64


class Writer:
    """Builds one row. Pieces are encoded apart, at places where the tokenizer cuts anyway."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.ids, self.weights, self.paces = [], [], []
        self.answers = []  # where the asked keys stand: slices of ids

    def put(self, ids, weight=0.0, pace=1.0):
        self.ids.extend(ids)
        self.weights.extend([weight] * len(ids))
        self.paces.extend([pace] * len(ids))

    def answer(self, key):
        start = len(self.ids)
        self.put(self.tokenizer.encode(" " + key), ASKED)
        self.answers.append(slice(start, len(self.ids)))

    def text(self, text, key="", told=0.0):
        """Text with {k}; from its second place on, the key carries the weight told."""
        for i, part in enumerate(text.split("{k}")):
            if i:
                self.put(self.tokenizer.encode(key), told if i > 1 else 0.0)
            # A space before a digit is a piece of its own, as the pattern has it.
            self.put(self.tokenizer.encode(part))


class RecallStream:
    """Rows of another stream, a share of them replaced by documents with keys.

    paced: half of these are one long document or a few, with filler at a pace; else all of them are dense. Each
    process's part of a batch begins with rows whose attention is held short, then come others with keys, then the other
    stream's.
    """

    def __init__(self, others, text, length, tokenizer, seed=0, share=0.6, paced=True, prose=0.3):
        """text: the ids that real text as filler is cut from, which the share prose of the documents has."""
        self.others, self.text, self.length, self.tokenizer = others, text, length, tokenizer
        self.seed, self.share, self.paced, self.prose = seed, share, paced, prose
        self.newline = tokenizer.encode("\n")
        self.garbage = tokenizer.encode(" " + GARBAGE)
        smallest = sum(map(len, map(tokenizer.encode, (INTRO, FACT, QUESTION, ANSWER)))) + 2 * len(self.garbage) + 40
        if length < smallest:
            raise CorpusError(f"recall: rows of {length} tokens, want at least {smallest} for a passkey document")

    def _fill(self, writer, random, kind, count, pace):
        """At most count tokens of filler: whole sentences with a space between them, or a piece of real text."""
        if kind == "text":
            start = int(random.integers(0, len(self.text) - count))
            ids = self.text[start:start + count]
            writer.put(np.where(ids == self.tokenizer.end, self.newline[0], ids).tolist())
            return
        lines = [GARBAGE] if kind == "garbage" else [FILLERS[i] for i in random.integers(0, len(FILLERS), 12)]
        end, space = len(writer.ids) + count, ""
        for line in itertools.cycle(lines):
            ids = self.tokenizer.encode(space + line)
            if len(writer.ids) + len(ids) > end:
                break
            writer.put(ids, 0.0, pace)
            space = " "

    def document(self, writer, random, room, plain=False, depth=None, after=None, pace=None, short=False):
        """One document of at most room tokens: introduction, filler, fact, filler, question and answer.

        plain: the paper's form alone. depth: the share of the filler before the fact. after: the filler's tokens after
        it, where depth does not say. short: no introduction, and keys from one digit on.
        """
        encode = self.tokenizer.encode
        fact, question, answer = PHRASINGS[0] if plain or random.random() < 0.5 else PHRASINGS[random.integers(len(PHRASINGS))]
        intro = INTRO if plain else "" if short else INTROS[random.integers(len(INTROS))]
        kind = "garbage" if plain else random.choice(
            ["garbage", "sentences", "text"], p=[(1 - self.prose) * 4 / 7, (1 - self.prose) * 3 / 7, self.prose])
        if pace is None:
            pace = 1.0 if random.random() < 0.4 or kind == "text" else float(np.exp(random.uniform(0, np.log(LONGEST_PACE))))
        chat = not plain and random.random() < 0.2
        digits = 5 if plain else random.choice(**DIGITS["short" if short else "long"])
        key = str(random.integers(1, 10)) + "".join(str(d) for d in random.integers(0, 10, digits - 1))
        start = len(writer.ids)
        newline = self.newline
        if chat:
            writer.put([self.tokenizer.turn_start] + encode("user\n"))
        if intro:
            writer.text(intro)
            writer.put(newline)
        told = len(encode(fact.replace("{k}", key)))
        asked = len(encode(question)) + len(encode(answer)) + len(encode(" " + key)) + 12
        free = max(0, room - (len(writer.ids) - start) - told - asked)
        if depth is None:
            depth = random.random() if after is None else 1 - min(1, after / max(1, free))
        before = int(free * depth)
        self._fill(writer, random, kind, before, pace)
        writer.put(newline)
        writer.text(fact, key, TOLD)
        writer.put(newline)
        self._fill(writer, random, kind, free - before, pace)
        writer.put(newline)
        writer.text(question)
        if chat:
            writer.put([self.tokenizer.turn_end] + newline + [self.tokenizer.turn_start] + encode("assistant\n"))
            writer.text(answer)
        else:
            writer.text(" " + answer)
        writer.answer(key)
        writer.put(encode("."), AFTER)
        if chat:
            writer.put([self.tokenizer.turn_end], AFTER)
        writer.put(newline + [self.tokenizer.end])

    def _row(self, writer):
        ids = np.full(self.length + 1, self.tokenizer.end, np.int64)
        weights, pace = np.zeros(self.length + 1, np.float32), np.ones(self.length + 1, np.float32)
        take = min(len(writer.ids), self.length + 1)
        ids[:take], weights[:take], pace[:take] = writer.ids[:take], writer.weights[:take], writer.paces[:take]
        return ids, weights[1:] * np.float32(ROW * self.length / weights[1:].sum()), np.arange(self.length, dtype=np.int32), pace[:-1]

    def keyed(self, number):
        """Row `number` of documents with keys: ids [length + 1], weights, since and pace [length]; its documents know of each other."""
        random = np.random.default_rng((self.seed, 7, number))
        writer = Writer(self.tokenizer)
        if self.paced and random.random() < 0.5:
            while (left := self.length - len(writer.ids)) > 150:
                self.document(writer, random, left if random.random() < 0.7 else int(random.integers(150, left + 1)))
            return self._row(writer)
        longest = np.exp(random.uniform(np.log(SHORT), np.log(self.length)))
        while (left := self.length - len(writer.ids)) > SHORTEST:
            room = min(left, int(np.exp(random.uniform(np.log(SHORTEST), np.log(longest)))))
            self.document(writer, random, room, depth=0.0 if random.random() < 0.7 else None, pace=1.0, short=True)
        return self._row(writer)

    def probe(self, size, after=None, pace=1, seed=1 << 30, rank=0, ranks=1):
        """Process rank's share of size rows of the plain form that no training row shows: ids, where the asked key is, pace.

        after: the filler's tokens between key and question; None: at depths spread evenly. Every token of it has the pace.
        """
        rows = []
        for i in range(size * rank // ranks, size * (rank + 1) // ranks):
            writer = Writer(self.tokenizer)
            self.document(writer, np.random.default_rng((seed, i)), self.length, plain=True, after=after, pace=float(pace),
                          depth=i / max(1, size - 1) if after is None else None)
            ids, _, _, paces = self._row(writer)
            asked = np.zeros(self.length + 1, bool)
            asked[writer.answers[0]] = True
            rows.append((ids, asked[1:], paces))
        return tuple(map(np.stack, zip(*rows)))

    def shape(self, part):
        """Of a process's part rows of a batch: how many have keys, which is fewer than all, and how many are held short."""
        keyed = min(part - 1, max(1, round(part * self.share)))
        return keyed, max(1, int(keyed * HELD))

    def batch(self, step, size, rank=0, ranks=1):
        """Process rank's part of batch `step`: ids, weights, since, pace [part, length] or None, and how many rows are held short."""
        part = size // ranks
        keyed, held = self.shape(part)
        with_keys = [self.keyed((step * ranks + rank) * keyed + i) for i in range(keyed)]
        others = zip(*self.others.batch(step, (part - keyed) * ranks, rank, ranks))
        rows = with_keys + [(ids, weights, since, np.ones_like(weights)) for ids, weights, since in others]
        ids, weights, since, pace = map(np.stack, zip(*rows))
        return ids, weights, since, pace if self.paced else None, held

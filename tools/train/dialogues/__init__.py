"""Dialogues made from rules and small tables.

A kind's maker takes a random.Random and `other`, which gives turns about something else, and returns turns: pairs of
what the visitor writes and what the assistant answers.
"""
import random
import zlib

from . import authored, dates, encyclopedia, everyday, memory, passages, science, sums, tales, talk, texts, told, words, world


def looking_back(rng, other):
    return (told.retold if rng.random() < 0.55 else memory.memory)(rng, other)


def given(rng, other):
    return (texts.reading if rng.random() < 0.55 else passages.passages)(rng, other)


# The maker of a kind, how many dialogues are made of it unless said otherwise, and its weight among what stands between other talk.
KINDS = {
    "memory": (looking_back, 75000, 0),
    "passages": (given, 75000, 0),
    "everyday": (everyday.everyday, 300000, 0),
    "sums": (lambda r, other: sums.sums(r), 80000, 4),
    "dates": (lambda r, other: dates.dates(r), 20000, 1),
    "world": (lambda r, other: world.world(r), 80000, 3),
    "words": (lambda r, other: words.words(r), 45000, 2),
    "science": (lambda r, other: science.science(r), 45000, 2),
    "talk": (lambda r, other: talk.talk(r), 60000, 2),
    "tales": (lambda r, other: tales.tales(r), 14000, 0),
    "howto": (lambda r, other: tales.howto(r), 25000, 1),
    "again": (authored.again, 50000, 0),
    "encyclopedia": (encyclopedia.reading, 8000, 0),
}
JOINED = {"sums", "dates", "world", "words", "science", "talk", "howto"}  # whose single questions also follow one another
GIVE_UP = 60000  # dialogues thrown away one after the other because they stood there already


class Making:
    """Makes dialogues from a seed."""

    def __init__(self, seed, authored_shard=None, articles_shard=None):
        self.seed = seed
        self.random = random.Random(seed)
        self.authored = authored.load(authored_shard) if authored_shard else []
        self.articles = encyclopedia.load(articles_shard) if articles_shard else []
        self.between = [(maker, weight) for maker, _, weight in KINDS.values() if weight]

    def other(self, rng):
        """One exchange, now and then two, about anything."""
        if self.authored and rng.random() < 0.35:
            return authored.single(rng, self.authored)
        maker = rng.choices([m for m, _ in self.between], [w for _, w in self.between])[0]
        return maker(rng, self.other)[:2]

    def turns(self, kind, rng):
        maker = KINDS[kind][0]
        if kind == "again":
            return authored.again(rng, self.authored, self.other)
        if kind == "encyclopedia":
            return encyclopedia.reading(rng, self.articles)
        turns = maker(rng, self.other)
        if kind in JOINED:
            while rng.random() < 0.3 and len(turns) < 6:
                turns = turns + (maker(rng, self.other) if rng.random() < 0.7 else self.other(rng))
        return turns

    def dialogues(self, kind, number, held_back, normal):
        """This many different dialogues of a kind, fewer where its rules give no more."""
        if kind == "again" and not self.authored or kind == "encyclopedia" and not self.articles:
            return []
        rng = random.Random(self.seed * 1000003 + zlib.crc32(kind.encode()))
        made, seen, failed = [], set(), 0
        while len(made) < number and failed < GIVE_UP:
            turns = self.turns(kind, rng)
            key = tuple(q for q, _ in turns)
            messages = [{"role": role, "content": text} for turn in turns for role, text in zip(("user", "assistant"), turn)]
            if key in seen or held_back(messages):
                failed += 1
                continue
            failed = 0
            seen.add(key)
            made.append({"source": "made-" + kind, "messages": messages})
        return made

"""Tables beside the code, and questions about pairs: both ways, yes or no, of several, wrong claims."""
import os
import re

from .phrasing import ask, capital, listed, pick, styled

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tables")

SMALL = set("a an the is are it of in on to and or was were they people one first for it's called by has have does do s".split())


def lines(name):
    """The lines of tables/NAME.txt that are not empty."""
    with open(os.path.join(FOLDER, name + ".txt"), encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip()]


def rows(name):
    """The rows of tables/NAME.txt, their fields apart by |."""
    return [line.split("|") for line in lines(name)]


def questions(name):
    """Of tables/NAME.txt: forms of a question and forms of its answer; a line is question|question=answer|answer."""
    return [tuple(side.split("|") for side in line.split("=", 1)) for line in lines(name)]


def asked(name):
    """Further forms of questions about a relation, of tables/forms.txt: those below [NAME forward], [NAME back], [NAME yes] and so on."""
    found, section = {}, None
    for line in map(str.strip, lines("forms")):
        if line.startswith("["):
            of, way = line.strip("[]").split(" ")
            section = found.setdefault(way, []) if of == name else None
        elif section is not None:
            section.append(line)
    return found


def answered(random, entry):
    """One of a fact's questions and one of its answers; the first answer, a whole sentence, comes more often."""
    forms, answers = entry
    question = random.choice(forms)
    told = set(re.findall(r"\w+", question.lower())) - SMALL
    short = [answer for answer in answers[1:] if len(answer.split()) > 5 or not told & (set(re.findall(r"\w+", answer.lower())) - SMALL)]  # "A vet." is no answer to "What does a vet do?"
    return [(styled(random, question), random.choice(answers[:1] * 2 + short))]


class Pairs:
    """a has b: the capital of a country, the young of an animal. Forms are filled with {a}, {b}, of the wrong one with {w}."""

    def __init__(self, pairs, forward, answers, back=(), back_answers=(), yes=(), no=(), choice=(), same=None):
        self.pairs = [tuple(pair[:2]) for pair in pairs]
        self.forward, self.answers, self.back, self.back_answers, self.yes, self.no, self.choice = forward, answers, back, back_answers, yes, no, choice
        self.values = sorted({b for _, b in self.pairs})
        holders = {}
        for a, b in self.pairs:
            holders.setdefault(b, set()).add((same or {}).get(a, a))
        self.holders = holders

    def widened(self, name):
        """With the further forms of this relation, too."""
        for way, forms in asked(name).items():
            setattr(self, way, [*getattr(self, way), *forms])
        return self

    def wrong(self, random, a):
        return random.choice(self.others(a))

    def others(self, a):
        """Values that are wrong for a, and not even a part of what is right."""
        right = {b for x, b in self.pairs if x == a}
        return [v for v in self.values if not any(v in b or b in v for b in right)]

    def turns(self, random):
        a, b = random.choice(self.pairs)
        draw = random.random()
        if draw < 0.5 or not (self.back or self.yes or self.choice):
            return [(ask(random, self.forward, a=a, b=b), pick(random, self.answers[:1] * 2 + self.answers, a=a, b=b))]
        if draw < 0.68 and self.back and len(self.holders[b]) == 1 and not re.search("[,;]", b):
            return [(ask(random, self.back, a=a, b=b), pick(random, self.back_answers[:1] * 2 + self.back_answers, a=a, b=b))]
        if draw < 0.8 and self.yes:
            if random.random() < 0.5:
                return [(ask(random, self.yes, a=a, b=b, w=b), "Yes, " + mid(pick(random, self.answers[:1], a=a, b=b)))]
            w = self.wrong(random, a)
            return [(ask(random, self.yes, a=a, b=w, w=w), random.choice(["No, ", "No, ", "No, that is not right: "]) + mid(pick(random, self.answers[:1], a=a, b=b)))]
        if draw < 0.86 and self.no:
            w = self.wrong(random, a)
            return [(ask(random, self.no, a=a, b=b, w=w), random.choice(["That is not right. ", "Not quite. ", "I don't think so. ", "No. ", "Actually, "]) + pick(random, self.answers[:1], a=a, b=b))]
        if draw < 0.93 and self.choice:
            others = random.sample(self.others(a), 2)
            return [(ask(random, self.choice, a=a, b=b, c=listed(random.sample([b] + others, 3), "or")), pick(random, self.answers[:1] * 2 + ["{b}."], a=a, b=b))]
        turns = []
        for a, b in random.sample(self.pairs, random.choice([2, 3])):
            turns.append((ask(random, self.forward if not turns else self.forward[:3] + ["And {a}?", "and {a}?", "What about {a}?", "and of {a}?"][: 2 if not hasattr(self, "of") else 4], a=a, b=b), pick(random, self.answers[:1], a=a, b=b)))
        return turns


def mid(sentence):
    """A sentence behind "Yes, ": "The capital is" loses its capital letter, a name keeps it."""
    first = sentence.split(" ")[0]
    return sentence[0].lower() + sentence[1:] if first in ("The", "A", "An", "It", "People", "In", "They", "There", "You") else sentence

"""The questions that answers are judged by, and the check that keeps them out of what is trained on.

questions.jsonl is the dev set. second.jsonl and unseen.jsonl are halves of a set by somebody who knew neither it nor the data:
what the second gets wrong may say what to train next, the unseen is for the last judgement alone, and nobody reads its answers.
A line is {"kind", "messages": [the user's turns], "answer": regex searched, whatever the case, in the last answer}.
"""
import argparse
import functools
import json
import os
import re
import sys

from corpus import CorpusError, documents

SETS = tuple(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".jsonl") for name in ("questions", "second", "unseen"))
KINDS = ("facts", "science", "sums", "words", "talk", "memory", "passages", "stories", "howto")
CONTAINED = 3  # words from which on a question is looked for inside a longer turn, behind a greeting for example


def load(path=SETS[0]):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def normal(text):
    """Lower case, words and numbers only, so that "What's 3+4?" and "whats 3 + 4" are the same."""
    return tuple(re.findall(r"\d+|[^\W\d_]+|[-+*/×÷=%^√<>]", text.lower().replace("'", "").replace("’", "")))


class Held:
    """The questions of a set, ready to be looked for."""

    def __init__(self, questions):
        self.short, self.long, self.several = set(), {}, []  # the long ones by their first words
        for question in questions:
            turns = [normal(turn) for turn in question["messages"]]
            if len(turns) == 1:
                if len(turns[0]) < CONTAINED:
                    self.short.add(turns[0])
                else:
                    self.long.setdefault(turns[0][:CONTAINED], set()).add(turns[0])
            else:
                self.several.append(turns)
        self.first = {turns[0] for turns in self.several}

    def __call__(self, messages):
        """Whether the dialogue asks a question of the set: alone in any of its turns, or all turns of one with several."""
        turns = [normal(message["content"]) for message in messages if message["role"] == "user"]
        for turn in turns:
            if turn in self.short:
                return True
            for i, start in enumerate(zip(*(turn[n:] for n in range(CONTAINED)))):
                if start in self.long and any(turn[i:i + len(asked)] == asked for asked in self.long[start]):
                    return True
        if self.first.intersection(turns):
            return any(all(turn in turns for turn in question) for question in self.several)
        return False


@functools.lru_cache(maxsize=None)
def _held(paths):
    return Held([question for path in paths for question in load(path)])


def held_back(messages, paths=SETS):
    """Whether a dialogue [{role, content}] contains a question that answers are judged by and must not be trained on."""
    return _held(tuple(paths))(messages)


def main():
    parser = argparse.ArgumentParser(description="Report the dialogues of shards that contain questions that answers are judged by.")
    parser.add_argument("shards", nargs="+", help="*.jsonl.xz with {\"messages\"}")
    parser.add_argument("--questions", nargs="+", default=SETS, help="sets to look for (default: all)")
    args = parser.parse_args()
    for shard in args.shards:
        found = 0
        for number, document in enumerate(documents(shard), 1):
            if "messages" in document and held_back(document["messages"], args.questions):
                found += 1
                print(f"{shard}:{number}: {document['messages'][0]['content'][:100]!r}")
        print(f"{shard}: {found} dialogues contain questions that answers are judged by")


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"questions.py: {error}")

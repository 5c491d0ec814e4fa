"""Writes the texts that the long evaluations read, none of which was trained on.

held-books.txt: the held-out books. held-out.txt: the same, then the last held-out articles. long.txt, where --bible is
given: the King James Bible, then held-out.txt. Debian's bible-kjv prints it: bible -f gen1:1-rev22:21 > bible.
"""
import argparse
import itertools
import os
import sys

from corpus import CorpusError, documents
from data import HELD_OUT

ARTICLES = 84  # of those held out
BETWEEN = "<|endoftext|>"


def last(corpus, shard, count):
    return [document["text"] for document in documents(os.path.join(corpus, shard + ".jsonl.xz"))][-count:]


def bible(lines):
    """Its chapters as paragraphs, from a verse a line: Ge1:1 In the beginning ..."""
    verses = (line.split(" ", 1) for line in lines)
    chapters = itertools.groupby(verses, lambda verse: verse[0].split(":")[0])
    return "\n\n".join(" ".join(words.strip() for _, words in chapter) for _, chapter in chapters) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", help="folder with the text shards")
    parser.add_argument("--bible", help="what the command bible printed, a verse a line")
    parser.add_argument("--out", required=True, help="folder to write")
    args = parser.parse_args()
    books = last(args.corpus, "stories-01", HELD_OUT["stories"])
    texts = {"held-books": BETWEEN.join(books), "held-out": BETWEEN.join(books + last(args.corpus, "wikipedia-01", ARTICLES))}
    if args.bible:
        with open(args.bible, encoding="utf-8") as file:
            texts["long"] = bible(file) + texts["held-out"]
    os.makedirs(args.out, exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(args.out, name + ".txt"), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    try:
        main()
    except (CorpusError, OSError) as error:
        sys.exit(f"held_out.py: {error}")

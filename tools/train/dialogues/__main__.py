"""Makes a shard of dialogues by rule: python3 -m dialogues --out generated-00.jsonl.xz --seed 0.

The same seed and counts make the same shard. No dialogue contains a question that answers are judged by, and none stands in it twice.
"""
import argparse
import json
import lzma
import sys

from corpus import CorpusError
from questions import held_back, normal

from . import KINDS, Making


def main():
    parser = argparse.ArgumentParser(prog="python3 -m dialogues", description="Make dialogues by rule.")
    parser.add_argument("--out", required=True, help="FILE.jsonl.xz to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", nargs="*", default=[], metavar="KIND=N", help="dialogues of a kind: " + ", ".join(f"{kind}={kept[1]}" for kind, kept in KINDS.items()))
    parser.add_argument("--scale", type=float, default=1.0, help="make this many times as many of each kind (default 1)")
    parser.add_argument("--only", action="store_true", help="make only the kinds that --count names")
    parser.add_argument("--authored", help="authored-00.jsonl.xz: its single questions are asked in other forms, too, and between others")
    parser.add_argument("--texts", nargs="*", default=[], metavar="SHARD", help="wikipedia-00.jsonl.xz, stories-00.jsonl.xz, ...: passages of these are read")
    args = parser.parse_args()
    counts = {} if args.only else {kind: kept[1] for kind, kept in KINDS.items()}
    for pair in args.count:
        kind, _, number = pair.partition("=")
        if kind not in KINDS or not number.isdigit():
            parser.error(f"--count {pair}: want KIND=N with a kind of {', '.join(KINDS)}")
        counts[kind] = int(number)
    counts = {kind: round(number * args.scale) for kind, number in counts.items()}
    making = Making(args.seed, args.authored, args.texts)
    rows = []
    print("| generated | dialogues | words | of several turns |\n|---|---|---|---|")
    total = [0, 0, 0]
    for kind, number in counts.items():
        made = making.dialogues(kind, number, held_back, normal)
        figures = [len(made), sum(len(m["content"].split()) for d in made for m in d["messages"]), sum(len(d["messages"]) > 2 for d in made)]
        total = [x + y for x, y in zip(total, figures)]
        print("| {} | {:,} | {:,} | {:,} |".format(kind, *figures), flush=True)
        rows += made
    print("| all | {:,} | {:,} | {:,} |".format(*total))
    making.random.shuffle(rows)
    with lzma.open(args.out, "wt", encoding="utf-8", preset=6) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (OSError, CorpusError) as error:
        sys.exit(f"dialogues: {error}")

"""Writes a model folder's card: every figure from the file that a command wrote, thirty unedited answers, honest limits.

    samba eval ppl --model DIR --text held-out.txt --lengths 1K,4K,...,256K --json ppl.json
    samba eval passkey --model DIR --lengths 4K,8K,...,256K --json passkey.json  # and with --text book.txt
    samba eval ppl --model DIR --text held-out.txt --lengths 4K --tokens 16384 --json rounded.json  # and of 32 bits
    samba eval answers --model DIR --questions questions.jsonl --json answers.json
    card.py DIR --report report.json --ppl ppl.json --passkey passkey.json --rounding rounded.json exact.json \
        --twins twins.json --answers answers.json

What has not been measured is said to be missing, not left out.
"""
import argparse
import itertools
import json
import math
import os
import sys

from checkpoint import atomically, load_model
from corpus import CorpusError
from model import Samba
from twins import table as twins_table

SHOWN = 30  # answers, as many of each kind as there is room for, the first ones of the file

SOURCES = """| source | licence |
|---|---|
| Project Gutenberg: 1,035 books for children, of adventure and by other popular authors | public domain in the USA |
| English Wikipedia: 25,618 core articles of 2015, their first 9,000 characters | CC BY-SA 3.0 |
| English Wikipedia: what stands beyond, 2017 and later, and further articles (8,017 in all) | CC BY-SA 3.0 and 4.0 |
| 18,497 dialogues written for this model | CC0 1.0 |
{generated}"""

EARLIER = """The weights that it went on from were trained on these, too:

| source | licence |
|---|---|
| databricks-dolly-15k (6,400 dialogues) | CC BY-SA 3.0 |
| grade-school-math (7,473) | MIT |
| Schema-Guided Dialogue (12,174) | CC BY-SA 4.0 |
| Topical-Chat (2,156) | CDLA-Sharing-1.0 |
| Synthetic-Persona-Chat (1,967) | CC BY 4.0 |
| OpenTriviaQA (45,634) | CC BY-SA 4.0 |"""

CARD = """---
license: cc-by-sa-4.0
language: en
---
# Samba's default model

{parameters:.1f} M parameters in the shape of the paper *Samba* (Mamba and sliding-window attention in turn, each followed by an MLP): {layers} blocks, width {width}, MLP {mlp:,}, {heads} query heads in {groups} groups, window {window:,}, vocabulary {vocab:,} with tied embeddings. {bits}

It answers everyday questions briefly in simple English. {right} It was made to show the engine at work, not to be relied on: what it gets wrong sounds as sure as what it gets right, it knows nothing live or private, and it speaks English only. How far back it remembers: {limit}

## How it was trained

{history}

{training}

The commands, the settings and the loss curves are in `tools/train/README.md`.

## What the rounding costs

{rounding}

## Perplexity by length

{ppl}

## Recall

{passkey}

## The paper's comparison

{twins}

## Answers

{answers}

## What it was trained on

{sources}

A part of each was held out to measure on; no dialogue of the last run holds a question that answers are judged by. The weights are published under CC BY-SA 4.0 with this list as attribution.

## Format

The prompt is ChatML: `<|im_start|>user`, a newline, the words, `<|im_end|>`, a newline, and so on; the template is in `tokenizer_config.json`.
"""


def read(path):
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: no report ({error}): it is the file that --json or pipeline.py wrote")


def training(report):
    if not report:
        return "The last run's report is missing."
    rows = ["| stage | device | steps | tokens | seconds | tokens a second | held-out text, nats (perplexity; bits a byte) | held-out chat, nats |",
            "|---|---|---|---|---|---|---|---|"]
    for name, s in report["stages"].items():
        def figure(key, form="{:,.0f}"):
            return form.format(s[key]) if s.get(key) is not None else "–"
        text = f"{figure('val_text', '{:.3f}')} ({figure('text', '{:.2f}')}; {figure('val_text_bits_per_byte', '{:.3f}')})"
        rows.append(f"| {name} | {s.get('device') or '–'} | {figure('steps')} | {figure('tokens')} | {figure('seconds')} | "
                    f"{figure('tokens_s')} | {text} | {figure('val_chat', '{:.3f}')} |")
    return "\n".join(rows)


def where(report):
    parts = report["backend"], report.get("browser"), report["adapter"], report["date"]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def lengths(report):
    return ",".join(str(row["length"]) for row in report["lengths"])


def rounding(rounded, exact):
    """Both are reports of samba eval ppl: the shipped bits and the unquantized weights, over the same tokens."""
    if not rounded:
        return "Not measured for these weights yet (`samba eval ppl`)."
    if rounded["text"] != exact["text"] or rounded["tokens"] != exact["tokens"] or lengths(rounded) != lengths(exact):
        raise CorpusError("--rounding: the two reports are of different tokens: give both the same --text, --lengths and --tokens")
    one, two = rounded["lengths"][-1], exact["lengths"][-1]
    more = 100 * math.expm1(one["nats"] - two["nats"])
    return (f"Perplexity of {one['scored']:,} held-out tokens {one['perplexity']:.3f} with {rounded['bits']} bits, "
            f"{two['perplexity']:.3f} unquantized: {more:+.2f} % (`samba eval ppl --text {rounded['text']} --lengths "
            f"{lengths(rounded)} --tokens {rounded['tokens']}`, {where(rounded)}).")


def twins(results):
    if not results:
        return "Not made for these weights yet (`twins.py`)."
    first = next(iter(results.values()))
    return (f"Twins of {first['parameters'] / 1e6:.1f} M parameters, trained alike on {first['tokens']:,} tokens, and the perplexity of the "
            "same held-out tokens by length; tools/train/README.md has the command and what it shows.\n\n"
            + twins_table(results, [int(n) for n in first["perplexity"]]))


def reach(report):
    """How far before the end of the prompt, in tokens, the nearest key lay that was not retrieved every time, None where
    all were, and before it the furthest."""
    distances = {True: [], False: []}  # of keys retrieved every time, and of others
    for row in report["lengths"]:
        for depth, right, asked in zip(report["depths"], row["right"], row["asked"]):
            if asked:
                distances[right == asked].append(round((1 - depth) * row["prompt_tokens"]))
    missed = min(distances[False], default=None)
    return max((d for d in distances[True] if missed is None or d < missed), default=0), missed


def amid(report):
    return f"amid the prose of {report['text']}" if report.get("text") else "amid one repeated line"


def limit(reports):
    if not reports:
        return "how far back it recalls a number word for word has not been measured."
    said = []
    for report in reports:
        found, missed = reach(report)
        said.append(f"{amid(report)} from {found:,} tokens back" + (", as far as was asked" if missed is None else f", not always from {missed:,} on"))
    return f"a number told once it recalls {'; '.join(said)} (see Recall)."


def each(reports, section, command):
    return "\n\n".join(map(section, reports)) or f"Not measured for these weights yet (`{command}`)."


def perplexity(report):
    rows = [f"The first {report['tokens']:,} tokens of {report['text']}, cut into sequences of each length "
            f"(`samba eval ppl --lengths {lengths(report)}`, {where(report)}):", "", "| length | sequences | nats a token | perplexity |", "|---|---|---|---|"]
    rows += [f"| {r['length']:,} | {r['sequences']:,} | {r['nats']:.4f} ± {r['standard_error']:.4f} | {r['perplexity']:.2f} |"
             for r in report["lengths"]]
    return "\n".join(rows)


def passkey(report):
    hidden, option = ("in a text of one repeated line", "") if not report.get("text") else (
        f"in passages of {report['text']}", f"--text {report['text']} ")
    rows = [f"A five-digit key {hidden}, {report['keys']} at each depth (`samba eval passkey {option}--keys {report['keys']} "
            f"--lengths {lengths(report)}`, {where(report)}); keys retrieved by depth (0 %: the text's start):", "",
            "| tokens | all | " + " | ".join(f"{100 * d:.0f} %" for d in report["depths"]) + " |",
            "|---|---|" + "---|" * len(report["depths"])]
    rows += [f"| {r['length']:,} | {100 * r['retrieved']:.0f} % | " + " | ".join(map(str, r["right"])) + " |"
             for r in report["lengths"]]
    return "\n".join(rows)


def share(report):
    if not report:
        return "How many it gets right has not been measured for these weights."
    asked = sum(row["asked"] for row in report["kinds"])
    return f"Of {asked:,} questions kept out of its training it gets {100 * report['right']:.0f} % right (see Answers)."


def spread(given, count):
    """Up to count of the answers, in turn from each kind, the first ones first, whether right or not."""
    kinds = {}
    for one in given:
        kinds.setdefault(one["kind"], []).append(one)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*kinds.values()))
    chosen = list(itertools.islice(filter(None, turns), count))
    return sorted(chosen, key=lambda one: list(kinds).index(one["kind"]))


def answered(report):
    if not report:
        return "Not measured for these weights yet (`samba eval answers`)."
    how = "greedy" if not report["seeds"] else f"{report['seeds']} seeds each, at the model's own settings"
    asked = sum(row["asked"] for row in report["kinds"])
    rows = [f"`samba eval answers --questions {os.path.basename(report['questions'])}`, {how}, judged by patterns, {where(report)}; "
            f"{100 * report['looping']:.1f} % of the answers repeat eight words in a row, {100 * report['cut']:.1f} % did not end in time:", "",
            "| kind | right | asked | share |", "|---|---|---|---|"]
    rows += [f"| {row['kind']} | {row['right']} | {row['asked']} | {100 * row['right'] / row['asked']:.0f} % |" for row in report["kinds"]]
    rows += [f"| all | {sum(row['right'] for row in report['kinds'])} | {asked} | {100 * report['right']:.1f} % |", "",
             f"{min(SHOWN, len(report['answers']))} of them, unedited: the first ones of each kind, right or wrong.", ""]
    for one in spread(report["answers"], SHOWN):
        for turn, text in zip(one["turns"], one["answers"]):
            rows += ["\n".join("> " + line for line in turn.splitlines()), ""]
            rows += ["    " + line for line in text.strip().splitlines() or [""]] + [""]
        rows += [f"({one['kind']}, judged {'right' if one['right'] else 'wrong'})", ""]
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("folder", help="model folder; its README.md is written")
    add("--report", help="report.json of pipeline.py")
    add("--ppl", nargs="+", default=[], help="JSON of samba eval ppl")
    add("--passkey", nargs="+", default=[], help="JSON of samba eval passkey")
    add("--rounding", nargs=2, metavar=("ROUNDED", "EXACT"), help="JSON of samba eval ppl: the folder's bits, and 32 bits")
    add("--twins", help="twins.json of twins.py")
    add("--history", default="", help="what came before the last run, in a sentence")
    add("--answers", help="JSON of samba eval answers")
    add("--generated", nargs=2, action="append", default=[], metavar=("SOURCE", "LICENCE"), help="a source of generated dialogues")
    add("--earlier", action="store_true", help="the weights went on from the ones that were trained on the older chats")
    args = parser.parse_args()
    config, _ = load_model(args.folder)
    fields = read(os.path.join(args.folder, "config.json"))
    index = read(os.path.join(args.folder, "model.safetensors.index.json"))
    quantization = fields.get("quantization")
    bits = f"Weights of {quantization['bits']} bits in groups of {quantization['group_size']}" if quantization else "Unquantized weights"
    answers = read(args.answers)
    generated = "\n".join(f"| {source} | {licence} |" for source, licence in args.generated)
    keys = list(map(read, args.passkey))
    text = CARD.format(
        parameters=sum(p.numel() for p in Samba(config).parameters()) / 1e6, layers=config.n_layer, width=config.n_embd,
        mlp=config.intermediate_size, heads=config.n_head, groups=config.n_query_groups, window=config.local_window,
        vocab=config.vocab_size, bits=f"{bits}, {index['metadata']['total_size'] / 2**20:.1f} MiB.", history=args.history,
        training=training(read(args.report)), ppl=each(map(read, args.ppl), perplexity, "samba eval ppl"),
        passkey=each(keys, passkey, "samba eval passkey"), limit=limit(keys), rounding=rounding(*map(read, args.rounding or (None, None))), twins=twins(read(args.twins)),
        right=share(answers), answers=answered(answers),
        sources=SOURCES.format(generated=generated).rstrip() + ("\n\n" + EARLIER if args.earlier else ""))

    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("\n\n\n", "\n\n"))
    atomically(os.path.join(args.folder, "README.md"), write)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"card.py: {error}")

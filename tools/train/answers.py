"""Asks a checkpoint the questions that answers are judged by, greedily, and says how many it gets right, by kind.

A line of the file is {"kind", "messages": [the user's turns], "answer": regex searched, whatever the case, in the last
answer}. All questions are asked at once, turn after turn. The text is read again for every token, so that the model needs
no code beside the trainer's: for a GPU, or few questions. `samba eval answers` asks what ships.
"""
import argparse
import collections
import contextlib
import json
import re
import sys

import torch

from checkpoint import load_model
from corpus import CorpusError
from model import Samba
from rounding import Rounding
from tokenizer import Tokenizer

MOST = 120  # tokens of an answer
REPEATED = 8  # words in a row that come twice in an answer that loops


@torch.no_grad()
def answer(model, tokenizer, prompts, limit=MOST, batch=128):
    """The likeliest continuation of each prompt (ids), until it ends a turn or has limit tokens."""
    device = next(model.parameters()).device
    stop = {tokenizer.end, tokenizer.turn_end}
    made = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for start in range(0, len(order), batch):
        going = order[start:start + batch]
        for _ in range(limit):
            texts = [prompts[i] + made[i] for i in going]
            # Lengths go up by whole steps, so that a GPU's memory and kernels are used again.
            longest = -(-max(map(len, texts)) // 64) * 64
            ids = torch.tensor([text + [tokenizer.end] * (longest - len(text)) for text in texts], device=device)
            last = torch.tensor([len(text) - 1 for text in texts], device=device)
            with torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext():
                hidden = model.hidden(ids)[torch.arange(len(texts), device=device), last]
            logits = hidden.float() @ model.lm_head.weight[:len(tokenizer)].float().t()  # the rows beyond are padding
            chosen = logits.argmax(-1).tolist()
            still = []
            for i, token in zip(going, chosen):
                if token not in stop:
                    made[i].append(token)
                    still.append(i)
            going = still
            if not going:
                break
    return made


def loops(text):
    """Whether eight words in a row come twice."""
    words = text.lower().split()
    runs = [tuple(words[i:i + REPEATED]) for i in range(len(words) - REPEATED + 1)]
    return len(runs) > len(set(runs))


def ask(model, tokenizer, questions, limit=MOST):
    """The answers of every question, one a turn."""
    newline = tokenizer.encode("\n")
    prompts, said = [[] for _ in questions], [[] for _ in questions]
    for turn in range(max(len(question["messages"]) for question in questions)):
        asked = [i for i, question in enumerate(questions) if turn < len(question["messages"])]
        for i in asked:
            prompts[i] += ([tokenizer.turn_start] + tokenizer.encode("user\n") + tokenizer.encode(questions[i]["messages"][turn].strip())
                           + [tokenizer.turn_end] + newline + [tokenizer.turn_start] + tokenizer.encode("assistant\n"))
        for i, ids in zip(asked, answer(model, tokenizer, [prompts[i] for i in asked], limit)):
            prompts[i] += ids + [tokenizer.turn_end] + newline
            said[i].append(tokenizer.decode(ids))
    return said


def judge(questions, said):
    """What --json holds: figures in all and by kind, and every answer."""
    kinds = collections.defaultdict(lambda: {"right": 0, "asked": 0})
    rows = []
    for question, answers in zip(questions, said):
        right = bool(re.search(question["answer"], answers[-1], re.IGNORECASE | re.DOTALL))
        kinds[question["kind"]]["right"] += right
        kinds[question["kind"]]["asked"] += 1
        rows.append(dict(question, answers=answers, right=right))
    right, asked = (sum(kind[key] for kind in kinds.values()) for key in ("right", "asked"))
    looping = sum(any(map(loops, answers)) for answers in said)
    return {"right": right, "asked": asked, "looping": looping, "kinds": dict(kinds), "questions": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("model", help="model.pth of train.py, or a model folder")
    add("--tokenizer", required=True)
    add("--questions", required=True, help="JSON lines")
    add("--bits", type=int, choices=[0, 4, 8], default=0, help="round the weights as `samba convert` does")
    add("--embedding-bits", type=int, choices=[4, 8], default=8)
    add("--limit", type=int, default=MOST, help="tokens of an answer")
    add("--first", type=int, default=0, help="ask this many questions only")
    add("--device", help="cuda or cpu (default: cuda where there is one)")
    add("--json", help="file for figures and answers")
    args = parser.parse_args()
    config, weights = load_model(args.model)
    model = Samba(config)
    model.load_state_dict(weights)
    model = model.float().eval().to(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if args.bits:
        Rounding(model, args.bits, args.embedding_bits).apply()
    try:
        with open(args.questions, encoding="utf-8") as file:
            questions = [json.loads(line) for line in file][:args.first or None]
    except (OSError, ValueError) as error:
        raise CorpusError(f"{args.questions}: no questions ({error}): want JSON lines with kind, messages and answer")
    tokenizer = Tokenizer(args.tokenizer)
    result = judge(questions, ask(model, tokenizer, questions, args.limit))
    for kind, figures in sorted(result["kinds"].items()):
        print(f"{kind:12} {figures['right']:4} of {figures['asked']}")
    print(f"{'all':12} {result['right']:4} of {result['asked']} ({100 * result['right'] / result['asked']:.1f} %), {result['looping']} loop")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(result, file, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"answers.py: {error}")

"""The paper's comparison in kind: Samba, a Transformer with full attention and Samba without RoPE, trained alike.

The three have the same number of parameters within two percent, see the same batches in the same order for the same
number of steps under the same schedule, and are asked for the perplexity of the same held-out tokens, cut into
sequences as long as the training's, twice and four times as long.
"""
import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys

import torch

from checkpoint import load_model
from corpus import CorpusError
from data import TextStream
from model import Config, Samba

HERE = os.path.dirname(os.path.abspath(__file__))
PAPER = {  # perplexity on SlimPajama at 4K, 8K, 16K: 421M parameters (438M: Llama-2), 20 B tokens
    "Samba": (10.06, 9.65, 9.57), "Transformer": (11.14, 47.23, 249.03), "Samba without RoPE": (10.11, 28.97, 314.78)}
ROWS = 4096  # of logits alive at once


def parameters(config):
    return sum(p.numel() for p in Samba(config).parameters())


def twins(config):
    """The three configs. What the Transformer lacks in Mamba's parameters its MLPs are wider by, in steps of 16."""
    want = parameters(config)
    plain = dataclasses.replace(config, name=config.name + "_transformer", mb_per_layer=-1, local_window=-1)
    short = want - parameters(plain)
    width = config.intermediate_size + round(short / (3 * config.n_embd * config.n_layer) / 16) * 16
    found = {"Samba": config, "Transformer": dataclasses.replace(plain, intermediate_size=width),
             "Samba without RoPE": dataclasses.replace(config, name=config.name + "_nope", nope=True)}
    for name, twin in found.items():
        if abs(parameters(twin) / want - 1) > 0.02:
            raise CorpusError(f"{name}: {parameters(twin)} parameters, want {want} within 2 %: choose another config")
    return found


@torch.no_grad()
def perplexity(model, ids, length, device):
    """exp of the mean loss over sequences of length tokens, each from an empty state; its first token is not asked for."""
    total = count = 0.0
    for start in range(0, len(ids) - length + 1, length):
        row = torch.from_numpy(ids[start:start + length].astype("int64")).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            hidden = model.hidden(row[None])[0]
        for at in range(0, length - 1, ROWS):
            some = slice(at, min(at + ROWS, length - 1))
            logits = hidden[some].float() @ model.lm_head.weight.float().t()
            total += float(torch.nn.functional.cross_entropy(logits, row[1:][some], reduction="sum"))
        count += length - 1
    return math.exp(total / count)


def table(results, lengths):
    """Markdown: ours beside the paper's."""
    lines = ["| | parameters | " + " | ".join(f"{n:,}" for n in lengths) + " | paper, 4K / 8K / 16K |",
             "|---|---|" + "---|" * (len(lengths) + 1)]
    for name, result in results.items():
        ours = " | ".join(f"{result['perplexity'][str(n)]:.2f}" for n in lengths)
        lines.append(f"| {name} | {result['parameters']:,} | {ours} | {' / '.join(f'{p:.2f}' for p in PAPER[name])} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True)
    add("--tokenizer", required=True)
    add("--out", required=True, help="folder: a checkpoint and log for each, twins.json, twins.md")
    add("--config", help="config of the Samba (default: the 33M default model's)")
    add("--steps", type=int, default=800)
    add("--batch", type=int, default=32)
    add("--lr", type=float, default=3e-3)
    add("--sequences", type=int, default=16, help="held-out sequences of the longest length (default 16)")
    add("--processes", type=int, default=1)
    add("--port", type=int, default=29512)
    add("--device")
    add("--scan", help="BLOCK,TILE,WARPS of the scan's kernels (bench.py --best)")
    args = parser.parse_args()
    configs = twins(Config.load(args.config) if args.config else Config())
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    lengths = [next(iter(configs.values())).block_size * factor for factor in (1, 2, 4)]
    held_out = TextStream(args.data, lengths[0], held_out=True).ids
    count = min(args.sequences, len(held_out) // lengths[-1])
    if count < 1:
        raise CorpusError(f"{args.data}: {len(held_out)} held-out tokens, want at least {lengths[-1]}")
    ids = held_out[:count * lengths[-1]]
    results = {}
    for name, config in configs.items():
        out = os.path.join(args.out, name.lower().replace(" ", "-"))
        os.makedirs(out, exist_ok=True)
        with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config.reference(), file, indent=1)
        launcher = [] if args.processes == 1 else [
            "-m", "torch.distributed.run", "--nproc_per_node", str(args.processes), "--master_addr", "127.0.0.1",
            "--master_port", str(args.port)]
        command = [sys.executable, *launcher, os.path.join(HERE, "train.py"), "--config", os.path.join(out, "config.json"),
                   "--data", args.data, "--tokenizer", args.tokenizer, "--out", out, "--steps", str(args.steps),
                   "--batch", str(args.batch), "--lr", str(args.lr), "--no-state",
                   *(part for name in ("device", "scan") if getattr(args, name) for part in ("--" + name, getattr(args, name)))]
        done = subprocess.run(command, env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"})
        if done.returncode:
            raise CorpusError(f"{name}: the training failed, see above")
        model = Samba(config)
        model.load_state_dict(load_model(os.path.join(out, "model.pth"))[1])
        model.float().to(device)
        with open(os.path.join(out, "log.jsonl"), encoding="utf-8") as file:
            log = [json.loads(line) for line in file]
        results[name] = {
            "parameters": parameters(config), "steps": args.steps, "tokens": log[-1]["tokens"], "seconds": log[-1]["spent"],
            "held_out_tokens": len(ids), "perplexity": {str(n): perplexity(model, ids, n, device) for n in lengths}}
        # Written after each, so that a run that is cut off keeps what it has.
        with open(os.path.join(args.out, "twins.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
        with open(os.path.join(args.out, "twins.md"), "w", encoding="utf-8") as file:
            file.write(table(results, lengths) + "\n")
    print(table(results, lengths))


if __name__ == "__main__":
    try:
        main()
    except CorpusError as error:
        sys.exit(f"twins.py: {error}")

"""Trains a Samba: pretraining on text, or chat tuning of a trained one. One GPU, or a small model on a CPU.

A run has a length in steps or in seconds of training. The learning rate follows the share of that length which is
done, so a run by the clock always decays to its end, whatever the machine's speed; it may stop on the way
(--stop-after) and go on in a later command (--resume).
"""
import argparse
import contextlib
import json
import math
import os
import sys
import time

import torch

import loss as losses
from corpus import CorpusError
from data import ChatStream, TextStream
from model import Config, Samba, decayed
from tokenizer import Tokenizer

BF16_PEAK = {"H100": 989e12, "H200": 989e12}  # dense, operations a second, by the vendor's datasheet


def learning_rate(peak, done, warmup, decay_from, floor):
    """Warm-up to the peak, flat until the share decay_from, then linear down to peak * floor."""
    if done < warmup:
        return peak * done / warmup
    if done <= decay_from:
        return peak
    return peak * (floor + (1 - floor) * max(0.0, (1 - done) / (1 - decay_from)))


def atomically(path, save):
    save(path + ".partial")
    os.replace(path + ".partial", path)


def save_model(model, path, iteration):
    """The reference's layout: {"model": bf16 state dict, "hparams", "iter_num"}."""
    weights = {name: weight.detach().to("cpu", torch.bfloat16) for name, weight in model.state_dict().items()}
    weights["lm_head.weight"] = weights["transformer.wte.weight"]  # tied: stored once
    atomically(path, lambda at: torch.save(
        {"model": weights, "hparams": model.config.reference(), "iter_num": iteration}, at))


def load_weights(path, device="cpu"):
    try:
        return torch.load(path, map_location=device)
    except (OSError, RuntimeError, EOFError) as error:
        raise CorpusError(f"{path}: no checkpoint ({error})")


class Trainer:
    def __init__(self, args):
        self.args = args
        self.device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.cuda = self.device.type == "cuda"
        torch.manual_seed(args.seed)
        if self.cuda:
            torch.backends.cuda.matmul.allow_tf32 = True
        config = Config.load(args.config) if args.config else Config()
        if args.init:
            initial = load_weights(args.init)
            config = Config.of(initial["hparams"])
        tokenizer = Tokenizer(args.tokenizer)
        if len(tokenizer) > config.padded_vocab_size:
            raise CorpusError(f"{args.tokenizer}: {len(tokenizer)} tokens, but the model has room for "
                              f"{config.padded_vocab_size}: this is not the tokenizer of this model")
        self.length = args.length or config.block_size
        self.model = Samba(config)
        if args.init:
            self.model.load_state_dict(initial["model"])
        self.model.to(self.device)
        if args.stage == "pretrain":
            self.data = TextStream(args.data, self.length, args.seed)
        else:
            self.data = ChatStream(args.data, self.length, tokenizer.end, args.seed, text=args.text_share)
        self.held_out = {}
        for name, stream in (("text", lambda: TextStream(args.data, self.length, held_out=True)),
                             ("chat", lambda: ChatStream(args.data, self.length, tokenizer.end, held_out=True))):
            try:
                self.held_out[name] = stream()
            except CorpusError:
                pass  # this kind was not encoded, or its held-out part is shorter than a row
        named = list(self.model.named_parameters())
        groups = [{"params": [w for n, w in named if decayed(n, w)], "weight_decay": args.weight_decay},
                  {"params": [w for n, w in named if not decayed(n, w)], "weight_decay": 0.0}]
        fused = {"fused": True} if self.cuda else {}
        self.optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), **fused)
        self.step, self.tokens, self.spent = 0, 0, 0.0
        self.flex = self.cuda
        self.rows = losses.rows
        if self.cuda and not args.no_compile:
            # Blocks of a kind share one compiled graph: two are built, not one a layer.
            torch._dynamo.config.cache_size_limit = 64
            for block in self.model.transformer.h:
                block.compile(dynamic=False)
            self.rows = torch.compile(losses.rows, dynamic=False)
        os.makedirs(args.out, exist_ok=True)
        self.state_path = os.path.join(args.out, "state.pt")
        if args.resume and os.path.exists(self.state_path):
            state = load_weights(self.state_path, self.device)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.tokens, self.spent = state["step"], state["tokens"], state["spent"]
        self.log_file = open(os.path.join(args.out, "log.jsonl"), "a", buffering=1)

    def log(self, **fields):
        line = json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in fields.items()})
        self.log_file.write(line + "\n")
        print(line, flush=True)

    def batch_loss(self, ids, weights):
        ids, weights = torch.from_numpy(ids), torch.from_numpy(weights)
        if self.cuda:
            ids = ids.pin_memory().to(self.device, non_blocking=True)
            weights = weights.pin_memory().to(self.device, non_blocking=True)
        with torch.autocast("cuda", torch.bfloat16) if self.cuda else contextlib.nullcontext():
            hidden = self.model.hidden(ids[:, :-1].contiguous(), flex=self.flex)
        return losses.cross_entropy(hidden, self.model.lm_head.weight, ids[:, 1:].contiguous(), weights, self.rows)

    def evaluate(self):
        """Mean loss a token on the held-out text and on the assistant's words of held-out chats."""
        results = {}
        size = self.args.batch
        with torch.set_grad_enabled(self.cuda):  # without gradients, the compiled blocks would be compiled once more
            for name, stream in self.held_out.items():
                total = count = 0.0
                available = stream.rows if name == "text" else len(stream.pack(0))
                for i in range(min(self.args.eval_batches, available // size)):
                    ids, weights = stream.batch(i, size)
                    total += float(self.batch_loss(ids, weights).detach()) * weights.sum()
                    count += weights.sum()
                if count:
                    results["val_" + name] = float(total / count)
        self.log(event="eval", step=self.step, tokens=self.tokens, **results)
        return results

    def save(self):
        atomically(self.state_path, lambda at: torch.save(
            {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
             "tokens": self.tokens, "spent": self.spent}, at))
        save_model(self.model, os.path.join(self.args.out, "model.pth"), self.step)

    def done(self, elapsed):
        """The share of the run that is done: by steps, or by the clock."""
        if self.args.steps:
            return self.step / self.args.steps
        return (self.spent + elapsed) / self.args.seconds

    def run(self):
        args = self.args
        flops = self.model.flops_per_token(self.length)
        peak = next((peak for name, peak in BF16_PEAK.items() if self.cuda and name in torch.cuda.get_device_name()), 0)
        self.log(event="start", stage=args.stage, step=self.step, spent=self.spent, batch=args.batch, length=self.length,
                 parameters=sum(p.numel() for p in self.model.parameters()), device=str(self.device), lr=args.lr,
                 seconds=args.seconds, steps=args.steps)
        # Compiling counts neither as training nor in the schedule: one step is thrown away first.
        begun = time.time()
        if self.cuda:
            self.batch_loss(*self.data.batch(self.step, args.batch)).backward()
            self.optimizer.zero_grad(set_to_none=True)
            torch.cuda.synchronize()
            self.log(event="ready", seconds=time.time() - begun)
        start = mark = time.time()
        marked = self.tokens
        pending = None
        sums, count = 0.0, 0
        stopped = False
        while True:
            elapsed = time.time() - start
            done = self.done(elapsed)
            if done >= 1:
                break
            if args.stop_after and time.time() - begun > args.stop_after:
                stopped = True
                break
            lr = learning_rate(args.lr, done, args.warmup, args.decay_from, args.floor)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            ids, weights = self.data.batch(self.step, args.batch)
            loss = self.batch_loss(ids, weights)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            self.tokens += ids.shape[0] * self.length
            # The previous step's loss is read while this one runs, so the GPU never waits for Python.
            if pending is not None:
                value = float(pending)
                if not math.isfinite(value):
                    raise CorpusError(f"step {self.step - 1}: the loss is {value}: lower --lr; the last checkpoint stands")
                sums, count = sums + value, count + 1
            pending = loss.detach()
            if count == args.log_every:
                now = time.time()
                speed = (self.tokens - marked) / (now - mark)
                self.log(step=self.step, tokens=self.tokens, seconds=self.spent + now - start, loss=sums / count, lr=lr,
                         grad_norm=float(norm), tokens_s=speed, peak=speed * flops / peak if peak else 0.0)
                mark, marked, sums, count = now, self.tokens, 0.0, 0
            if args.eval_every and self.step % args.eval_every == 0:
                self.evaluate()
        if self.cuda:
            torch.cuda.synchronize()
            self.log(event="memory", gib=torch.cuda.max_memory_allocated() / 2**30)
        self.spent += time.time() - start
        self.evaluate()
        self.save()
        self.log(event="stopped" if stopped else "finished", step=self.step, tokens=self.tokens, spent=self.spent)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--stage", choices=["pretrain", "tune"], default="pretrain")
    add("--data", required=True, help="folder that data.py wrote")
    add("--tokenizer", required=True, help="tokenizer.json the data was encoded with")
    add("--out", required=True, help="folder for log.jsonl, state.pt (to resume) and model.pth (reference layout, bf16)")
    add("--config", help="JSON with the reference's config fields (default: the 33M default model)")
    add("--init", help="model.pth to start from (its config counts)")
    add("--resume", action="store_true", help="go on from --out's state.pt where there is one")
    add("--seconds", type=float, default=0, help="length of the whole run in seconds of training")
    add("--steps", type=int, default=0, help="length of the whole run in steps")
    add("--stop-after", type=float, default=0, help="stop this command after so many seconds and save, to resume later")
    add("--length", type=int, default=0, help="tokens a sequence (default: the config's block_size)")
    add("--batch", type=int, default=32, help="sequences a step (default 32)")
    add("--lr", type=float, default=3e-3)
    add("--warmup", type=float, default=0.01, help="share of the run (default 0.01)")
    add("--decay-from", type=float, default=0.01, help="share of the run at which the decay begins (default: after warm-up)")
    add("--floor", type=float, default=0.0, help="last learning rate as a share of the peak (default 0)")
    add("--weight-decay", type=float, default=0.1)
    add("--text-share", type=float, default=0.2, help="share of plain-text rows while tuning (default 0.2)")
    add("--log-every", type=int, default=20)
    add("--eval-every", type=int, default=0, help="steps between evaluations (0: at the end only)")
    add("--eval-batches", type=int, default=8)
    add("--seed", type=int, default=0)
    add("--device", help="cuda or cpu (default: cuda where there is one)")
    add("--no-compile", action="store_true")
    args = parser.parse_args()
    if bool(args.seconds) == bool(args.steps):
        parser.error("give the run's length either as --seconds or as --steps")
    return args


if __name__ == "__main__":
    try:
        Trainer(arguments()).run()
    except CorpusError as error:
        sys.exit(f"train.py: {error}")

"""Trains a Samba: pretraining on text, chat tuning or recall tuning of a trained one.

One GPU, or several under torchrun, or a small model on a CPU. A run has a length in steps, in seconds of training or
until a time of day. The learning rate follows the share of that length which is done, so a run by the clock always
decays to its end, whatever the machine's speed; it may stop on the way (--stop-after) and go on in a later command
(--resume). With --plan several stages follow each other in one process, whose compiled kernels serve them all.
"""
import argparse
import contextlib
import itertools
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.utils.data

import loss as losses
from checkpoint import atomically, load_file, load_model, save_model
from corpus import CorpusError
from data import ChatStream, TextStream
from model import Config, Samba, decayed
from recall import RecallStream
from rounding import Rounding
from tokenizer import Tokenizer

BF16_PEAK = {"H100": 989e12, "H200": 989e12}  # dense, operations a second, by the vendor's datasheet
PROBE_AFTER = (32, 128, 512, 2048)  # recall is probed with so much filler between key and question,
PROBE_PACES = (1, 4, 16, 64)  # and, where filler has a pace, as if it were that many times as long


def learning_rate(peak, done, warmup, floor):
    """Linear warm-up to the peak over the share warmup of the run, then a half cosine down to peak * floor."""
    if done < warmup:
        return peak * done / warmup
    turned = min(1.0, (done - warmup) / (1 - warmup))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * turned)))


class Ranks:
    """The processes of a run: torchrun's, or this one alone. Each takes its share of every batch."""

    def __init__(self, cuda):
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        self.local = int(os.environ.get("LOCAL_RANK", 0))
        self.cpu = None  # the group for numbers that live on the host
        if self.count > 1:
            if cuda:
                torch.cuda.set_device(self.local)
            dist.init_process_group("nccl" if cuda else "gloo")
            self.cpu = dist.new_group(backend="gloo")

    @property
    def first(self):
        return self.rank == 0

    def agree(self, *values):
        """The first process's numbers, on all of them."""
        if self.count == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(tensor, 0, group=self.cpu)
        return tuple(tensor.tolist())

    def sum(self, *values):
        if self.count == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, group=self.cpu)
        return tuple(tensor.tolist())

    def close(self):
        if self.count > 1:
            dist.destroy_process_group()


class Parts(torch.utils.data.Dataset):
    """A stream's batches by step, this process's part of each."""

    def __init__(self, stream, size, ranks):
        self.stream, self.size, self.ranks = stream, size, ranks

    def __getitem__(self, step):
        return self.stream.batch(step, self.size, self.ranks.rank, self.ranks.count)


def untouched(batch):
    return batch


def prefetched(stream, size, ranks, workers, start=0):
    """This process's parts of batches from start on, in order; workers processes make them ahead, or none."""
    parts = Parts(stream, size, ranks)
    if not workers:
        return map(parts.__getitem__, itertools.count(start))
    # The parts come as NumPy arrays through pipes, since a host's shared memory may be small.
    return iter(torch.utils.data.DataLoader(
        parts, batch_size=None, sampler=range(start, 1 << 40), num_workers=workers, collate_fn=untouched, prefetch_factor=4,
        multiprocessing_context="fork"))


class Objective(nn.Module):
    """The loss of a batch; what DistributedDataParallel wraps, so every use of a weight is inside."""

    def __init__(self, model, rows, flex):
        super().__init__()
        self.model, self.rows, self.flex = model, rows, flex

    def hidden(self, ids, since=None, pace=None, near=0):
        with torch.autocast("cuda", torch.bfloat16) if ids.is_cuda else contextlib.nullcontext():
            return self.model.hidden(ids, flex=self.flex, pace=pace, near=near, since=since)

    def forward(self, ids, weights, since=None, pace=None, near=0):
        hidden = self.hidden(ids[:, :-1].contiguous(), since, pace, near)
        return losses.cross_entropy(hidden, self.model.lm_head.weight, ids[:, 1:].contiguous(), weights, self.rows)


class Trainer:
    """A model on its device with what all stages share; begin and run carry out one stage."""

    def __init__(self, args):
        self.args = args
        self.device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.cuda = self.device.type == "cuda"
        self.ranks = Ranks(self.cuda)
        if self.cuda:
            self.device = torch.device("cuda", self.ranks.local)
            torch.backends.cuda.matmul.allow_tf32 = True
        if self.cuda and args.scan:
            import scan_triton
            scan_triton.use(*map(int, args.scan.split(",")))
        torch.manual_seed(args.seed)
        config = Config.load(args.config) if args.config else Config()
        initial = None
        if args.init:
            config, initial = load_model(args.init)
        self.tokenizer = Tokenizer(args.tokenizer)
        if len(self.tokenizer) > config.padded_vocab_size:
            raise CorpusError(f"{args.tokenizer}: {len(self.tokenizer)} tokens, but the model has room for "
                              f"{config.padded_vocab_size}: this is not the tokenizer of this model")
        self.model = Samba(config)
        if initial:
            self.model.load_state_dict(initial)
        self.model.to(self.device)
        rows = losses.rows
        if self.cuda and not args.no_compile:
            # Blocks of a kind share one compiled graph: two are built, not one a layer. Within DistributedDataParallel
            # the compiler would cut graphs at its buckets, and cannot where flex_attention is one.
            torch._dynamo.config.cache_size_limit = 64
            torch._dynamo.config.optimize_ddp = False
            for block in self.model.transformer.h:
                block.compile(dynamic=False)
            rows = torch.compile(losses.rows, dynamic=False)
        self.objective = self.parallel = Objective(self.model, rows, flex=self.cuda)
        if self.ranks.count > 1:
            self.parallel = nn.parallel.DistributedDataParallel(
                self.objective, device_ids=[self.ranks.local] if self.cuda else None, broadcast_buffers=False,
                gradient_as_bucket_view=True)

    def begin(self, args):
        """Takes up a stage: its data, a fresh optimizer, or both as a command before left them."""
        self.args = args
        if args.batch % self.ranks.count:
            raise CorpusError(f"--batch {args.batch}: want a multiple of the {self.ranks.count} processes")
        self.length = args.length or self.model.config.block_size
        self.held_out = {}
        end = self.tokenizer.end
        for name, stream in (("text", lambda: TextStream(args.data, self.length, held_out=True)),
                             ("chat", lambda: ChatStream(args.data, self.length, end, held_out=True))):
            with contextlib.suppress(CorpusError):  # not encoded, or its held-out part is shorter than a row
                self.held_out[name] = stream()
        self.rounding = Rounding(self.model, args.bits, args.embedding_bits, args.round_every) if args.bits else None
        named = list(self.model.named_parameters())
        groups = [{"params": [w for n, w in named if decayed(n, w)], "weight_decay": args.weight_decay},
                  {"params": [w for n, w in named if not decayed(n, w)], "weight_decay": 0.0}]
        fused = {"fused": True} if self.cuda else {}
        self.optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), **fused)
        self.step, self.tokens, self.spent = 0, 0, 0.0
        self.mixed = None  # the step from which on dialogues are in the mixture
        self.state_path = os.path.join(args.out, "state.pt")
        if args.resume and os.path.exists(self.state_path):
            state = load_file(self.state_path, self.device)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.tokens, self.spent, self.mixed = (state[key] for key in ("step", "tokens", "spent", "mixed"))
        if self.ranks.first:
            os.makedirs(args.out, exist_ok=True)
        self.log_file = open(os.path.join(args.out, "log.jsonl") if self.ranks.first else os.devnull, "a", buffering=1)

    def streams(self):
        """What the stage reads, and what it reads from --mix-from on, where it does."""
        args = self.args
        recall = args.stage == "recall"
        share = args.recall_share if args.recall_share is not None else 0.4 if recall else 0.0

        def with_keys(others, seed):
            if not share:
                return others
            text = TextStream(args.data, self.length).ids
            return RecallStream(others, text, self.length, self.tokenizer, seed, share, paced=recall, prose=args.prose)

        def dialogues(seed):
            return with_keys(ChatStream(args.data, self.length, self.tokenizer.end, seed, text=args.text_share), seed)

        if args.stage != "pretrain":
            return dialogues(args.seed), None
        mixture = dialogues(args.seed + 1000) if args.mix_from < 1 else None
        return with_keys(TextStream(args.data, self.length, args.seed), args.seed), mixture

    def feed(self):
        """Starts to make batches; the mixture's, too, so that they are there when it begins."""
        self.data, mixture = self.streams()
        make = lambda stream, start: prefetched(stream, self.args.batch, self.ranks, self.args.workers, start)
        self.mixture = mixture and (mixture, make(mixture, self.step - self.mixed if self.mixed is not None else 0))
        if self.mixed is None:
            self.batches = make(self.data, self.step)
        else:
            self.data, self.batches = self.mixture

    def log(self, **fields):
        line = json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in fields.items()})
        self.log_file.write(line + "\n")
        if self.ranks.first:
            print(line, flush=True)

    def place(self, *arrays):
        """Arrays of this process's rows on its device."""
        placed = []
        for array in arrays:
            tensor = torch.from_numpy(array)
            placed.append(tensor.pin_memory().to(self.device, non_blocking=True) if self.cuda else tensor)
        return placed

    def batch_loss(self, objective, ids, weights, since, pace=None, near=0):
        """The mean loss over the whole batch's weights, up to the factor that averaging over processes takes away, and the
        sum of those weights."""
        total = self.ranks.sum(float(weights.sum()))[0]
        ids, weights = self.place(ids, (weights / max(total, 1e-6) * self.ranks.count).astype(np.float32))
        since = self.place(since)[0] if self.args.apart else None
        return objective(ids, weights, since, None if pace is None else self.place(pace)[0], near), total

    @contextlib.contextmanager
    def rounded(self, on, fresh=False):
        """The weights are rounded within, where the rounding is on."""
        if on:
            self.rounding.apply(fresh)
        try:
            yield
        finally:
            if on:
                self.rounding.undo()

    def evaluate(self, rounded, keys=True):
        """Mean loss a token on held-out text and on the assistant's words of held-out chats; recall, where it is tuned and keys are wanted."""
        results = {}
        size, ranks = self.args.batch, self.ranks
        part = size // ranks.count
        keyed = isinstance(self.data, RecallStream)
        # A batch without a pace would compile the blocks once more.
        pace = [np.ones((part, self.length), np.float32)] if keyed and self.data.paced else []
        sizes = np.array(self.tokenizer.sizes)
        # Without gradients, the compiled blocks would be compiled once more.
        with torch.set_grad_enabled(self.cuda), self.rounded(rounded, fresh=True):
            for name, stream in self.held_out.items():
                total = count = read = 0.0
                # At least one batch, which takes rows twice where there are too few.
                for i in range(min(self.args.eval_batches, max(1, stream.rows // size))):
                    ids, weights, since = stream.batch(i, size, ranks.rank, ranks.count)
                    loss, weight = self.batch_loss(self.objective, ids, weights, since, *pace)
                    total, count = total + ranks.sum(float(loss.detach()) / ranks.count)[0] * weight, count + weight
                    read += ranks.sum(float(sizes[ids[:, 1:]].sum()))[0]
                if count:
                    results["val_" + name] = float(total / count)
                if count and name == "text":  # nats a token depend on the tokenizer, bits a byte do not
                    results["val_text_bits_per_byte"] = float(total / read / math.log(2))
            if keyed and keys:
                results["held"] = {str(after): self.recall(after=after) for after in PROBE_AFTER if after < self.length}
                paces = PROBE_PACES if self.data.paced else PROBE_PACES[:1]
                results["recall"] = {str(pace * self.length): self.recall(pace=pace) for pace in paces}
        self.log(event="eval", step=self.step, tokens=self.tokens, bits=self.args.bits if rounded else 0, **results)
        return results

    def recall(self, after=None, pace=1):
        """The share of probed keys whose every digit is the likeliest next token: of keys so much filler ago where
        attention is held short, or with the whole window, at all depths."""
        right = asked = 0
        near = 0 if after is None else self.data.shape(self.args.batch // self.ranks.count)[1]
        for seed in range(1 if after is None else 2):
            ids, asked_for, paces = self.place(*self.data.probe(
                self.args.batch, after, pace, (1 << 30) + seed, self.ranks.rank, self.ranks.count))
            since = torch.arange(self.length, dtype=torch.int32, device=self.device).expand(len(ids), -1) if self.args.apart else None
            hidden = self.objective.hidden(ids[:, :-1].contiguous(), since, paces if self.data.paced else None, near).detach()
            for row in range(near or len(ids)):
                key = asked_for[row]
                logits = hidden[row][key].float() @ self.model.lm_head.weight.float().t()
                right, asked = right + int((logits.argmax(-1) == ids[row, 1:][key]).all()), asked + 1
        right, asked = self.ranks.sum(right, asked)
        return right / asked

    def save(self):
        if not self.ranks.first:
            return
        if not self.args.no_state:
            atomically(self.state_path, lambda at: torch.save(
                {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
                 "tokens": self.tokens, "spent": self.spent, "mixed": self.mixed}, at))
        save_model(self.model, os.path.join(self.args.out, "model.pth"), self.step,
                   torch.float32 if self.args.bits == 4 else torch.bfloat16)

    def done(self, elapsed):
        """The share of the run that is done: by steps or by the clock, whichever is further."""
        by_steps = self.step / self.args.steps if self.args.steps else 0.0
        by_clock = (self.spent + elapsed) / self.args.seconds if self.args.seconds else 0.0
        return max(by_steps, by_clock)

    def run(self, args):
        self.begin(args)
        self.feed()
        flops = self.model.flops_per_token(self.length)
        peak = next((peak for name, peak in BF16_PEAK.items() if self.cuda and name in torch.cuda.get_device_name()), 0)
        self.log(event="start", stage=args.stage, step=self.step, spent=self.spent, batch=args.batch, length=self.length,
                 parameters=sum(p.numel() for p in self.model.parameters()), processes=self.ranks.count,
                 device=torch.cuda.get_device_name() if self.cuda else "cpu", lr=args.lr, seconds=args.seconds, steps=args.steps)
        # Compiling counts neither as training nor in the schedule: one step is thrown away first.
        begun = time.time()
        if self.cuda:
            first = next(self.batches)
            self.batches = itertools.chain([first], self.batches)
            self.batch_loss(self.parallel, *first)[0].backward()
            self.optimizer.zero_grad(set_to_none=True)
            torch.cuda.synchronize()
            self.log(event="ready", seconds=time.time() - begun)
        if args.until:
            args.seconds = self.ranks.agree(max(1.0, self.spent + args.until - time.time()))[0]
        start = mark = time.time()
        marked = self.tokens
        pending = None
        sums, count = 0.0, 0
        stopped = rounds = False
        while True:
            now = time.time()
            done, late = self.ranks.agree(self.done(now - start), float(bool(args.stop_after) and now - begun > args.stop_after))
            if done >= 1:
                break
            if late:
                stopped = True
                break
            lr = learning_rate(args.lr, done, args.warmup, args.floor)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            if self.mixture and self.mixed is None and done >= args.mix_from:
                self.mixed = self.step
                self.data, self.batches = self.mixture  # the others' processes end
                self.log(event="mixture", step=self.step, tokens=self.tokens)
            if self.rounding and not rounds and done >= args.round_from:
                rounds = True
                self.log(event="rounding", step=self.step, bits=args.bits, embedding_bits=args.embedding_bits)
            batch = next(self.batches)
            with self.rounded(rounds):
                loss, _ = self.batch_loss(self.parallel, *batch)
                loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            self.tokens += args.batch * self.length
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
                mean = self.ranks.sum(sums)[0] / self.ranks.count / count
                self.log(step=self.step, tokens=self.tokens, seconds=self.spent + now - start, loss=mean, lr=lr,
                         grad_norm=float(norm), tokens_s=speed, peak=speed * flops / peak / self.ranks.count if peak else 0.0)
                mark, marked, sums, count = now, self.tokens, 0.0, 0
            if args.eval_every and self.step % args.eval_every == 0:
                self.evaluate(rounds)
                if args.save_every:
                    self.save()
        if self.cuda:
            torch.cuda.synchronize()
            self.log(event="memory", gib=torch.cuda.max_memory_allocated() / 2**30)
        self.spent += time.time() - start
        self.batches = self.mixture = None
        self.save()
        exact = self.evaluate(False, keys=False) if rounds else {}  # what rounding costs
        results = self.evaluate(rounds)
        for name, of in (("exact", exact), ("text", results)):
            if "val_text" in of:
                self.log(event="perplexity", **{name: math.exp(of["val_text"])})
        self.log(event="stopped" if stopped else "finished", step=self.step, tokens=self.tokens, spent=self.spent)
        self.log_file.close()

    def close(self):
        self.ranks.close()


def stages(args):
    """The options of each stage: args as they are, or with what each entry of the plan sets instead."""
    if not args.plan:
        return [args]
    try:
        with open(args.plan, encoding="utf-8") as file:
            entries = json.load(file)
        unknown = {key for entry in entries for key in entry} - set(vars(args))
    except (OSError, ValueError, TypeError) as error:
        raise CorpusError(f"{args.plan}: no plan ({error}): want a JSON list of objects with options of a stage")
    if unknown or not entries:
        raise CorpusError(f"{args.plan}: the options {sorted(unknown)} do not exist" if unknown else f"{args.plan}: no stages")
    return [argparse.Namespace(**{**vars(args), **entry}) for entry in entries]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--stage", choices=["pretrain", "tune", "recall"], default="pretrain")
    add("--data", required=True, help="folder that data.py wrote")
    add("--tokenizer", required=True, help="tokenizer.json the data was encoded with")
    add("--out", required=True, help="folder for log.jsonl, state.pt (to resume) and model.pth (reference layout, bf16)")
    add("--plan", help="JSON list of stages that follow each other, each an object of these options, such as "
        '[{"stage": "pretrain", "seconds": 300, "out": "a"}, {"stage": "tune", "seconds": 60, "out": "b"}]')
    add("--config", help="JSON with the reference's config fields (default: the 33M default model)")
    add("--init", help="model.pth or model folder to start from (its config counts)")
    add("--resume", action="store_true", help="go on from --out's state.pt where there is one")
    add("--seconds", type=float, default=0, help="length of the whole run in seconds of training")
    add("--until", type=float, default=0, help="the run ends at this time (seconds since 1970), however long compiling takes")
    add("--steps", type=int, default=0, help="length of the whole run in steps; with a time, whichever ends first")
    add("--stop-after", type=float, default=0, help="stop this command after this many seconds and save, to resume later")
    add("--length", type=int, default=0, help="tokens a sequence (default: the config's block_size)")
    add("--batch", type=int, default=32, help="sequences a step, of all processes together (default 32)")
    add("--lr", type=float, default=3e-3)
    add("--warmup", type=float, default=0.01, help="share of the run (default 0.01)")
    add("--floor", type=float, default=0.0, help="last learning rate as a share of the peak (default 0)")
    add("--weight-decay", type=float, default=0.1)
    add("--text-share", type=float, default=0.2, help="share of plain-text rows while tuning (default 0.2)")
    add("--recall-share", type=float, help="share of rows that are documents with keys (default 0.4 while tuning recall, else 0)")
    add("--prose", type=float, default=0.3, help="share of the documents with keys whose filler is real text (default 0.3)")
    add("--mix-from", type=float, default=1.0, help="from this share of pretraining on, dialogues join the text: all rows "
        "without keys but --text-share of them (default 1: never)")
    add("--apart", action="store_true", help="dialogues of one row know nothing of each other: states and attention begin with each")
    add("--bits", type=int, choices=[0, 4, 8], default=0, help="round weights in the loop as `samba convert` will (default 0: do not)")
    add("--embedding-bits", type=int, choices=[4, 8], default=8, help="bits of the embedding with --bits 4 (default 8)")
    add("--round-from", type=float, default=0.0, help="share of the stage from which on weights are rounded (default 0)")
    add("--round-every", type=int, default=16, help="steps between two fits of scales and biases (default 16)")
    add("--workers", type=int, default=0, help="processes that make batches ahead, for each that trains (default 0: none)")
    add("--log-every", type=int, default=20)
    add("--eval-every", type=int, default=0, help="steps between evaluations (0: at the end only)")
    add("--save-every", action="store_true", help="save after each evaluation, not at the end only")
    add("--no-state", action="store_true", help="write model.pth alone, which cannot be resumed exactly")
    add("--eval-batches", type=int, default=8)
    add("--seed", type=int, default=0)
    add("--device", help="cuda or cpu (default: cuda where there is one)")
    add("--scan", help="BLOCK,TILE,WARPS of the scan's kernels, as bench.py finds them for a GPU (default 32,4,2)")
    add("--no-compile", action="store_true")
    return parser.parse_args()


def main(args):
    plan = stages(args)
    for stage in plan:
        if not (stage.seconds or stage.steps or stage.until):
            raise CorpusError("give the run's length as --seconds, --steps or --until")
        if stage.seconds and stage.until:
            raise CorpusError("give --seconds or --until, not both")
    trainer = Trainer(args)
    for stage in plan:
        trainer.run(stage)
    trainer.close()
    return trainer


if __name__ == "__main__":
    try:
        main(arguments())
    except CorpusError as error:
        sys.exit(f"train.py: {error}")

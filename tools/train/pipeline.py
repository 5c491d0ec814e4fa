"""One command from text to the files that travel home: pretraining, chat tuning, recall tuning, held-out perplexity, parts.

The whole command ends after --seconds, whatever the machine's speed: each stage's end is a time of day. Where a later
stage fails, what the stages before it made is packed all the same, and the exit status says so.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import time

from checkpoint import load_model
from corpus import CorpusError
from model import Config
from parts import pack

HERE = os.path.dirname(os.path.abspath(__file__))
AFTER = 6  # seconds from a stage's end to the next one's start: saving, evaluating, a first step
PACKING = 14

LONGER = 4  # recall is tuned on rows this many times as long, this many times fewer

# The settings of each stage beside its time. In the last third of pretraining two fifths of the rows without keys are dialogues,
# and from then on weights are rounded, where they are.
STAGES = {
    "pretrain": {"lr": 2.5e-3, "warmup": 0.01, "eval_every": 2000, "recall_share": 0.3, "mix_from": 0.66, "text_share": 0.6,
                 "round_from": 0.66, "save_every": True, "no_state": True},
    "tune": {"lr": 6e-4, "warmup": 0.02, "recall_share": 0.15, "text_share": 0.5, "no_state": True},
    "recall": {"lr": 4e-4, "warmup": 0.05, "recall_share": 0.4, "text_share": 0.5, "prose": 0.5, "no_state": True},
}


def plan(args, begun):
    """The stages with the time of day at which each ends, counted back from the end of the command."""
    seconds = {"pretrain": 0.0, "tune": args.tune_seconds, "recall": args.recall_seconds}
    until, entries = begun + args.seconds - (PACKING if args.home else 0) - AFTER, []
    for name in reversed(args.stages):
        end = {"steps": args.rehearse, "eval_batches": 1, "eval_every": 0} if args.rehearse else {"until": until}
        # Each stage draws its rows in an order of its own.
        entries.insert(0, dict(STAGES[name], stage=name, out=os.path.join(args.work, name), seed=10 * args.seed + len(entries), **end))
        until -= seconds[name] + AFTER
        if name == "pretrain":
            entries[0].update({key: getattr(args, key) for key in ("lr", "mix_from", "text_share", "recall_share") if getattr(args, key) is not None})
        if name == "recall" and args.batch % (LONGER * args.processes) == 0 and args.batch // args.processes >= 2 * LONGER:
            length = args.length or (load_model(args.init)[0] if args.init else Config.load(args.config) if args.config else Config()).block_size
            entries[0].update(length=length * LONGER, batch=args.batch // LONGER)
    if not args.rehearse and entries[0]["until"] - begun < args.seconds / 10:
        raise CorpusError(f"--seconds {args.seconds:g} leave less than a tenth for {entries[0]['stage']}: give more, or less to the others")
    return entries


def train(args, entries):
    path = os.path.join(args.work, "plan.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1)
    command = [os.path.join(HERE, "train.py"), "--plan", path, "--data", args.data, "--tokenizer", args.tokenizer,
               "--out", args.work, "--batch", str(args.batch)]
    for name in ("init", "config", "device", "length", "scan", "seed", "bits", "embedding_bits", "workers"):
        if getattr(args, name):
            command += ["--" + name.replace("_", "-"), str(getattr(args, name))]
    if args.apart:
        command.append("--apart")
    # All processes are on this host, which may know no other network.
    environment = {"OMP_NUM_THREADS": "1" if args.device == "cpu" else "4", **os.environ,
                   "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    if args.processes > 1:  # as torchrun tells them; the pieces of one run share its fate
        environment.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port), WORLD_SIZE=str(args.processes))
    running = [subprocess.Popen([sys.executable, *command],
                                env=dict(environment, RANK=str(rank), LOCAL_RANK=str(rank)) if args.processes > 1 else environment)
               for rank in range(args.processes)]
    status = 0
    while running:
        time.sleep(0.2)
        ended = [process for process in running if process.poll() is not None]
        running = [process for process in running if process not in ended]
        status = status or next((process.returncode for process in ended if process.returncode), 0)
        if status:
            for process in running:
                process.kill()
                process.wait()
            running = []
    return status


def report(entries):
    """The last figures of every stage that there are."""
    lines = {}
    for entry in entries:
        try:
            with open(os.path.join(entry["out"], "log.jsonl"), encoding="utf-8") as file:
                log = [json.loads(line) for line in file]
        except FileNotFoundError:
            continue
        if not log:  # it failed before it began
            continue
        speeds = sorted(e["tokens_s"] for e in log if "tokens_s" in e)
        peaks = sorted(e["peak"] for e in log if "peak" in e)
        lines[entry["stage"]] = {
            "device": next((e["device"] for e in log if e.get("event") == "start"), None),
            "steps": log[-1].get("step"), "tokens": log[-1].get("tokens"), "seconds": log[-1].get("spent"),
            "tokens_s": speeds[len(speeds) // 2] if speeds else None, "share_of_peak": peaks[len(peaks) // 2] if peaks else None,
            **{key: value for e in log if e.get("event") in ("eval", "perplexity", "memory") for key, value in e.items()
               if key not in ("event", "step", "tokens")}}
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder that data.py wrote")
    add("--tokenizer", required=True)
    add("--work", required=True, help="folder for checkpoints and logs, one folder a stage")
    add("--home", help="folder for what travels: part-*.xz of at most 16 MiB, and report.json (default: nothing is packed)")
    add("--init", help="model.pth or model folder to go on from")
    add("--config", help="config of a new model, where there is no --init")
    add("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    add("--seconds", type=float, required=True, help="the whole command's time")
    add("--tune-seconds", type=float, default=60)
    add("--recall-seconds", type=float, default=50)
    add("--processes", type=int, default=1, help="GPUs, or processes on a CPU")
    add("--batch", type=int, default=32, help="sequences a step, of all processes together")
    add("--length", type=int, default=0)
    add("--seed", type=int, default=0, help="another one for each run that goes on: text is then cut and ordered in another way")
    add("--port", type=int, default=29511)
    add("--lr", type=float, help="pretraining's peak (default 2.5e-3)")
    add("--mix-from", type=float, help="from this share of pretraining on, dialogues are in the mixture (default 0.66)")
    add("--text-share", type=float, help="share of text in that mixture's rows without keys (default 0.6)")
    add("--recall-share", type=float, help="share of pretraining's rows that are documents with keys (default 0.3)")
    add("--apart", action="store_true", help="dialogues of one row know nothing of each other")
    add("--bits", type=int, choices=[0, 4, 8], default=0, help="round weights in the loop, from the last third of pretraining on")
    add("--embedding-bits", type=int, choices=[4, 8], default=8)
    add("--workers", type=int, default=0, help="processes that make rows ahead, for each GPU")
    add("--rehearse", type=int, default=0, metavar="STEPS", help="this many steps of every stage, whatever the time: fills the compilers' caches")
    add("--device")
    add("--scan", help="BLOCK,TILE,WARPS of the scan's kernels (bench.py --best)")
    args = parser.parse_args()
    begun = time.time()
    os.makedirs(args.work, exist_ok=True)
    if args.init and not os.path.exists(args.init):
        raise CorpusError(f"--init {args.init}: there is no such file or folder")
    entries = plan(args, begun)
    status = train(args, entries)
    figures = report(entries)
    print(json.dumps(figures, indent=1), flush=True)
    made = [entry["out"] for entry in entries if os.path.exists(os.path.join(entry["out"], "model.pth"))]
    if not made:
        raise CorpusError("no stage ended with a model: see the messages above")
    if args.home:
        os.makedirs(args.home, exist_ok=True)
        logs = glob.glob(os.path.join(args.work, "*", "log.jsonl"))
        stage = os.path.basename(made[-1])
        here = os.getcwd()
        os.chdir(args.work)
        pack([os.path.join(stage, "model.pth")] + [os.path.relpath(log, args.work) for log in logs], os.path.join(here, args.home), 7)
        os.chdir(here)
        with open(os.path.join(args.home, "report.json"), "w", encoding="utf-8") as file:
            json.dump({"model": stage, "seconds": time.time() - begun, "stages": figures}, file, indent=1)
        shutil.copy(os.path.join(made[-1], "model.pth"), os.path.join(args.work, "model.pth"))
    print(f"{made[-1]}/model.pth after {time.time() - begun:.0f} s", flush=True)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CorpusError as error:
        sys.exit(f"pipeline.py: {error}")

"""Times the pieces of a training step on the GPU: the scan in several shapes of tile, then whole steps, profiled."""
import argparse
import itertools
import time

import numpy as np
import torch

import loss as losses
import scan_triton
from model import Config, Samba
from test_scan import random_inputs


SHAPES = [(32, 4, 1), (64, 4, 4), (32, 4, 2), (64, 4, 2), (128, 4, 8), (32, 2, 1), (32, 2, 2), (64, 2, 2), (64, 2, 4), (128, 2, 4),
          (256, 4, 8)]  # (BLOCK, TILE, warps)


def median_ms(function, repeats=5):
    function()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        start, stop = torch.cuda.Event(True), torch.cuda.Event(True)
        start.record()
        function()
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop))
    return sorted(times)[repeats // 2]


def scans(batch, length, d_inner, shapes):
    """Times the shapes; returns the one whose two passes together are quickest."""
    times = {}
    inputs = random_inputs(batch, length, d_inner, 16, "cuda", torch.bfloat16)
    dy = torch.randn(batch, length, d_inner, device="cuda", dtype=torch.bfloat16)
    for shape in shapes:
        block, tile, warps = shape
        try:
            begun = time.time()
            states = scan_triton.scan_forward(*inputs, *shape)[1]
            forward = median_ms(lambda: scan_triton.scan_forward(*inputs, *shape))
            backward = median_ms(lambda: scan_triton.scan_backward(*inputs, states, dy, *shape))
            times[shape] = forward + backward
            print(f"scan {batch}x{length}x{d_inner} block {block} tile {tile} warps {warps}: "
                  f"forward {forward:.2f} ms, backward {backward:.2f} ms ({time.time() - begun:.1f} s)", flush=True)
        except Exception as error:  # a shape that does not fit is a result, not a failure
            print(f"scan block {block} tile {tile} warps {warps}: {type(error).__name__} {str(error)[:200]}", flush=True)
    return min(times, key=times.get)


def steps(config, batch, length, profile):
    torch.manual_seed(0)
    model = Samba(config).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    for block in model.transformer.h:
        block.compile(dynamic=False)
    rows = torch.compile(losses.rows, dynamic=False)
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, config.vocab_size, (batch, length + 1))).cuda()
    weights = torch.ones(batch, length, device="cuda")

    def step():
        with torch.autocast("cuda", torch.bfloat16):
            hidden = model.hidden(ids[:, :-1].contiguous(), flex=True)
        loss = losses.cross_entropy(hidden, model.lm_head.weight, ids[:, 1:].contiguous(), weights, rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    begun = time.time()
    print(f"first loss {float(step()):.3f}, compiled in {time.time() - begun:.1f} s", flush=True)
    ms = median_ms(step)
    speed = batch * length / ms * 1000
    print(f"step {batch}x{length}: {ms:.1f} ms, {speed:.0f} tokens/s, {speed * model.flops_per_token(length) / 989e12:.3f} "
          f"of the bf16 peak, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB, loss {float(step()):.3f}", flush=True)
    if profile:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as trace:
            step()
            torch.cuda.synchronize()
        events = sorted(trace.key_averages(), key=lambda e: -e.device_time_total)
        for event in itertools.islice(events, 30):
            print(f"{event.device_time_total / 1000:8.2f} ms {event.count:4d}x {event.key[:110]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=4096)
    parser.add_argument("--no-scans", action="store_true")
    parser.add_argument("--no-steps", action="store_true")
    parser.add_argument("--no-profile", action="store_true")
    parser.add_argument("--shapes", nargs="+", help="BLOCK,TILE,WARPS of the scans to time (default: all that were ever tried)")
    parser.add_argument("--best", help="file for the quickest shape, as train.py --scan takes it")
    args = parser.parse_args()
    shapes = [tuple(map(int, shape.split(","))) for shape in args.shapes] if args.shapes else SHAPES
    if not args.no_scans:
        best = scans(args.batch, args.length, Config().d_inner, shapes)
        scan_triton.use(*best)
        print("quickest:", *best)
        if args.best:
            with open(args.best, "w", encoding="utf-8") as file:
                file.write(",".join(map(str, best)))
    if not args.no_steps:
        steps(Config(), args.batch, args.length, not args.no_profile)


if __name__ == "__main__":
    main()

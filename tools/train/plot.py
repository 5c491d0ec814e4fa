"""Draws the loss curves of one or more log.jsonl files as an SVG: training loss as lines, held-out loss as dots."""
import argparse
import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 380, 56, 44
COLOURS = ["#2563eb", "#d97706", "#059669", "#7c3aed"]


def read(path):
    """The log's stage, its (tokens, loss) and its evaluations [(tokens, name, loss)]."""
    stage, train, held_out = path, [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry.get("event") == "start":
                stage = entry["stage"]
            elif entry.get("event") == "eval":
                held_out += [(entry["tokens"], key, value) for key, value in entry.items() if key in ("val_text", "val_chat")]
            elif "loss" in entry:
                train.append((entry["tokens"], entry["loss"]))
    return stage, train, held_out


def svg(logs):
    curves = [read(path) for path in logs]
    points = [p for _, train, _ in curves for p in train]
    if not points:
        sys.exit("plot.py: the logs hold no losses")
    most = max(tokens for tokens, _ in points)
    values = [loss for _, loss in points] + [v for _, _, held_out in curves for _, _, v in held_out]
    low, high = math.floor(min(values) * 2) / 2, min(math.ceil(max(values) * 2) / 2, math.floor(min(values) * 2) / 2 + 4)

    def place(tokens, loss):
        return (LEFT + tokens / most * (WIDTH - LEFT - 16),
                16 + (high - min(loss, high)) / (high - low) * (HEIGHT - BOTTOM - 16))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for half in range(int((high - low) * 2) + 1):
        y = place(0, low + half / 2)[1]
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 16}" stroke="#e5e7eb"/>'
                   f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#374151">{low + half / 2:.1f}</text>')
    for fifth in range(6):
        x = place(most * fifth / 5, low)[0]
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle" fill="#374151">{most * fifth / 5e6:.0f}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle" fill="#374151">million tokens (loss in nats a token)</text>')
    for i, (stage, train, held_out) in enumerate(curves):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in train))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<text x="{WIDTH - 16 - 70 * (len(curves) - 1 - i)}" y="{HEIGHT - 6}" text-anchor="end" fill="{colour}">{stage}</text>')
        for tokens, name, value in held_out:
            x, y = place(tokens, value)
            fill = colour if name == "val_text" else "#fff"
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}"><title>{name} {value:.3f}</title></circle>')
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    with open(args.out, "w", encoding="utf-8") as file:
        file.write(svg(args.logs))


if __name__ == "__main__":
    main()

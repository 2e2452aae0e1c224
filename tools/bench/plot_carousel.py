#!/usr/bin/env python3
"""Draws what `hearth-bench carousel --json` found as SVG: air time by tier, and how homes catch up.

    plot_carousel.py OUT.svg NAME=FILE.json [NAME=FILE.json ...]

NAME is what the legend says, such as "1 Mbit/s". Needs only the standard library.
"""

import json
import sys

TIERS = ["individual", "bulk", "change", "service_keys", "groups", "records", "areas"]
COLOURS = ["#d1495b", "#edae49", "#8d5a97", "#00798c", "#30638e", "#7ab8bf", "#9aa5b1"]
LINES = ["#30638e", "#d1495b", "#00798c", "#edae49"]
WIDTH, HEIGHT, LEFT, TOP, GAP = 620, 200, 60, 40, 90


def text(x, y, words, anchor="start", size=12, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {more}>{words}</text>'


def frame(top, title, x_label, x_max, x_step, percent):
    """Axes of one diagram; percent: the marks on the y axis, lowest first."""
    low, high = percent[0], percent[-1]
    out = [text(LEFT, top - 12, title, size=14, more='font-weight="bold"')]
    for mark in percent:
        y = top + HEIGHT * (1 - (mark - low) / (high - low))
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(LEFT - 6, y + 4, f"{mark:g} %", "end", 11))
    x = 0
    while x <= x_max:
        at = LEFT + WIDTH * x / x_max
        out.append(text(at, top + HEIGHT + 16, f"{x:g}", "middle", 11))
        x += x_step
    out.append(text(LEFT + WIDTH, top + HEIGHT + 32, x_label, "end", 11))
    return out


def stacked(top, title, curves):
    """Air time by tier over the simulated time."""
    xs = [x for x, _ in curves[f"air {TIERS[0]}"]]
    hours = xs[-1]
    out = frame(top, title, "hours simulated, from 18:00", hours, 6, [0, 25, 50, 75, 100])
    below = [0.0] * len(xs)
    for tier, colour in zip(TIERS, COLOURS):
        above = [b + y for b, (_, y) in zip(below, curves[f"air {tier}"])]
        points = [(x, y) for x, y in zip(xs, above)] + [(x, y) for x, y in reversed(list(zip(xs, below)))]
        path = " ".join(f"{LEFT + WIDTH * x / hours:.1f},{top + HEIGHT * (1 - min(y, 1)):.1f}" for x, y in points)
        out.append(f'<polygon points="{path}" fill="{colour}"/>')
        below = above
    for n, (tier, colour) in enumerate(zip(TIERS, COLOURS)):
        y = top + 14 + 20 * n
        out.append(f'<rect x="{LEFT + WIDTH + 14}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        out.append(text(LEFT + WIDTH + 32, y, tier.replace("_", " "), size=11))
    return out


def lines(top, title, x_label, scale, x_max, x_step, percent, runs, name):
    out = frame(top, title, x_label, x_max, x_step, percent)
    low, high = percent[0], percent[-1]
    for n, (run, curves) in enumerate(runs):
        points = [(x / scale, 100 * y) for x, y in curves[name]]
        path = " ".join(f"{LEFT + WIDTH * x / x_max:.1f},{top + HEIGHT * (1 - (max(y, low) - low) / (high - low)):.1f}"
                        for x, y in points if x <= x_max)
        out.append(f'<polyline points="{path}" fill="none" stroke="{LINES[n % len(LINES)]}" stroke-width="2"/>')
        out.append(text(LEFT + WIDTH + 14, top + 14 + 20 * n, run, size=11, more=f'fill="{LINES[n % len(LINES)]}"'))
    return out


def main():
    if len(sys.argv) < 3 or any("=" not in run for run in sys.argv[2:]):
        sys.exit(__doc__)
    runs = []
    for argument in sys.argv[2:]:
        name, path = argument.split("=", 1)
        with open(path, encoding="utf-8") as file:
            bench = json.load(file)["benches"][0]
        runs.append((name, {curve["name"]: curve["points"] for curve in bench["curves"]}))
    out, top = [], TOP
    for name, curves in runs:
        out += stacked(top, f"Air time by tier, {name}", curves)
        top += HEIGHT + GAP
    out += lines(top, "Cards that are on and hold the next key", "minutes after it came on the air", 60, 60, 10,
                 [0, 25, 50, 75, 100], runs, "next key held, by seconds")
    top += HEIGHT + GAP
    out += lines(top, "Homes off for three months: stale record renewed", "hours on, three an evening", 1, 9, 1,
                 [0, 25, 50, 75, 100], runs, "stale record renewed, by hours on")
    top += HEIGHT + GAP
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 130} {top - 30}" '
                   'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(out) + "\n</svg>\n")


if __name__ == "__main__":
    main()

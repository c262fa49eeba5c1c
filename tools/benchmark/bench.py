"""Runs groups of contenders and prints the table: see ../bench."""
import argparse
import os
import pathlib
import platform
import re
import sys

import bench_growth
import bench_rows
from bench_data import Data
from bench_measure import BenchError, measure, output_of, rates, ratios, spread

HEAD = ("| id | what | ours | against | ratio | from .. to | goal | beyond | |",
        "|---|---|---|---|---|---|---|---|---|")


def head(bench, rounds):
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    load = os.getloadavg()
    lines = [f"processor: {model.group(1) if model else platform.machine()}, "
             f"{os.cpu_count()} of them, load {load[0]:.1f}",
             "compiler: " + output_of(["cc", "--version"]).splitlines()[0],
             "headcount: " + output_of([bench.bin / "headcountd", "--version"]).splitlines()[0],
             "against: " + ", ".join([
                 output_of([bench.yards / "yard_json", "versions"]).strip(),
                 "jsmn " + output_of(["dpkg-query", "-Wf", "${Version}", "libjsmn-dev"]),
                 "librdkafka " + output_of(["pkg-config", "--modversion", "rdkafka"]).strip(),
                 "zstd " + output_of(["pkg-config", "--modversion", "libzstd"]).strip(),
                 output_of([bench.python, bench_rows.ENGINE, "versions"]).strip(),
                 "Redis " + output_of(["redis-cli", "--version"]).split()[1]]),
             f"rounds: {rounds}"]
    return "\n".join(lines)


def number(value):
    if value >= 10000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def verdict(row, middle):
    if row.goal is None:
        return ""
    better = (lambda limit: middle <= limit) if row.value else (lambda limit: middle >= limit)
    if row.beyond is not None and better(row.beyond):
        return "beyond"
    return "reached" if better(row.goal) else "**missed**"


def render(row, samples):
    """The row's cells, and its verdict."""
    ours = samples[row.ours]
    if row.value:
        values = [sample.cpu / sample.units * 1e6 if row.value == "us" else
                  getattr(sample, row.value) for sample in ours]
        found = spread(values)
        cells = [number(found.middle), "", ""]
    else:
        theirs = samples[row.theirs]
        found = spread(ratio * row.scale for ratio in ratios(ours, theirs, row.clock))
        cells = [f"{number(spread(rates(side, row.clock)).middle)} {row.unit}"
                 for side in (ours, theirs)] + [f"**{found.middle:.2f}**"]
    limits = ["" if value is None else f"{value:g}" for value in (row.goal, row.beyond)]
    said = verdict(row, found.middle)
    return [row.id, row.what, *cells, f"{number(found.low)} .. {number(found.high)}",
            *limits, said], said


def run_table(bench, groups, rounds, wanted):
    print("\n".join(HEAD), flush=True)
    missed = []
    for group in groups:
        print(f"{', '.join(group.ids)}:", file=sys.stderr)
        contenders, end = group.open(bench)
        try:
            samples = measure(contenders, 1 if group.once else rounds, True)
        finally:
            end()
        for row in group.rows:
            if wanted and row.id not in wanted:
                continue
            cells, said = render(row, samples)
            print("| " + " | ".join(cells) + " |", flush=True)
            missed += [row.id] if "missed" in said else []
    print()
    print("missed: " + (", ".join(dict.fromkeys(missed)) or "none"))


def parse(words):
    parser = argparse.ArgumentParser(prog="tools/bench", add_help=False)
    parser.add_argument("mode", nargs="?", choices=["table", "sketch", "growth"],
                        default="table")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("-X", dest="settings", action="append", default=[])
    return parser.parse_args(words)


def main(build, words):
    options = parse(words)
    build = pathlib.Path(build)
    rounds = options.rounds or (3 if options.quick else 7)
    bench = bench_rows.Bench(build, Data(build, options.quick), build / "venv/bin/python",
                             options.settings)
    if options.mode == "sketch":
        print(output_of([bench.yards / "sketch_bench", rounds], limit_s=3600), end="")
        return 0
    print(head(bench, rounds) + "\n", flush=True)
    wanted = [word for word in options.only.split(",") if word]
    if options.mode == "growth":
        bench_growth.run(bench, rounds, wanted)
        return 0
    known = {name for group in bench_rows.GROUPS for name in group.ids}
    if set(wanted) - known:
        raise BenchError(f"--only knows {', '.join(sorted(known))}")
    run_table(bench, [group for group in bench_rows.GROUPS
                      if not wanted or set(wanted) & set(group.ids)], rounds, wanted)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except BenchError as error:
        sys.exit(f"tools/bench: {error}")

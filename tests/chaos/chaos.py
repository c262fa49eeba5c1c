"""Rounds of chaos, one after the other: what `tools/soak chaos` runs.

Each round has a seed of its own, the last one plus 1. A line a round and the
totals so far go to stdout; of a round with a finding everything is told, and its
folder stays: trace.log (what was done when), logs of instances and brokers, the
records. --rounds 1 with that seed draws the same schedule and the same frames
again; how threads and brokers interleave is the machine's.
"""
import argparse
import collections
import dataclasses
import pathlib
import random
import signal
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "chaos")]

import chaos_schedule  # noqa: E402
from chaos_round import Round  # noqa: E402

PLAN = chaos_schedule.Plan(seed=0)
SHOWN = ("instances kills", "brokers kill", "rebalances", "mismatches")


def plan_arguments(parser):
    """An option for each number of a Plan."""
    for field in dataclasses.fields(PLAN):
        if field.name != "seed":
            default = getattr(PLAN, field.name)
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(default),
                                default=default, help=f"({default})")


def arguments():
    parser = argparse.ArgumentParser(prog="tools/soak chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31),
                        help="of the first round")
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no round after these")
    parser.add_argument("--rounds", type=int, default=sys.maxsize, help="at most so many")
    parser.add_argument("--schedule", action="store_true", help="print the steps, do nothing")
    parser.add_argument("--build", default=str(TESTS.parent / "build"), help="whose programs")
    parser.add_argument("--kafka", default=str(TESTS.parent / "build" / "kafka"),
                        help="where its jars are")
    parser.add_argument("--folder", default=str(TESTS.parent / "build" / "soak" / "chaos"),
                        help="for what rounds leave behind")
    plan_arguments(parser)
    return parser.parse_args()


def plan_of(args, seed):
    numbers = {field.name: getattr(args, field.name) for field in dataclasses.fields(PLAN)
               if field.name != "seed"}
    return dataclasses.replace(PLAN, seed=seed, **numbers)


def replay_words(plan):
    """What to type for the same round."""
    words = [f"--seed {plan.seed} --rounds 1"]
    for field in dataclasses.fields(PLAN):
        value = getattr(plan, field.name)
        if field.name != "seed" and value != getattr(PLAN, field.name):
            words.append(f"--{field.name.replace('_', '-')} {value}")
    return "tools/soak chaos " + " ".join(words)


def tell(result):
    """All that a round found."""
    print(f"replay: {replay_words(result.plan)}\nfolder: {result.folder}")
    if not result.disks:
        print("no small file systems could be mounted here: no disk was filled up")
    for finding in result.findings:
        print("FOUND " + finding)


def sums(counts):
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts) if counts[name])


def main():
    args = arguments()
    if args.schedule:
        print(*chaos_schedule.draw(plan_of(args, args.seed)), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left running
    began, bad = time.monotonic(), []
    totals, events = collections.Counter(), collections.Counter()
    rounds = 0
    while rounds < args.rounds and time.monotonic() - began < 60 * args.minutes:
        result = Round(plan_of(args, args.seed + rounds), args.build, args.kafka,
                       args.folder).run()
        rounds += 1
        totals.update(result.counts)
        events.update(result.events)
        if result.findings:
            bad.append(result.plan.seed)
            tell(result)
        few = ", ".join(f"{name} {totals[name]}" for name in SHOWN)
        print(f"{time.strftime('%H:%M:%S')} seed {result.plan.seed}: "
              f"{len(result.findings)} findings in {result.seconds:.0f} s; "
              f"{rounds} rounds so far: {few}", flush=True)
    print(f"all: {sums(totals)}\nevents: {sums(events)}")
    print(f"{rounds} rounds, seeds {args.seed} to {args.seed + rounds - 1}; "
          f"with findings: {bad or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

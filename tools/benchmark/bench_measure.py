"""Runs of contenders in turns, and ratios between them.

A contender is a function that does its work once and says what that took. Every
round runs each once, so that a busy moment meets all of them; a ratio is taken
within a round, and what counts is the median of the rounds. Processor time is
preferred where both sides have one thread: others on the machine disturb it
less than time on the clock.
"""
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time


class BenchError(Exception):
    pass


@dataclasses.dataclass
class Sample:
    units: float        # frames, records, bytes
    cpu: float = 0.0    # seconds of processor time, of all threads
    wall: float = 0.0
    peak_mib: float = 0.0
    user: float = 0.0   # seconds of processor time outside the kernel

    def rate(self, clock):
        return self.units / getattr(self, clock)


def run_child(command, units, stdin=None, env=None):
    """A command from its start to its end; what it prints is thrown away."""
    with open(stdin or os.devnull, "rb") as source, tempfile.NamedTemporaryFile() as peak:
        # In between, since a child's peak begins with that of who started it.
        words = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak.name, *map(str, command)]
        start = time.monotonic()
        child = subprocess.Popen(words, stdin=source, env=env, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE)
        error = child.stderr.read()
        # Popen's own wait would not tell the usage.
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
        if child.returncode != 0:
            raise BenchError(f"{command[0]} ended with {child.returncode}: "
                             + error.decode(errors="replace")[-2000:])
        return Sample(units, usage.ru_utime + usage.ru_stime, wall, int(peak.read()) / 1024,
                      usage.ru_utime)


def output_of(command, limit_s=900, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=limit_s, check=False, **options)
    if done.returncode != 0:
        raise BenchError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def run_yard(command):
    """A yardstick that says itself what its work took: cpu, wall, units."""
    cpu, wall, units = output_of(command).split()[:3]
    return Sample(float(units), float(cpu), float(wall), user=float(cpu))


def measure(contenders, rounds, say):
    """{name: a Sample of each round}"""
    samples = {name: [] for name in contenders}
    for number in range(rounds):
        for name, run in contenders.items():
            samples[name].append(run())
        if say:
            print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    return samples


@dataclasses.dataclass
class Spread:
    middle: float
    low: float
    high: float


def spread(values):
    values = list(values)
    return Spread(statistics.median(values), min(values), max(values))


def rates(samples, clock):
    return [sample.rate(clock) for sample in samples]


def ratios(ours, theirs, clock):
    return [a / b for a, b in zip(rates(ours, clock), rates(theirs, clock))]

"""A running source_kafka_driver, and what it has said so far."""
import collections
import pathlib
import signal
import subprocess

import pytest
from programs import wait_for

Run = collections.namedtuple("Run", "partition first next count")


class Member:
    """One member of a group; killed, if need be, on leaving."""

    def __init__(self, build, scratch, brokers, topic, group, *options):
        number = len(list(pathlib.Path(scratch).glob("member-*.out")))
        self.out = pathlib.Path(scratch) / f"member-{number}.out"
        self.err = pathlib.Path(scratch) / f"member-{number}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [str(build / "bin" / "source_kafka_driver"), brokers, topic, group,
                 *map(str, options)], stdin=subprocess.PIPE, stdout=out, stderr=err)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()

    def lines(self, *kinds):
        """The words of every whole line, of these kinds only if there are any."""
        text = self.out.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
        words = [line.split() for line in text.split("\n") if line]
        return [each for each in words if not kinds or each[0] in kinds]

    def kinds(self):
        return [each[0] for each in self.lines()]

    def numbers(self, kind):
        """The lines of one kind, their words as numbers."""
        return [tuple(map(int, each[1:])) for each in self.lines(kind)]

    def runs(self):
        return [Run(*numbers) for numbers in self.numbers("RUN")]

    def read(self):
        """How many messages."""
        return sum(run.count for run in self.runs())

    def starts(self):
        """Of every assignment so far: {partition: (start, resumed, metadata)}."""
        found = []
        for each in self.lines("ASSIGNED", "START"):
            if each[0] == "ASSIGNED":
                found.append({})
            else:
                found[-1][int(each[1])] = (int(each[2]), each[3] == "resumed=1",
                                           each[4].partition("=")[2])
        return found

    def wait(self, condition, what, limit_s=180):
        def seen():
            value = condition()
            if not value and self.process.poll() is not None and not condition():
                raise AssertionError(f"ended before {what}: {self.tail()}")
            return value
        try:
            return wait_for(seen, what, limit_s)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.tail()}") from None

    def wait_kind(self, kind, count=1, limit_s=180):
        return self.wait(lambda: len(self.lines(kind)) >= count and self.lines(kind),
                         f"{count} x {kind}", limit_s)

    def wait_read(self, count, limit_s=180):
        self.wait(lambda: self.read() >= count, f"{count} messages", limit_s)

    def tail(self):
        told = [" ".join(words) for words in self.lines() if not words[0].startswith("COMMIT")]
        return "\n".join([*told[-30:], self.err.read_text(errors="replace")[-2000:]])

    def tell(self, command):
        before = len(self.lines("OBEYED"))
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        self.wait_kind("OBEYED", before + 1)

    def ends(self):
        """{partition: (lag, age of the confirmation in ms or -1)}, now."""
        before = len(self.lines("LAGS"))
        self.tell("lag")
        assert len(self.lines("LAGS")) == before + 1
        last = self.lines("LAG", "LAGS")
        last = last[max(i for i, each in enumerate(last[:-1] or [["LAGS"]])
                        if each[0] == "LAGS" or i == 0):]
        return {int(each[1]): (int(each[2]), int(each[3])) for each in last if each[0] == "LAG"}

    def signal(self, number):
        self.process.send_signal(number)

    def leave(self, limit_s=20):
        """SIGTERM and the orderly end."""
        self.signal(signal.SIGTERM)
        return self.done(limit_s)

    def done(self, limit_s=180, code=0):
        assert self.process.wait(timeout=limit_s) == code, self.tail()
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()


def covered(members):
    """{partition: sorted runs} over all members, whatever they read."""
    found = collections.defaultdict(list)
    for member in members:
        for run in member.runs():
            found[run.partition].append(run)
    return {partition: sorted(runs, key=lambda run: run.first)
            for partition, runs in found.items()}


def check_once(members, ends, start=0):
    """Every offset of [start, end) was read by one member, and once."""
    found = covered(members)
    for partition, end in ends.items():
        at = start
        for run in found.get(partition, []):
            assert run.first == at, f"partition {partition}: expected {at}, got {run}"
            assert run.next - run.first == run.count, run
            at = run.next
        assert at == end, f"partition {partition}: read up to {at} of {end}"


def check_all(members, ends, start=0):
    """Every offset of [start, end) was read, possibly more than once."""
    found = covered(members)
    for partition, end in ends.items():
        at = start
        for run in found.get(partition, []):
            assert run.first <= at, f"partition {partition}: nobody read [{at}, {run.first})"
            at = max(at, run.next)
        assert at == end, f"partition {partition}: read up to {at} of {end}"


QUICK = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300",
         "-X", "topic.metadata.refresh.interval.ms=1000"]


@pytest.fixture
def member(build, scratch, broker):
    """Starts a member of the group named after the topic; all are gone afterwards."""
    members = []

    def start(topic, *options):
        members.append(Member(build, scratch, broker.bootstrap, topic, f"{topic}-group", *QUICK,
                              *options))
        return members[-1]
    yield start
    for each in members:
        each.__exit__()


def numbered(count, first=0):
    return [str(number) for number in range(first, first + count)]

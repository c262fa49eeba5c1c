"""The verdict on a round: what the input topic holds against what was published.

The truth is the log itself, read to its end by another client than ours and
decoded by Python; it must hold every frame that was acknowledged. Registers come
from a real redis-server.
"""
import re

import oracle
import redis_server

PARTITION = re.compile(r"^partition (\d+): (\d+) to (\d+), .*\bok$", re.M)
NAMED = 5


class Truth(oracle.Oracle):
    """The users of each minute of a log; registers are asked for once."""

    def __init__(self, redis, messages):
        super().__init__(redis)
        self.asked = {}
        self.rejected = 0
        for message in messages:
            self._add_message(message)

    def _add_message(self, message):
        try:
            frame = oracle.read_frame(message.value())
        except (TypeError, ValueError, AttributeError):
            frame = None
        if frame is None:
            self.rejected += 1
            return
        user, seconds = frame
        if seconds > message.timestamp()[1] // 1000 + oracle.MAX_AHEAD_S:
            self.ahead += 1
            return
        self.counted += 1
        self.minutes.setdefault(seconds - seconds % 60, set()).add(user)

    def registers(self, minute):
        if minute not in self.asked:
            self.asked[minute] = super().registers(minute)
        return self.asked[minute]


def lacking(feed, messages):
    """Frames that were acknowledged, and that the log does not have."""
    found = {int(message.key()) for message in messages}
    return sorted(set(range(feed.sent)) - found)


def compare_registers(truth, ours):
    """What is wrong with the exported rows: {minute: Redis string}."""
    wrong = []
    ours = {minute: redis_server.registers(hyll) for minute, hyll in ours.items()}
    full = {minute for minute, registers in ours.items() if any(registers)}
    for minute in sorted(full | set(truth.minutes)):
        if minute not in truth.minutes:
            wrong.append(f"minute {minute}: nobody was there")
            continue
        theirs, have = truth.registers(minute), ours.get(minute, bytes(redis_server.REGISTERS))
        if have == theirs:
            continue
        low = sum(mine < right for mine, right in zip(have, theirs))
        high = sum(mine > right for mine, right in zip(have, theirs))
        wrong.append(f"minute {minute}: {low} registers too low, {high} too high, "
                     f"{len(truth.minutes[minute])} users")
    return wrong


def compare_coverage(verified, ends):
    """verify must have proven every offset, from the first to the end of the log."""
    covered = {int(match[1]): (int(match[2]), int(match[3]))
               for match in PARTITION.finditer(verified)}
    return [f"partition {partition}: covered {covered.get(partition)}, the log ends at {end}"
            for partition, end in sorted(ends.items())
            if end > 0 and covered.get(partition) != (0, end)]


def compare_sums(truth, records):
    """Frames may be counted again after a crash, but never less than once."""
    frames, rejected = oracle.frames_total(records)
    wrong = []
    if frames < truth.counted:
        wrong.append(f"checkpoints tell of {frames} frames, the log has {truth.counted}")
    if sum(rejected.values()) < truth.rejected + truth.ahead:
        wrong.append(f"checkpoints tell of {rejected}, the log has {truth.rejected} that are "
                     f"no frames and {truth.ahead} ahead of their record")
    return wrong


def judge_group(programs, truth, ends, records):
    """All that is wrong with one group's records."""
    wrong = compare_registers(truth, oracle.exported(programs, records))
    mismatches = len(wrong)
    for check in (lambda: compare_coverage(programs.verify(records), ends),
                  lambda: compare_sums(truth, records),
                  lambda: truth.check_numbers(programs, records,
                                              oracle.exported(programs, records))):
        try:
            wrong += check() or []
        except AssertionError as failure:
            wrong.append(str(failure)[-2000:])
    if len(wrong) > 2 * NAMED:
        wrong[NAMED:-NAMED] = [f"... and {len(wrong) - 2 * NAMED} more"]
    return mismatches, wrong

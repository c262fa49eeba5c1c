"""What has been published so far, and whether it bears what was committed.

No Kafka here: auditor_process.py hands in the values of the output topic and the
frames of the input topic, and asks `judge` of each committed offset, `judge_users`
of those that passed.

Of the whole sketches of one start of an instance only the latest of a window is
decoded: it holds what the earlier ones held, or it is wrong to call itself whole.
"""
import base64
import bisect
import collections
import json

import native_form
import oracle

FRAME_BYTES_MAX = 1 << 20
USER_BYTES_MAX = 4096
PLACES_KEPT = 1000000
SEQUENCES_KEPT = 20000
TOLD_MAX = 100


class Spans:
    """Offsets that are covered: sorted, apart."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def add(self, begin, end):
        if begin >= end:
            return
        first = bisect.bisect_left(self.pairs, begin, key=lambda pair: pair[1])
        last = first
        while last < len(self.pairs) and self.pairs[last][0] <= end:
            begin, end = min(begin, self.pairs[last][0]), max(end, self.pairs[last][1])
            last += 1
        self.pairs[first:last] = [(begin, end)]

    def hole(self, begin, end):
        """The first part of [begin, end) that is not covered, or None."""
        for start, stop in self.pairs:
            if begin >= end:
                return None
            if start > begin:
                return begin, min(start, end)
            begin = max(begin, stop)
        return (begin, end) if begin < end else None

    def __contains__(self, offset):
        return self.hole(offset, offset + 1) is None


class Checkpoint:
    """Counts once nothing that it rests on is `lacking`; `appended_ms` is of the last of that."""

    def __init__(self, record, lacking, appended_ms):
        self.record, self.lacking, self.appended_ms = record, lacking, appended_ms

    def __str__(self):
        return f"checkpoint {self.record['number']} of {self.record['instance']}"


class Suspect:
    """A committed offset that nothing covered when it was seen."""

    def __init__(self, partition, offset, seen_ms, spans):
        self.partition, self.offset, self.seen_ms = partition, offset, seen_ms
        self.spans = Spans(spans.pairs)


class Minute:
    """The union of one window's sketches."""

    def __init__(self):
        self.registers = None
        self.waiting = {}  # of a start of an instance: its latest whole sketch
        self.parts = []

    def add(self, run, sequence, whole, data):
        if not whole:
            self.parts.append(data)
        elif sequence >= self.waiting.get(run, (0, b""))[0]:
            self.waiting[run] = sequence, data

    def take(self):
        """What has not been united yet."""
        sketches = self.parts + [data for _, data in self.waiting.values()]
        self.parts, self.waiting = [], {}
        return sketches

    def unite(self, data):
        registers = native_form.registers(native_form.read(base64.b64decode(data)))
        if self.registers is not None and len(registers) != len(self.registers):
            raise native_form.Refused("precisions differ")
        self.registers = bytes(map(max, registers, self.registers or registers))


class Ledger:
    def __init__(self, group, topic, profile="redis"):
        self.group, self.topic, self.name = group, topic, profile
        self.profile = native_form.PROFILES[profile]
        self.seen = collections.defaultdict(dict)  # of a start: {sequence: appended_ms}
        self.waiting = collections.defaultdict(list)  # of a start: checkpoints that lack some
        self.covered = collections.defaultdict(Spans)
        self.missing = collections.defaultdict(Spans)
        self.first = {}  # {partition: first offset of the input}
        self.frames = collections.defaultdict(collections.deque)  # not yet found in a sketch
        self.minutes = collections.defaultdict(Minute)
        self.suspects = []
        self.blamed = set()
        self.places = {}
        self.violations = []
        self.counters = collections.Counter()

    # What comes in.

    def add_record(self, value, appended_ms=0, name="a record"):
        try:
            self.take_record(json.loads(value), appended_ms)
        except (ValueError, KeyError, TypeError, native_form.Refused) as error:
            self.blame(f"{name}: unreadable: {error!r}")

    def take_record(self, record, appended_ms):
        run = record["instance"], record["epoch"]
        self.counters[record["type"] + "_records"] += 1
        if record["type"] == "sketch":
            self.add_sketch(run, record, appended_ms)
        elif (record["input_group"], record["topic"]) == (self.group, self.topic):
            self.add_checkpoint(run, record, appended_ms)

    def add_sketch(self, run, record, appended_ms):
        sequence = record["sequence"]
        seen = self.seen[run]
        seen.setdefault(sequence, appended_ms)
        if len(seen) > SEQUENCES_KEPT:
            self.seen[run] = {number: seen[number] for number in sorted(seen)[SEQUENCES_KEPT // 2:]}
        if not record["group"] and record["sketch"]["profile"] == self.name:
            self.minutes[record["minute"]].add(run, sequence, record["whole"],
                                               record["sketch"]["bytes"])
        for checkpoint in list(self.waiting[run]):
            checkpoint.lacking.discard(sequence)
            if not checkpoint.lacking:
                checkpoint.appended_ms = max(checkpoint.appended_ms, appended_ms)
                self.waiting[run].remove(checkpoint)
                self.cover(checkpoint)

    def add_checkpoint(self, run, record, appended_ms):
        begin, end = record["sequences"]
        replaced, seen = set(record["replaced"]), self.seen[run]
        rests_on = [number for number in range(begin, end + 1) if number not in replaced]
        lacking = {number for number in rests_on if number not in seen}
        appended_ms = max([appended_ms, *(seen[number] for number in rests_on if number in seen)])
        checkpoint = Checkpoint(record, lacking, appended_ms)
        if lacking:
            self.waiting[run].append(checkpoint)
        else:
            self.cover(checkpoint)

    def cover(self, checkpoint):
        for part in checkpoint.record["partitions"]:
            number, begin, end = part["partition"], part["from"], part["to"]
            self.covered[number].add(begin, end)
            for pair in part["missing"]:
                self.missing[number].add(*pair)
            for suspect in self.suspects:
                if suspect.partition == number and checkpoint.appended_ms <= suspect.seen_ms:
                    suspect.spans.add(begin, end)

    def add_frame(self, partition, offset, value, timestamp_ms=None):
        """A frame of the input; what headcountd has to reject is left out."""
        try:
            found = oracle.read_frame(value) if len(value) <= FRAME_BYTES_MAX else None
            user, seconds = found
            user = user.encode()
        except (ValueError, TypeError, AttributeError, RecursionError):
            user = b""
        ahead = user and timestamp_ms is not None and \
            seconds > timestamp_ms / 1000 + oracle.MAX_AHEAD_S
        if not user or len(user) > USER_BYTES_MAX or ahead:
            self.counters["frames_rejected"] += 1
            return
        self.frames[partition].append((offset, seconds - seconds % 60, user))

    # What it bears.

    def blame(self, text):
        self.counters["violations"] += 1
        if len(self.violations) < TOLD_MAX:
            self.violations.append(text)

    def judge(self, partition, offset, seen_ms, patient):
        """Whether checkpoints cover what was committed. Where not, that is a violation;
        if `patient` only once settle() finds no excuse."""
        hole = self.covered[partition].hole(self.first.get(partition, 0), offset)
        if hole is None:
            return True
        if (partition, offset) not in self.blamed:
            self.blamed.add((partition, offset))
            if patient:
                self.suspects.append(Suspect(partition, offset, seen_ms, self.covered[partition]))
            else:
                self.blame(self.why(partition, offset, hole))
        return False

    def settle(self, older_than_ms):
        """Suspects that were covered before they were seen, after all, are excused;
        those seen before that time, and not, are blamed."""
        for suspect in list(self.suspects):
            begin = self.first.get(suspect.partition, 0)
            hole = suspect.spans.hole(begin, suspect.offset)
            if hole is None:
                self.counters["stale"] += 1
                self.blamed.discard((suspect.partition, suspect.offset))
            elif suspect.seen_ms < older_than_ms:
                self.blame(self.why(suspect.partition, suspect.offset, hole))
            else:
                continue
            self.suspects.remove(suspect)

    def why(self, partition, offset, hole):
        text = f"partition {partition}: offset {offset} was committed, but "
        late = self.covered[partition].hole(*hole) is None
        for checkpoint in [each for found in self.waiting.values() for each in found]:
            for part in checkpoint.record["partitions"]:
                if part["partition"] == partition and part["from"] <= hole[0] < part["to"]:
                    return text + f"{checkpoint} lacks sequence {min(checkpoint.lacking)}"
        return text + (f"the checkpoint of [{hole[0]}, {hole[1]}) came later" if late
                       else f"no checkpoint covers [{hole[0]}, {hole[1]})")

    def judge_users(self, committed):
        """Whether the sketches hold the users of all frames below {partition: offset}."""
        asked = collections.defaultdict(list)  # {minute: frames}
        for partition, end in committed.items():
            frames = self.frames[partition]
            while frames and frames[0][0] < end:
                offset, minute, user = frames.popleft()
                self.counters["frames_checked"] += 1
                asked[minute].append((partition, offset, end, user))
                if offset in self.missing[partition]:
                    self.blame(f"partition {partition}: offset {offset} is there, but is called "
                               f"missing below the committed offset {end}")
        for minute, found in asked.items():
            self.unite(minute)
            for partition, offset, end, user in found:
                if not self.holds(self.minutes[minute].registers, user):
                    self.blame(f"partition {partition}: offset {end} was committed, but user "
                               f"{user.decode()[:64]!r} of offset {offset} is in no record of "
                               f"minute {minute}")
        self.counters["looks_at_users"] += 1

    def unite(self, minute):
        for data in self.minutes[minute].take():
            try:
                self.minutes[minute].unite(data)
                self.counters["sketches_united"] += 1
            except (ValueError, native_form.Refused) as error:
                self.blame(f"minute {minute}: a sketch is unreadable: {error!r}")

    def holds(self, registers, user):
        if registers is None:
            return False
        if user not in self.places:
            if len(self.places) >= PLACES_KEPT:
                self.places.clear()
            self.places[user] = native_form.place(
                self.profile.layout, self.profile.hash(None, user), len(registers).bit_length() - 1)
        index, rank = self.places[user]
        return registers[index] >= rank

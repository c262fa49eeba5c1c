"""Frames and records that are measured with: made once, kept in build/bench/data.

Frames are those of `headcount generate`, whose fields stand anywhere; `first`
and `last` are the same with both fields put at one end.
"""
import base64
import json
import random
import re
import struct
import subprocess
import time

from bench_measure import BenchError, output_of

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MINUTE = 60
# Two weeks.
RECORD_MINUTES = 20160
DAYS_S = 86400


class Data:
    def __init__(self, build, quick):
        self.bin = build / "build" / "bin"
        self.folder = build / "data"
        self.share = 10 if quick else 1
        self.folder.mkdir(parents=True, exist_ok=True)

    def generate(self, path, *options):
        with open(path, "wb") as out:
            output_of_to([self.bin / "headcount", "generate", *options], out)

    def made(self, name, make):
        """The file of that name, made if it is not there; read, so that it is cached."""
        path = self.folder / (name if self.share == 1 else f"quick-{name}")
        if not path.exists():
            partial = path.with_suffix(".partial")
            make(partial)
            partial.rename(path)
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass
        return path

    def frames(self, size, count, *options, name=""):
        count //= self.share
        words = [str(option).strip("-") for option in options]
        return Frames(self.made("-".join(["any", str(size), str(count), *words]) + ".jsonl",
                                 lambda path: self.generate(path, "--size", size, "--count",
                                                            count, *options)), count)

    def plain(self, size, count):
        """Frames as most logs have them: ASCII, next to no escapes, fields anywhere."""
        count //= self.share

        def make(path):
            ids, lines = path.with_suffix(".ids"), path.with_suffix(".lines")
            self.generate(lines, "--size", 100, "--count", count, "--truth-ids", ids)
            write_plain(ids, path, size)
            ids.unlink()
            lines.unlink()
        return Frames(self.made(f"plain-{size}-{count}.jsonl", make), count)

    def placed(self, where, size, count):
        """`where` is "first" or "last"."""
        count //= self.share

        def make(path):
            ids, lines = path.with_suffix(".ids"), path.with_suffix(".lines")
            self.generate(lines, "--size", size, "--count", count, "--truth-ids", ids)
            place(lines, ids, path, where == "first")
            ids.unlink()
            lines.unlink()
        return Frames(self.made(f"{where}-{size}-{count}.jsonl", make), count)

    def ids(self, size, count):
        """The ids of those frames alone, a line each, and Redis's commands for them."""
        count //= self.share

        def make(path):
            lines = path.with_suffix(".lines")
            self.generate(lines, "--size", size, "--count", count, "--truth-ids", path)
            lines.unlink()
        return self.made(f"ids-{size}-{count}.txt", make)

    def commands(self, size, count):
        ids = self.ids(size, count)

        def make(path):
            with open(ids, "rb") as lines, open(path, "wb") as out:
                for line in lines:
                    minute, user = line.split()[:2]
                    out.write(b"*3\r\n$5\r\nPFADD\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                              % (len(minute), minute, len(user), user))
        return self.made(f"pfadd-{size}-{count // self.share}.resp", make)

    def values(self, size, count):
        """What a topic would hold if the value were the id."""
        ids = self.ids(size, count)

        def make(path):
            with open(ids, "rb") as lines, open(path, "wb") as out:
                out.writelines(line.split()[1] + b"\n" for line in lines)
        return self.made(f"values-{size}-{count // self.share}.txt", make)

    def records(self):
        """Dense archive records, a line each, and how many."""
        count = RECORD_MINUTES // self.share
        return self.made(f"records-{count}.jsonl",
                          lambda path: self._make_records(path, count)), count

    def _make_records(self, path, count):
        frames, counted = path.with_suffix(".frames"), path.with_suffix(".counted")
        self.generate(frames, "--size", "100", "--count", "1000000", "--users", "2000000",
                      "--span", "30m")
        with open(counted, "wb") as out:
            output_of_to([self.bin / "headcountd", "-q", "--emit-every", "1h", frames], out)
        archive = output_of([self.bin / "headcount", "merge", "--by", "minute", "--format",
                             "records", counted]).splitlines()
        dense = [line for line in archive if '"encoding":"dense"' in line]
        if len(dense) < 30:
            raise BenchError(f"{len(dense)} dense minutes only")
        first = json.loads(dense[0])["minute"] // DAYS_S * DAYS_S
        with open(path, "w", encoding="utf-8") as out:
            for i in range(count):
                out.write(at_minute(dense[i % len(dense)], first + i * MINUTE) + "\n")
        frames.unlink()
        counted.unlink()

    def registers(self):
        """The zstd frames in those records, each behind its size."""
        records, count = self.records()

        def make(path):
            with open(records, encoding="utf-8") as lines, open(path, "wb") as out:
                for line in lines:
                    native = base64.b64decode(json.loads(line)["sketch"]["bytes"])
                    frame = native[native.index(ZSTD_MAGIC):]
                    out.write(struct.pack("<I", len(frame)) + frame)
        return self.made(f"registers-{count}.bin", make)


class Frames:
    def __init__(self, path, count):
        self.path, self.count = path, count
        self.bytes = path.stat().st_size


def output_of_to(command, out):
    done = subprocess.run([str(word) for word in command], stdout=out, check=False,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise BenchError(f"{command[0]}: {done.stderr.decode()[-2000:]}")


def at_minute(record, minute):
    """The same record of another minute."""
    value = json.loads(record)
    start = value["start"]
    moved = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute))
    return record.replace(f'"minute":{value["minute"]},', f'"minute":{minute},', 1).replace(
        f'"start":"{start}"', f'"start":"{moved}"', 1)


def plain_member(draw):
    """A member of an access log, say."""
    key = draw.choice(["path", "referer", "agent", "host", "region", "session", "status", "bytes",
                       "device", "campaign", "lang", "event", "variant", "screen"])
    kind = draw.randrange(8)
    if kind < 4:
        words = " ".join(draw.choice(["Mozilla/5.0", "linux", "x86_64", "index.html", "search",
                                      "https://example.org/a/b", "en-GB", "checkout", "17.4"])
                         for _ in range(draw.randrange(1, 9)))
        return f'"{key}":"{words}"'
    if kind < 6:
        return f'"{key}":{draw.choice([draw.randrange(10 ** 6), draw.random()])}'
    if kind == 6:
        return f'"{key}":{draw.choice(["true", "false", "null"])}'
    inner = ",".join(f'"{name}":{draw.randrange(1000)}' for name in ("x", "y", "width", "uid"))
    return f'"{key}":{{{inner}}}'


def write_plain(ids, path, size):
    draw = random.Random(1)
    pool = [plain_member(draw) for _ in range(1024)]
    with open(ids, encoding="ascii") as truth, open(path, "w", encoding="ascii") as out:
        for line in truth:
            minute, user = line.split()[:2]
            members, length = [], 60
            while length < size:
                members.append(draw.choice(pool))
                length += len(members[-1]) + 1
            members.insert(draw.randrange(len(members) + 1), f'"uid":"{user}"')
            members.insert(draw.randrange(len(members) + 1), f'"ts":{minute}')
            out.write("{" + ",".join(members) + "}\n")


def place(lines, ids, path, first):
    """Each frame with its two fields at one end, and under other keys where they stood."""
    time_field = re.compile(rb'"ts":("?)(\d+)(?:\.75)?\1')
    with open(lines, "rb") as frames, open(ids, "rb") as truth, open(path, "wb") as out:
        for frame, line in zip(frames, truth):
            minute, user = line.split()[:2]
            frame = frame.rstrip(b"\n")
            for match in time_field.finditer(frame):
                if int(match.group(2)) // MINUTE * MINUTE == int(minute):
                    break
            else:
                raise BenchError(f"no time in {frame!r}")
            seconds = match.group(2)
            frame = frame[:match.start()] + b'"st"' + frame[match.start() + 4:]
            # An escape may stand for the id's first character.
            tail = frame.index(user[1:] + b'"')
            key = frame.rindex(b'"uid"', 0, tail)
            frame = frame[:key] + b'"udi"' + frame[key + 5:]
            if first:
                frame = b'{"uid":"%s","ts":%s,' % (user, seconds) + frame[1:]
            else:
                frame = frame[:-1] + b',"uid":"%s","ts":%s}' % (user, seconds)
            out.write(frame + b"\n")

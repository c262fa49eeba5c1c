"""What the tests of headcount convert share: rows, registers, and the golden
sketches that the engines themselves made."""
import json
import pathlib
import subprocess

VECTORS = pathlib.Path(__file__).parent.parent / "golden" / "vectors.json"
MINUTE = 1468244340
ENGINES = ("redis", "datasketches", "postgres", "zetasketch", "trino")


def golden_sketches():
    """Those whose bytes are at hand, as (name, sketch)."""
    found = json.loads(VECTORS.read_text(encoding="utf-8"))["sketches"]
    for number, sketch in enumerate(found):
        if sketch.get("bytes_hex"):
            name = f"{number}-{sketch['profile']}-p{sketch['precision']}-{sketch['set']}"
            yield name, sketch


def convert(programs, *options, input=b""):
    """(exit code, stdout, stderr) of headcount convert."""
    done = subprocess.run([programs.bin / "headcount", "convert", *map(str, options)],
                          input=input, capture_output=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr.decode()


def rows_of(out):
    """The rows that --to prints, as (start, group, bytes)."""
    rows = [line.split("\t") for line in out.decode().splitlines()]
    return [(int(start), group, bytes.fromhex(data)) for start, group, data in rows]


def lines_of(rows):
    """The same the other way round."""
    return b"".join(f"{start}\t{group}\t{data.hex()}\n".encode() for start, group, data in rows)


def registers_of(programs, records):
    """For each sketch record what `show --registers` says of it, as (head, {index: rank})."""
    out = programs.headcount("show", "--registers", input=records).decode()
    sketches = []
    for line in out.splitlines():
        if line.startswith("sketch "):
            sketches.append((line, {}))
        elif line.startswith("register "):
            _, index, rank = line.split()
            sketches[-1][1][int(index)] = int(rank)
    return sketches


def registers_in(programs, records):
    """The registers of the one sketch that there is."""
    [(_, registers)] = registers_of(programs, records)
    return registers


def frames_of(users, minute=MINUTE):
    return b"".join(b'{"uid":%s,"ts":%d}\n' % (json.dumps(user).encode(), minute)
                    for user in users)


def numbered(first, end):
    return [f"user-{number}" for number in range(first, end)]


def counted(programs, profile, precision, users, minute=MINUTE):
    """The records of these users."""
    return programs.count("-", "--profile", profile, "-p", precision, "--stream", "users",
                          input=frames_of(users, minute)).out

"""Record lines made by Python, from the golden ones."""
import json
import pathlib

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "records"
MINUTE = 1468244340
FIRST_USERS = 638
DENSE_USERS = 20000


def golden(name):
    return json.loads((GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8"))


def line(record):
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def sketch(sequence, **members):
    """A line with the users user-0 to user-637."""
    return line(golden("sparse") | {"sequence": sequence} | members)


def checkpoint(number, sequences, partitions, **members):
    """Partitions as (partition, from, to) or (partition, from, to, changes)."""
    parts = []
    for partition, begin, end, *changes in partitions:
        part = {"partition": partition, "from": begin, "to": end, "missing": [],
                "watermark": MINUTE + 90, "idle": False, "end": False}
        parts.append(part | (changes[0] if changes else {}))
    record = golden("checkpoint") | {
        "number": number, "sequences": list(sequences), "replaced": [], "partitions": parts,
        "partitions_total": len({part["partition"] for part in parts})}
    return line(record | members)

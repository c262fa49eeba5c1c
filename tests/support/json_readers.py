"""Our JSON reader and Python's, and one notation for what they find."""
import json
import subprocess


def judge(build, documents):
    """Documents -> pairs of our verdict and the meaning that we found."""
    lines = b"".join(document.hex().encode() + b"\n" for document in documents)
    done = subprocess.run([build / "bin" / "json_verdict_driver"], input=lines, check=True,
                          stdout=subprocess.PIPE, timeout=120)
    answers = [line.decode().partition(" ")[::2] for line in done.stdout.splitlines()]
    assert len(answers) == len(documents)
    return answers


class Number(str):
    """A number as it was written."""


class Members(list):
    """An object's pairs, repeated keys included."""


def refuse(constant):
    raise ValueError(constant)


def read(document):
    """Python's value of a text: numbers as they were written, members in pairs."""
    return json.loads(document, parse_int=Number, parse_float=Number, parse_constant=refuse,
                      object_pairs_hook=Members)


def meaning(value):
    """The notation of json_verdict_driver.c. A lone surrogate has no bytes and raises."""
    if isinstance(value, Number):
        return f"N{value};"
    if isinstance(value, str):
        return f"S{value.encode().hex()};"
    if isinstance(value, Members):
        return f"{{{len(value)}:{''.join(meaning(k) + meaning(v) for k, v in value)}}}"
    if isinstance(value, list):
        return f"[{len(value)}:{''.join(map(meaning, value))}]"
    return {True: "t", False: "f", None: "n"}[value]


def read_with_python(document):
    """The meaning, or None for what is no document."""
    try:
        return meaning(read(document.decode()))
    except ValueError:
        return None

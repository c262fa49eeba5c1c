"""How many instructions our work takes, and whether that is what was recorded.

    guard.py BUILD [--planted CASE]    compares; 1 if it differs
    guard.py BUILD --record            writes figures.txt

BUILD is a build tree. guard_driver does each case once under callgrind, which
counts exactly and in the same way on every machine: it shows programs a processor
of its own (with AVX2 where the real one has that, never AVX-512), and threads,
caches and other load do not count. A case that grew by more than 3 % fails until its new
figure is recorded, in the commit that is to blame; one that shrank as much
fails too, so that what was won is not lost again unseen.

Figures depend on what stands in their first line (`with`). Where that differs
nothing can be said, and that is a failure, too.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FIGURES = HERE / "figures.txt"
ALLOWED = 0.03
FRAMES = ["--count", "1000", "--users", "400", "--span", "3m"]
HEAD = """# Instructions of each case of guard_driver, and what they were counted with.
# After a change that is meant: tests/guard/guard.py BUILD --record
"""


class GuardError(Exception):
    pass


def run(command, **options):
    # The environment is always the same, since its size moves the stack.
    done = subprocess.run([str(word) for word in command], env={"LC_ALL": "C", "TMPDIR": "."},
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          **options)
    if done.returncode != 0:
        raise GuardError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def read_dumps(folder):
    """{case: instructions} of the dumps that a case's end has triggered."""
    figures = {}
    for path in sorted(folder.glob("dump.*"), key=lambda path: int(path.suffix[1:])):
        text = path.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
        if name:
            figures[name.group(1)] = int(re.search(r"^(?:totals|summary): (\d+)", text,
                                                   re.M).group(1))
    return figures


def count(build, planted=None):
    """(what it was counted with, {case: instructions})"""
    build = pathlib.Path(build).resolve() / "bin"
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        folder = pathlib.Path(folder)
        frames = folder / "frames.jsonl"
        frames.write_text(run([build / "headcount", "generate", *FRAMES]))
        # In the folder, so that the length of its path moves no stack.
        said = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=dump",
                    "--dump-line=no", "--vgdb=no", "-q", build / "guard_driver", frames.name,
                    *(["--planted", planted] if planted else [])], cwd=folder)
        version = run(["valgrind", "--version"]).strip().replace("-", " ")
        return f"{said.strip()}, {version}", read_dumps(folder)


def parse(text):
    lines = [line.split("=", 1) for line in text.splitlines()
             if line.strip() and not line.startswith("#")]
    pairs = {name.strip(): value.strip() for name, value in lines}
    return pairs.pop("with", "nothing"), {name: int(value) for name, value in pairs.items()}


def render(with_what, figures):
    lines = [f"with = {with_what}"] + [f"{name} = {value}" for name, value in figures.items()]
    return HEAD + "\n".join(lines) + "\n"


def judge(recorded, counted):
    """Lines about what is not as it was recorded; both are (with, figures)."""
    if recorded[0] != counted[0]:
        return [f"the figures are of {recorded[0]}", f"what is here is    {counted[0]}",
                "so nothing can be said: record them with that, or count with this"]
    found = []
    for name in sorted(set(recorded[1]) | set(counted[1])):
        was, is_now = recorded[1].get(name), counted[1].get(name)
        if was is None:
            found.append(f"{name}: {is_now} instructions, no figure is recorded")
        elif is_now is None:
            found.append(f"{name}: recorded, but there is no such case")
        elif abs(is_now - was) > ALLOWED * was:
            word = "grew" if is_now > was else "shrank: record what was won,"
            found.append(f"{name} {word} by {abs(is_now / was - 1):.1%}: "
                         f"{was} -> {is_now} instructions")
    return found


def main(words):
    recording = "--record" in words
    planted = words[words.index("--planted") + 1] if "--planted" in words else None
    counted = count(words[0], planted)
    if recording:
        FIGURES.write_text(render(*counted))
        print(FIGURES.read_text(), end="")
        return 0
    recorded = parse(FIGURES.read_text())
    for name, value in counted[1].items():
        print(f"{name:12} {value:12} {value / recorded[1].get(name, value) - 1:+.2%}")
    found = judge(recorded, counted)
    for line in found:
        print(line)
    if found:
        print(f"if that is meant: tests/guard/guard.py {words[0]} --record")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        sys.exit(main(sys.argv[1:]))
    except GuardError as error:
        sys.exit(str(error))

"""Writes a copy of our sources with a bug in it.

    plant.py ROOT BUG FOLDER
    plant.py ROOT --fit         whether all of tests/planted can be planted

BUG is a file such as those in tests/planted: a path from ROOT alone on its line,
then what is taken out there ("-"), put in ("+") and stands around it (" ");
blank lines part the changes, "#" begins a comment. What is taken out, with what
stands around it, must be there exactly once: a bug that does not fit any more
is an error. The changed copies go to FOLDER, under their own names.
"""
import pathlib
import re
import sys

PATH = re.compile(r"src/[\w/]+\.[ch]")


def changes(text):
    """(path, old lines, new lines) of each change."""
    path, old, new = None, [], []
    for line in text.splitlines() + [""]:
        if line[:1] in (" ", "-", "+"):
            old += [line[1:]] if line[0] != "+" else []
            new += [line[1:]] if line[0] != "-" else []
            continue
        if old or new:
            yield path, old, new
            old, new = [], []
        if PATH.fullmatch(line):
            path = line
        elif line and not line.startswith("#"):
            sys.exit(f"what is '{line}'?")


def planted(root, bug):
    """The changed sources, by path."""
    sources = {}
    for path, old, new in changes(pathlib.Path(bug).read_text()):
        text = sources.get(path) or (pathlib.Path(root) / path).read_text()
        before, after = ("\n".join(lines) + "\n" for lines in (old, new))
        if text.count(before) != 1:
            sys.exit(f"{bug}: stands {text.count(before)} times in {path}:\n{before}")
        sources[path] = text.replace(before, after)
    return sources


def main(root, bug, folder=None):
    if bug == "--fit":
        for one in sorted((pathlib.Path(root) / "tests/planted").glob("*.bug")):
            planted(root, one)
        return
    for path, text in planted(root, bug).items():
        (pathlib.Path(folder) / pathlib.Path(path).name).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The rules of the house as a test: prints one line a violation, exits 1 if any.

    tidy.py [--cc CC --cxx CXX] ROOT

Each rule is a generator of violations over a Tree; the rules stand in
tidy_text.py (how a file is written), tidy_layers.py (who may include whom) and
tidy_docs.py (what the documents and the test lists say). With compilers given,
every header is compiled alone too.
"""
import argparse
import os
import pathlib
import sys

import tidy_docs
import tidy_layers
import tidy_text

IGNORED = {".git", "__pycache__"}


class Tree:
    """The project's files as {path relative to the root: text}, build trees left out."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = {}
        for path in sorted(self._paths()):
            self.files[path.relative_to(self.root).as_posix()] = self._text(path)

    def _paths(self):
        """Never looks into what is ignored: other tests make and remove folders there."""
        for folder, folders, names in os.walk(self.root):
            ignored = set(IGNORED)
            if pathlib.Path(folder) == self.root:
                ignored |= {name for name in folders + names if name.startswith("build")}
            folders[:] = set(folders) - ignored
            for path in (pathlib.Path(folder, name) for name in set(names) - ignored):
                if path.is_file():
                    yield path

    @staticmethod
    def _text(path):
        """None where the file is not text."""
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    def with_suffix(self, *suffixes):
        """(path, text) of the text files that end so."""
        for path, text in self.files.items():
            if path.endswith(suffixes) and text is not None:
                yield path, text


RULES = [
    tidy_text.long_lines,
    tidy_text.long_files,
    tidy_text.long_functions,
    tidy_text.banned_calls,
    tidy_text.unfinished_work,
    tidy_layers.wrong_includes,
    tidy_docs.names_used_twice,
    tidy_docs.unregistered_tests,
    tidy_docs.unknown_paths,
    tidy_docs.files_missing_in_readme,
]


def violations(tree):
    for rule in RULES:
        yield from rule(tree)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--cc")
    parser.add_argument("--cxx")
    options = parser.parse_args()
    tree = Tree(options.root)
    found = list(violations(tree))
    if options.cc:
        found += tidy_layers.headers_that_need_others(tree, options.cc, options.cxx)
    for line in found:
        print(line)
    print(f"{len(tree.files)} files, {len(found)} violations")
    return 1 if found or not tree.files else 0


if __name__ == "__main__":
    sys.exit(main())

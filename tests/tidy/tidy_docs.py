"""What is named must be there, and what is there must be named."""
import os
import re

# One of these a folder is how the tools want it.
NAMED_BY_OTHERS = {"CMakeLists.txt", "README.md", ".gitignore"}


def is_named_by_folder(path):
    """Recorded bytes and corpora go by their folder."""
    return any(part in ("golden", "corpus") for part in path.split("/"))


def names_used_twice(tree):
    seen = {}
    for path in tree.files:
        name = os.path.basename(path)
        if name in NAMED_BY_OTHERS or is_named_by_folder(path):
            continue
        if name in seen:
            yield f"{path}: the name is taken by {seen[name]}"
        seen[name] = path


# Where each kind of test is found, and what its name must be to be found there.
TEST_NAMES = [
    (re.compile(r"^tests/(unit|property)/[a-z0-9_]+_test\.(c|cpp)$"), "unit and property tests"),
    (re.compile(r"^tests/fuzz/[a-z0-9_]+_fuzz\.c$"), "fuzz targets"),
    (re.compile(r"^tests/(cli|kafka|engines|package|board)/(test_[a-z0-9_]+|conftest)\.py$"),
     "tests of the programs"),
    (re.compile(r"^tests/(cli|kafka|engines)/[a-z0-9_]+_driver\.c$"), "what those tests drive"),
    (re.compile(r"^tests/cli/[a-z0-9_]+_preload\.c$"), "what those tests preload"),
    (re.compile(r"^tests/engines/[a-z0-9_]+_engine\.py$"), "the engines"),
    (re.compile(r"^tests/chaos/[a-z0-9_]+\.py$"), "the chaos harness and its tests"),
    (re.compile(r"^tests/guard/(guard|guard_test|bench_test)\.py$|^tests/guard/guard_driver\.c$"),
     "the guard of speed"),
    (re.compile(r"^tests/soak/[a-z0-9_]+\.py$"), "what tools/soak runs"),
    (re.compile(r"^tests/(support|tidy)/|^tests/conftest\.py$"), "support"),
]


def unregistered_tests(tree):
    """A test whose name the globs don't match would never run."""
    for path in tree.files:
        if not path.startswith("tests/") or not path.endswith((".c", ".cpp", ".py")):
            continue
        if is_named_by_folder(path):
            continue
        if not any(pattern.search(path) for pattern, _ in TEST_NAMES):
            yield f"{path}: nothing runs a file of this name here"
        match = re.match(r"^tests/fuzz/(.+)_fuzz\.c$", path)
        corpus = match and f"tests/fuzz/corpus/{match.group(1)}/"
        if match and not any(name.startswith(corpus) for name in tree.files):
            yield f"{path}: no input in {corpus}"


INLINE_CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
PATH = re.compile(r"^\.?[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*/?$")
FILE_NAME = re.compile(r"^[a-z0-9_]+\.(c|h|py)$")


def prose(text):
    return FENCE.sub("", text)


def folders_of(tree):
    folders = set()
    for path in tree.files:
        while "/" in path:
            path = path.rpartition("/")[0]
            folders.add(path)
    return folders


def is_path_of_ours(word, top):
    """A word of inline code that claims to be a path of the tree."""
    return "/" in word and PATH.match(word) and word.split("/")[0] in top


def unknown_paths(tree):
    """Every path and file name in README and docs/ exists."""
    folders = folders_of(tree)
    top = {path.split("/")[0] for path in tree.files}
    names = {os.path.basename(path) for path in tree.files}
    for path, text in tree.with_suffix(".md"):
        for target in LINK.findall(prose(text)):
            if "://" in target:
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if full not in tree.files and full not in folders:
                yield f"{path}: links to {target}, which is not there"
        for code in INLINE_CODE.findall(prose(text)):
            for word in code.split():
                word = word.removeprefix("./")
                if is_path_of_ours(word, top):
                    if word.rstrip("/") not in folders and word not in tree.files:
                        yield f"{path}: names {word}, which is not there"
                elif FILE_NAME.match(word) and word not in names:
                    yield f"{path}: names {word}, which is not there"


def readme_tree(text):
    """The README's drawing of the tree as {path: is a folder}.

    It is the first fenced block with a line for src/. One name or more start
    each line, folders with a '/' at the end; deeper lines are indented deeper;
    two spaces end the names."""
    for block in FENCE.findall(text):
        if re.search(r"^\s*src/", block, re.M):
            break
    else:
        return {}
    entries = {}
    above = []  # (indentation, folder)
    for line in block.splitlines():
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        parent = above[-1][1] + "/" if above else ""
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            entries[parent + name.rstrip("/")] = name.endswith("/")
            if name.endswith("/"):
                above.append((depth, parent + name.rstrip("/")))
    return entries


def files_missing_in_readme(tree):
    """The README's tree names every file, or a folder that it draws without its files."""
    text = tree.files.get("README.md")
    if text is None:
        return
    entries = readme_tree(text)
    if not entries:
        yield "README.md: no drawing of the tree"
        return
    drawn = {path.rpartition("/")[0] for path in entries if "/" in path}
    folders = folders_of(tree)
    for path, is_folder in entries.items():
        if path not in (folders if is_folder else tree.files):
            yield f"README.md: the tree names {path}, which is not there"
    for path in tree.files:
        parts = path.split("/")
        above = ["/".join(parts[:i]) for i in range(1, len(parts))]
        closed = [folder for folder in above if entries.get(folder) and folder not in drawn]
        if path not in entries and not closed and path not in ("README.md", ".gitignore"):
            yield f"README.md: the tree does not name {path}"

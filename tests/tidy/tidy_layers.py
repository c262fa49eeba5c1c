"""Who may include whom: the table of docs/ARCHITECTURE.md.

The build holds most of it too (each library sees only what it links); here
stands the whole of it, with the libraries of others.
"""
import os
import re
import subprocess
import tempfile

# A folder's own headers are always allowed. PUBLIC is include/headcount.
PUBLIC = "include/headcount"
MAY_INCLUDE = {
    PUBLIC: set(),
    "sketch": {PUBLIC},
    "sketch/foreign": {PUBLIC, "sketch"},
    "src/base": set(),
    "src/kafka": {"src/base"},
    "src/source": {"src/base"},
    "src/decode": {"src/base"},
    "src/window": {"src/base", PUBLIC},
    "src/record": {"src/base", PUBLIC},
    "src/emit": {"src/base", PUBLIC},
    "src/rollup": {"src/base", PUBLIC, "src/record"},
    "src/serve": {"src/base"},
    "src/serve/page": {"src/base", "src/serve"},
    "src/board": {"src/base", PUBLIC, "src/source", "src/record", "src/emit", "src/rollup",
                  "src/serve"},
    "src/pipeline": {"src/base", PUBLIC, "src/source", "src/decode", "src/window", "src/record",
                     "src/emit"},
    "src/cmd": {"src/base", PUBLIC, "src/kafka", "src/source", "src/decode", "src/window",
                "src/record", "src/emit", "src/serve", "src/serve/page", "src/pipeline",
                "src/rollup", "src/board"},
    "tools/accuracy": {PUBLIC, "sketch"},
    "tools/benchmark": {"src/base", PUBLIC, "src/record", "src/rollup", "src/serve", "src/board"},
    "tools/headcount": {"src/base", PUBLIC, "src/record", "src/rollup"},
    "docs/examples": {PUBLIC},
}
TEST_FOLDERS = ("tests/unit", "tests/property", "tests/fuzz", "tests/support", "tests/kafka",
                "tests/cli", "tests/engines", "tests/guard")
# These belong to whoever talks to Kafka, whatever the folder.
KAFKA_FILE = re.compile(r"_kafka[a-z_]*\.[ch]$")
# The header of another library: the files that may include it (tests may, too).
OTHERS = {
    "librdkafka/": re.compile(r"^src/kafka/|" + KAFKA_FILE.pattern),
    "jsmn.h": re.compile(r"^src/base/json\.c$|^tools/benchmark/"),
    "sqlite3.h": re.compile(r"/store_(file|tables)\.c$|/store_file_inside\.h$"),
    "microhttpd.h": re.compile(r"^src/serve/"),
    "zstd": re.compile(r"^sketch/|^src/base/file_stream\.c$|^tools/benchmark/"),
    "xxhash.h": re.compile(r"^sketch/|^src/serve/http_answer\.c$"),
    "zlib.h": re.compile(r"^src/base/file_stream\.c$|^src/serve/http_answer\.c$"),
    "check.h": re.compile(r"^$"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def folder_of(path):
    return os.path.dirname(path)


def header_folders(tree):
    """{what an include says: folder} of our own headers."""
    owners = {}
    for path, _ in tree.with_suffix(".h"):
        folder = folder_of(path)
        name = os.path.basename(path)
        owners["headcount/" + name if folder == PUBLIC else name] = folder
    return owners


def wrong_own_include(path, included, owner):
    folder = folder_of(path)
    if folder in TEST_FOLDERS or owner == folder:
        return None
    if folder not in MAY_INCLUDE:
        return f"{path}: no rule says what {folder}/ may include"
    if owner in MAY_INCLUDE[folder]:
        return None
    if owner == "src/kafka" and KAFKA_FILE.search(path):
        return None
    return f"{path}: {folder} may not include {included} of {owner}"


def wrong_foreign_include(path, included):
    if folder_of(path) in TEST_FOLDERS:
        return None
    for start, allowed in OTHERS.items():
        if included.startswith(start) and not allowed.search(path):
            return f"{path}: {included} is not for this file"
    return None


def wrong_includes(tree):
    owners = header_folders(tree)
    for path, text in tree.with_suffix(".c", ".h", ".cpp"):
        for quote, included in INCLUDE.findall(text):
            if included in owners:
                found = wrong_own_include(path, included, owners[included])
            elif quote == '"':
                found = f"{path}: {included} is no header of this tree"
            else:
                found = wrong_foreign_include(path, included)
            if found:
                yield found


def headers_that_need_others(tree, cc, cxx):
    """Each header in a file of its own, seeing only what its folder may see."""
    found = []
    flags = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
    for path, _ in tree.with_suffix(".h"):
        folder = folder_of(path)
        allowed = set(MAY_INCLUDE) if folder in TEST_FOLDERS else MAY_INCLUDE.get(folder, set())
        include = ["include"] + sorted({folder} | allowed)
        if KAFKA_FILE.search(path):
            include.append("src/kafka")
        runs = [[cc, "-std=c11", "-x", "c"]]
        if folder == PUBLIC:
            runs.append([cxx, "-std=c++17", "-x", "c++"])
        for run in runs:
            with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
                file.write(f'#include "{tree.root.absolute() / path}"\n')
                file.flush()
                command = run + flags + [f"-I{tree.root / name}" for name in include]
                done = subprocess.run(command + [file.name], capture_output=True, text=True,
                                      check=False)
            if done.returncode != 0:
                found.append(f"{path}: does not compile alone ({run[0]}): "
                             + next(line for line in done.stderr.splitlines() if "error" in line))
    return found

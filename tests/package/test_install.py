"""Goal: who installs the library, moves it and links it in any of the usual ways
gets the programs of docs/examples, which say what is true.

Everything runs from a prefix that was installed elsewhere and then moved."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
MONDAY = [f"user-{i}" for i in range(0, 60000)]
TUESDAY = [f"user-{i}" for i in range(40000, 120000)]
TRUTH = {"today": 80000, "came back": 20000, "on either day": 120000}
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
{find}
add_executable(shared reach.c)
target_link_libraries(shared PRIVATE headcount::headcount)
add_executable(static reach.c)
target_link_libraries(static PRIVATE headcount::headcount_static)
"""


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    return done


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", build, "--prefix", folder / "first")
    return (folder / "first").rename(folder / "moved")


def place(prefix, name):
    """The one file of this name, wherever the system keeps libraries."""
    found = list((prefix).rglob(name))
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def environment(prefix):
    return dict(os.environ, PKG_CONFIG_PATH=str(place(prefix, "libheadcount.pc").parent),
                LD_LIBRARY_PATH=str(place(prefix, "libheadcount.so.0").parent))


def reach(program, environment, folder):
    """Monday, then Tuesday: both sketches, and what was said last."""
    with open(folder / "monday.hc", "wb") as out:
        out.write(run(program, "/dev/null", input="\n".join(MONDAY).encode(),
                      env=environment).stdout)
    done = run(program, folder / "monday.hc", input="\n".join(TUESDAY + [""]).encode(),
               env=environment)
    return (folder / "monday.hc").read_bytes(), done.stdout, done.stderr.decode()


def check_reach(said):
    lines = re.findall(r"^(.*): (\d+) \((\d+) to (\d+)\)$", said, re.M)
    assert [line[0] for line in lines] == list(TRUTH)
    for what, value, low, high in lines:
        width = int(high) - int(low)
        assert int(low) <= int(value) <= int(high)
        # Twice the interval: the ids are fixed, so this fails always or never.
        assert abs(int(value) - TRUTH[what]) <= width
        assert width < TRUTH[what] / 4


def compiled(prefix, environment, folder, static):
    options = ["--static"] if static else []
    flags = run("pkg-config", *options, "--cflags", "--libs", "libheadcount",
                env=environment).stdout.decode().split()
    program = folder / "reach"
    run("cc", "-Wall", "-Wextra", "-Werror", *(["-static"] if static else []),
        EXAMPLES / "reach.c", *flags, "-o", program)
    assert static or str(prefix) in " ".join(flags)
    return program


@pytest.fixture(scope="module")
def said(prefix, environment, tmp_path_factory):
    """What the example gives, linked by pkg-config with the shared library."""
    folder = tmp_path_factory.mktemp("reach")
    program = compiled(prefix, environment, folder, False)
    needed = run("readelf", "--dynamic", program).stdout.decode()
    assert "[libheadcount.so.0]" in needed
    assert "libzstd" not in needed
    return reach(program, environment, folder)


def test_the_example_says_what_is_true(said):
    check_reach(said[2])
    assert len((EXAMPLES / "reach.c").read_text().splitlines()) <= 60


def test_pkg_config_links_statically(prefix, environment, scratch, said):
    program = compiled(prefix, environment, scratch, True)
    assert b"Shared library" not in run("readelf", "--dynamic", program).stdout
    assert reach(program, {}, scratch) == said


def test_the_example_refuses_what_is_no_sketch(prefix, environment, scratch):
    program = compiled(prefix, environment, scratch, False)
    (scratch / "bad").write_bytes(b"monday")
    for sketch in ("bad", "absent"):
        done = subprocess.run([program, scratch / sketch], input=b"a\n", capture_output=True,
                              env=environment, check=False)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program, "/dev/null"], input=b"a\n", stdout=full,
                              stderr=subprocess.PIPE, env=environment, check=False)
    assert done.returncode == 1


def build_consumer(folder, find, *options):
    (folder / "CMakeLists.txt").write_text(PROJECT.format(find=find))
    shutil.copy(EXAMPLES / "reach.c", folder)
    run("cmake", "-S", folder, "-B", folder / "build", *options)
    run("cmake", "--build", folder / "build", "--parallel", "2")
    return folder / "build"


@pytest.mark.parametrize("find", ["find_package(headcount 0.1 REQUIRED)",
                                  f"add_subdirectory({ROOT} headcount)"],
                         ids=["find_package", "add_subdirectory"])
def test_cmake(prefix, scratch, said, find):
    folder = build_consumer(scratch, find, f"-DCMAKE_PREFIX_PATH={prefix}")
    needed = run("readelf", "--dynamic", folder / "static").stdout
    assert b"libheadcount" not in needed and b"libzstd" in needed
    for program in ("shared", "static"):
        assert reach(folder / program, {}, scratch) == said


def test_cmake_refuses_another_version(prefix, scratch):
    (scratch / "CMakeLists.txt").write_text(
        PROJECT.format(find="find_package(headcount 0.2 REQUIRED)"))
    shutil.copy(EXAMPLES / "reach.c", scratch)
    done = subprocess.run(["cmake", "-S", scratch, "-B", scratch / "build",
                           f"-DCMAKE_PREFIX_PATH={prefix}"], capture_output=True, check=False)
    assert done.returncode != 0
    assert b"version: 0.1.0" in done.stderr


def test_what_is_installed(prefix):
    header = (ROOT / "include" / "headcount" / "version.h").read_text()
    version = ".".join(re.findall(r"_(?:MAJOR|MINOR|PATCH) (\d+)", header))
    for program in ("headcount", "headcountd"):
        assert version in run(prefix / "bin" / program, "--version").stdout.decode()
    names = {path.name for path in (ROOT / "include" / "headcount").iterdir()}
    assert {path.name for path in (prefix / "include" / "headcount").iterdir()} == names
    assert place(prefix, "LIBRARY.md").parent == prefix / "share" / "doc" / "headcount"
    assert f"Version: {version}\n" in place(prefix, "libheadcount.pc").read_text()


PYTHON = """
import sys
sys.path.insert(0, {examples!r})
import headcount
monday, tuesday = headcount.Sketch(), headcount.Sketch()
for i in range(60000):
    monday.add(f"user-{{i}}")
for i in range(40000, 120000):
    tuesday.add(f"user-{{i}}".encode())
print(monday.encode().hex())
print(tuesday.encode().hex())
ids = monday.common(tuesday)
print(f"came back: {{ids.value:.0f}} ({{ids.low:.0f}} to {{ids.high:.0f}})")
monday.update(tuesday)
ids = headcount.Sketch.decode(monday.encode()).estimate()
print(f"on either day: {{ids.value:.0f}} ({{ids.low:.0f}} to {{ids.high:.0f}})")
redis = headcount.Sketch.decode(bytes.fromhex(sys.argv[1]), headcount.lib.hc_redis_decode)
small = headcount.Sketch()
for i in range(1000):
    small.add(f"user-{{i}}")
redis.update(small)
print(round(redis.estimate().value))
for bad in (lambda: headcount.Sketch.decode(b"monday"), lambda: headcount.Sketch("redis", 3),
            lambda: monday.update(headcount.Sketch("trino"))):
    try:
        bad()
    except ValueError as error:
        print(error)
"""


def test_python(environment, said, redis):
    """The same bytes and numbers as in C, and as in Redis."""
    redis.command("DEL", "package")
    redis.add("package", [f"user-{i}" for i in range(3000)])
    value = redis.command("GET", "package")
    lines = run(sys.executable, "-c", PYTHON.format(examples=str(EXAMPLES)), value.hex(),
                env=dict(environment, PYTHONDONTWRITEBYTECODE="1")).stdout.decode().splitlines()
    assert bytes.fromhex(lines[0]) == said[0]
    assert bytes.fromhex(lines[1]) == said[1]
    assert lines[2:4] == said[2].splitlines()[-2:]
    assert int(lines[4]) == pytest.approx(redis.command("PFCOUNT", "package"), abs=20)
    assert len(set(lines[5:])) == 3

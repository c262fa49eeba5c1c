"""Goal: what is built for others shows hc_ names, all of them and no other, keeps
no state and asks nobody but the caller's allocator for memory."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
HEADERS = sorted((ROOT / "include" / "headcount").glob("*.h"))
COMPILERS = ["gcc -std=c99 -pedantic", "gcc -std=c11 -pedantic", "g++ -std=c++11 -x c++",
             "g++ -std=c++20 -pedantic -x c++"]
# Pure functions of the C library, and what compilers call by themselves. The
# system's allocator belongs to sketch.c, for those who bring none.
OTHERS = re.compile(r"mem(cpy|set|cmp|move|chr)|strcmp|qsort|ZSTD_\w+|XXH\w+|hc_\w+|__assert_fail"
                    r"|__stack_chk_fail|__mem\w+_chk|(__)?explicit_bzero(_chk)?|__cpu_model"
                    r"|_GLOBAL_OFFSET_TABLE_"
                    r"|(log|log2|log1p|exp|exp2|expm1|pow|sqrt|ldexp|frexp|round|ceil|floor"
                    r"|fabs|lround|llround|nearbyint|fma|fmax|fmin|cbrt|erf|erfc|tgamma|lgamma_r)")


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True,
                          text=True).stdout


@pytest.fixture(scope="module")
def package(build):
    return build / "sketch" / "package"


def declared():
    """The functions of the public headers."""
    return {name for header in HEADERS for name in re.findall(
        r"\b(hc_\w+)\s*\(", re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S))}


def test_the_map_is_the_headers():
    text = (ROOT / "sketch" / "package" / "libheadcount.map").read_text()
    names = re.findall(r"^    (\w+);$", text, re.M)
    assert len(names) == len(set(names))
    assert set(names) == declared()
    assert "hc_*" not in text


def test_the_shared_library_exports_the_headers_under_a_version(package):
    lines = run("nm", "--dynamic", "--defined-only", package / "libheadcount.so").splitlines()
    exported = [line.split()[-1] for line in lines if line.split()[-2] != "A"]
    assert sorted(exported) == sorted(name + "@@HEADCOUNT_0.1" for name in declared())


def test_the_soname(package):
    dynamic = run("readelf", "--dynamic", "--wide", package / "libheadcount.so")
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libheadcount.so.0"]
    assert "TEXTREL" not in dynamic


def test_the_archive_shows_the_headers(package):
    archive = package / "libheadcount.a"
    lines = run("nm", "--extern-only", "--defined-only", archive).splitlines()
    assert sorted(line.split()[-1] for line in lines if " " in line) == sorted(declared())
    assert run("ar", "t", archive).split() == ["libheadcount.o"]


def test_there_is_no_state(package):
    """No section that is written after the program has been loaded."""
    lines = run("readelf", "--sections", "--wide", package / "libheadcount.a").splitlines()
    sections = [re.search(r"\] (\S+) .*? ([0-9a-f]+) [0-9a-f]{2} +([A-Zxop]*) ", line)
                for line in lines if re.search(r"\] \.", line)]
    written = {match.group(1) for match in sections
               if "W" in match.group(3) and int(match.group(2), 16) > 0}
    assert {name for name in written if not name.startswith(".data.rel.ro")} == set()
    assert ".text" in {match.group(1) for match in sections if "X" in match.group(3)}


def test_memory_comes_from_the_caller(build):
    archive = build / "sketch" / "liblibheadcount.a"
    lines = run("nm", "--print-file-name", "--undefined-only", archive).splitlines()
    wanted = {(line.split(":")[1], line.split()[-1]) for line in lines}
    own = {line.split()[-1] for line in run("nm", "--defined-only", archive).splitlines()
           if " " in line}
    outside = {(file, name) for file, name in wanted
               if name not in own and not OTHERS.fullmatch(name)}
    assert outside == {("sketch.c.o", "realloc"), ("sketch.c.o", "free")}


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_header_needs_no_other(header, compiler, scratch):
    file = scratch / "alone.c"
    file.write_text(f"#include <headcount/{header.name}>\nint here;\n")
    command = compiler.split() + ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run(command + ["-I", ROOT / "include", file], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

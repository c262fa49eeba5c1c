"""Goal: what headcountd and headcount-board share, each of them does: help, versions and
properties on stdout, what is wrong with its words and files, where an option may come from,
how much is logged and as what."""
import json
import os
import subprocess

import pytest

from programs import parse_logfmt

PREFIXES = {"headcountd": "HEADCOUNT_", "headcount-board": "HEADCOUNT_BOARD_"}
SECRET = ["-X", "sasl.password=open sesame"]


@pytest.fixture(params=PREFIXES)
def program(request, build, scratch):
    """Runs one of the two with `words`; (code, stdout, stderr)."""
    name = request.param

    def run(*words, **variables):
        """Variables by option; `stdout` is a file."""
        stdout = variables.pop("stdout", subprocess.PIPE)
        environment = dict(os.environ, **{PREFIXES[name] + option.upper(): value
                                          for option, value in variables.items()})
        done = subprocess.run([build / "bin" / name, *words], stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE, cwd=scratch,
                              env=environment, check=False, timeout=60)
        return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()
    run.name = name
    # Files that are read to their end, with a warning of a secret.
    (scratch / "empty").write_bytes(b"")
    run.work = [*SECRET, *(["--db", "db", "-e"] if name == "headcount-board" else []), "empty"]
    return run


@pytest.mark.parametrize("words, first", [
    (["--help"], "usage:   {name} "), (["-h", "--listen", "nowhere"], "usage:   {name} "),
    (["--version", "-F", "nowhere"], "{name} 0."),
    (["-X", "list"], "## Global configuration properties")])
def test_answers(program, words, first):
    code, out, err = program(*words)
    assert (code, err) == (0, "") and out.startswith(first.format(name=program.name))
    with open("/dev/full", "wb") as full:
        assert program(*words, stdout=full) == (
            1, "", f"{program.name}: stdout: No space left on device\n")


def test_wrong_words(program):
    for words, why in ((["--nope"], "unknown option '--nope'"),
                       (["--log-format", "xml"], "--log-format 'xml': must be one of logfmt json"),
                       (["-b", "x:1"], "")):
        code, out, err = program(*words)
        lines = err.splitlines()
        assert (code, out) == (2, "") and lines[0].startswith(f"{program.name}: {why}")
        assert lines[1:] == [f"Try '{program.name} --help'."]


def test_wrong_surroundings(program, scratch):
    assert program(*program.work, verbose="1")[0] == 78
    assert program(*program.work, config="nowhere")[0] == 78
    (scratch / "options").write_text("unheard=of\n")
    code, out, err = program(*program.work, "-F", "options")
    assert (code, out) == (78, "") and "unheard" in err and "--help" not in err


def test_where_an_option_comes_from(program, scratch):
    """The command line before the environment before the file."""
    (scratch / "options").write_text("log-format=json\nquiet=true\n")
    warned = json.loads(program(*program.work, "-F", "options", quiet="false")[2].split("\n")[0])
    assert warned["level"] == "warn" and warned["property"] == "sasl.password"
    warned = parse_logfmt(program(*program.work, "--log-format=logfmt", config="options",
                                  log_format="json", quiet="false")[2])[0]
    assert warned["property"] == "sasl.password"
    assert program(*program.work, config="options")[2] == ""


def test_how_much_is_logged(program):
    def levels(*words):
        return {event["level"] for event in parse_logfmt(program(*program.work, *words)[2])}
    assert levels() == {"warn", "info"}
    assert levels("-q") == levels("-qv") == set()
    # The board has nothing more to tell of files.
    assert levels("-v") - {"debug"} == levels()
    assert ("debug" in levels("-v")) == (program.name == "headcountd")


def test_properties_that_cannot_be(program, scratch):
    """What a configuration does wrong is no failure of the run."""
    words = ["-b", "127.0.0.1:1", "-t", "topic", "-X", "unheard=of"]
    if program.name == "headcount-board":
        words += ["--db", "db"]
    code, _, err = program(*words)
    assert code == 78 and "unheard" in err

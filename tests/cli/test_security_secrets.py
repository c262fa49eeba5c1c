"""Goal: without any broker: secrets come out of files that are what they should
be, nothing of them is on the command line, in a core dump or in a message, what
we write is nobody else's to read, and the programs are built to be hard to use
for others' ends."""
import ctypes
import os
import pathlib
import re
import resource
import signal
import subprocess

import confluent_kafka
import pytest
from programs import parse_logfmt

CONFIG = 78
AWAY = ["-b", "127.0.0.1:1", "-t", "users"]
SASL = ["-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanism=PLAIN",
        "-X", "sasl.username=alice"]
MARKER = "PLANTED-7f3a61c27b50d4e8"


@pytest.fixture
def secret(scratch):
    def write(content, mode=0o600):
        path = scratch / "secret"
        path.write_bytes(content)
        path.chmod(mode)
        return path
    return write


@pytest.mark.parametrize("name", ["sasl.password", "ssl.key.password", "ssl.keystore.password",
                                  "ssl.key.pem", "sasl.oauthbearer.config"])
def test_files_that_hold_no_secret(programs, secret, scratch, name):
    for content, word in [
            (None, "No such file"), (b"", "it is empty"), (b"\n", "first line is empty"),
            (b"\r\nsecond\n", "first line is empty"), (MARKER.encode() + b"\0", "NUL byte"),
            (b"\0" + MARKER.encode(), "NUL byte"), (b"x" * 70000, "too long")]:
        if name == "ssl.key.pem" and word == "first line is empty":
            continue  # of a PEM the whole file counts
        path = scratch / "secret" if content is None else secret(content)
        done = programs.count(*AWAY, "-X", f"{name}=@{path}", "--validate", code=CONFIG)
        assert f"-X {name}: cannot read the secret from {path}: " in done.err, done.err
        assert word in done.err and MARKER not in done.err


def test_a_folder_is_no_secret(programs, scratch):
    done = programs.count(*AWAY, "-X", f"sasl.password=@{scratch}", "--validate", code=CONFIG)
    assert f"cannot read the secret from {scratch}: Is a directory" in done.err


@pytest.mark.parametrize("mode, told", [(0o600, False), (0o400, False), (0o640, True),
                                        (0o644, True), (0o604, True)])
def test_what_others_can_read_is_told(programs, secret, mode, told):
    path = secret(MARKER.encode(), mode)
    with programs.start(*AWAY, *SASL, "-X", f"sasl.password=@{path}", "-v") as daemon:
        daemon.wait_for(lambda: daemon.events("started"), "its start")
        events = daemon.events("secret_readable")
        assert [event["path"] for event in events] == ([str(path)] if told else [])
        assert MARKER not in daemon.err


def test_the_command_line_forgets(programs):
    """All ways to write it there; what it was is still used."""
    for words in (["-X", f"sasl.password={MARKER}"], [f"-Xsasl.password={MARKER}"],
                  [f"--property=sasl.password={MARKER}"]):
        with programs.start(*AWAY, *SASL, *words, "-v") as daemon:
            daemon.wait_for(lambda daemon=daemon: daemon.events("started"), "its start")
            line = pathlib.Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
            assert b"sasl.password=" in line and MARKER.encode() not in line
            told = daemon.events("secret_on_command_line")
            assert [event["property"] for event in told] == ["sasl.password"]
            assert MARKER not in daemon.err


def test_other_ways_are_not_blamed(programs, secret, scratch):
    path = secret(MARKER.encode())
    file = scratch / "options"
    file.write_text(f"property=sasl.password={MARKER}\n")
    for words, env in ((["-X", f"sasl.password=@{path}"], {}), (["-F", file], {}),
                       ([], {"HEADCOUNT_PROPERTY": f"sasl.password={MARKER}"})):
        rest = [] if not words and env else words
        if env:
            env = {"HEADCOUNT_PROPERTY": "\n".join(
                [env["HEADCOUNT_PROPERTY"], *(SASL[1::2])])}
            options = AWAY
        elif words[0] == "-F":
            file.write_text(file.read_text() + "".join(f"property={pair}\n" for pair in SASL[1::2]))
            options = AWAY
        else:
            options = [*AWAY, *SASL]
        with programs.start(*options, *rest, env=env) as daemon:
            daemon.wait_for(lambda daemon=daemon: daemon.events("started"), "its start")
            assert not daemon.events("secret_on_command_line")
            assert MARKER not in daemon.err


@pytest.mark.parametrize("line", [MARKER, f"sasl.password: {MARKER}", f"password {MARKER}",
                                  f"{MARKER}==", f"property: sasl.password={MARKER}",
                                  f"property=sasl.password {MARKER}",
                                  f"property=sasl.pasword={MARKER}"])
def test_a_slip_in_a_file_shows_no_secret(programs, scratch, line):
    file = scratch / "options"
    file.write_text(line + "\n")
    done = programs.count("-F", file, *AWAY, code=CONFIG)
    assert MARKER not in done.err and len(done.err) < 300


def crash(programs, scratch, words, env):
    """The core dumps that an abort leaves, as one lump of bytes."""
    folder = scratch / f"cores-{len(list(scratch.glob('cores-*')))}"
    folder.mkdir()

    def allow():
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    with open(folder / "err", "wb") as err:
        process = subprocess.Popen([programs.bin / "headcountd", *AWAY, *words], stderr=err,
                                   stdout=subprocess.DEVNULL, preexec_fn=allow,
                                   env={**os.environ, **env})
    while b"event=started" not in (folder / "err").read_bytes():
        assert process.poll() is None, (folder / "err").read_text()
    process.send_signal(signal.SIGABRT)
    assert process.wait() == -signal.SIGABRT
    return b"".join(path.read_bytes() for path in folder.glob("core*"))


def test_a_crash_leaves_no_secret(programs, secret, scratch, sanitized):
    """The same planted words are in the core of a process that has no secret."""
    path = secret(MARKER.encode())
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    control = crash(programs, scratch, ["-X", f"client.id={MARKER}"], {})
    if pattern.startswith("core") and not sanitized:
        assert MARKER.encode() in control
    for words, env in ((["-X", f"sasl.password=@{path}"], {}),
                       (["-X", f"sasl.password={MARKER}"], {}),
                       ([], {"HEADCOUNT_PROPERTY": f"sasl.password={MARKER}"})):
        options = [*SASL, *words]
        if env:
            env = {"HEADCOUNT_PROPERTY": "\n".join([env["HEADCOUNT_PROPERTY"], *SASL[1::2]])}
            options = []
        assert crash(programs, scratch, options, env) == b""


def test_rejects_are_nobody_elses(programs, scratch):
    path = scratch / "rejects"
    mask = os.umask(0)
    try:
        programs.count("-", "--rejects", path, input=b'{"uid":"x","ts":1468244380}\nnonsense\n')
    finally:
        os.umask(mask)
    assert path.read_bytes() and path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [
    ["sasl.kerberos.keytab=x\"; touch %s; \""], ["sasl.kerberos.principal=`touch %s`"],
    ["sasl.kerberos.kinit.cmd=touch %s"], ["sasl.kerberos.min.time.before.relogin=1"]])
def test_kerberos_runs_no_shell(programs, scratch, words):
    mark = scratch / "ran"
    words = [word % mark if "%s" in word else word for word in words]
    done = programs.count(*AWAY, "-X", "security.protocol=sasl_plaintext",
                          "-X", "sasl.mechanism=GSSAPI", *(("-X", words[0])), "--validate",
                          code=CONFIG)
    assert "can run code" in done.err and not mark.exists()


def test_kerberos_without_them_runs_nothing(programs, scratch):
    """The library's own default would run kinit."""
    folder = scratch / "bin"
    folder.mkdir()
    (folder / "kinit").write_text(f"#!/bin/sh\ntouch {scratch}/ran\n")
    (folder / "kinit").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    with programs.start(*AWAY, "-X", "security.protocol=sasl_plaintext", "-X",
                        "sasl.mechanism=GSSAPI", "-v", "-X", "debug=security",
                        env={"PATH": path}) as daemon:
        daemon.wait_for(lambda: daemon.events("started"), "its start")
        assert daemon.end().code == 0
    assert not (scratch / "ran").exists()


def properties_of(library, scratch):
    """What a librdkafka shows of itself."""
    library, libc = ctypes.CDLL(str(library)), ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    path = scratch / "properties"
    stream = ctypes.c_void_p(libc.fopen(str(path).encode(), b"w"))
    library.rd_kafka_conf_properties_show(stream)
    libc.fclose(stream)
    return set(re.findall(r"^([a-z][a-z0-9._]+) +\|", path.read_text(), re.M))


def test_newer_libraries_bring_nothing_undecided(scratch):
    """The table against the librdkafka that confluent_kafka brings along."""
    folder = pathlib.Path(confluent_kafka.__file__).parent
    library, = folder.with_name("confluent_kafka.libs").glob("librdkafka*.so*")
    table = pathlib.Path(__file__).parents[2] / "src" / "kafka" / "properties_table.c"
    decided = set(re.findall(r'^    \{"([^"]+)", ', table.read_text(), re.M))
    shown = properties_of(library, scratch)
    assert len(shown) > 180 and not shown - decided


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], check=True,
                          capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", ["headcountd", "headcount"])
def test_how_the_programs_are_built(programs, sanitized, name):
    path = programs.bin / name
    assert re.search(r"Type: +DYN \(Position-Independent", readelf(path, "-h"))
    segments = readelf(path, "-l")
    assert re.search(r"GNU_STACK .* RW +0x", segments)
    assert "GNU_RELRO" in segments
    assert not re.search(r"LOAD .* [R ]WE ", segments)
    dynamic = readelf(path, "-d")
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic and "TEXTREL" not in dynamic
    if not sanitized:
        assert "BIND_NOW" in dynamic
        symbols = readelf(path, "--dyn-syms")
        assert "__stack_chk_fail" in symbols
        assert re.search(r"__(v?snprintf|memcpy|fprintf|vasprintf)_chk", symbols)


def test_tidy_logs_with_secrets_about(programs, secret):
    """Every line of the log is logfmt, with all the warnings that secrets cause."""
    path = secret(MARKER.encode(), 0o644)
    with programs.start(*AWAY, *SASL, "-X", f"sasl.password=@{path}") as daemon:
        daemon.wait_for(lambda: daemon.events("started"), "its start")
        lines = daemon.err.splitlines()
        assert len(parse_logfmt(daemon.err)) == len(lines)
        assert daemon.events("password_in_clear")

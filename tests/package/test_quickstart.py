"""Goal: the README's first command does what it says, in a fresh copy of the tree, as a user
types it: it builds, counts what the README shows, and has live minutes on a page until
Ctrl-C. However it ends, nothing is left of it but its folder.

What it would get from the network is where the tests keep theirs."""
import contextlib
import gzip
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
import uuid

import pytest

from programs import wait_for

ROOT = pathlib.Path(__file__).parents[2]
MARK = "QUICKSTART_RUN"
# Longer than anything here takes, a build on a busy machine included.
LIMIT_S = 400
# And longer than it takes to end all of it.
END_S = 60
# A live stream of about 83 frames a second, and three hours of them before it.
MINUTE_USERS = range(3000, 5001)


def processes(mark):
    """{id: command} of what was started under this mark and still runs."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return {number: command for number, command in found.items() if command}


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}


class Run:
    """A command as a shell with job control starts it: what it says, and its end by the user."""

    def __init__(self, command, folder, environment):
        self.said, self.mark = "", str(uuid.uuid4())
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=folder, start_new_session=True, env=dict(environment, **{MARK: self.mark}),
            # Who was started in the background, as these tests are, ignores it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def read(self):
        """What has come; False when nobody can say more."""
        while select.select([self.process.stdout], [], [], 0.05)[0]:
            come = os.read(self.process.stdout.fileno(), 65536)
            if not come:
                return False
            self.said += come.decode(errors="replace")
        return True

    def wait_for(self, pattern):
        def found():
            running = self.read()
            match = re.search(pattern, self.said, re.M)
            assert match or running, self.said
            return match
        return wait_for(found, pattern, LIMIT_S)

    def interrupt(self):
        """Ctrl-C: a terminal signals the foreground's process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self):
        """The exit code, once all of it is said."""
        wait_for(lambda: not self.read(), "its end", LIMIT_S)
        return self.process.wait(END_S)


class Tree:
    """A copy of the tree, and a home beside it."""

    def __init__(self, folder, kafka, npm):
        self.path, self.home, self.temporary = (folder / name for name in ("tree", "home", "tmp"))
        shutil.copytree(ROOT, self.path, ignore=lambda at, names: [
            name for name in names if name in (".git", "__pycache__")
            or (pathlib.Path(at) == ROOT and name.startswith("build"))])
        self.home.mkdir()
        self.temporary.mkdir()
        made = self.path / "build"
        shutil.copytree(npm, made / "npm")
        (made / "kafka").mkdir()
        (made / "kafka" / "jars").symlink_to(kafka / "jars")
        self.sources, self.started = files(self.path), []

    def run(self, *words):
        environment = {name: value for name, value in os.environ.items()
                       if not re.match("HEADCOUNT_|MAVEN_OPTS$|(WAYLAND_)?DISPLAY$", name)}
        environment.update(HOME=str(self.home), TMPDIR=str(self.temporary))
        self.started.append(Run(["tools/quickstart", *words], self.path, environment))
        return self.started[-1]

    def check_nothing_left(self, run):
        wait_for(lambda: not processes(run.mark), "the end of all it started")
        outside = {path for path in files(self.path) if path.parts[0] != "build"}
        assert outside == {path for path in self.sources if path.parts[0] != "build"}
        assert files(self.home) | files(self.temporary) == set()
        assert [path.name for path in (self.path / "build" / "kafka").iterdir()] == ["jars"]

    def end(self):
        """What a test found to be left is not left by the tests."""
        for run in self.started:
            for number in processes(run.mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)

    def log(self, name):
        return (self.path / "build" / "quickstart" / f"{name}.log").read_text()


@pytest.fixture(scope="module")
def tree(request):
    kept = [pathlib.Path(request.config.getoption(name)).absolute()
            for name in ("--kafka", "--npm")]
    with tempfile.TemporaryDirectory(prefix="headcount-") as folder:
        tree = Tree(pathlib.Path(folder), *kept)
        yield tree
        tree.end()


@pytest.fixture(scope="module")
def taken():
    """The page's usual port, where somebody listens already, be it we or not."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", 8080))
            listener.listen()
        yield 8080


def get(page, path):
    with urllib.request.urlopen(page + path, timeout=60) as answer:
        return answer.read().decode()


def minutes(page, span):
    rows = json.loads(get(page, f"/api/v1/uniques?by=minute&{span}"))["rows"]
    return {row["start"]: row["uniques"] for row in rows}


def test_live_users_until_ctrl_c(tree, taken):
    with tree.run("--stay") as run:
        page = run.wait_for(r"^Live users: (http://127\.0\.0\.1:(\d+))$")
        run.wait_for("^Ctrl-C ends all of it")
        assert int(page[2]) > taken
        assert "<title>headcount</title>" in get(page[1], "/")
        hour = minutes(page[1], "from=now-2h&to=now-1h")
        assert len(hour) >= 60
        assert all(users in MINUTE_USERS for users in hour.values())
        before = minutes(page[1], "from=now-2m&to=now")
        assert any(before.values())
        wait_for(lambda: minutes(page[1], "from=now-2m&to=now") != before, "more users")
        brokers = re.search(r"kcat -P -b (\S+:(\d+)) ", run.said)
        run.interrupt()
        assert run.end() == 0
    tree.check_nothing_left(run)
    for port in (page[2], brokers[2]):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)))
    for name in ("headcountd", "board"):
        assert "event=stopping" in tree.log(name) and "level=error" not in tree.log(name)
    assert re.search(r"^2016-07-11 13:00:00.*$", run.said, re.M)[0] \
        in (ROOT / "README.md").read_text()


def test_ctrl_c_while_it_begins(tree):
    with tree.run() as run:
        run.wait_for("^starting Kafka")
        run.interrupt()
        assert run.end() == 130
    tree.check_nothing_left(run)


def test_a_part_that_ends(tree):
    """All of it ends, and says why."""
    with tree.run("--stay") as run:
        run.wait_for("^Ctrl-C ends all of it")
        board, = [number for number, command in processes(run.mark).items()
                  if command.startswith("build/bin/headcount-board ")]
        os.kill(board, signal.SIGKILL)
        assert run.end() == 1
    assert re.search(r"^board has ended; from build/quickstart/board\.log:$", run.said, re.M)
    tree.check_nothing_left(run)


def test_frames_of_ones_own(tree):
    """The numbers are known; a name may need quotes."""
    frames = [{"uid": f"user-{i % 70}", "ts": 1468244340 + i} for i in range(120)]
    path = tree.home / "my 'own' frames.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(each) + "\n" for each in frames).encode()))
    with tree.run(str(path)) as run:
        assert run.end() == 0
    path.unlink()
    assert re.findall(r"^2016-07-11 13:(\d\d:00)\S+ +(\d+) ", run.said, re.M) == [
        ("39:00", "60"), ("40:00", "60"), ("00:00", "70")]
    assert "Kafka" not in run.said
    tree.check_nothing_left(run)


def test_a_file_that_is_not_there(tree):
    with tree.run("nowhere.jsonl") as run:
        assert run.end() == 1
    assert run.said == "cannot read nowhere.jsonl\n"
    tree.check_nothing_left(run)


def test_a_build_that_fails(tree):
    """The compiler's words are said, and nothing is counted with what was built before."""
    source = tree.path / "src" / "cmd" / "exits.h"
    text = source.read_text()
    source.write_text(text + "this is no C\n")
    try:
        with tree.run() as run:
            assert run.end() == 1
    finally:
        source.write_text(text)
    assert re.search(r"exits\.h:\d+:\d+: error: ", run.said)
    assert "$ build/bin" not in run.said
    tree.check_nothing_left(run)

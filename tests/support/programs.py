"""Runs the programs under test, whole and as a user would."""
import dataclasses
import os
import pathlib
import shlex
import signal
import subprocess
import tempfile
import time

TIME = "/usr/bin/time"
# Generous: under the sanitizers two years of minutes take a while.
RUN_LIMIT_S = 600


def wait_for(condition, what, limit_s=180):
    """Polls until `condition()` is true and returns what it said."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.02)


@dataclasses.dataclass
class Done:
    code: int
    out: bytes
    err: str
    peak_kib: int = 0


def parse_logfmt(text):
    """The events on stderr as dictionaries; other lines are left out."""
    events = []
    for line in text.splitlines():
        if "event=" in line:
            events.append(dict(word.partition("=")[::2] for word in shlex.split(line)
                               if "=" in word))
    return events


class Daemon:
    """A running headcountd; killed, if need be, on leaving."""

    def __init__(self, command, folder, stdin, env, stdout=None):
        self.paths = [pathlib.Path(folder) / name for name in ("out", "err")]
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen(command, stdin=stdin, env=env, stderr=err,
                                            stdout=out if stdout is None else stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def out(self):
        """Whole lines only: the program may be writing."""
        return self.paths[0].read_bytes().rpartition(b"\n")[0]

    @property
    def err(self):
        return self.paths[1].read_text(encoding="utf-8", errors="replace")

    def events(self, name):
        return [event for event in parse_logfmt(self.err) if event["event"] == name]

    def wait_for(self, condition, what, limit_s=180):
        """Like wait_for, but a program that ended is no longer waited for."""
        def seen():
            value = condition()
            if not value and self.process.poll() is not None and not condition():
                raise AssertionError(f"ended with {self.process.returncode} before {what}: "
                                     + self.err[-2000:])
            return value
        return wait_for(seen, what, limit_s)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, limit_s=15):
        """SIGTERM and its orderly end."""
        self.signal(signal.SIGTERM)
        return self.done(limit_s)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def done(self, limit_s=RUN_LIMIT_S):
        code = self.process.wait(timeout=limit_s)
        return Done(code, self.paths[0].read_bytes(), self.err)


class Programs:
    def __init__(self, bin_folder, scratch):
        self.bin = pathlib.Path(bin_folder)
        self.scratch = scratch

    def _environment(self, extra):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith("HEADCOUNT_")}
        env.update(extra or {})
        return env

    def _folder(self):
        return tempfile.mkdtemp(dir=self.scratch)

    def start(self, *options, stdin=subprocess.DEVNULL, env=None, stdout=None,
              program="headcountd"):
        """A program in the background; what it writes to `stdout` is not in `out`."""
        command = [str(self.bin / program), *map(str, options)]
        return Daemon(command, self._folder(), stdin, self._environment(env), stdout)

    def count(self, *options, input=b"", env=None, code=0, limit_s=RUN_LIMIT_S):
        """headcountd to its end; `peak_kib` is its largest resident size."""
        peak = os.path.join(self._folder(), "peak")
        command = [TIME, "-q", "-f", "%M", "-o", peak, str(self.bin / "headcountd")]
        done = subprocess.run(command + list(map(str, options)), input=input,
                              capture_output=True, env=self._environment(env), timeout=limit_s,
                              check=False)
        err = done.stderr.decode(errors="replace")
        assert done.returncode == code, f"exit {done.returncode}, not {code}: {err[-2000:]}"
        with open(peak, encoding="ascii") as file:
            return Done(done.returncode, done.stdout, err, int(file.read()))

    def headcount(self, *options, input=b"", code=0):
        """headcount's stdout."""
        done = subprocess.run([str(self.bin / "headcount"), *map(str, options)], input=input,
                              capture_output=True, env=self._environment(None),
                              timeout=RUN_LIMIT_S, check=False)
        err = done.stderr.decode(errors="replace")
        assert done.returncode == code, f"exit {done.returncode}, not {code}: {err[-2000:]}"
        return done.stdout

    def verify(self, records, code=0):
        return self.headcount("verify", input=records, code=code).decode()

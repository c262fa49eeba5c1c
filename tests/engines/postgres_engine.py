"""PostgreSQL with postgresql-hll, unpacked from Debian's packages: no service, no port.

    with postgres_engine.Engine(build / "engines") as postgres: ...

The cluster lives in a folder that is removed, is reached by a socket in it
alone, and is asked by psql. PostgreSQL refuses to be root: then it is nobody,
who may still open what only root could (a checkout in /root).
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
READY_S = 60
NOBODY = 65534
SETTINGS = {"listen_addresses": "", "unix_socket_directories": ".", "fsync": "off", "jit": "off",
            "max_connections": "10", "shared_buffers": "16MB", "max_wal_senders": "0",
            "dynamic_shared_memory_type": "mmap", "autovacuum": "off"}
SETUP = """
create extension hll;
create table raw (id text);
create table ids (name text, hash hll_hashval);
create index on ids (name);
"""
END = "-- that was all"


class EngineError(Exception):
    """What psql had to say against it."""


def _death_signal():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Engine:
    """Starts on entering, ends on leaving."""

    name = "postgres"

    def __init__(self, folder):
        self.bin = pathlib.Path(folder).resolve() / "postgres/usr/lib/postgresql/15/bin"
        self.folder = tempfile.mkdtemp(prefix="postgres-")
        self.known = set()
        self.process = self.psql = None
        self.user = []
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            self.user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                         "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
                         "--securebits=+no_setuid_fixup", "--pdeathsig=QUIT"]

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.data = os.path.join(self.folder, "data")
        with open(os.path.join(self.folder, "log"), "wb") as log:
            subprocess.run([*self.user, self.bin / "initdb", "-D", self.data, "-U", "postgres",
                            "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8",
                            "--locale=C.UTF-8"],
                           check=True, stdin=subprocess.DEVNULL, stdout=log, cwd=self.folder)
            self.process = subprocess.Popen(
                [*self.user, self.bin / "postgres", "-D", self.data,
                 *(f"--{name}={value}" for name, value in SETTINGS.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                preexec_fn=_death_signal)
        self._connect(time.monotonic() + READY_S)
        self.ask(SETUP)

    def _connect(self, deadline):
        """A socket that is there may still refuse: psql ends, and is started again."""
        while True:
            self._start_psql()
            try:
                return self.ask("select 1")
            except (EngineError, OSError):
                self._end_psql()
            if time.monotonic() > deadline or self.process.poll() is not None:
                log = pathlib.Path(self.folder, "log").read_text(errors="replace")
                raise EngineError("PostgreSQL did not start:\n" + log[-4000:])
            time.sleep(0.05)

    @contextlib.contextmanager
    def _psql(self, *words):
        """What starts a psql: command and environment. By way of an open folder: a socket's
        own path may be 107 bytes long at most."""
        folder = os.open(self.data, os.O_PATH)
        yield {"args": [self.bin / "psql", "-X", "-q", "-A", "-t", "-F", "\t",
                        "-h", f"/proc/self/fd/{folder}", "-U", "postgres", *words],
               "text": True, "encoding": "utf-8", "pass_fds": [folder], "cwd": self.folder,
               "env": {**os.environ, "PGCLIENTENCODING": "UTF8",
                       "PGCONNECT_TIMEOUT": str(READY_S)}}
        os.close(folder)

    def _start_psql(self):
        with self._psql("-v", "VERBOSITY=terse", "-f", "-") as how:
            self.psql = subprocess.Popen(**how, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)

    def run(self, *words, input=""):
        """psql to its end, as users run it."""
        with self._psql(*words) as how:
            done = subprocess.run(**how, input=input, capture_output=True, check=False)
        if done.returncode:
            raise EngineError(done.stderr)
        return done.stdout

    def _end_psql(self):
        self.psql.kill()
        self.psql.wait()
        self.psql.stdout.close()
        with contextlib.suppress(OSError):
            self.psql.stdin.close()

    def __exit__(self, *_):
        if self.psql is not None:
            self._end_psql()
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder)

    def ask(self, sql, copy=""):
        """The rows of the answer, in words; `copy` is what COPY FROM STDIN reads."""
        self.psql.stdin.write(f"{sql};\n{copy}\\echo '{END}' :ERROR :LAST_ERROR_MESSAGE\n")
        self.psql.stdin.flush()
        rows = []
        while not (line := self.psql.stdout.readline()).startswith(END):
            if not line:
                raise EngineError("psql is gone")
            rows.append(line.rstrip("\n").split("\t"))
        error, _, message = line.removeprefix(END).strip().partition(" ")
        if error == "true":
            raise EngineError(message)
        return rows

    def version(self):
        [[server, extension]] = self.ask(
            "select current_setting('server_version'), extversion from pg_extension"
            " where extname = 'hll'")
        return f"PostgreSQL {server}, hll {extension}"

    def define(self, name, ids):
        """Makes a set of ids known under a name; once is enough."""
        if name not in self.known:
            rows = "".join(each.encode().hex() + "\n" for each in ids)
            self.ask("truncate raw; copy raw from stdin", rows + "\\.\n")
            self.ask(f"insert into ids select '{name}', hll_hash_text("
                     "convert_from(decode(id, 'hex'), 'UTF8')) from raw")
            self.known.add(name)

    def sketch(self, form, start=None, sets=(), merge=()):
        """A sketch of `form` from bytes (or new), then counted, then merged into."""
        shape = ", ".join(str(form[each]) for each in ("precision", "regwidth", "expthresh",
                                                       "sparse"))
        made = f"hll_empty({shape})" if start is None else f"'\\x{start}'::hll"
        for name in sets:
            counted = (f"(select hll_add_agg(hash, {shape}) from ids"
                       f" where name = '{name}')")
            made = f"coalesce(hll_union({made}, {counted}), {made})"
        for data in merge:
            made = f"hll_union({made}, '\\x{data}'::hll)"
        [[image, estimate]] = self.ask(f"select x, # x from (select {made} as x) as made")
        return {"bytes": image.removeprefix("\\x"), "estimate": float(estimate)}

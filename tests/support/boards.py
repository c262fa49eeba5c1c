"""A running headcount-board, asked over HTTP; and what its file holds, by another SQLite."""
import base64
import http.client
import json
import sqlite3
import subprocess
import tempfile
import urllib.parse

import programs

PROFILES = ["redis", "datasketches", "postgres", "zetasketch", "trino", "keyed"]


class Live:
    """The stream of live events."""

    def __init__(self, address, query="", headers=None):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.connection.request("GET", "/api/v1/live" + query, headers=headers or {})
        self.answer = self.connection.getresponse()
        self.last_id = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def _line(self):
        line = self.answer.readline()
        assert line, "the stream ended"
        return line.decode().rstrip("\n")

    def event(self):
        """(name, data) of the next one."""
        name = None
        while True:
            field, _, value = self._line().partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                self.last_id = value
            elif field == "data":
                return name, json.loads(value)

    def until(self, condition):
        """Events up to the first one for which condition(name, data) holds, in a list."""
        events = []
        while not events or not condition(*events[-1]):
            events.append(self.event())
        return events


class Board(programs.Daemon):
    """Listens on a free port. `prefix` is a command that starts it, such as prlimit."""

    def __init__(self, build, db, *words, prefix=(), stdin=subprocess.DEVNULL):
        self.db = db
        command = [*prefix, build / "bin" / "headcount-board", "--db", db,
                   "--listen", "127.0.0.1:0", *words]
        self.folder = tempfile.TemporaryDirectory(prefix="headcount-")
        super().__init__([str(word) for word in command], self.folder.name, stdin, None)
        found = self.wait_for(lambda: self.events("listening"), "listening")
        self.address = found[0]["address"].removeprefix("http://")

    def __exit__(self, *_):
        super().__exit__()
        self.folder.cleanup()

    def get(self, target, headers=None):
        """(status, text)"""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request("GET", target, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def rows(self, **parameters):
        query = urllib.parse.urlencode({key.strip("_"): value
                                        for key, value in parameters.items()})
        status, body = self.get(f"/api/v1/uniques?{query}")
        assert status == 200, body
        return json.loads(body)["rows"]

    def metric(self, name):
        """Its samples: {labels: value}."""
        status, body = self.get("/metrics")
        assert status == 200, body
        samples = (line.rpartition(" ") for line in body.splitlines() if not line.startswith("#"))
        return {key[len(name):]: float(value) for key, _, value in samples
                if key == name or key.startswith(name + "{")}

    def records(self):
        return int(self.metric("headcount_board_records_total")[""])

    def is_ready(self):
        return self.get("/-/ready")[0] == 200

    def wait_until_ready(self):
        self.wait_for(self.is_ready, "ready")


def load(build, db, *words, code=0, prefix=()):
    """Reads what is there and ends; its stderr."""
    done = subprocess.run([str(word) for word in (*prefix, build / "bin" / "headcount-board",
                                                  "--db", db, *words)],
                          capture_output=True, text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr[-2000:]}"
    return done.stderr


def late_of(db):
    """{(stream, profile, minute)} of those that a store's file says were late."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        streams = dict(connection.execute("SELECT id, name FROM stream"))
        return {(streams[number >> 35], number >> 32 & 7, (number & 0xffffffff) * 60 + 60 * bit)
                for number, bits in connection.execute("SELECT id, bytes FROM late")
                for bit in range(1440) if bits[bit // 8] >> bit % 8 & 1}
    finally:
        connection.close()


def minutes_of(db):
    """{(stream, profile, group, minute): bytes of the sketch} of a store's file."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        series = {row[0]: row[1:] for row in connection.execute(
            "SELECT series.id, stream.name, profile, series.name FROM series"
            " JOIN stream ON stream.id = series.stream")}
        return {(*series[number >> 32], (number & 0xffffffff) * 60): bytes(sketch)
                for number, sketch in connection.execute("SELECT id, bytes FROM minute")}
    finally:
        connection.close()


def late_of_records(lines):
    """The same as late_of, of what headcountd wrote."""
    return {(record["stream"], PROFILES.index(record["sketch"]["profile"]) + 1, record["minute"])
            for record in map(json.loads, lines) if record.get("state") == "late"}


def minutes_of_records(lines):
    """The same as minutes_of, of records that hold each minute once: merge --by minute."""
    minutes = {}
    for line in lines:
        record = json.loads(line)
        if record["type"] == "sketch":
            sketch = record["sketch"]
            group = json.dumps(record["group"], separators=(",", ":"))
            key = (record["stream"], PROFILES.index(sketch["profile"]) + 1, group,
                   record["minute"])
            assert key not in minutes
            minutes[key] = base64.b64decode(sketch["bytes"])
    return minutes

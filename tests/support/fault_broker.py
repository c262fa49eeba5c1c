"""A proxy before the brokers that answers requests with errors, as told.

A client that begins at `bootstrap` never learns of the brokers behind: their
addresses are replaced in every answer. A fault is a request, a code, how often,
and how: the request is answered without the brokers ("refused"), or they do it
and the client is told otherwise ("denied"). DISCONNECT in place of a code cuts
the connection instead.

What matters of the traffic is kept in order: which records were acknowledged,
which commits were asked for, and which of them were done. From that, `commits`
says for each commit what had been acknowledged when it was asked for.
"""
import collections
import dataclasses
import socket
import struct
import threading
import time

import fault_codec as codec

DISCONNECT = -195
FOR_EVER = 1 << 60
HOST = b"127.0.0.1"


@dataclasses.dataclass
class Fault:
    api: int
    code: int
    count: int            # FOR_EVER: until lifted
    denied: bool = False  # the brokers do it all the same
    whole: bool = False   # the answer names no partitions
    topic: bytes = None   # only requests in which this name stands
    done: int = 0

    @property
    def left(self):
        return self.count - self.done


@dataclasses.dataclass
class Commit:
    asked: float           # seconds of time.monotonic
    offsets: dict          # {partition: offset}
    acknowledged: dict     # {topic: {partition: next offset}} of what was produced before
    done: bool = False


class FaultBroker:
    """`backends` are the addresses of the brokers behind, "host:port,host:port"."""

    def __init__(self, backends, answers=None):
        self.lock = threading.RLock()
        self.faults = []
        self.requests = collections.Counter()   # by api
        self.acknowledged = collections.defaultdict(dict)
        self.commits = []
        self.answers = answers  # api -> function(message) for what the brokers can't
        self.connections = set()
        self.open = True
        self.ports = {}         # port behind -> listening socket
        for address in backends.split(","):
            self._listen(int(address.rpartition(":")[2]))
        self.swaps = [(HOST + struct.pack(">i", port), HOST + struct.pack(">i", ours.port))
                      for port, ours in self.ports.items()]
        self.bootstrap = ",".join(f"127.0.0.1:{ours.port}" for ours in self.ports.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _listen(self, port):
        listener = _Listener(self, port)
        self.ports[port] = listener

    def close(self):
        with self.lock:
            self.open = False
            ends = [*self.connections]
        for listener in self.ports.values():
            listener.close()
        for end in ends:
            end.cut()

    # -- faults -----------------------------------------------------------------------

    def fault(self, api, code, count=1, **how):
        """From now on; the fault tells how often it was `done`."""
        fault = Fault(api, code, count, **how)
        with self.lock:
            self.faults.append(fault)
        return fault

    def lift(self):
        with self.lock:
            self.faults.clear()

    def disconnect(self):
        """Cuts every connection."""
        with self.lock:
            ends = [*self.connections]
        for end in ends:
            end.cut()

    def take(self, api, message):
        """The fault that applies to a request, now counted, or None."""
        with self.lock:
            self.requests[api] += 1
            for fault in self.faults:
                if fault.api == api and fault.left > 0 and \
                        (fault.topic is None or fault.topic in message):
                    fault.done += 1
                    return fault
        return None

    # -- what is kept -----------------------------------------------------------------

    def commit_asked(self, reader):
        offsets = {partition: offset for _, each_of in codec.read_offset_commit(reader)
                   for partition, offset, *_ in each_of}
        with self.lock:
            seen = {name: dict(ends) for name, ends in self.acknowledged.items()}
            commit = Commit(time.monotonic(), offsets, seen)
            self.commits.append(commit)
        return commit

    def committed(self):
        """{partition: offset} of what was committed, the last word."""
        found = {}
        with self.lock:
            for commit in self.commits:
                if commit.done:
                    found.update(commit.offsets)
        return found

    def produced(self, body, counts):
        with self.lock:
            for name, each_of in codec.read_produced(body):
                for partition, code, first, _ in each_of:
                    if code == 0 and first >= 0:
                        ends = self.acknowledged[name.decode()]
                        end = first + counts[name, partition]
                        ends[partition] = max(ends.get(partition, 0), end)


class _Listener:
    def __init__(self, broker, behind):
        self.broker, self.behind = broker, behind
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            try:
                behind = socket.create_connection(("127.0.0.1", self.behind), timeout=5)
            except OSError:
                client.close()
                continue
            behind.settimeout(None)
            with self.broker.lock:
                if not self.broker.open:
                    client.close(), behind.close()
                    return
                connection = _Connection(self.broker, client, behind)
                self.broker.connections.add(connection)
            connection.start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def _batches_count(records):
    """The offsets that the batches of a Produce request will take."""
    count, at = 0, 0
    while at < len(records):
        size, = struct.unpack_from(">i", records, at + 8)
        count += struct.unpack_from(">i", records, at + 23)[0] + 1
        at += 12 + size
    return count


class _Connection:
    """A client's connection and ours to the broker behind it."""

    def __init__(self, broker, client, behind):
        self.broker, self.client, self.behind = broker, client, behind
        self.waiting = {}  # correlation id -> what to do with the answer
        self.writing = threading.Lock()

    def start(self):
        for side in (self._requests, self._answers):
            threading.Thread(target=self._serve, args=(side,), daemon=True).start()

    def _serve(self, side):
        try:
            side()
        except (OSError, EOFError):
            pass
        self.cut()

    def cut(self):
        with self.broker.lock:
            self.broker.connections.discard(self)
        for end in (self.client, self.behind):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    @staticmethod
    def _message(reader):
        size = reader.read(4)
        if len(size) < 4:
            raise EOFError
        size, = struct.unpack(">i", size)
        message = reader.read(size)
        if len(message) < size:
            raise EOFError
        return message

    def _send(self, end, message):
        with self.writing:
            end.sendall(struct.pack(">i", len(message)) + message)

    def _requests(self):
        reader = self.client.makefile("rb")
        while True:
            message = self._message(reader)
            api, version, correlation, body = codec.header(message)
            fault = self.broker.take(api, message)
            if fault and fault.code == DISCONNECT:
                raise EOFError
            refused = fault and api != codec.METADATA and not fault.denied
            note = self.broker.commit_asked(body) if api == codec.OFFSET_COMMIT else None
            if refused:
                self._send(self.client, codec.refusal(message, fault.code, fault.whole))
            elif self.broker.answers and api in self.broker.answers:
                self._send(self.client, message[4:8] + self.broker.answers[api](message))
            else:
                if api == codec.PRODUCE and version == 7:
                    note = {(name, partition): _batches_count(records)
                            for name, each_of in codec.read_produce(body)
                            for partition, records in each_of}
                self.waiting[correlation] = (api, version, fault, note, message)
                self.behind.sendall(struct.pack(">i", len(message)) + message)

    def _answers(self):
        reader = self.behind.makefile("rb")
        while True:
            answer = self._message(reader)
            waiting = self.waiting.pop(struct.unpack_from(">i", answer)[0])
            self._send(self.client, answer[:4] + self._changed(answer[4:], *waiting))

    def _changed(self, body, api, version, fault, note, message):
        if api == codec.API_VERSIONS and version == 3:
            if body[:2] == b"\0\0":
                body = codec.clamp_versions(body)
        elif api == codec.METADATA and fault:
            spoilt = codec.spoil_metadata(body, version, fault.code, fault.whole)
            if spoilt is None:
                with self.broker.lock:
                    fault.done -= 1  # it was about no topic
            else:
                body = spoilt
        if fault and fault.denied:
            return codec.refusal(message, fault.code, fault.whole)[4:]
        if api == codec.PRODUCE:
            self.broker.produced(body, note)
        elif api == codec.OFFSET_COMMIT:
            note.done = all(code == 0 for code in codec.read_committed(body).values())
        if api in (codec.METADATA, codec.FIND_COORDINATOR):
            for behind, ours in self.broker.swaps:
                body = body.replace(behind, ours)
        return body

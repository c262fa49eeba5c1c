"""A real redis-server for one test run: no port, no persistence, no service.

Debian's redis-tools holds the server's binary under another name (it acts by
the name it is called with), so that nothing has to be installed as a service.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

BINARY = "/usr/bin/redis-check-rdb"
HEADER_SIZE = 16
REGISTERS = 16384


class RedisError(Exception):
    pass


class Redis:
    """Starts on entering, ends on leaving."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="redis-")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "",
             "--appendonly", "no", "--daemonize", "no"],
            executable=BINARY, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        self.socket = self._connect(time.monotonic() + 30)
        self.reader = self.socket.makefile("rb")
        return self

    def _connect(self, deadline):
        """By way of an open folder: a socket's own path may be 107 bytes long at most."""
        folder = os.open(self.folder, os.O_PATH)
        try:
            while True:
                connection = socket.socket(socket.AF_UNIX)
                try:
                    connection.connect(f"/proc/self/fd/{folder}/redis.sock")
                    return connection
                except (FileNotFoundError, ConnectionRefusedError):
                    connection.close()
                    if time.monotonic() > deadline or self.process.poll() is not None:
                        raise
                    time.sleep(0.01)
        finally:
            os.close(folder)

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    @staticmethod
    def _encode(words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        return b"".join(parts)

    def _reply(self):
        line = self.reader.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.reader.read(size + 2)[:-2]
        raise RedisError(rest.decode())

    def command(self, *words):
        self.socket.sendall(self._encode(words))
        return self._reply()

    def add(self, key, users, at_once=500):
        users = sorted(users)
        for first in range(0, len(users), at_once):
            self.command("PFADD", key, *users[first:first + at_once])


def registers(hyll):
    """The 16,384 registers of a Redis string, read by the format's description alone."""
    if hyll[:4] != b"HYLL" or hyll[4] not in (0, 1):
        raise ValueError("no HYLL header")
    body = hyll[HEADER_SIZE:]
    return _dense(body) if hyll[4] == 0 else _sparse(body)


def _dense(body):
    if len(body) != REGISTERS * 6 // 8:
        raise ValueError(f"{len(body)} bytes of dense registers")
    bits = int.from_bytes(body, "little")
    out = bytearray(REGISTERS)
    # Four registers are three bytes.
    for group in range(REGISTERS // 4):
        word = int.from_bytes(body[3 * group:3 * group + 3], "little")
        for place in range(4):
            out[4 * group + place] = word >> (6 * place) & 63
    assert out[-1] == bits >> (6 * (REGISTERS - 1))
    return bytes(out)


def _sparse(body):
    out = bytearray()
    at = 0
    while at < len(body):
        byte = body[at]
        at += 1
        if byte < 0x40:
            out += bytes(byte + 1)
        elif byte < 0x80:
            out += bytes(((byte & 0x3F) << 8 | body[at]) + 1)
            at += 1
        else:
            out += bytes([(byte >> 2 & 31) + 1]) * ((byte & 3) + 1)
    if len(out) != REGISTERS:
        raise ValueError(f"{len(out)} sparse registers")
    return bytes(out)

"""The proxy's process: proxy.py starts it, and tells what it does.

Each connection is a Link of two Pipes. A pipe's `pump` reads whole frames, finds
out what they are and puts them in a bounded queue; its `drain` keeps each until
the faults let it go, damages it, and writes it. So a delay is not added up over
frames, and a stalled reader stops the sender as TCP does.

Questions come as lines of JSON on stdin; its end ends the process.
"""
import asyncio
import collections
import json
import random
import socket
import struct
import sys

import proxy_faults
import proxy_protocol as protocol

UP, DOWN = "up", "down"
HOST = "127.0.0.1"
READ_BYTES = 1 << 20
QUEUE_BYTES = 32 << 20
SLICES_PER_S = 20
FLIPS_KEPT = 1000
RESET_LINGER = struct.pack("ii", 1, 0)
GONE = (ConnectionError, asyncio.IncompleteReadError, OSError)


class Pipe:
    """One direction of a link."""

    def __init__(self, link, direction, reader, writer):
        self.link, self.direction, self.reader, self.writer = link, direction, reader, writer
        self.rng = random.Random(f"{link.seed}/{link.node}/{link.number}/{direction}")
        self.queue, self.queued_bytes = asyncio.Queue(), 0
        self.room = asyncio.Event()
        self.free_at = 0.0  # when a throttled writer may write again
        writer.transport.set_write_buffer_limits(high=READ_BYTES)

    def fault(self, kind, api):
        return self.link.faults.find(kind, self.link.node, self.direction, api)

    def count(self, name, more=1):
        self.link.counters[name] += more

    # Reading.

    async def pump(self):
        try:
            while True:
                head = await self.reader.readexactly(4)
                (size,) = struct.unpack(">i", head)
                if not 8 <= size <= protocol.FRAME_MAX:
                    raise ConnectionError("no Kafka frame")
                try:
                    self.put(await self.reader.readexactly(size))
                except (struct.error, IndexError) as error:
                    self.count("unreadable")
                    raise ConnectionError("no frame that we can read") from error
                while self.queued_bytes > QUEUE_BYTES:
                    self.room.clear()
                    await self.room.wait()
        except GONE:
            pass
        self.queue.put_nowait(None)

    def put(self, payload):
        now = asyncio.get_running_loop().time()
        if self.direction == UP:
            kind, version, number = protocol.request_of(payload)
            self.link.asked[number] = kind, version
        else:
            kind, version = self.link.asked.pop(protocol.number_of(payload), (None, None))
            payload = protocol.rewrite(kind, version, payload, self.link.addresses)
        self.count(f"frames_{self.direction}")
        self.count(f"bytes_{self.direction}", 4 + len(payload))
        self.queued_bytes += len(payload)
        self.queue.put_nowait((now, self.draw_jitter(kind), kind, version, payload))

    def draw_jitter(self, kind):
        """-1 to 1, of frames that a delay hits."""
        delay = self.fault("delay", kind)
        return 2 * self.rng.random() - 1 if delay and delay.get("jitter") else 0.0

    # Writing.

    async def drain(self):
        try:
            while True:
                item = await self.queue.get()
                if item is None:
                    return
                came, jitter, kind, version, payload = item
                await self.hold(came, jitter, kind)
                self.queued_bytes -= len(payload)
                self.room.set()
                if not self.link.dead:
                    await self.send(kind, version, payload)
        except GONE:
            pass

    async def hold(self, came, jitter, kind):
        """Until neither a stall nor a delay keeps the frame back."""
        loop, faults, held = asyncio.get_running_loop(), self.link.faults, False
        while True:
            stall, delay = self.fault("stall", kind), self.fault("delay", kind)
            if stall is not None:
                held = self.note_once("stalled", held)
                await faults.wait()
                continue
            if delay is None:
                return
            due = came + (delay["ms"] + jitter * delay.get("jitter", 0)) / 1000
            if due <= loop.time():
                return
            held = self.note_once("delayed", held)
            await faults.wait(due - loop.time())

    def note_once(self, name, noted):
        if not noted:
            self.count(name)
        return True

    async def send(self, kind, version, payload):
        frame = struct.pack(">i", len(payload)) + payload
        flip = self.fault("flip", kind)
        if flip and self.rng.random() < flip["probability"]:
            frame = self.flip(flip.get("where", "records"), kind, version, frame)
        reset = self.fault("reset_mid_frame", kind)
        if reset and self.rng.random() < reset["probability"]:
            await self.pass_on(kind, frame[:self.rng.randrange(1, len(frame))])
            self.count("resets")
            self.link.end(reset=True)
            raise ConnectionResetError
        await self.pass_on(kind, frame)

    def flip(self, where, kind, version, frame):
        spans = protocol.covered(kind, version, frame[4:], self.direction == UP) \
            if where == "records" else []
        spans = list(spans)
        place = proxy_faults.flip_at(self.rng, where, frame, spans)
        if place is None:
            return frame
        self.count(f"flipped_{self.direction}")
        self.link.flips.append([kind, version, self.direction, *place])
        return proxy_faults.flipped(frame, *place)

    async def pass_on(self, kind, data):
        loop, at = asyncio.get_running_loop(), 0
        while at < len(data):
            throttle = self.fault("throttle", kind)
            if throttle is None:
                self.writer.write(data[at:])
                at = len(data)
            elif self.free_at > loop.time():
                await self.link.faults.wait(self.free_at - loop.time())
                continue
            else:
                rate = throttle["bytes_per_s"]
                piece = data[at:at + max(1, int(rate / SLICES_PER_S))]
                self.writer.write(piece)
                at += len(piece)
                self.free_at = loop.time() + len(piece) / rate
                self.count("throttled_pieces")
            await self.writer.drain()


class Link:
    """A client's connection and ours to the broker."""

    def __init__(self, port, number, reader, writer):
        self.node, self.number, self.seed = port.node, number, port.proxy.seed
        self.faults, self.counters = port.proxy.faults, port.counters
        self.flips, self.addresses = port.proxy.flips, port.proxy.addresses
        self.reader, self.writers = reader, [writer]
        self.asked = {}  # request number: (kind, version)
        self.dead = False

    async def run(self, address):
        tasks = []
        try:
            reader, writer = await asyncio.open_connection(*address, limit=READ_BYTES)
            self.writers.append(writer)
            up = Pipe(self, UP, self.reader, writer)
            down = Pipe(self, DOWN, reader, self.writers[0])
            tasks = [asyncio.ensure_future(each) for each in (
                up.drain(), down.drain(), up.pump(), down.pump())]
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
            if self.dead:
                await tasks[0]
        except GONE:
            self.counters["broker_unreachable"] += 1
        finally:
            for task in tasks:
                task.cancel()
            self.end()

    def end(self, reset=False):
        for writer in self.writers:
            if reset:
                sock = writer.get_extra_info("socket")
                if sock.fileno() >= 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_LINGER)
                writer.transport.abort()
            else:
                writer.close()

    def die(self):
        """The broker's end closes, the client's hears nothing more."""
        self.dead = True
        for writer in self.writers[1:]:
            writer.close()


class Port:
    """Where clients find one broker. The port stays ours while it refuses: a
    second socket is bound to it, which never listens."""

    def __init__(self, proxy, node, address):
        self.proxy, self.node, self.address = proxy, node, address
        self.links, self.opened = set(), 0
        self.counters = collections.Counter()
        self.keeper = self._bound(0)
        self.number = self.keeper.getsockname()[1]
        self.server = None

    @staticmethod
    def _bound(number):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, number))
        return sock

    async def adjust(self):
        """Listens, or does not."""
        refused = self.proxy.faults.find("refuse", self.node) is not None
        if refused and self.server:
            self.server.close()
            self.server = None
            self.cut("reset")
        elif not refused and not self.server:
            self.server = await asyncio.start_server(
                self.serve, sock=self._bound(self.number), limit=READ_BYTES)

    async def serve(self, reader, writer):
        link = Link(self, self.opened, reader, writer)
        self.opened += 1
        self.counters["connections"] += 1
        self.links.add(link)
        try:
            await link.run(self.address)
        finally:
            self.links.discard(link)

    def cut(self, how):
        for link in list(self.links):
            self.counters["cut"] += 1
            link.end(reset=how == "reset")

    def half_open(self):
        for link in list(self.links):
            self.counters["half_open"] += 1
            link.die()


class ProxyProcess:
    def __init__(self, seed, brokers):
        self.seed, self.faults = seed, proxy_faults.Faults()
        self.counters = collections.Counter()
        self.flips = collections.deque(maxlen=FLIPS_KEPT)
        self.ports = {node: Port(self, node, (host, port)) for node, host, port in brokers}
        self.addresses = {node: (HOST, port.number) for node, port in self.ports.items()}

    async def adjust(self):
        for port in self.ports.values():
            await port.adjust()

    async def answer(self, question):
        if question["ask"] == "fault":
            await self.inflict(proxy_faults.make(question["kind"], question["node"],
                                                 question["arguments"]))
        elif question["ask"] == "clear":
            self.faults.clear(question["kind"], question["node"])
            await self.adjust()
        else:
            return {"counters": self.count(question.get("node")), "flips": list(self.flips)}
        return {}

    def count(self, node):
        """Of one node, or of all and what was asked for."""
        ports = [port for number, port in self.ports.items() if node in (None, number)]
        total = sum((port.counters for port in ports), collections.Counter())
        if node is None:
            total += self.counters
        return {**total, "connections_now": sum(len(port.links) for port in ports)}

    async def inflict(self, fault):
        if fault.node is not None and fault.node not in self.ports:
            raise ValueError(f"no node {fault.node}")
        self.counters[f"fault_{fault.kind}"] += 1
        if fault.kind in proxy_faults.LASTING:
            self.faults.set(fault)
            await self.adjust()
            return
        for node, port in self.ports.items():
            if fault.node in (None, node) and fault.kind == "cut":
                port.cut(fault.arguments.get("how", "reset"))
            elif fault.node in (None, node):
                port.half_open()


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    start = json.loads(await lines.readline())
    proxy = ProxyProcess(start["seed"], start["brokers"])
    await proxy.adjust()
    answer = {"ports": {node: port.number for node, port in proxy.ports.items()}}
    while True:
        print(json.dumps(answer), flush=True)
        line = await lines.readline()
        if not line:
            return
        try:
            answer = await proxy.answer(json.loads(line))
        except (ValueError, KeyError) as error:
            answer = {"error": str(error)}


if __name__ == "__main__":
    asyncio.run(main())

"""A cluster of three nodes, each broker and controller, that can be hurt.

    with kafka_cluster.Cluster(build_dir, disk_mib=64) as cluster:
        cluster.bootstrap, cluster.brokers      {node: (host, port)}
        cluster.nodes[2].kill(); cluster.nodes[2].start(wait=False)
        cluster.move_leader(1, "frames", 0, [3, 1, 2])
        cluster.disks[2].fill(); cluster.disks[2].empty()

A disk is a tmpfs in a mount namespace of its own, which ends with the process
that holds it: nothing stays mounted. Where that is not permitted, `disks` is
empty. Nodes are started by the thread that calls, and end with it.
"""
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

import kafka

CREATE_PARTITIONS, ELECT_LEADERS, ALTER_PARTITION_REASSIGNMENTS = 37, 43, 45
CLIENT = b"chaos"
ANSWER_S = 10
# What rebalances are counted by.
STABLE = re.compile(r"Stabilized group (\S+) generation (\d+)")
LOGGING = """
appender.console.type=Console
appender.console.name=out
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.group.name=org.apache.kafka.coordinator.group
logger.group.level=info
"""


def compact(data):
    """Of less than 127 bytes, as Kafka's flexible versions write it."""
    return bytes([len(data) + 1]) + data


def compact_list(items):
    items = list(items)
    return bytes([len(items) + 1]) + b"".join(items)


def quiet_ports(count):
    """Free ports that the kernel gives to nobody while their owner is down."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(10000, max(first, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Disk:
    """A small file system for one node. Raises OSError where none can be mounted."""

    def __init__(self, mib):
        self.mount = tempfile.mkdtemp(prefix="kafka-disk-")
        script = f"mount -t tmpfs -o size={mib}m none {self.mount} && echo mounted && exec cat"
        unshare = ["unshare", "--mount", "--propagation", "private"]
        if os.getuid() != 0:
            unshare.append("--map-root-user")
        self.holder = subprocess.Popen(
            [*unshare, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, preexec_fn=kafka.die_with_parent)
        if self.holder.stdout.readline() != b"mounted\n":
            self.close()
            raise OSError("no file system may be mounted here")
        self.path = pathlib.Path(f"/proc/{self.holder.pid}/root{self.mount}")
        self.within = ["nsenter", "--target", str(self.holder.pid), "--mount", "--"]
        if os.getuid() != 0:
            self.within[1:1] = ["--user", "--preserve-credentials"]

    def fill(self):
        """Until nothing more can be written."""
        with open(self.path / "ballast", "wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def empty(self):
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()
        os.rmdir(self.mount)


class Node(kafka.Broker):
    """None of its calls waits for the node, but kill() for its end."""
    frozen = stopping = False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def begin(self):
        """Starts it unless it runs; one that is being stopped is killed first."""
        self.kill()
        self.start(wait=False)

    def kill(self):
        super().kill()
        self.frozen = self.stopping = False

    def ask_to_stop(self):
        self.stopping = True
        os.killpg(self.process.pid, signal.SIGTERM)

    def freeze(self):
        super().freeze()
        self.frozen = True

    def thaw(self):
        super().thaw()
        self.frozen = False

    def generations(self):
        """{(group, generation)} that this node was the coordinator of."""
        log = (self.path / "server.log").read_text(errors="replace")
        return {(match[1], int(match[2])) for match in STABLE.finditer(log)}


class Cluster:
    def __init__(self, build_dir, properties=None, size=3, disk_mib=None):
        self.jars = kafka.fetch(build_dir)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kafka-cluster-", dir=self.jars.parent))
        (self.folder / "log4j2.properties").write_text(LOGGING)
        ports = quiet_ports(2 * size)
        ids = range(1, size + 1)
        self.ports = {node: (ports[2 * node - 2], ports[2 * node - 1]) for node in ids}
        self.brokers = {node: ("127.0.0.1", self.ports[node][0]) for node in ids}
        self.bootstrap = ",".join(f"{host}:{port}" for host, port in self.brokers.values())
        self.disks = self._disks(disk_mib) if disk_mib else {}
        self.nodes = {}
        try:
            with concurrent.futures.ThreadPoolExecutor(size) as pool:
                made = {node: pool.submit(self._node, node, properties or {}) for node in ids}
            self.nodes = {node: future.result() for node, future in made.items()}
        except BaseException:
            self.close()
            raise

    def _disks(self, mib):
        made = {}
        try:
            for node in self.ports:
                made[node] = Disk(mib)
        except OSError:
            for disk in made.values():
                disk.close()
            return {}
        return made

    def _node(self, node, extra):
        count = min(3, len(self.ports))
        voters = ",".join(f"{each}@127.0.0.1:{port}" for each, (_, port) in self.ports.items())
        properties = {
            "node.id": node,
            "controller.quorum.voters": voters,
            "default.replication.factor": count,
            "min.insync.replicas": max(1, count - 1),
            "offsets.topic.replication.factor": count,
            "broker.session.timeout.ms": 3000,
            "group.min.session.timeout.ms": 500,
            "log.index.size.max.bytes": 1 << 20,
            "replica.lag.time.max.ms": 5000,
        }
        disk = self.disks.get(node)
        if disk:
            properties["log.dirs"] = f"{disk.mount}/data"
        properties.update(extra)
        java = ("-Xmx256m", f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}")
        return Node(self.jars.parent, properties, self.ports[node], java,
                    disk.within if disk else ())

    def start(self):
        for node in self.nodes.values():
            node.start(wait=False)
        for node in self.nodes.values():
            node.wait_ready()

    def close(self):
        for node in self.nodes.values():
            node.close()
        for disk in self.disks.values():
            disk.close()
        shutil.rmtree(self.folder)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def generations(self):
        return set().union(*(node.generations() for node in self.nodes.values()))

    # By hand: the admin client lacks the first of these, and an assertion of its own
    # ends the process when a broker dies under one of the others.

    def ask(self, via, api, version, body):
        """The answer of the node `via`, from behind correlation id, tags and throttling."""
        message = struct.pack(">hhih", api, version, 7, len(CLIENT)) + CLIENT + b"\0" + body
        with socket.create_connection(self.brokers[via], ANSWER_S) as connection:
            connection.sendall(struct.pack(">i", len(message)) + message)
            with connection.makefile("rb") as answer:
                size = answer.read(4)
                if len(size) < 4:
                    raise OSError("no answer")
                return answer.read(struct.unpack(">i", size)[0])[9:]

    def move_leader(self, via, topic, partition, replicas):
        """The first of `replicas` becomes the preferred leader, and is elected; error codes."""
        name, wait = compact(topic.encode()), struct.pack(">i", ANSWER_S * 1000)
        place = struct.pack(">i", partition)
        order = compact_list(struct.pack(">i", node) for node in replicas)
        partitions = compact_list([place + order + b"\0"])
        prefer = wait + compact_list([name + partitions + b"\0"]) + b"\0"
        elect = b"\0" + compact_list([name + compact_list([place]) + b"\0"]) + wait + b"\0"
        return [struct.unpack(">h", self.ask(via, api, version, body)[:2])[0]
                for api, version, body in ((ALTER_PARTITION_REASSIGNMENTS, 0, prefer),
                                           (ELECT_LEADERS, 2, elect))]

    def grow(self, via, topic, count):
        """More partitions; the error code."""
        name = compact(topic.encode())
        body = compact_list([name + struct.pack(">i", count) + b"\0\0"])
        body += struct.pack(">i", ANSWER_S * 1000) + b"\0\0"
        answer = self.ask(via, CREATE_PARTITIONS, 2, body)
        return struct.unpack(">h", answer[1 + len(name):][:2])[0]

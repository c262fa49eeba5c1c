"""A real, single-node Kafka for tests, without containers; kafka_cluster.py has three nodes.

The broker is a set of jars from Maven, run by Java 17 in KRaft mode on free
loopback ports, ready in about three seconds. As a module:

    with kafka.Broker(build_dir, {"log.retention.check.interval.ms": "1000"}) as broker:
        broker.create_topic("frames", partitions=4)
        ... broker.bootstrap ...
        broker.freeze(); broker.thaw(); broker.kill(); broker.start()

As a program:

    kafka.py fetch DIR        brings the jars of all VERSIONS to DIR, once
    kafka.py run DIR [K=V]... prints the bootstrap address, then runs until stdin
                              ends or a signal comes
    kafka.py topic BOOTSTRAP NAME PARTITIONS [K=V]...

Nothing is left behind: the server is a process group of its own, ended by its
id, and the kernel ends it when the thread that started it dies. Its data live
in a new folder under DIR, removed at the end.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# The one that tests are run with, and the last that takes the SCRAM of an old librdkafka.
VERSIONS = NOW, BEFORE_4 = "4.1.0", "3.9.1"
READY_S = 180
STOP_S = 15
PR_SET_PDEATHSIG = 1


def fetch(build_dir, version=NOW):
    """The folder of a version's jars, downloaded if it is not there yet."""
    jars = pathlib.Path(build_dir).resolve() / ("jars" if version == NOW else f"jars-{version}")
    if list(jars.glob(f"kafka_2.13-{version}.jar")):
        return jars
    partial = jars.with_name(f"{jars.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(jars, ignore_errors=True)
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(HERE / "kafka" / "pom.xml"), f"-Dkafka.version={version}",
         "dependency:copy-dependencies", f"-DoutputDirectory={partial}"],
        check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # it colours even silence
    partial.rename(jars)
    return jars


def free_ports(count):
    """Loopback ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def die_with_parent():
    """In the child: SIGKILL when the thread that started it is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Broker:
    """One node, broker and controller. Started by `with`, or start().

    `ports` are those of the broker and of the controller, `java` options of the
    virtual machine, `within` a command that runs others."""

    def __init__(self, build_dir, properties=None, ports=None, java=("-Xmx512m",), within=(),
                 version=NOW):
        self.jars = fetch(build_dir, version)
        self.folder = tempfile.TemporaryDirectory(prefix="kafka-", dir=self.jars.parent)
        self.path = pathlib.Path(self.folder.name)
        self.port, controller = ports or free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.process = None
        self.java, self.within = list(java), list(within)
        self._write_properties(controller, properties or {})
        self._format()

    def _write_properties(self, controller, extra):
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.path / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": "8388608",
            "auto.create.topics.enable": "false",
            # A killed broker may come back once its session is over: 9 s by default.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
        }
        properties.update(extra)
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        (self.path / "server.properties").write_text(text)

    def _java(self, *words):
        # Its own files in /tmp would outlive a kill.
        return [*self.within, "java", "-XX:-UsePerfData", f"-Djava.io.tmpdir={self.path}",
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *self.java,
                "-cp", f"{self.jars}/*", *words]

    def _format(self):
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", "aGVhZGNvdW50LWthZmthIQ",
                       "-c", str(self.path / "server.properties")),
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.path)

    def start(self, wait=True):
        """Starts it, again after kill() or stop(): same ports, same data."""
        assert self.process is None
        with open(self.path / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", str(self.path / "server.properties")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.path,
                start_new_session=True, preexec_fn=die_with_parent)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with Client(self.bootstrap) as client:
                if client.ready(1000):
                    return
            time.sleep(0.05)
        log = (self.path / "server.log").read_text()
        raise RuntimeError("Kafka did not start:\n" + log[-4000:])

    def _end(self, number, timeout=None):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
            self.process.wait(timeout)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        self._end(signal.SIGTERM, STOP_S)

    def kill(self):
        self._end(signal.SIGKILL)

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def close(self):
        self.kill()
        self.folder.cleanup()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def create_topic(self, name, partitions=1, config=None):
        with Client(self.bootstrap) as client:
            client.create_topic(name, partitions, config or {})


class Client:
    """The few administrative calls that tests need, of the system's librdkafka."""

    def __init__(self, bootstrap):
        self.lib = library()
        error = ctypes.create_string_buffer(512)
        conf = self.lib.rd_kafka_conf_new()
        for name, value in (("bootstrap.servers", bootstrap), ("log_level", "0")):
            self.lib.rd_kafka_conf_set(conf, name.encode(), value.encode(), error, 512)
        self.handle = self.lib.rd_kafka_new(0, conf, error, 512)
        if not self.handle:
            raise RuntimeError(error.value.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.rd_kafka_destroy(self.handle)

    def ready(self, timeout_ms):
        """Whether a broker answers what topics there are."""
        metadata = ctypes.c_void_p()
        if self.lib.rd_kafka_metadata(self.handle, 1, None, ctypes.byref(metadata), timeout_ms):
            return False
        self.lib.rd_kafka_metadata_destroy(metadata)
        return True

    def create_topic(self, name, partitions, config, timeout_ms=30000):
        lib, error = self.lib, ctypes.create_string_buffer(512)
        topic = lib.rd_kafka_NewTopic_new(name.encode(), partitions, 1, error, 512)
        if not topic:
            raise RuntimeError(error.value.decode())
        for key, value in config.items():
            lib.rd_kafka_NewTopic_set_config(topic, key.encode(), value.encode())
        topics = (ctypes.c_void_p * 1)(topic)
        queue = lib.rd_kafka_queue_new(self.handle)
        lib.rd_kafka_CreateTopics(self.handle, topics, 1, None, queue)
        event = lib.rd_kafka_queue_poll(queue, timeout_ms)
        failure = self._created(event, error) if event else "no answer"
        if event:
            lib.rd_kafka_event_destroy(event)
        lib.rd_kafka_queue_destroy(queue)
        lib.rd_kafka_NewTopic_destroy(topic)
        if failure:
            raise RuntimeError(f"topic {name}: {failure}")

    def _created(self, event, error):
        """What is wrong with the answer to CreateTopics, or None."""
        lib, count = self.lib, ctypes.c_size_t()
        if lib.rd_kafka_event_error(event):
            return lib.rd_kafka_event_error_string(event).decode()
        result = lib.rd_kafka_event_CreateTopics_result(event)
        results = lib.rd_kafka_CreateTopics_result_topics(result, ctypes.byref(count))
        if count.value != 1 or not lib.rd_kafka_topic_result_error(results[0]):
            return None
        return lib.rd_kafka_topic_result_error_string(results[0]).decode()


def library():
    lib = ctypes.CDLL("librdkafka.so.1")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    size = ctypes.c_size_t
    for name, result, arguments in (
            ("conf_new", pointer, []),
            ("conf_set", number, [pointer, text, text, text, size]),
            ("new", pointer, [number, pointer, text, size]),
            ("destroy", None, [pointer]),
            ("metadata", number, [pointer, number, pointer, pointer, number]),
            ("metadata_destroy", None, [pointer]),
            ("NewTopic_new", pointer, [text, number, number, text, size]),
            ("NewTopic_set_config", number, [pointer, text, text]),
            ("NewTopic_destroy", None, [pointer]),
            ("queue_new", pointer, [pointer]),
            ("queue_poll", pointer, [pointer, number]),
            ("queue_destroy", None, [pointer]),
            ("CreateTopics", None, [pointer, pointer, size, pointer, pointer]),
            ("event_error", number, [pointer]),
            ("event_error_string", text, [pointer]),
            ("event_destroy", None, [pointer]),
            ("event_CreateTopics_result", pointer, [pointer]),
            ("CreateTopics_result_topics", ctypes.POINTER(pointer), [pointer, pointer]),
            ("topic_result_error", number, [pointer]),
            ("topic_result_error_string", text, [pointer])):
        function = getattr(lib, "rd_kafka_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


def pairs(words):
    return dict(word.split("=", 1) for word in words)


def run(build_dir, properties):
    """The program's `run`: one line with the address, then until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Broker(build_dir, properties) as broker:
        print(broker.bootstrap, flush=True)
        try:
            while os.read(0, 4096):
                pass
        except KeyboardInterrupt:
            pass


def main(words):
    if len(words) == 2 and words[0] == "fetch":
        for version in VERSIONS:
            print(fetch(words[1], version))
    elif len(words) >= 2 and words[0] == "run":
        run(words[1], pairs(words[2:]))
    elif len(words) >= 4 and words[0] == "topic":
        with Client(words[1]) as client:
            client.create_topic(words[2], int(words[3]), pairs(words[4:]))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

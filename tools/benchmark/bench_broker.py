"""A broker for a run of the bench: topics of the same frames, and who reads them.

Start and end of a reader are not what is measured: what it takes to read a topic
with one frame is taken off.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import uuid

from bench_measure import BenchError, Sample, output_of, run_child

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import kafka  # noqa: E402

PARTITIONS = 4
CODECS = ("none", "zstd", "lz4")


def same_settings():
    """How headcountd's consumer fetches, for the bare reader to do the same."""
    text = (ROOT / "src" / "kafka" / "client.c").read_text(encoding="utf-8")
    table = re.search(r"consumer_defaults\[\] = \{(.*?)\n\};", text, re.S).group(1)
    found = [f"{name}={value}" for name, value in re.findall(r'\{"([^"]+)", "([^"]+)"\}', table)
             if re.match(r"fetch\.|queued\.|check\.crcs", name)]
    if len(found) < 4:
        raise BenchError("src/kafka/client.c: where are the settings of the consumer?")
    return found


class Broker:
    """Started and ended by `with`."""

    def __init__(self, build, settings=()):
        self.build = build
        # What both readers get beside their own: K=V of librdkafka.
        self.settings = list(settings)
        self.broker = kafka.Broker(build / "kafka", {"log.segment.bytes": "1073741824"},
                                   java=("-Xmx1g",))
        self.counts = {}
        self.partitions = {}

    def __enter__(self):
        self.broker.start()
        return self

    def __exit__(self, *_):
        self.broker.close()

    def fill(self, topic, path, count, codec="none", partitions=PARTITIONS):
        self.broker.create_topic(topic, partitions)
        self.counts[topic], self.partitions[topic] = count, partitions
        command = ["kcat", "-P", "-b", self.broker.bootstrap, "-t", topic, "-z", codec,
                   "-X", "partitioner=random", "-X", "linger.ms=20", "-l", str(path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:
            raise BenchError(done.stderr.decode(errors="replace"))
        return topic

    def headcountd(self, topic, options=()):
        command = [self.build / "build" / "bin" / "headcountd", "-q", "-b",
                   self.broker.bootstrap, "-t", topic, "-o", "uniques", "-e", "--start",
                   "earliest", "-G", f"bench-{uuid.uuid4().hex}",
                   *[word for setting in self.settings for word in ("-X", setting)], *options]
        return run_child(command, self.counts[topic])

    def bare(self, topic, settings=()):
        command = [self.build / "yards" / "yard_kafka", self.broker.bootstrap, topic,
                   self.partitions[topic], *settings, *self.settings]
        sample = run_child(command, self.counts[topic])
        found = int(output_of(command).split()[2]) if topic.startswith("one") else None
        assert found in (None, self.counts[topic])
        return sample


def median_of_three(run):
    tries = [run() for _ in range(3)]
    return Sample(1, statistics.median(each.cpu for each in tries),
                  statistics.median(each.wall for each in tries))


def without_start(run, start):
    """A contender: `run`, less what the Sample `start` took."""
    def contend():
        sample = run()
        return Sample(sample.units, sample.cpu - start.cpu, sample.wall - start.wall,
                      sample.peak_mib)
    return contend

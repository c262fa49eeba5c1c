"""One round: a cluster, a feed, groups under faults, calm, and the verdict."""
import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import random
import shutil
import struct
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

import chaos_schedule
import chaos_verdict
import kafka_cluster
import programs as programs_module
import redis_server
from auditor import Auditor
from chaos_feed import Feed
from chaos_group import Group
from proxy import Proxy
from topics import Topics

INPUT = "frames"
# With the time of appending the auditor can tell a stale answer from a wrong commit.
OUTPUT = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
DISK_MIB = 512
SPEED = 15.0  # seconds of frame time in one of ours: a minute takes four
CALM_S = 120
# Looks in a row at which nothing is left to do: members that were thawed a moment ago
# find out what they have lost.
CALM_LOOKS = 3
LOOK_S = 0.02


class Unwatched(Exception):
    """Nobody watches the commits any more."""


@dataclasses.dataclass
class Result:
    plan: object
    seconds: float = 0.0
    counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    events: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    findings: list = dataclasses.field(default_factory=list)
    folder: pathlib.Path = None
    disks: bool = True


class Round:
    def __init__(self, plan, build, kafka_dir, folder):
        self.plan, self.build = plan, pathlib.Path(build)
        self.folder = pathlib.Path(folder) / f"seed-{plan.seed}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.kafka_dir = kafka_dir
        self.steps = chaos_schedule.draw(plan)
        self.result = Result(plan, folder=self.folder)
        self.counts = self.result.counts
        self.jobs = []
        self.full = set()  # nodes whose disk is full

    # The world.

    def _build_up(self, stack):
        plan, rng = self.plan, random.Random(f"{self.plan.seed} world")
        self.trace = stack.enter_context(open(self.folder / "trace.log", "w", encoding="utf-8"))
        self.redis = stack.enter_context(redis_server.Redis())
        self.cluster = stack.enter_context(kafka_cluster.Cluster(
            self.kafka_dir, {"offsets.topic.num.partitions": 1}, disk_mib=DISK_MIB))
        self.result.disks = bool(self.cluster.disks)
        self.topics = Topics(self.cluster.bootstrap)
        self.outputs = [f"uniques-{number}" for number in range(plan.groups)]
        self._create_topics()
        self.pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        self.proxy = stack.enter_context(Proxy(self.cluster.brokers, plan.seed))
        ways = (self.cluster.bootstrap, self.proxy.bootstrap)
        session_ms = rng.choice((1000, 2000))
        self.groups = [Group(f"group{number}", self.build / "bin" / "headcountd", ways, INPUT,
                             output, session_ms, self.folder)
                       for number, output in enumerate(self.outputs)]
        for group in self.groups:
            stack.callback(group.close)
        self.auditors = [stack.enter_context(Auditor(self.cluster.bootstrap, group.name, INPUT,
                                                     group.output))
                         for group in self.groups]
        self.feed = Feed(self.cluster.bootstrap, INPUT, plan.partitions, plan.seed, plan.rate,
                         SPEED)
        stack.callback(self.feed.ended.set)

    def _create_topics(self):
        wanted = [NewTopic(INPUT, self.plan.partitions, 3)]
        wanted += [NewTopic(name, self.plan.partitions, 3, config=OUTPUT)
                   for name in self.outputs]
        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap, "log_level": 0})
        for future in admin.create_topics(wanted).values():
            future.result(30)

        def known():
            try:
                return all(len(self.topics.ends(topic.topic)) == self.plan.partitions
                           for topic in wanted)
            except (KafkaException, KeyError):
                return False
        programs_module.wait_for(known, "topics with leaders")

    # Steps.

    def _group_step(self, step):
        group = self.groups[int(step.hand.removeprefix("group"))]
        return getattr(group, step.what)(*step.args)

    def _broker_step(self, step):
        if step.what == "lead":
            return self._later(self._lead, *step.args)
        node = self.cluster.nodes[step.args[0]]
        if step.what == "start":
            if step.args[0] not in self.full and not (node.running() and not node.stopping):
                node.begin()
            return True
        if not node.running() or node.frozen != (step.what == "thaw"):
            return False
        getattr(node, {"stop": "ask_to_stop"}.get(step.what, step.what))()
        self.counts[f"brokers {step.what}"] += step.what != "thaw"
        return True

    def _somebody(self, order):
        """A node that can be asked."""
        return next((number for number in order if self.cluster.nodes[number].running()
                     and not self.cluster.nodes[number].frozen), order[0])

    def _lead(self, topic, partition, *order):
        """The first of `order` is to lead."""
        topic = {"input": INPUT, "output": self.outputs[0]}.get(topic, topic)
        codes = self.cluster.move_leader(self._somebody(order), topic, partition, order)
        self.counts["coordinator moves" if topic.startswith("__") else "leader moves"] += 1
        return codes

    def _grow(self, topic, count):
        names = [INPUT] if topic == "input" else self.outputs
        codes = [self.cluster.grow(self._somebody([1, 2, 3]), name, count) for name in names]
        self.counts["topics grown"] += codes.count(0)
        if topic == "input" and codes == [0]:
            self.feed.partitions = count
        return codes

    def _disk_step(self, step):
        number, = step.args
        disk, node = self.cluster.disks.get(number), self.cluster.nodes[number]
        if disk is None:
            return False
        if step.what == "fill":
            self.full.add(number)
            self.counts["disks filled"] += 1
            disk.fill()
            return True
        self.full.discard(number)
        disk.empty()
        if not node.running():
            node.begin()
        return True

    def _network_step(self, step):
        if step.what == "clear":
            self.proxy.clear()
        else:
            node, *arguments = step.args
            self.proxy.set_fault(step.what, node=node, **dict(arguments))
            self.counts[f"network {step.what}"] += 1
        return True

    def _later(self, call, *args):
        """What may take long is done beside the steps, one thing at a time."""
        def run():
            try:
                return f"{call.__name__} {args}: {call(*args)}"
            except (OSError, IndexError, struct.error) as trouble:
                return f"{call.__name__} {args}: {trouble!r}"
        self.jobs.append(self.pool.submit(run))
        return True

    def _apply(self, step):
        if step.hand == "brokers":
            return self._broker_step(step)
        if step.hand == "topics":
            return self._later(self._grow, *step.args)
        if step.hand == "disks":
            return self._disk_step(step)
        if step.hand == "network":
            return self._network_step(step)
        if step.hand == "feed":
            self.feed.flood += step.args[0]
            return True
        return self._group_step(step)

    def _look(self):
        for group in self.groups:
            group.look()
        self._look_at_auditors()
        for job in [job for job in self.jobs if job.done()]:
            self.jobs.remove(job)
            self._say(f"         {job.result()}")
        for number, node in self.cluster.nodes.items():
            if node.process is None or node.running():
                continue
            self._say(f"         broker {number} ended: {node.process.wait()}")
            asked, _ = node.stopping, node.kill()
            if number in self.full:
                self.counts["brokers ended by a full disk"] += 1
            elif not asked:
                self.counts["brokers ended by themselves"] += 1
                node.begin()

    def _look_at_auditors(self):
        """Without one nothing that follows is worth its time."""
        for auditor, group in zip(self.auditors, self.groups):
            if auditor.ended():
                raise Unwatched(f"{group.name}: the auditor has died: {auditor.last_words()}")

    def _say(self, text):
        self.trace.write(text + "\n")
        self.trace.flush()

    def _hurt(self):
        began = time.monotonic()
        for step in self.steps:
            while (left := began + step.at - time.monotonic()) > 0:
                self._look()
                time.sleep(min(left, LOOK_S))
            done = self._apply(step)
            self._say(f"{step}{'' if done else '   (nothing to do)'}"
                      f"   at {time.monotonic() - began:.3f}")

    # Calm.

    def _heal(self):
        self.proxy.clear()
        for number, disk in self.cluster.disks.items():
            self.full.discard(number)
            disk.empty()
        for node in self.cluster.nodes.values():
            if node.running() and node.frozen:
                node.thaw()
            if not node.running() or node.stopping:
                node.begin()
        for node in self.cluster.nodes.values():
            node.wait_ready()
        for group in self.groups:
            group.thaw_all()
            for slot in range(self.plan.slots):
                group.start(slot, 100, "64MiB", slot % 2, 10000)

    def _behind(self):
        """Groups that have not committed everything yet, with where they are, or in which
        somebody waits for a share: who lost the last one, frozen, and leaves without
        another one has counted frames that others committed, and says so by a 1."""
        try:
            ends = self.topics.ends(INPUT)
            behind = {}
            for group in self.groups:
                committed = self.topics.committed(group.name, INPUT)
                left = {p: (committed.get(p), end) for p, end in ends.items()
                        if end > 0 and committed.get(p) != end}
                if left:
                    behind[group.name] = left
                elif not self.topics.is_stable(group.name, len(group.slots)):
                    behind[group.name] = "not all are members yet"
            return behind
        except KafkaException as trouble:
            return {"all": str(trouble)}

    def _drain(self):
        """Who is left alive must finish the work without help."""
        deadline, calm = time.monotonic() + CALM_S, 0
        while calm < CALM_LOOKS:
            behind = self._behind()
            calm = 0 if behind else calm + 1
            self._look()
            if behind and time.monotonic() > deadline:
                self.result.findings.append(
                    f"not at the end of the log within {CALM_S} s of calm: {behind}\n"
                    + "\n".join(group.tails() for group in self.groups))
                return
            time.sleep(0.5)

    def _judge(self):
        messages = self.topics.messages(INPUT)
        ends = self.topics.ends(INPUT)
        missing = chaos_verdict.lacking(self.feed, messages)
        if missing:
            self.result.findings.append(f"Kafka lost {len(missing)} acknowledged frames: "
                                        f"{missing[:5]}")
        truth = chaos_verdict.Truth(self.redis, messages)
        self.counts["frames"] += len(messages)
        self.counts["minutes"] += len(truth.minutes)
        scratch = self.folder / "scratch"
        scratch.mkdir()
        for group in self.groups:
            if self.audited[group.name] != len(messages):
                self.result.findings.append(f"{group.name}: auditor: {self.audited[group.name]} "
                                            f"of {len(messages)} frames were looked at")
            records = self.topics.read(group.output)
            self.counts["records"] += records.count(b"\n")
            mismatches, wrong = chaos_verdict.judge_group(
                programs_module.Programs(self.build / "bin", scratch), truth, ends, records)
            self.counts["mismatches"] += mismatches
            if wrong:
                (self.folder / f"{group.output}.jsonl").write_bytes(records)
                self.result.findings.append(f"{group.name}:\n  " + "\n  ".join(wrong))

    def _gather(self):
        for group in self.groups:
            self.counts.update({f"instances {name}": count
                                for name, count in group.counts.items()})
            self.result.events.update(group.events)
            self.result.findings += group.findings
        self.audited = {group.name: self._stop_auditor(auditor, group)
                        for auditor, group in zip(self.auditors, self.groups)}
        self.counts["rebalances"] += len(self.cluster.generations())
        self.counts["frames sent again"] += self.feed.repeated

    def _stop_auditor(self, auditor, group):
        """How many frames it has looked at."""
        try:
            violations, counters = auditor.stop()
        except (OSError, RuntimeError, ValueError) as trouble:
            violations, counters = [f"did not answer: {trouble}"], {}
        self.counts.update({f"audited {name}": count for name, count in counters.items()
                            if isinstance(count, int)})
        self.result.findings += [f"{group.name}: auditor: {each}" for each in violations]
        return counters.get("frames_checked", 0) + counters.get("frames_rejected", 0)

    def _live(self):
        self._hurt()
        self._heal()
        self.feed.stop()
        self._drain()
        for group in self.groups:
            group.leave_all()
        self._gather()
        self._judge()

    def run(self):
        """The Result; the folder stays only if something was found."""
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._build_up(stack)
            self.feed.start()
            try:
                self._live()
            except Unwatched as failure:
                self.result.findings.append(str(failure))
            self.result.seconds = time.monotonic() - began
            if self.result.findings:
                for number, node in self.cluster.nodes.items():
                    shutil.copy(node.path / "server.log", self.folder / f"broker-{number}.log")
        if not self.result.findings:
            shutil.rmtree(self.folder)
        return self.result

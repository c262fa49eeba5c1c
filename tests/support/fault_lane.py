"""A headcountd that goes from one fault to the next, and what must come out.

Every case has a minute of its own, so that a minute that is wrong names its
case. The program stays the member that it is from case to case; only one that
ended is started again. `finish` compares everything at last: registers with a
redis-server's, coverage, and each commit with what had been acknowledged when
it was asked for.
"""
import dataclasses
import json
import time

import fault_broker
from frames import small_frame
from programs import parse_logfmt, wait_for

USERS = 12
QUICK = {"heartbeat.interval.ms": 100, "session.timeout.ms": 1500,
         "topic.metadata.refresh.interval.ms": 1000, "reconnect.backoff.ms": 50,
         "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 50}
# How long until a case without a fault left is through.
RECOVERED_S = 240
# While something is waited for, there is a frame for each partition that often.
FLOW_S = 0.5
# How long one that does not end is looked at.
FOR_GOOD_S = 2.0
# A program that gets no further than that says so.
TOLD_S = 11.0
# How long until a fault comes at all.
FAULTED_S = 15
# Lines whose error says it itself.
TELLING = {"commit_failed"}


class Wrong(AssertionError):
    """What a case found."""


@dataclasses.dataclass
class Outcome:
    case: object
    faults: int     # how often it was answered
    code: int       # how the program ended, or None
    held: bool      # nothing was committed until the fault was over
    rate: float     # requests a second while it lasted
    seconds: float
    said: list      # what was logged, as dictionaries

    def advised(self):
        """Whether one of the lines says what can be done."""
        return any("hint" in event or event["event"] in TELLING for event in self.told())

    def told(self):
        """The warnings and errors among it."""
        return [event for event in self.said if event.get("level") in ("warn", "error")]


class Lane:
    def __init__(self, name, programs, topics, oracle, output=True, hold_s=FOR_GOOD_S,
                 options=()):
        self.hold_s = hold_s
        self.name, self.programs, self.topics, self.oracle = name, programs, topics, oracle
        self.input, self.output, self.group = (f"{name}-{what}" for what in ("in", "out", "group"))
        self.proxy = fault_broker.FaultBroker(topics.brokers)
        self.producer = topics.producer()
        topics.create(self.input, 2)
        if output:
            topics.create(self.output, 1)
        self.options = list(options)
        self.daemon = None
        self.minute = int(time.time()) // 60 * 60 - 86400
        self.sent = {0: 0, 1: 0}
        self.sent_at = 0.0
        self.last = None  # the one that ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon:
            self.daemon.__exit__()
        self.proxy.close()

    # -- the program ------------------------------------------------------------------

    def start(self):
        properties = [word for item in QUICK.items() for word in ("-X", "%s=%s" % item)]
        self.daemon = self.programs.start(
            "-b", self.proxy.bootstrap, "-t", self.input, "-o", self.output, "-G", self.group,
            "--emit-every", "100ms", "-v", *properties, *self.options)

    def running(self):
        return self.daemon is not None and self.daemon.process.poll() is None

    def stop(self, limit_s=14):
        """SIGTERM; the exit code."""
        code = self.daemon.end(limit_s).code
        self._gone()
        return code

    # -- frames -----------------------------------------------------------------------

    def send(self, count=USERS):
        """The next minute's users, some to each partition."""
        self.minute += 60
        failed = []
        for number in range(count):
            frame = small_frame(f"{self.name}-{self.minute}-{number}", self.minute + number % 60)
            self.oracle.add(frame.line)
            self.sent[number % 2] += 1
            self.producer.produce(self.input, frame.line, partition=number % 2,
                                  on_delivery=lambda error, _: error and failed.append(error))
        assert self.producer.flush(30) == 0 and not failed, failed[:3]
        self.sent_at = time.monotonic()

    def _flow(self):
        """Waits a little; the stream goes on."""
        time.sleep(0.02)
        if time.monotonic() - self.sent_at > FLOW_S:
            self.send(2)

    def caught_up(self):
        done = self.proxy.committed()
        return all(done.get(partition, 0) >= end for partition, end in self.sent.items())

    def wait_caught_up(self, limit_s=RECOVERED_S):
        deadline = time.monotonic() + limit_s
        while not self.caught_up():
            if not self.running():
                raise Wrong(f"ended with {self.daemon.process.poll()}: {self.daemon.err[-1500:]}")
            if time.monotonic() > deadline:
                raise Wrong(f"not within {limit_s} s: {self.proxy.committed()} of {self.sent}; "
                            f"{self.daemon.err[-1500:]}")
            self._flow()

    # -- one case ---------------------------------------------------------------------

    def warm(self):
        """A member that has committed all there is."""
        if not self.running():
            self.start()
        self.send(2)
        self.wait_caught_up()

    def run(self, case):
        """Fault, frames, what they do, and the way back; an Outcome, or Wrong is raised."""
        request = case.request
        anew = request.when in ("start", "create")
        if self.running() and (anew or self.patient(case)):
            self.stop()
        if not anew:
            self.warm()
        told, asked = self._told(), sum(self.proxy.requests.values())
        began = time.monotonic()
        fault = self.proxy.fault(request.api, case.code, case.count or fault_broker.FOR_EVER,
                                 denied=request.denied, whole=request.whole)
        self._trigger(request)
        self.send()
        code = self._stop_under(case, fault) if request.when == "stop" else None
        if request.when != "stop":
            self._until_faulted(case, fault)
        seconds = time.monotonic() - began
        held = not self.caught_up()
        rate = (sum(self.proxy.requests.values()) - asked) / seconds
        if request.when != "stop":
            code = self._recover(case)
        outcome = Outcome(case, fault.done, code, held, rate, time.monotonic() - began,
                          self._said(told))
        if held and code is None and self.patient(case) and not outcome.advised():
            raise Wrong(f"nobody was told: {outcome.told()}")
        return outcome

    def patient(self, case):
        """Held so long that it has to be told; by a program that has told nothing yet."""
        return case.count == 0 and self.hold_s > TOLD_S

    def _trigger(self, request):
        if request.trigger:
            self.proxy.fault(*request.trigger)
        if request.cut:
            self.proxy.disconnect()
        if request.when in ("start", "create"):
            self.start()

    def _told(self):
        return (self.daemon, len(self.daemon.err)) if self.daemon else (None, 0)

    def _said(self, told):
        """What it has logged since `_told`."""
        daemon = self.daemon or self.last
        return parse_logfmt(daemon.err[told[1] if told[0] is daemon else 0:])

    def _until_faulted(self, case, fault):
        """Until the fault has come as often as it shall, or for a while."""
        limit = time.monotonic() + FAULTED_S + 5 * case.count
        least = case.count or 1
        while fault.done < least and self.running():
            if fault.done and case.request.asked_once and self.caught_up():
                break
            if time.monotonic() > limit:
                raise Wrong(f"only {fault.done} of the faults came; {self.daemon.err[-1500:]}")
            self._flow()
        if self.patient(case):
            self.send()  # an answer under way may have brought the others
        limit = time.monotonic() + self.hold_s
        while case.count == 0 and self.running() and time.monotonic() < limit:
            time.sleep(0.02)

    def _stop_under(self, case, fault):
        """SIGTERM while the fault is there."""
        self.wait_caught_up()
        code = self.stop()
        self.proxy.lift()
        if fault.done == 0:
            raise Wrong("the fault never came")
        if code != 0:
            raise Wrong(f"SIGTERM ended it with {code}")
        return code

    def _recover(self, case):
        """The fault is over; the exit code if it has ended, as it should."""
        if case.exit is not None:
            wait_for(lambda: not self.running(), "its end", 15)
        self.proxy.lift()
        if case.exit is None:
            self.wait_caught_up()
            return None
        code = self.daemon.process.poll()
        if code != case.exit:
            raise Wrong(f"ended with {code}, not {case.exit}: {self.daemon.err[-1500:]}")
        self._gone()
        return code

    def _gone(self):
        self.last, self.daemon = self.daemon, None
        self.last.__exit__()

    def give_up(self):
        """After a case that went wrong: the next one begins anew."""
        self.proxy.lift()
        if self.daemon:
            self._gone()

    # -- all of them ------------------------------------------------------------------

    def finish(self):
        """Ends it, and looks at everything that it has written."""
        self.warm()
        code = self.stop()
        if code != 0:
            raise Wrong(f"SIGTERM ended it with {code}")
        records = self.topics.read(self.output)
        self.oracle.check(self.programs, records)
        self.programs.verify(records)
        self.audit()
        return records

    def audit(self):
        """No commit was ahead of what had been acknowledged when it was asked for."""
        records = [(message.partition(), message.offset(), json.loads(message.value()))
                   for message in self.topics.messages(self.output)]
        for commit in self.proxy.commits:
            ends = commit.acknowledged.get(self.output, {})
            safe = covered([record for partition, offset, record in records
                            if offset < ends.get(partition, 0)])
            for partition, offset in commit.offsets.items():
                if offset > safe.get(partition, 0):
                    raise Wrong(f"committed {offset} of {partition}, but acknowledged was "
                                f"{safe} when it was asked for")


def covered(records):
    """{partition: next offset} up to which these records hold all that was read."""
    known = {(record["instance"], record["sequence"]) for record in records
             if record["type"] == "sketch"}
    spans = []
    for record in records:
        if record["type"] != "checkpoint":
            continue
        first, last = record["sequences"]
        wanted = set(range(first, last + 1)) - set(record["replaced"])
        if all((record["instance"], sequence) in known for sequence in wanted):
            spans += [(each["from"], each["to"], each["partition"])
                      for each in record["partitions"]]
    safe = {}
    for start, end, partition in sorted(spans):
        if start <= safe.get(partition, 0):
            safe[partition] = max(end, safe.get(partition, 0))
    return safe

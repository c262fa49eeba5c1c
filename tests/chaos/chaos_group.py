"""A group of headcountd instances that are started, hurt and ended.

A place in the group is a slot: one instance at a time, another one after each
death. What an instance did that nobody asked for is a finding: an end of its
own, any exit code but those of SIGTERM, more than its 10 s to leave.
"""
import collections
import os
import pathlib
import re
import signal
import subprocess
import time

import kafka

# An instance has 10 s; the machine is busy with the brokers that come and go.
LEAVE_S = 10 + 5
TAIL = 3000
EVENT = re.compile(r"\bevent=(\w+)")
FINE_AFTER_TERM = (0, 1)
# SIGTERM came before it could say a word: it had no handler yet, and had read nothing.
UNBORN = -signal.SIGTERM


class Instance:
    def __init__(self, name, command, folder, env):
        self.name, self.path = name, pathlib.Path(folder) / f"{name}.log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=env,
                                            preexec_fn=kafka.die_with_parent)
        self.frozen = False
        self.leave_by = None  # since SIGTERM

    def log(self):
        return self.path.read_text(encoding="utf-8", errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        return self.process.poll() is not None


class Group:
    """`brokers` are two lists for -b: straight, and by way of the proxy."""

    def __init__(self, name, headcountd, brokers, topic, output, session_ms, folder):
        self.name, self.topic, self.output = name, topic, output
        self.headcountd, self.brokers = str(headcountd), brokers
        self.session_ms = session_ms
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.slots = {}
        self.started = 0
        self.leaving = []  # instances on their way out, no longer in a slot
        self.counts = collections.Counter()
        self.events = collections.Counter()
        self.findings = []
        self.fine_codes = FINE_AFTER_TERM
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith("HEADCOUNT_")}

    def start(self, slot, emit_ms, memory, proxied, queue):
        if slot in self.slots:
            return False
        self.started += 1
        command = [self.headcountd, "-b", self.brokers[proxied], "-t", self.topic, "-G", self.name,
                   "-o", self.output, "--emit-every", f"{emit_ms}ms", "--memory", memory,
                   "-X", f"session.timeout.ms={self.session_ms}",
                   "-X", "heartbeat.interval.ms=200",
                   "-X", f"queue.buffering.max.messages={queue}",
                   "-X", "topic.metadata.refresh.interval.ms=1000"]
        self.slots[slot] = Instance(f"{self.started:05}-{slot}", command, self.folder, self.env)
        self.counts["starts"] += 1
        return True

    def kill(self, slot):
        instance = self.slots.pop(slot, None)
        if instance is None:
            return False
        if instance.ended():
            self._ended_itself(instance)
            return False
        instance.signal(signal.SIGKILL)
        instance.process.wait()
        self.counts["kills"] += 1
        self._archive(instance)
        return True

    def freeze(self, slot):
        instance = self.slots.get(slot)
        if instance is None or instance.ended():
            return False
        instance.signal(signal.SIGSTOP)
        instance.frozen = True
        self.counts["freezes"] += 1
        return True

    def thaw(self, slot):
        instance = self.slots.get(slot)
        if instance is None or not instance.frozen:
            return False
        instance.signal(signal.SIGCONT)
        instance.frozen = False
        return True

    def leave(self, slot):
        """SIGTERM; the slot is free at once, and another may come while this one goes."""
        instance = self.slots.pop(slot, None)
        if instance is None:
            return False
        if instance.ended():
            self._ended_itself(instance)
            return False
        instance.signal(signal.SIGTERM)
        instance.leave_by = time.monotonic() + LEAVE_S
        self.leaving.append(instance)
        self.counts["leaves"] += 1
        return True

    def look(self):
        """Who ended; to be called often."""
        for slot, instance in list(self.slots.items()):
            if instance.ended():
                del self.slots[slot]
                self._ended_itself(instance)
        for instance in list(self.leaving):
            if instance.ended():
                self.leaving.remove(instance)
                self._left(instance)
            elif time.monotonic() > instance.leave_by:
                self.leaving.remove(instance)
                self._finding(instance, f"did not leave within {LEAVE_S} s")
                instance.signal(signal.SIGKILL)
                instance.process.wait()

    def _left(self, instance):
        code = instance.process.returncode
        self.counts[f"left with {code}"] += 1
        if code not in self.fine_codes and not (code == UNBORN and not instance.log()):
            self._finding(instance, f"left with exit code {code}")
            self._archive(instance, keep=True)
        else:
            self._archive(instance)

    def _ended_itself(self, instance):
        self._finding(instance, f"ended by itself with exit code {instance.process.returncode}")
        self._archive(instance, keep=True)

    def _finding(self, instance, what):
        """With its last words, which tell the cause; the whole log is kept."""
        self.findings.append(f"{self.name}: instance {instance.name} {what}, its log is "
                             f"{instance.path}:\n{instance.log()[-TAIL:]}")

    def _archive(self, instance, keep=False):
        """What it told is counted; the log goes, or a thousand kills fill the disk."""
        text = instance.log()
        self.events.update(EVENT.findall(text))
        if "Sanitizer" in text or "assert" in text.lower():
            self._finding(instance, "complained")
        elif not keep:
            instance.path.unlink()

    def thaw_all(self):
        for slot in list(self.slots):
            self.thaw(slot)

    def leave_all(self):
        """In calm: every one must end with 0, all of it published and committed."""
        while self.leaving:
            self.look()
            time.sleep(0.05)
        self.fine_codes = (0,)
        for slot in list(self.slots):
            self.leave(slot)
        while self.leaving:
            self.look()
            time.sleep(0.05)

    def tails(self):
        """The last words of everybody."""
        return "\n".join(f"{instance.name}:\n{instance.log()[-TAIL:]}"
                         for instance in self.slots.values())

    def close(self):
        for instance in [*self.slots.values(), *self.leaving]:
            if not instance.ended():
                instance.process.kill()
            instance.process.wait()

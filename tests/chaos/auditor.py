"""Watches, the whole time, that no committed offset runs ahead of the records.

    auditor = Auditor(bootstrap, "headcount", "users", "uniques")
    ... instances of the group are hurt ...
    violations, counters = auditor.stop()

Several times a second, in a process of its own (auditor_process.py), it asks for
the group's committed offsets, then, after the answer, for the ends of the output
topic, and reads the topic up to there (read_uncommitted). What was committed must
be covered by what it has read then (auditor_ledger.py):

 1. for each partition, checkpoints of this group and topic cover all offsets from
    the first one to the committed one, each with all the sequences that it names;
 2. the union of all sketches holds every user of the frames below the committed
    offset: frames are read by Python's json, hashed and decoded by the second
    implementation in tests/support. What a checkpoint calls missing must not be there.

The first is judged for every answer, the second as often as a quarter of a
processor allows, and for everything at the end. Offsets that go back are counted,
not blamed: a replay is allowed.

A broker that was frozen may for a moment tell an end that is no longer true. With
`message.timestamp.type=LogAppendTime` on the output topic that is told apart: what
the broker appended before the answer was no violation, and is counted as `stale`.
With other timestamps every claim without cover is a violation at once.
"""
import pathlib

from child import Child

SCRIPT = pathlib.Path(__file__).with_name("auditor_process.py")


class Auditor:
    """Works from now until stop()."""

    def __init__(self, bootstrap, group, input_topic, output_topic, profile="redis"):
        self.child = Child(SCRIPT, bootstrap=bootstrap, group=group, input=input_topic,
                           output=output_topic, profile=profile)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.end()

    def state(self):
        """(violations, counters) so far."""
        answer = self.child.ask(ask="state")
        return answer["violations"], answer["counters"]

    def stop(self):
        """The same, after one more look at everything. Brokers have to be there."""
        answer = self.child.ask(ask="stop")
        self.child.end()
        return answer["violations"], answer["counters"]

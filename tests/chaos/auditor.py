"""Watches, the whole time, that no committed offset runs ahead of the records.

    auditor = Auditor(bootstrap, "headcount", "users", "uniques")
    ... instances of the group are hurt ...
    violations, counters = auditor.stop()

It runs in a process of its own (auditor_process.py) and judges what was committed by
the records that were there at that time (auditor_ledger.py):

 1. for each partition, checkpoints of this group and topic cover all offsets from
    the first one to the committed one, each with all the sequences that it names;
 2. the union of all sketches holds every user of the frames below the committed
    offset: frames are read by Python's json, hashed and decoded by the second
    implementation in tests/support. What a checkpoint calls missing must not be there.

With `message.timestamp.type=LogAppendTime` on the output topic, *at that time* is
exact: every commit is read from Kafka's own log of commits, with the time at which
it was made, and judged by the records that were appended up to then, however late
the auditor comes to it. (Is it more than five seconds late, then users are judged
for several commits at once.) What a broker that was frozen does not tell at
once is waited for; `stale` counts such commits.

Otherwise it asks several times a second for the group's committed offsets and then
reads the output topic to the ends that it has afterwards; what is made up for
between two looks goes unseen, and users are judged as often as a quarter of a
processor allows.

Both read everything, uncommitted too, and look once more at all of it in the end.
Offsets that go back are counted, not blamed: a replay is allowed.
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

    def ended(self):
        """Whether it has died: then nobody watches any more."""
        return self.child.ended()

    def last_words(self):
        return self.child.last_words()

    def state(self):
        """(violations, counters) so far."""
        answer = self.child.ask(ask="state")
        return answer["violations"], answer["counters"]

    def stop(self):
        """The same, after one more look at everything. Brokers have to be there."""
        answer = self.child.ask(ask="stop")
        self.child.end()
        return answer["violations"], answer["counters"]

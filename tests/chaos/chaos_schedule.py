"""What goes wrong and when: a list of steps, drawn from a seed and nothing else.

Four hands draw independently, so that their faults overlap: one for each group
of instances, one for the brokers, one for topics and disks, one for the proxy.
A hand remembers until when each of its victims is busy. That a step finds its
victim gone (a broker that a full disk has ended) is no matter: it does nothing.
"""
import dataclasses
import random

OPENING_S = 3.0
KEPT = {"instances": ("kill", "freeze", "leave", "burst", "join"),
        "brokers": ("kill", "freeze", "lead", "coordinate", "roll", "blackout"),
        "network": ("delay", "throttle", "stall", "flip", "reset_mid_frame", "refuse", "cut",
                    "half_open")}


@dataclasses.dataclass(frozen=True, order=True)
class Step:
    at: float
    hand: str
    what: str
    args: tuple = ()

    def __str__(self):
        return f"{self.at:8.3f} {self.hand:9} {self.what} " + " ".join(map(str, self.args))


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a round is made of."""
    seed: int
    seconds: float = 60.0     # of faults
    groups: int = 1
    slots: int = 4
    instance_gap_s: float = 2.0
    broker_gap_s: float = 9.0
    network_gap_s: float = 5.0
    rate: int = 1000
    partitions: int = 4
    proxied: float = 0.5      # the share of instances behind the proxy
    flood: int = 0            # frames of old minutes that come at once, three times a round


def memory_and_pace(rng, plan):
    """What an instance is started with: --emit-every in ms, --memory, behind the proxy."""
    return (rng.choice((50, 100, 250, 1000)), rng.choice(("1MiB", "64MiB")),
            rng.random() < plan.proxied)


# How many records it may have on their way. With few, frames go on coming in while what
# a checkpoint needs is being produced; a flood would take too long with one or two.
QUEUES = (1, 2, 10000)
QUEUES_IN_FLOOD = (200, 10000)


class Instances:
    def __init__(self, plan, group):
        self.plan, self.group = plan, group
        self.rng = random.Random(f"{plan.seed} instances {group}")
        self.queues = random.Random(f"{plan.seed} queues {group}")
        self.sizes = QUEUES_IN_FLOOD if plan.flood else QUEUES
        self.hand = f"group{group}"
        self.free_at = dict.fromkeys(range(plan.slots), 0.0)
        self.steps = [self._start(0.0, slot) for slot in range(plan.slots)]

    def _start(self, at, slot):
        return Step(at, self.hand, "start", (slot, *memory_and_pace(self.rng, self.plan),
                                             self.queues.choice(self.sizes)))

    def _step(self, at, what, slot):
        self.steps.append(Step(at, self.hand, what, (slot,)))

    def _gone(self, at, what, slot):
        """It is killed or leaves; another one comes, often at once."""
        self._step(at, what, slot)
        back = at + (0.01 if self.rng.random() < 0.4 else self.rng.random() * 3)
        self.steps.append(self._start(back, slot))
        self.free_at[slot] = back + 0.05

    def _frozen(self, at, slot):
        until = at + self.rng.choice((0.2, 1.0, 3.0, 6.0)) * (0.5 + self.rng.random())
        self._step(at, "freeze", slot)
        if self.rng.random() < 0.3:
            self._gone(until, "kill", slot)
        else:
            self._step(until, "thaw", slot)
            self.free_at[slot] = until + 0.5

    def _draw(self, at):
        free = [slot for slot, since in self.free_at.items() if since <= at]
        if not free:
            return
        kind = self.rng.choices(KEPT["instances"], (60, 15, 10, 12, 3))[0]
        slot = self.rng.choice(free)
        if kind == "kill":
            self._gone(at, "kill", slot)
        elif kind == "leave":
            self._gone(at, "leave", slot)
        elif kind == "freeze":
            self._frozen(at, slot)
        elif kind == "burst":
            for number, each in enumerate(free):
                self._gone(at + number * self.rng.choice((0.0, 0.2)), "kill", each)
        else:
            self._joined(at)

    def _joined(self, at):
        """One more for a while: more members than there were, maybe than partitions."""
        extra = max(self.free_at) + 1
        self.steps.append(self._start(at, extra))
        self._step(at + 1 + self.rng.random() * 5, self.rng.choice(("leave", "kill")), extra)
        self.free_at[extra] = float("inf")

    def draw(self):
        at = OPENING_S
        while at < self.plan.seconds:
            self._draw(at)
            at += self.rng.expovariate(1 / self.plan.instance_gap_s)
            if self.rng.random() < 0.05:
                at += 4.0  # calm enough to get something done
        return self.steps


class Brokers:
    def __init__(self, plan, nodes):
        self.plan, self.nodes = plan, list(nodes)
        self.rng = random.Random(f"{plan.seed} brokers")
        self.free_at = dict.fromkeys(self.nodes, 0.0)
        self.steps = []

    def _step(self, at, what, *args):
        self.steps.append(Step(at, "brokers", what, args))

    def _kill(self, at, node, down_s):
        self._step(at, "kill", node)
        self._step(at + down_s, "start", node)
        self.free_at[node] = at + down_s + 6

    def _freeze(self, at, node):
        until = at + self.rng.choice((0.5, 2.0, 5.0)) * (0.5 + self.rng.random())
        self._step(at, "freeze", node)
        self._step(until, "thaw", node)
        self.free_at[node] = until + 1

    def _roll(self, at):
        """One after the other, in order, as an upgrade does; how long that takes."""
        for number, node in enumerate(self.nodes):
            self._step(at + 9 * number, "stop", node)
            self._step(at + 9 * number + 3, "start", node)
        for node in self.nodes:
            self.free_at[node] = at + 9 * len(self.nodes) + 3
        return 9 * len(self.nodes)

    def _lead(self, at, coordinator):
        order = self.rng.sample(self.nodes, len(self.nodes))
        if coordinator:
            self._step(at, "lead", "__consumer_offsets", 0, *order)
        else:
            topic = self.rng.choice(("input", "output"))
            self._step(at, "lead", topic, self.rng.randrange(self.plan.partitions), *order)

    def _draw(self, at):
        """How long it keeps everybody busy."""
        free = [node for node, since in self.free_at.items() if since <= at]
        kind = self.rng.choices(KEPT["brokers"], (60, 12, 10, 10, 3, 2))[0]
        if kind in ("lead", "coordinate"):
            self._lead(at, kind == "coordinate")
        elif kind == "roll" and len(free) == len(self.nodes):
            return self._roll(at)
        elif kind == "blackout" and len(free) == len(self.nodes):
            for node in self.nodes:
                self._kill(at, node, 1 + self.rng.random() * 2)
            return 8
        elif kind == "freeze" and free:
            self._freeze(at, self.rng.choice(free))
        elif free:
            self._kill(at, self.rng.choice(free), 0.2 + self.rng.random() * 4)
        return 0

    def draw(self):
        at = OPENING_S + self.rng.random() * self.plan.broker_gap_s
        while at < self.plan.seconds:
            at += self._draw(at) + self.rng.uniform(0.5, 1.5) * self.plan.broker_gap_s
        return self.steps


def draw_topics(plan, nodes):
    """Partitions grow; a disk fills up and is emptied again."""
    rng = random.Random(f"{plan.seed} topics")
    grown = rng.uniform(0.2, 0.6) * plan.seconds
    full = rng.uniform(0.3, 0.8) * plan.seconds
    node = rng.choice(list(nodes))
    steps = [Step(grown, "topics", "grow", ("input", plan.partitions + rng.randrange(1, 4))),
             Step(full, "disks", "fill", (node,)),
             Step(full + 3 + rng.random() * 4, "disks", "empty", (node,))]
    if rng.random() < 0.5:
        steps.append(Step(grown + 5, "topics", "grow", ("output", plan.partitions + 2)))
    return steps


def draw_floods(plan):
    rng = random.Random(f"{plan.seed} floods")
    return [Step(share * plan.seconds + 5 * rng.random(), "feed", "flood", (plan.flood,))
            for share in (0.2, 0.4, 0.6) if plan.flood]


def network_fault(rng):
    """A kind and its arguments."""
    kind = rng.choice(KEPT["network"])
    arguments = {
        "delay": {"ms": rng.choice((20, 200, 900)), "jitter": rng.choice((0, 20))},
        "throttle": {"bytes_per_s": rng.choice((20000, 200000))},
        "flip": {"probability": rng.choice((0.01, 0.2)),
                 "where": rng.choice(("records", "records", "length"))},
        "reset_mid_frame": {"probability": rng.choice((0.01, 0.2))},
        "cut": {"how": rng.choice(("reset", "close"))},
    }.get(kind, {})
    return kind, tuple(arguments.items())


def draw_network(plan, nodes):
    rng = random.Random(f"{plan.seed} network")
    steps, at = [], OPENING_S + rng.random() * plan.network_gap_s
    while at < plan.seconds:
        kind, arguments = network_fault(rng)
        node = rng.choice((None, *nodes))
        lasts = rng.choice((0.5, 2.0, 6.0)) * (0.5 + rng.random())
        steps.append(Step(at, "network", kind, (node, *arguments)))
        steps.append(Step(at + lasts, "network", "clear"))
        at += lasts + rng.expovariate(1 / plan.network_gap_s)
    return steps


def draw(plan, nodes=(1, 2, 3)):
    """All steps of a round in their order."""
    steps = []
    for group in range(plan.groups):
        steps += Instances(plan, group).draw()
    steps += Brokers(plan, nodes).draw()
    steps += draw_topics(plan, nodes)
    steps += draw_network(plan, nodes)
    steps += draw_floods(plan)
    return sorted(steps, key=lambda step: step.at)

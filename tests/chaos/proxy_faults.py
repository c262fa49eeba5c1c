"""The faults that a proxy is told to make, and what each of them does to a frame."""
import asyncio
import dataclasses

import proxy_protocol as protocol

LASTING = {"delay": {"ms", "jitter"}, "throttle": {"bytes_per_s"}, "stall": set(),
           "flip": {"probability", "where"}, "reset_mid_frame": {"probability"},
           "refuse": set()}
AT_ONCE = {"cut": {"how"}, "half_open": set()}
NEEDED = {"delay": {"ms"}, "throttle": {"bytes_per_s"}, "flip": {"probability"},
          "reset_mid_frame": {"probability"}}
FRAME_FAULTS = set(LASTING) - {"refuse"}
WHERE = ("records", "length", "any")


@dataclasses.dataclass
class Fault:
    kind: str
    node: object  # None: all
    direction: object  # None: both
    apis: object  # None: all, else a set of numbers
    arguments: dict

    def hits(self, direction, api):
        return self.direction in (None, direction) and (self.apis is None or api in self.apis)


def make(kind, node, arguments):
    """A Fault, or ValueError."""
    known = LASTING.get(kind, AT_ONCE.get(kind))
    if known is None:
        raise ValueError(f"no fault {kind!r}")
    rest = dict(arguments)
    direction, apis = None, None
    if kind in FRAME_FAULTS:
        direction, apis = rest.pop("direction", None), rest.pop("apis", None)
    if direction not in (None, "up", "down"):
        raise ValueError(f"{kind}: direction {direction!r} is neither up nor down")
    if set(rest) - known or NEEDED.get(kind, set()) - set(rest):
        raise ValueError(f"{kind} takes {sorted(known)}, not {sorted(rest)}")
    if rest.get("where", "records") not in WHERE:
        raise ValueError(f"{kind}: where is one of {WHERE}")
    if not 0 <= rest.get("probability", 0) <= 1 or rest.get("bytes_per_s", 1) <= 0:
        raise ValueError(f"{kind}: out of range: {rest}")
    if apis is not None:
        apis = {protocol.NAMES[name] for name in apis}
    return Fault(kind, node, direction, apis, rest)


class Faults:
    """What is in force now; whoever waits is woken when that changes."""

    def __init__(self):
        self.found = {}
        self.changed = asyncio.Event()

    def find(self, kind, node, direction=None, api=None):
        """The arguments of such a fault, or None."""
        for fault in (self.found.get((kind, node)), self.found.get((kind, None))):
            if fault and fault.hits(direction, api):
                return fault.arguments
        return None

    def set(self, fault):
        self.found[fault.kind, fault.node] = fault
        self.wake()

    def clear(self, kind, node):
        self.found = {key: fault for key, fault in self.found.items()
                      if (kind is not None and key[0] != kind)
                      or (node is not None and key[1] != node)}
        self.wake()

    def wake(self):
        self.changed.set()
        self.changed = asyncio.Event()

    async def wait(self, seconds=None):
        """Until something changes, or so long."""
        try:
            await asyncio.wait_for(self.changed.wait(), seconds)
        except asyncio.TimeoutError:
            pass


def flip_at(rng, where, frame, spans):
    """(byte, bit) of the frame to flip, None where there is nothing of that kind."""
    if where == "length":
        return rng.randrange(4), rng.randrange(8)
    if where == "any":
        return rng.randrange(4, len(frame)), rng.randrange(8)
    if not spans:
        return None
    begin, end = spans[rng.randrange(len(spans))]
    return 4 + rng.randrange(begin, end), rng.randrange(8)


def flipped(frame, byte, bit):
    out = bytearray(frame)
    out[byte] ^= 1 << bit
    return bytes(out)

"""A proxy of our own between Kafka's clients and its brokers, which fails on demand.

    with Proxy({1: ("127.0.0.1", 9092), 2: ("127.0.0.1", 9093)}, seed=7) as proxy:
        ... clients of proxy.bootstrap stay behind it ...
        proxy.set_fault("delay", ms=200, jitter=100)
        proxy.set_fault("flip", node=2, probability=0.01)
        proxy.clear()

It runs in a process of its own (proxy_process.py), has one port a broker and knows
where frames begin and end. What is drawn comes from the seed, the broker, the
number of its connection and the direction, so that the same conversation meets the
same faults.

| fault | arguments | what happens |
|---|---|---|
| delay | ms, jitter | each frame goes on that much later, +- jitter, in order |
| throttle | bytes_per_s | of each connection and direction, in small pieces |
| stall | | nothing goes on, connections stay; what waits is sent when it is over |
| flip | probability, where | one bit of a frame is another one |
| reset_mid_frame | probability | a part of a frame goes on, then both ends are reset |
| refuse | | connections are reset, new ones refused |
| cut | how: reset or close | all connections end now |
| half_open | | connections are dead now, and the client is not told; new ones work |

All take a node (default: every one); those up to reset_mid_frame also direction (up: requests,
down: responses; default: both) and apis, a list of names as in proxy_protocol.py.
They last until clear(); cut and half_open are over at once. Of two faults of one
kind the one of the node goes before the one of all.

**Which flips are fair.** Kafka has one check of its own, the CRC of each record
batch; between it and the other end there is only TCP's. `where` says what is hit:

  - records (default): bytes covered by that CRC, in Produce requests and in the
    records of Fetch responses. A broker must refuse the first, a client with
    check.crcs the second. Nothing wrong may ever come of these.
  - length: a frame's length. The stream is out of step from there on, and whoever
    reads it must give the connection up; no record can come of that either.
  - any: any byte after the length. Nobody can notice all of these: an answer that
    names another committed offset, another base offset of a batch (it is outside
    the CRC), or another partition is well formed and believed. Whoever needs
    more uses TLS, which has a check of its own for each byte. A test of these can
    ask for no crash and no hang, not for right results.
"""
import pathlib

from child import Child

SCRIPT = pathlib.Path(__file__).with_name("proxy_process.py")


class Proxy:
    """`brokers`: {node: (host, port)}."""

    def __init__(self, brokers, seed=0):
        self.brokers, self.seed = dict(brokers), seed
        self.child = self.ports = None

    def __enter__(self):
        self.child = Child(SCRIPT, seed=self.seed, brokers=[
            [node, host, port] for node, (host, port) in self.brokers.items()])
        self.ports = {int(node): port for node, port in self.child.greeting["ports"].items()}
        return self

    def __exit__(self, *_):
        self.child.end()

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    def set_fault(self, kind, node=None, **arguments):
        """In force when it returns."""
        self.child.ask(ask="fault", kind=kind, node=node, arguments=arguments)

    def clear(self, kind=None, node=None):
        """Ends all faults, or those of a kind, or those that were set for a node."""
        self.child.ask(ask="clear", kind=kind, node=node)

    def counters(self, node=None):
        """What passed and what was done, by name; `connections_now` are open. All together,
        or what one node's port has seen."""
        return self.child.ask(ask="counters", node=node)["counters"]

    def flips(self):
        """The last bits flipped: [kind of request, version, direction, byte, bit]."""
        return self.child.ask(ask="counters")["flips"]


def of_broker(broker, seed=0, node=1):
    """A proxy before one broker of tests/support/kafka.py."""
    return Proxy({node: ("127.0.0.1", broker.port)}, seed)

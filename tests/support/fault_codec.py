"""Kafka's requests, as far as a broker that refuses them has to read them, and
the answers that say so.

A proxy that shows a client only the versions below has one form of each request
to know, none of them with tagged fields. `refusal` is the answer that a broker
gives to a request when it fails with a code: for each topic and partition that
the request names, or as a whole.
"""
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 11, 12, 13, 14
API_VERSIONS, CREATE_TOPICS, DESCRIBE_CONFIGS = 18, 19, 32

# The newest version of each that is let through: what librdkafka 2.0.2 speaks, but
# nothing with tagged fields.
NEWEST = {
    PRODUCE: 7, FETCH: 11, LIST_OFFSETS: 2, METADATA: 4, OFFSET_COMMIT: 7, OFFSET_FETCH: 5,
    FIND_COORDINATOR: 2, JOIN_GROUP: 5, HEARTBEAT: 3, LEAVE_GROUP: 1, SYNC_GROUP: 3,
    API_VERSIONS: 3, CREATE_TOPICS: 4, DESCRIBE_CONFIGS: 1,
}
NO_OFFSET = -1


class Reader:
    """The fields of a message, one after the other."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def number(self, form):
        value, = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def string(self):
        size = self.number("h")
        return None if size < 0 else self.take(size)

    def bytes(self):
        size = self.number("i")
        return None if size < 0 else self.take(size)

    def array(self, read):
        return [read() for _ in range(max(0, self.number("i")))]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value


def string(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def header(message):
    """(api, version, correlation id, Reader behind the header) of a request."""
    reader = Reader(message)
    api, version, correlation = (reader.number(form) for form in "hhi")
    reader.string()
    if api == API_VERSIONS and version >= 3:
        reader.varint()
    return api, version, correlation, reader


def topics(reader, partition):
    """[(topic, [what `partition` reads])]"""
    return reader.array(lambda: (reader.string(), reader.array(partition)))


def answered(asked, partition):
    """The like in an answer, `partition` writing one."""
    return array([string(name) + array([partition(each) for each in each_of])
                  for name, each_of in asked])


# -- requests -------------------------------------------------------------------------

def read_produce(r):
    r.string(), r.number("h"), r.number("i")
    return topics(r, lambda: (r.number("i"), r.bytes()))


def read_fetch(r):
    r.take(4 * 4 + 1 + 4 + 4)
    return topics(r, lambda: (r.number("i"), r.take(4), r.number("q"), r.take(8 + 4))[::2])


def read_list_offsets(r):
    r.take(4 + 1)
    return topics(r, lambda: (r.number("i"), r.number("q")))


def read_offset_commit(r):
    """[(topic, [(partition, offset, metadata)])]"""
    r.string(), r.number("i"), r.string(), r.string()
    return topics(r, lambda: (r.number("i"), r.number("q"), r.take(4), r.string()))


def read_offset_fetch(r):
    r.string()
    return topics(r, lambda: (r.number("i"),))


def read_describe_configs(r):
    return r.array(lambda: (r.number("b"), r.string(), r.array(r.string)))


def read_create_topics(r):
    def topic():
        name = r.string()
        r.take(4 + 2)
        r.array(lambda: (r.number("i"), r.array(lambda: r.number("i"))))
        r.array(lambda: (r.string(), r.string()))
        return name
    return r.array(topic)


# -- answers that refuse --------------------------------------------------------------

THROTTLE = struct.pack(">i", 0)


def refuse_produce(r, code, _):
    return answered(read_produce(r), lambda p: struct.pack(
        ">ihqqq", p[0], code, NO_OFFSET, NO_OFFSET, NO_OFFSET)) + THROTTLE


def refuse_fetch(r, code, whole):
    """As a whole, there are no partitions in it."""
    asked = read_fetch(r)
    if whole:
        return THROTTLE + struct.pack(">hi", code, 0) + array([])
    return THROTTLE + struct.pack(">hi", 0, 0) + answered(asked, lambda p: struct.pack(
        ">ihqqqiii", p[0], code, NO_OFFSET, NO_OFFSET, NO_OFFSET, -1, -1, 0))


def refuse_list_offsets(r, code, _):
    return THROTTLE + answered(read_list_offsets(r), lambda p: struct.pack(
        ">ihqq", p[0], code, NO_OFFSET, NO_OFFSET))


def refuse_offset_commit(r, code, _):
    return THROTTLE + answered(read_offset_commit(r), lambda p: struct.pack(">ih", p[0], code))


def refuse_offset_fetch(r, code, whole):
    if whole:
        return THROTTLE + array([]) + struct.pack(">h", code)
    return THROTTLE + answered(read_offset_fetch(r), lambda p: struct.pack(
        ">iqihh", p[0], NO_OFFSET, -1, 0, code)) + struct.pack(">h", 0)


def refuse_find_coordinator(_, code, __):
    return THROTTLE + struct.pack(">h", code) + string(None) + \
        struct.pack(">i", -1) + string(b"") + struct.pack(">i", -1)


def refuse_join_group(r, code, _):
    r.string(), r.take(4 + 4)
    member = r.string()
    return THROTTLE + struct.pack(">hi", code, -1) + string(b"") + string(b"") + \
        string(member) + array([])


def refuse_sync_group(_, code, __):
    return THROTTLE + struct.pack(">hi", code, 0)


def refuse_plainly(_, code, __):
    return THROTTLE + struct.pack(">h", code)


def refuse_api_versions(_, code, __):
    """UNSUPPORTED_VERSION is told in the oldest form, since the newer is not understood."""
    if code == 35:
        return struct.pack(">h", code) + array([struct.pack(">hhh", API_VERSIONS, 0, 0)])
    return struct.pack(">h", code) + b"\x01" + THROTTLE + b"\x00"


def refuse_describe_configs(r, code, _):
    return THROTTLE + array([struct.pack(">h", code) + string(None) + struct.pack(">b", kind) +
                             string(name) + array([])
                             for kind, name, _ in read_describe_configs(r)])


def refuse_create_topics(r, code, _):
    return THROTTLE + array([string(name) + struct.pack(">h", code) + string(None)
                             for name in read_create_topics(r)])


REFUSE = {
    PRODUCE: refuse_produce, FETCH: refuse_fetch, LIST_OFFSETS: refuse_list_offsets,
    OFFSET_COMMIT: refuse_offset_commit, OFFSET_FETCH: refuse_offset_fetch,
    FIND_COORDINATOR: refuse_find_coordinator, JOIN_GROUP: refuse_join_group,
    SYNC_GROUP: refuse_sync_group, HEARTBEAT: refuse_plainly, LEAVE_GROUP: refuse_plainly,
    API_VERSIONS: refuse_api_versions, DESCRIBE_CONFIGS: refuse_describe_configs,
    CREATE_TOPICS: refuse_create_topics,
}


def refusal(message, code, whole=False):
    """The whole answer to a request that fails with `code`."""
    api, _, correlation, reader = header(message)
    return struct.pack(">i", correlation) + REFUSE[api](reader, code, whole)


# -- answers that are changed on their way -------------------------------------------

def clamp_versions(body):
    """ApiVersions, version 3: nothing newer than we know, and nothing else at all."""
    r = Reader(body)
    code, kept = r.number("h"), []
    for _ in range(r.varint() - 1):
        api, oldest, newest = (r.number("h") for _ in range(3))
        r.varint()
        if api in NEWEST and oldest <= NEWEST[api]:
            kept.append((api, oldest, min(newest, NEWEST[api])))
    return versions_answer(kept, code)


def versions_answer(kept, code=0):
    return struct.pack(">h", code) + bytes([len(kept) + 1]) + \
        b"".join(struct.pack(">hhhB", *each, 0) for each in kept) + THROTTLE + b"\x00"


def spoil_metadata(body, version, code, partitions):
    """Every topic fails with `code`, or every partition has no leader for it.

    None when the answer is about no topic."""
    r = Reader(body)
    if version >= 3:
        r.take(4)
    r.array(lambda: (r.take(4), r.string(), r.take(4), r.string() if version >= 1 else None))
    if version >= 2:
        r.string()
    if version >= 1:
        r.take(4)
    head = body[:r.at]

    def partition():
        r.take(2)
        number = r.number("i")
        r.take(4), r.array(lambda: r.take(4)), r.array(lambda: r.take(4))
        return struct.pack(">hiiii", code, number, -1, 0, 0)

    def topic():
        r.take(2)
        name, internal = r.string(), r.take(1) if version >= 1 else b""
        numbers = r.array(partition)
        return struct.pack(">h", 0 if partitions else code) + string(name) + internal + \
            array(numbers if partitions else [])
    spoilt = r.array(topic)
    return head + array(spoilt) if spoilt else None


def read_produced(body):
    """Answer to Produce, version 7: [(topic, [(partition, code, first offset)])]"""
    r = Reader(body)
    return topics(r, lambda: (r.number("i"), r.number("h"), r.number("q"), r.take(16)))


def read_committed(body):
    """Answer to OffsetCommit: {(topic, partition): code}"""
    r = Reader(body, 4)
    return {(name, number): code
            for name, each_of in topics(r, lambda: (r.number("i"), r.number("h")))
            for number, code in each_of}

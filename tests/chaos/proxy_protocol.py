"""What a proxy must know of Kafka's protocol: frames, addresses, record batches.

A frame is four bytes of length and that many bytes; a response names its
request by a number. Clients are kept behind the proxy by

  - writing its addresses into the answers to Metadata and FindCoordinator;
  - telling them (ApiVersions) that the brokers know no newer Metadata and
    FindCoordinator than the last ones without tagged fields, no Produce and Fetch
    that name other brokers in their answers, and no DescribeCluster at all.

So every answer that is read here is of the classic form, as librdkafka 2.0.2
asks for it anyway; newer clients fall back. Everything else passes unread.

Record batches are looked for only in frames that are to be damaged.
"""
import struct

PRODUCE, FETCH, METADATA, FIND_COORDINATOR, API_VERSIONS, DESCRIBE_CLUSTER = 0, 1, 3, 10, 18, 60
NEWEST = {PRODUCE: 8, FETCH: 11, METADATA: 8, FIND_COORDINATOR: 2}
HIDDEN = {DESCRIBE_CLUSTER}
NAMES = {"produce": 0, "fetch": 1, "list_offsets": 2, "metadata": 3, "offset_commit": 8,
         "offset_fetch": 9, "find_coordinator": 10, "join_group": 11, "heartbeat": 12,
         "leave_group": 13, "sync_group": 14, "describe_groups": 15, "api_versions": 18,
         "create_topics": 19, "describe_configs": 32}
FRAME_MAX = 1 << 27
# A batch: offset 8, length 4, leader epoch 4, magic 1, CRC 4; the CRC covers the rest.
BATCH_LENGTH_AT, BATCH_MAGIC_AT, BATCH_COVERED_AT = 8, 16, 21


class Cursor:
    """Reads numbers and strings of the classic form one after the other."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def take(self, form):
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def int8(self):
        return self.take(">b")

    def int16(self):
        return self.take(">h")

    def int32(self):
        return self.take(">i")

    def text(self):
        size = self.int16()
        if size < 0:
            return None
        self.skip(size)
        return bytes(self.data[self.at - size:self.at])

    def skip(self, size):
        self.at += size

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7


def text(value):
    return struct.pack(">h", len(value)) + value


def request_of(payload):
    """(kind, version, number) of a request."""
    return struct.unpack_from(">hhi", payload)


def number_of(payload):
    """Which request a response answers."""
    return struct.unpack_from(">i", payload)[0]


# Answers rewritten.

def rewrite(kind, version, payload, addresses):
    """The response as the client is to see it; `addresses`: {node: (host, port)}."""
    if kind == API_VERSIONS:
        return restrict(version, payload)
    if kind == METADATA:
        return rewrite_metadata(version, payload, addresses)
    if kind == FIND_COORDINATOR:
        return rewrite_coordinator(version, payload, addresses)
    return payload


def rewrite_metadata(version, payload, addresses):
    cursor = Cursor(payload, 8 if version >= 3 else 4)
    count, out, copied = cursor.int32(), [], 0
    for _ in range(count):
        node = cursor.int32()
        copied = replace_address(cursor, node, addresses, out, copied)
        if version >= 1:
            cursor.text()  # the rack
    return b"".join([*out, payload[copied:]])


def rewrite_coordinator(version, payload, addresses):
    cursor, out = Cursor(payload, 8 if version >= 1 else 4), []
    cursor.int16()
    if version >= 1:
        cursor.text()  # what is wrong
    copied = replace_address(cursor, cursor.int32(), addresses, out, 0)
    return b"".join([*out, payload[copied:]])


def replace_address(cursor, node, addresses, out, copied):
    """`out` gets everything up to the end of the address at the cursor."""
    begin = cursor.at
    cursor.text()
    cursor.int32()
    if node in addresses:
        host, port = addresses[node]
        out += [cursor.data[copied:begin], text(host.encode()), struct.pack(">i", port)]
        return cursor.at
    return copied


def restrict(version, payload):
    """An answer to ApiVersions without what is newer than we can read."""
    cursor = Cursor(payload, 4)
    if cursor.int16() != 0:
        return payload
    begin = cursor.at
    compact = version >= 3
    count, entries = cursor.varint() - 1 if compact else cursor.int32(), []
    for _ in range(count):
        start = cursor.at
        kind, oldest, newest = cursor.int16(), cursor.int16(), cursor.int16()
        if compact:
            for _ in range(cursor.varint()):
                cursor.varint()
                cursor.skip(cursor.varint())
        if kind not in HIDDEN:
            entries.append(struct.pack(">hhh", kind, oldest, min(newest, NEWEST.get(kind, newest)))
                           + bytes(payload[start + 6:cursor.at]))
    size = varint(len(entries) + 1) if compact else struct.pack(">i", len(entries))
    return b"".join([payload[:begin], size, *entries, payload[cursor.at:]])


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


# Bytes that are protected by a CRC.

def covered(kind, version, payload, is_request):
    """[(begin, end)] of what the CRCs of record batches cover."""
    if kind == PRODUCE and is_request:
        fields = produced_fields(version, payload)
    elif kind == FETCH and not is_request:
        fields = fetched_fields(version, payload)
    else:
        return []
    return [span for begin, size in fields for span in batches(payload, begin, size)]


def produced_fields(version, payload):
    """(begin, size) of each partition's records."""
    if version < 3 or version > NEWEST[PRODUCE]:
        return
    cursor = Cursor(payload, 8)
    cursor.text()  # client
    cursor.text()  # transaction
    cursor.skip(2 + 4)  # acks, timeout
    for _ in range(cursor.int32()):
        cursor.text()
        for _ in range(cursor.int32()):
            cursor.int32()
            size = cursor.int32()
            yield cursor.at, size
            cursor.skip(max(size, 0))


def fetched_fields(version, payload):
    if version < 4 or version > NEWEST[FETCH]:
        return
    cursor = Cursor(payload, 4 + 4)
    if version >= 7:
        cursor.skip(2 + 4)  # error, session
    for _ in range(cursor.int32()):
        cursor.text()
        for _ in range(cursor.int32()):
            # partition, error, high watermark, last stable offset, first offset
            cursor.skip(4 + 2 + 8 + 8 + (8 if version >= 5 else 0))
            cursor.skip(16 * max(cursor.int32(), 0))  # aborted transactions
            if version >= 11:
                cursor.int32()  # preferred replica
            size = cursor.int32()
            yield cursor.at, size
            cursor.skip(max(size, 0))


def batches(payload, begin, size):
    end = begin + max(size, 0)
    while begin + BATCH_COVERED_AT < end:
        (length,) = struct.unpack_from(">i", payload, begin + BATCH_LENGTH_AT)
        after = begin + BATCH_LENGTH_AT + 4 + length
        if payload[begin + BATCH_MAGIC_AT] != 2 or after > end or length <= 0:
            return
        yield begin + BATCH_COVERED_AT, after
        begin = after

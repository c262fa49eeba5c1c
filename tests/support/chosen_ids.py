"""Ids made for a hash that everybody knows: what an adversary of a public hash does.

MurmurHash64A (Redis's) turns eight bytes at a time, in steps that can all be
undone. So the last eight bytes of an id follow from its first eight and from the
hash it is to have; of the ids that come out one in some 3,000 is plain text.
"""
import numpy

MULTIPLIER = 0xC6A4A7935BD1E995
SEED = 0xADC83B19
REGISTERS_BITS = 14
RANK_MAX = 64 - REGISTERS_BITS + 1
LETTERS = numpy.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
                           dtype=numpy.uint8)
TRIES = 1 << 19
_INVERSE = numpy.uint64(pow(MULTIPLIER, -1, 1 << 64))
_M = numpy.uint64(MULTIPLIER)
_SHIFT = numpy.uint64(47)


def _unmix(value):
    """Undoes value ^= value >> 47."""
    return value ^ (value >> _SHIFT)


def _mix_block(block):
    block = block * _M
    return _unmix(block) * _M


def _unmix_block(block):
    return _unmix(block * _INVERSE) * _INVERSE


def target(register, rank=RANK_MAX):
    """A hash that gives this register this rank."""
    rest = 0 if rank == RANK_MAX else 1 << (rank - 1)
    return rest << REGISTERS_BITS | register


def _readable(blocks):
    """Which of the blocks are letters, digits, or what stands well in JSON."""
    data = blocks.view(numpy.uint8).reshape(-1, 8)
    plain = (data >= 0x20) & (data < 0x7F) & (data != 0x22) & (data != 0x5C)
    return plain.all(axis=1)


def ids_with(hashes, seed=1):
    """One id of 16 characters for each of the hashes."""
    random = numpy.random.default_rng(seed)
    wanted = numpy.array(hashes, dtype=numpy.uint64)
    found = [None] * len(wanted)
    open_places = numpy.arange(len(wanted))
    start = numpy.uint64((SEED ^ (16 * MULTIPLIER)) & (1 << 64) - 1)
    with numpy.errstate(over="ignore"):
        while len(open_places):
            places = numpy.resize(open_places, TRIES)
            first = random.choice(LETTERS, (TRIES, 8)).astype(numpy.uint8)
            state = (start ^ _mix_block(first.view(numpy.uint64).reshape(-1))) * _M
            end = _unmix(_unmix(wanted[places]) * _INVERSE) * _INVERSE
            second = _unmix_block(end ^ state)
            for at in numpy.nonzero(_readable(second))[0]:
                if found[places[at]] is None:
                    found[places[at]] = first[at].tobytes() + second[at].tobytes()
            open_places = numpy.array([place for place in open_places if found[place] is None])
    return [each.decode() for each in found]

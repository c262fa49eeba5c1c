"""Ids of many kinds: named sets, drawn from a seed.

A name is "a-N", "b-N" (about half of them also in a-N) or what a test keeps, and
its set is the same for the whole run. Ids are such as people use, and
of lengths that lead through all branches of the hashes.
"""
import functools
import random
import uuid

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-.:@/ \"'\\%{}"
OTHERS = "äßłжΩ中文日本語😀🇫🇷é\u00a0"


def _one(rng, plain):
    kind = 0 if plain else rng.randrange(12)
    if kind < 4:
        return f"{rng.getrandbits(80):x}"
    if kind < 6:
        return str(rng.randrange(10 ** rng.randrange(1, 19)))
    if kind < 8:
        return str(uuid.UUID(int=rng.getrandbits(128)))
    alphabet = LETTERS if kind < 11 else LETTERS + OTHERS
    longest = rng.choice([8, 20, 40, 70, 300])
    return "".join(rng.choices(alphabet, k=rng.randrange(1, longest)))


def _draw(rng, count):
    ids = set()
    while len(ids) < count:
        ids.add(_one(rng, count > 20000 and len(ids) > 5000))
    return sorted(ids)


class IdSets:
    def __init__(self, seed):
        self.seed = seed
        self.extra = {}
        self.found = {}

    @functools.lru_cache(maxsize=None)
    def _set(self, name):
        if name in self.extra:
            return self.extra[name]
        kind, _, count = name.partition("-")
        rng = random.Random(f"{self.seed} {name}")
        if kind == "a":
            return _draw(rng, int(count))
        mine = self._set("a-" + count)
        return sorted({*mine[:len(mine) // 2], *_draw(rng, len(mine) // 2 + 3)})

    def ids(self, name):
        return self._set(name)

    @functools.lru_cache(maxsize=None)
    def hexadecimal(self, *names):
        """For our driver: the ids of several sets, one after the other."""
        return " ".join(each.encode().hex() for name in names for each in self._set(name))

    def keep(self, name, ids):
        """One more set, made by the test."""
        assert self.extra.setdefault(name, sorted(ids)) == sorted(ids), name

    def rare(self, ours, profile, precision, rank, count):
        """So many ids that have at least this rank: support/our_sketch.py finds them."""
        words = (profile, precision, rank, f"rare{self.seed}-", count)
        if words not in self.found:
            self.found[words] = ours.rare(*words)
        return self.found[words]

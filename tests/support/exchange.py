"""An engine and the library with the same ids: what test_exchange.py proves of them."""
import dataclasses

from foreign_readers import coupons, read

TRINO_STEP = 10  # airlift gives a sparse sketch room for so many more entries at a time


@dataclasses.dataclass(frozen=True)
class Form:
    engine: str
    precision: int
    options: tuple = ()  # (name, value), in the order of the driver's words

    @property
    def profile(self):
        return "datasketches" if self.engine == "spark" else self.engine

    @property
    def words(self):
        return [self.profile, *(value for _, value in self.options)]

    @property
    def asked(self):
        return {"precision": self.precision, **dict(self.options)}

    def narrowed(self, registers):
        """What is left of ours in an engine's registers of few bits."""
        width = dict(self.options).get("regwidth", 8)
        return bytes(min(each, (1 << width) - 1) for each in bytes.fromhex(registers)).hex()

    def __str__(self):
        return "-".join(map(str, [self.engine, self.precision,
                                  *(value for _, value in self.options)]))


def postgres(precision, regwidth, expthresh, sparse):
    return Form("postgres", precision, (("regwidth", regwidth), ("expthresh", expthresh),
                                        ("sparse", sparse)))


def may_differ(form, answers):
    """Where an engine keeps ids exactly that we never had, or longer than we do."""
    kinds = {read(form.engine, answer)[0] for answer in answers}
    if form.engine == "postgres":
        return 2 in kinds
    if form.engine == "zetasketch":
        return kinds == {"sparse", "dense"}
    if form.engine == "trino":
        [sparse] = [answer["bytes"] for answer in answers if answer["bytes"].startswith("02")]
        return abs((len(sparse) // 2 - 4) // 4 - (1 << form.precision) // 8) <= TRINO_STEP
    if form.precision < 7:
        return form.profile == "datasketches"
    # Of ids with one place and two ranks it keeps both, as long as it keeps ids: where
    # it is just full, ours has as many less.
    told = sorted(answer.get("told", answer["estimate"]) for answer in answers)
    full = 3 * (1 << form.precision) // 32
    return form.profile == "datasketches" and full - 1 < told[0] and told[1] < full + 3


class Exchange:
    """The proofs of one form."""

    def __init__(self, form, engine, ours, ids):
        self.form, self.engine, self.ours, self.ids = form, engine, ours, ids

    def made(self, start=None, sets=(), merge=()):
        for name in sets:
            self.engine.define(name, self.ids.ids(name))
        return self.engine.sketch(self.form.asked, start=start, sets=sets, merge=merge)

    def counted(self, *names):
        return self.ours.count(self.form.profile, self.form.precision,
                               self.ids.hexadecimal(*names))

    def alike(self, first, second, what):
        one, other = (read(self.form.engine, answer) for answer in (first, second))
        assert one[1] == other[1] == self.form.precision, what
        assert one[2] == other[2], f"registers: {what}"
        if one[0] == other[0]:
            same = first["estimate"] == second["estimate"]
            if not same and self.form.profile == "datasketches" and one[0] < 2:
                # It keeps all ranks of one place, we the highest: that, and nothing else.
                kept, highest = zip(*(coupons(each) for each in (first, second)))
                assert highest[0] == highest[1] and kept[0] != kept[1], f"coupons: {what}"
            else:
                assert same or first["estimate"] != first["estimate"], f"estimates: {what}"
        else:
            assert may_differ(self.form, (first, second)), f"forms: {what}"

    def prove(self, mine, theirs):
        what = f"{self.form} {mine} {theirs}"
        registers = self.counted(mine).registers()
        image = self.ours.encode(*self.form.words)
        own, other = self.made(sets=[mine]), self.made(sets=[theirs])
        both = self.made(sets=[mine, theirs])
        loaded = self.made(start=image)
        self.alike(loaded, own, f"ours loaded, {what}")
        # Where an engine may tell another estimate than the registers', ours has but these.
        assert loaded.get("told", loaded["estimate"]) == loaded["estimate"], what
        self.alike(self.made(start=image, merge=[own["bytes"]]), own, f"the same twice, {what}")
        self.alike(self.made(start=image, merge=[other["bytes"]]), both, f"ours first, {what}")
        self.alike(self.made(sets=[theirs], merge=[image]), both, f"ours last, {what}")
        self.alike(self.made(start=image, sets=[theirs]), both, f"counted on, {what}")
        self.alike(self.made(start=image, sets=[mine]), own, f"counted again, {what}")
        self.read_back(own, registers, what)
        united = self.counted(mine, theirs).registers()
        self.read_back(both, united, what)
        here = self.counted(theirs).union(self.form.profile, own["bytes"]).registers()
        assert self.form.narrowed(here) == self.form.narrowed(united), f"a union here, {what}"

    def read_back(self, own, registers, what):
        loaded = self.ours.decode(self.form.profile, own["bytes"])
        assert loaded.show()[:2] == (self.form.profile, self.form.precision)
        assert loaded.registers() == self.form.narrowed(registers), f"theirs loaded here, {what}"

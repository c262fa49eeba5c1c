"""Goal: an engine can't tell our sketches from its own, nor can we ours from its.

Of ids drawn from --seed, by night from a new one each time, at sizes around
everything that switches, in every form that an engine has for its sketches:

  1. our bytes, loaded there, have the registers and the estimate of the sketch
     that the engine itself fills with these ids;
  2. a union there of ours with one of the engine's own, either way round, and
     ours when the engine goes on counting in it, are what the engine makes of
     all ids itself; with the same ids, nothing changes;
  3. the engine's bytes, loaded here, have the registers of our own count, and
     so has a union here.

Registers are read by support/foreign_readers.py, not by the library.
"""
import pytest
from exchange import Exchange, Form, postgres


def datasketches(engine, precisions):
    return [Form(engine, p, (("bits", bits), ("updatable", updatable)))
            for p in precisions for bits in (4, 6, 8) for updatable in (0, 1)]


FORMS = [
    Form("redis", 14),
    *datasketches("datasketches", (4, 7, 8, 12, 14, 18)),
    *datasketches("spark", (4, 7, 8, 12)), *datasketches("spark", (14, 18))[:2],
    *(postgres(14, 5, threshold, sparse) for threshold in (0, -1, 128) for sparse in (1, 0)),
    postgres(11, 5, -1, 1), postgres(4, 5, 0, 1), postgres(17, 5, 2048, 1),
    *(postgres(12, width, 0, 1) for width in (1, 3, 4, 6, 7)),
    *(Form("zetasketch", p, (("sparse", sparse),))
      for p, sparse in ((10, 0), (10, 10), (10, 15), (12, 17), (15, 20), (15, 0), (15, 25),
                        (14, 21), (18, 23))),
    *(Form("trino", p) for p in (4, 5, 8, 11, 12, 14, 16)),
]
LARGE = [
    (Form("redis", 14), 100000), (postgres(14, 5, 0, 1), 100000), (postgres(14, 5, -1, 1), 100000),
    (Form("datasketches", 12, (("bits", 8), ("updatable", 0))), 100000),
    (Form("datasketches", 18, (("bits", 6), ("updatable", 1))), 100000),
    (Form("spark", 12, (("bits", 4), ("updatable", 1))), 30000),
    (Form("spark", 12, (("bits", 8), ("updatable", 1))), 30000),
    (Form("zetasketch", 15, (("sparse", 20),)), 30000),
    (Form("trino", 12), 100000), (Form("trino", 14), 30000),
]
SMALL_MAX = 6000


def sizes(precision):
    """Few, and the fractions of 2^p about which the engines and we change forms."""
    m = 1 << precision
    around = [at + step for at in (3 * m // 32, m // 8, 3 * m // (30 - precision))
              for step in (0, 1)]
    found = {0, 1, 3, 7, 8, 500, 2000, m // 4, 2 * m // 3, 3 * m, 16 * m, *around}
    return sorted(size for size in found if size <= SMALL_MAX)


@pytest.fixture
def exchange(engines, ours, ids):
    return lambda form: Exchange(form, engines(form.engine), ours, ids)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_forms(exchange, form):
    proofs = exchange(form)
    for size in sizes(form.precision):
        proofs.prove(f"a-{size}", f"b-{size}")


@pytest.mark.parametrize("form, count", LARGE, ids=str)
def test_many(exchange, form, count):
    exchange(form).prove(f"a-{count}", f"b-{count}")


RARE = [
    *(Form(engine, p, (("bits", 4), ("updatable", updatable)))
      for engine in ("datasketches", "spark") for p in (4, 7, 8, 11, 14) for updatable in (0, 1)),
    *(Form("trino", p) for p in (4, 8, 12, 14)), Form("zetasketch", 12, (("sparse", 17),)),
    Form("redis", 14), postgres(14, 5, 0, 1), postgres(12, 4, 0, 1)]
RARE_RANK, RARE_COUNT = 16, 240


@pytest.mark.parametrize("form", RARE, ids=str)
def test_high_ranks(exchange, ours, ids, form):
    """Ids of which there is one in 2^15: HLL_4's exceptions, in an updatable image a hash
    table in which they must be found, and Trino's overflows."""
    precision = 14 if form.profile == "datasketches" else form.precision
    rare = ids.rare(ours, form.profile, precision, RARE_RANK, RARE_COUNT)
    kept = f"{form.profile}-{precision}"
    few, many = (f"{each}-{kept}" for each in ("some", "most"))
    ids.keep(few, rare[:RARE_COUNT // 12])
    ids.keep(many, rare[RARE_COUNT // 24:])
    exchange(form).prove(few, many)
    exchange(form).prove(many, few)
    ids.keep(f"{few}-among", [*rare[:RARE_COUNT * 2 // 3], *ids.ids("a-2000")[:1700]])
    ids.keep(f"{many}-among", [*rare[RARE_COUNT // 3:], *ids.ids("a-2000")[1000:]])
    exchange(form).prove(f"{few}-among", f"{many}-among")


def test_very_many(exchange):
    """So many that no register is zero any more, in the form that says so."""
    form = Form("datasketches", 14, (("bits", 4), ("updatable", 1)))
    exchange(form).prove("a-500000", "a-100000")


def form_at(engine, precision):
    if engine == "zetasketch":
        return Form(engine, precision, (("sparse", precision + 5),))
    return Form(engine, precision, (("bits", 8), ("updatable", 1)))


@pytest.mark.parametrize("engine, high, low", [
    *((engine, *pair) for engine in ("datasketches", "spark")
      for pair in ((14, 12), (18, 4), (12, 7))),
    ("zetasketch", 15, 12), ("zetasketch", 18, 10)])
def test_different_precisions(engines, ours, ids, engine, high, low):
    """Meet at the lower one, there as here."""
    for mine, theirs in ((high, low), (low, high)):
        for size in (5, 1000, 6000):
            names = (f"a-{size}", f"b-{size}")
            forms = [form_at(engine, precision) for precision in (mine, theirs)]
            proofs = [Exchange(form, engines(engine), ours, ids) for form in forms]
            other = proofs[1].made(sets=[names[1]])
            proofs[0].counted(names[0])
            image = ours.encode(*forms[0].words)
            union = engines(engine).sketch(form_at(engine, high).asked, start=image,
                                           merge=[other["bytes"]])
            registers = proofs[0].counted(*names).fold(low).registers()
            profile = forms[0].profile
            assert ours.decode(profile, union["bytes"]).fold(low).registers() == registers
            united = proofs[0].counted(names[0]).union(profile, other["bytes"])
            assert united.show()[1] == low and united.registers() == registers

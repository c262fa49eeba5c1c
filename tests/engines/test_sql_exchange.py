"""Goal: what people type. Sketches in columns, with the aggregates of Spark and of
PostgreSQL, next to those that these engines have filled themselves."""
import pytest
from exchange import Exchange, Form, postgres
from foreign_readers import read
from postgres_engine import EngineError

SIZES = (1, 7, 8, 60, 400, 5000)


class Spark:
    """Rows of text from queries over ids and images."""

    def __init__(self, engines, ours, ids, lg_k):
        self.engine, self.ours, self.ids, self.lg_k = engines("spark"), ours, ids, lg_k
        self.form = Form("spark", lg_k, (("bits", 8), ("updatable", 1)))
        self.proofs = Exchange(self.form, self.engine, ours, ids)

    def aggregated(self, names):
        """{set: (image, estimate)} by hll_sketch_agg."""
        for name in names:
            self.engine.define(name, self.ids.ids(name))
        rows = self.engine.call("aggregate", sets=names, text=(
            "select c0, hex(s), hll_sketch_estimate(s) from (select c0,"
            f" hll_sketch_agg($id, {self.lg_k}) as s from t group by c0)"))
        return {name: (image.lower(), int(estimate)) for name, image, estimate in rows}

    def query(self, rows, what):
        """{name: words} of `what` of each name."""
        return {name: words for name, *words in self.engine.call(
            "query", rows=rows, text=f"select c0, {what} from t group by c0")}

    def exported(self, name):
        self.proofs.counted(name)
        return self.ours.encode(*self.form.words)

    def registers(self, *names):
        return self.proofs.counted(*names).registers()

    def holds(self, image):
        """The registers of an image, by the engine and our reader."""
        answer = self.engine.sketch(self.form.asked, start=image)
        return read("spark", answer)[2].hex(), answer["estimate"]


@pytest.mark.parametrize("lg_k", [12, 8, 15])
def test_spark(engines, ours, ids, lg_k):
    spark = Spark(engines, ours, ids, lg_k)
    mine, theirs = [f"a-{size}" for size in SIZES], [f"b-{size}" for size in SIZES]
    own = spark.aggregated(mine + theirs)
    images = {name: spark.exported(name) for name in mine}
    for name in mine + theirs:
        loaded = ours.decode("datasketches", own[name][0])
        assert loaded.registers() == spark.registers(name), name
    alone = spark.query([[name, image] for name, image in images.items()],
                        "hll_sketch_estimate(max(unhex(c1)))")
    for name, [estimate] in alone.items():
        # Spark's own answers by the order of arrival while it may; from registers it is this.
        assert int(estimate) == round(spark.holds(own[name][0])[1]), name
    rows = [[a, image] for a, b in zip(mine, theirs) for image in (images[a], own[b][0])]
    unions = spark.query(rows, "hex(hll_union_agg(unhex(c1))),"
                         " hll_sketch_estimate(hll_union_agg(unhex(c1)))")
    rows = [[a, own[a][0], own[b][0]] for a, b in zip(mine, theirs)]
    direct = spark.query(rows, "hll_sketch_estimate(hll_union(max(unhex(c1)), max(unhex(c2))))")
    rows = [[a, own[b][0], images[a]] for a, b in zip(mine, theirs)]
    scalar = spark.query(rows, "hll_sketch_estimate(hll_union(max(unhex(c1)), max(unhex(c2))))")
    for a, b in zip(mine, theirs):
        assert spark.holds(unions[a][0].lower())[0] == spark.registers(a, b), a
        assert unions[a][1] == direct[a][0] == scalar[a][0], a


def test_spark_lets_precisions_meet(engines, ours, ids):
    """Ours at 14, Spark's own at its default of 12."""
    high, low = (Spark(engines, ours, ids, lg_k) for lg_k in (14, 12))
    own = low.aggregated(["b-5000"])["b-5000"][0]
    rows = [["x", high.exported("a-5000")], ["x", own]]
    [image] = high.query(rows, "hex(hll_union_agg(unhex(c1), true))")["x"]
    assert low.holds(image.lower())[0] == low.registers("a-5000", "b-5000")
    with pytest.raises(Exception, match="DIFFERENT_LG_K|different"):
        high.query(rows, "hex(hll_union_agg(unhex(c1)))")


@pytest.mark.parametrize("shape", [(14, 5, 0, 1), (11, 5, -1, 1), (12, 4, 64, 0)], ids=str)
def test_postgres_column(engines, ours, ids, shape):
    """Inserted next to rows that PostgreSQL fills, and counted on."""
    engine, form = engines("postgres"), postgres(*shape)
    proofs = Exchange(form, engine, ours, ids)
    words = ", ".join(map(str, shape))
    for size in SIZES:
        mine, theirs = f"a-{size}", f"b-{size}"
        proofs.made(sets=[mine, theirs])
        proofs.counted(mine)
        image = ours.encode(*form.words)
        engine.ask(f"""
            create temp table days (day int, users hll({words}));
            insert into days values (1, '\\x{image}'), (3, '\\x{image}');
            insert into days select 2, hll_add_agg(hash, {words}) from ids where name = '{theirs}';
            update days set users = hll_union(users, (select users from days where day = 2))
                where day = 3;
            insert into days select 4, hll_add_agg(hash, {words}) from ids
                where name in ('{mine}', '{theirs}')""")
        [[union, estimate]] = engine.ask("select hll_union_agg(users), # hll_union_agg(users)"
                                         " from days where day < 3")
        [[added, _], [direct, direct_estimate]] = engine.ask(
            "select users, # users from days where day > 2 order by day; drop table days")
        images = [{"bytes": each.removeprefix("\\x")} for each in (union, added, direct)]
        registers = [read("postgres", each)[2] for each in images]
        assert registers[0] == registers[1] == registers[2], size
        if read("postgres", images[0])[0] == read("postgres", images[2])[0]:
            assert estimate == direct_estimate
        assert ours.decode("postgres", images[0]["bytes"]).registers() == registers[0].hex()


def test_postgres_wants_all_four_alike(engines, ours, ids):
    engine = engines("postgres")
    for other in ((13, 5, 0, 1), (14, 4, 0, 1), (14, 5, -1, 1), (14, 5, 0, 0)):
        Exchange(postgres(*other), engine, ours, ids).counted("a-8")
        image = ours.encode(*postgres(*other).words)
        with pytest.raises(EngineError, match="does not match"):
            engine.ask("create temp table days (users hll(14, 5, 0, 1));"
                       f"insert into days values ('\\x{image}')")
        engine.ask("drop table if exists days")

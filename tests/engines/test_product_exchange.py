"""Goal: the way that users go. Frames are counted by headcountd for five engines
at once; headcount convert hands the sketches to each engine, which unites them
with its own, and brings the engine's back, which are then our own."""
import json

import pytest
from converted import MINUTE, convert, frames_of, lines_of, registers_in, rows_of
from exchange import Exchange, Form
from foreign_readers import read

FORMS = {
    "redis": Form("redis", 14),
    "datasketches": Form("datasketches", 14, (("bits", 8), ("updatable", 0))),
    "spark": Form("spark", 12, (("bits", 8), ("updatable", 1))),
    "postgres": Form("postgres", 14, (("regwidth", 5), ("expthresh", -1), ("sparse", 1))),
    "zetasketch": Form("zetasketch", 14, (("sparse", 19),)),
    "trino": Form("trino", 12),
}
OPTIONS = {"spark": ("--lgk", 12, "--form", "updatable"), "trino": ("-p", 12)}
PROFILES = ("redis", "datasketches", "postgres", "zetasketch", "trino")


@pytest.fixture(scope="module")
def records_of(build, id_sets_of_run, tmp_path_factory):
    """Records of a set, one minute of all five profiles; each set is counted once."""
    import programs as programs_module
    programs = programs_module.Programs(build / "bin", tmp_path_factory.mktemp("counted"))
    counted = {}

    def records(name):
        if name not in counted:
            words = [word for profile in PROFILES for word in ("--profile", profile)]
            counted[name] = programs.count("-", "--stream", "users", *words,
                                           input=frames_of(id_sets_of_run.ids(name))).out
        return counted[name]
    return records


def registers_of_all(found, precision):
    registers = bytearray(1 << precision)
    for index, rank in found.items():
        registers[index] = rank
    return bytes(registers)


@pytest.mark.parametrize("engine", FORMS)
@pytest.mark.parametrize("size", [1, 300, 20000])
def test_there_and_back(programs, engines, ours, ids, records_of, engine, size):
    form = FORMS[engine]
    proofs = Exchange(form, engines(engine), ours, ids)
    mine, theirs = f"a-{size}", f"b-{size}"
    own, other = proofs.made(sets=[mine]), proofs.made(sets=[theirs])
    both = proofs.made(sets=[mine, theirs])
    code, out, err = convert(programs, "--to", form.profile, *OPTIONS.get(engine, ()),
                             input=records_of(mine))
    assert (code, err) == (0, "")
    [(start, group, data)] = rows_of(out)
    assert (start, group) == (MINUTE, "{}")
    loaded = proofs.made(start=data.hex())
    assert read(engine, loaded)[1:] == read(engine, own)[1:]
    union = proofs.made(start=data.hex(), merge=[other["bytes"]])
    proofs.alike(union, both, f"{engine} {size}")
    # And home again: the engine's own of the same users, and its union with ours.
    for image, names in ((own, [mine]), (union, [mine, theirs])):
        line = lines_of([(MINUTE, "{}", bytes.fromhex(image["bytes"]))])
        code, back, err = convert(programs, "--from", form.profile, "--stream", "users",
                                  input=line)
        assert (code, err) == (0, "")
        assert json.loads(back)["sketch"]["profile"] == form.profile
        found = registers_of_all(registers_in(programs, back), form.precision)
        assert found.hex() == proofs.counted(*names).registers()

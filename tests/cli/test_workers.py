"""Goal: however many workers share the input, every minute has the registers that a
real redis-server has for its users, nothing is read twice or left out, records are
whole, people see each minute once, and a run ends as its exit codes promise."""
import pytest
from frames import lines, stream
from oracle import Oracle, exported, frames_total, merged, records_of

MIB = 1024 * 1024
SLICES = 4 * MIB  # the smallest slice of a file: two of them make a file worth cutting


@pytest.fixture(scope="module")
def frames():
    """Some 25 MB in the order of their time, a minute for every few hundred KiB."""
    return stream(22, 70000, users=30000, rate=20.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def path(folder, frames):
    file = folder / "frames.jsonl"
    file.write_bytes(lines(frames))
    assert file.stat().st_size > 4 * SLICES
    return file


def workers_of(out):
    return {int(row["instance"].rpartition("/")[2]) for row in records_of(out, "checkpoint")}


def check_whole(programs, out, counted):
    found = programs.verify(out)
    assert "hole" not in found and all("read again 0" in line for line in found.splitlines()
                                       if line.startswith("partition"))
    assert frames_total(out)[0] == counted


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_a_large_file(programs, path, truth, workers):
    done = programs.count("--workers", workers, path)
    truth.check(programs, done.out)
    check_whole(programs, done.out, truth.counted)
    assert workers_of(done.out) <= set(range(workers))
    if workers > 1:
        assert len(records_of(done.out, "checkpoint")) >= 4, "it was not cut into slices"
    assert f" {truth.counted} counted" in done.err


def test_any_number_of_workers_says_the_same(programs, path):
    one = programs.count("--workers", 1, path).out
    rows = merged(programs, one, "--by", "minute")
    for workers in (2, 5, 64):
        out = programs.count("--workers", workers, path).out
        assert exported(programs, out) == exported(programs, one)
        assert merged(programs, out, "--by", "minute") == rows

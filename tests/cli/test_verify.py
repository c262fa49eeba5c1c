"""Goal: verify finds what is missing in a dump, says where, and by its exit code."""
import json
import random
import subprocess

from oracle import frames_total
from record_lines import checkpoint, sketch

INSTANCE = "host-1/9f3a61c27b50d4e8/0"


def chain(count=5, instance=INSTANCE, first=0):
    """Sketches and checkpoints of one instance: two sketches, ten positions each."""
    rows = []
    for n in range(1, count + 1):
        rows += [sketch(2 * n - 1, instance=instance), sketch(2 * n, instance=instance)]
        positions = [(p, first + 10 * (n - 1), first + 10 * n) for p in (0, 1)]
        rows.append(checkpoint(n, (2 * n - 1, 2 * n), positions, instance=instance, frames=7,
                               rejected={"not_json": 1, "empty": 2}))
    return rows


def verify(programs, rows, code=0):
    return programs.verify(b"".join(rows), code=code)


def test_a_whole_chain(programs):
    out = verify(programs, chain()).splitlines()
    assert out == [
        'source stream "users" cluster "lkc-\\"1\\"" topic "users" group "headcount" '
        "checkpoints 5 repeated 0 frames 35 rejected 15 empty 10 not_json 5",
        "partition 0: 0 to 50, covered 50, read again 0, watermark 2016-07-11T13:40:30Z, ok",
        "partition 1: 0 to 50, covered 50, read again 0, watermark 2016-07-11T13:40:30Z, ok"]


def test_any_order_and_duplicates(programs):
    rows = chain() * 2
    random.Random(5).shuffle(rows)
    out = verify(programs, rows)
    assert "checkpoints 5 repeated 5 frames 35" in out


def test_each_checkpoint_taken_out(programs):
    rows = chain()
    for n in range(4):
        gone = 3 * n + 2
        out = verify(programs, rows[:gone] + rows[gone + 1:], code=1)
        if n > 0:
            assert f"hole partition 0: {10 * n} to {10 * n + 10}, 10 positions\n" in out
            assert f"hole partition 1: {10 * n} to {10 * n + 10}, 10 positions\n" in out
        assert f"sequence {2 * n + 1} and 1 more, NAMED BY NO CHECKPOINT" in out


def test_each_sketch_taken_out(programs):
    rows = chain()
    for gone in (0, 1, 6, 13):
        out = verify(programs, rows[:gone] + rows[gone + 1:], code=1)
        n, sequence = gone // 3, 2 * (gone // 3) + gone % 3 + 1
        assert f"hole partition 1: {10 * n} to {10 * n + 10}, 10 positions\n" in out
        assert f"unmet checkpoint {n + 1} instance " in out
        assert f"sequence {sequence} was not read\n" in out


def test_a_sketch_that_was_replaced(programs):
    rows = [sketch(2), checkpoint(1, (1, 2), [(0, 0, 9)], replaced=[1])]
    assert "ok" in verify(programs, rows)


def test_several_instances(programs):
    """The second goes on a little before where the first ended; its last words are no gap."""
    rows = chain(3) + [sketch(7)] + chain(2, "host-2/0000000000000000/0", first=25)
    random.Random(6).shuffle(rows)
    out = verify(programs, rows)
    assert "partition 0: 0 to 45, covered 45, read again 5" in out
    assert f'loose instance "{INSTANCE}" epoch 1468244380123: sequence 7, after its last' in out


def test_what_the_broker_lost(programs):
    rows = [checkpoint(1, (1, 0), [(0, 100, 150, {"missing": [[100, 120], [130, 140]]})])]
    out = verify(programs, rows, code=1)
    assert "covered 20" in out and "LOST 2" in out and "hole" not in out
    assert "lost partition 0: 100 to 120, 20 positions\n" in out
    assert "lost partition 0: 130 to 140, 10 positions\n" in out


def test_a_partition_that_is_not_there(programs):
    rows = [checkpoint(1, (1, 0), [(0, 0, 9), (2, 0, 9)], partitions_total=3)]
    assert "partition 1: NOT THERE" in verify(programs, rows, code=1)


def test_files(programs):
    def part(n, begin, end, is_end):
        return checkpoint(n, (1, 0), [(0, begin, end, {"end": is_end})], cluster="file",
                          topic=f"/data/{n} size=9 mtime=0")
    assert "ok" in verify(programs, [part(1, 0, 9, True), part(2, 0, 7, True)])
    out = verify(programs, [part(1, 0, 9, True), part(2, 0, 7, False)], code=1)
    assert "END NOT REACHED" in out and "hole partition 0: 7 to the end\n" in out
    assert "hole partition 0: 0 to 2" in verify(programs, [part(1, 2, 9, True)], code=1)


def test_sources_apart(programs):
    """What one group read does not fill the holes of another."""
    rows = [checkpoint(1, (1, 0), [(0, 0, 10)]), checkpoint(2, (1, 0), [(0, 20, 30)]),
            checkpoint(3, (1, 0), [(0, 5, 25)], input_group="others")]
    out = verify(programs, rows, code=1)
    assert out.count("source ") == 2 and out.count("hole ") == 1


def test_nothing_to_say(programs):
    verify(programs, [], code=1)
    verify(programs, [sketch(1)], code=1)


def test_a_bad_line_is_no_cover(programs):
    """Refused, so that its checkpoint does not count either."""
    rows = chain(2)
    rows[3] = rows[3].replace(b'"bytes":"SENT', b'"bytes":"SENU')
    out = verify(programs, rows, code=1)
    assert "sequence 3 was not read" in out


def rests_on_it(row, checkpoints):
    """Whether positions are uncovered without this row."""
    moved = [c for c in checkpoints
             if any(p["from"] < p["to"] or p["end"] for p in c["partitions"])]
    if row["type"] == "checkpoint":
        return row in moved
    return any(c["sequences"][0] <= row["sequence"] <= c["sequences"][1] for c in moved
               if any(p["from"] < p["to"] for p in c["partitions"]))


def test_a_real_run(programs):
    """What headcountd writes is whole, and what is taken out of it is missed."""
    def part(number):
        return b"".join(b'{"uid":"u%d","ts":%d}\n' % (2000 * number + n, 1468244340 + n // 50)
                        for n in range(2000)) + b"nonsense\n"
    size = sum(len(part(number)) for number in range(1, 5))
    with programs.start("-", "--emit-every", "50ms", stdin=subprocess.PIPE) as daemon:
        for number in range(1, 5):
            daemon.process.stdin.write(part(number))
            daemon.process.stdin.flush()
            daemon.wait_for(lambda: frames_total(daemon.out)[0] == 2000 * number, "a checkpoint")
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0, done.err
    rows = done.out.splitlines(keepends=True)
    out = verify(programs, rows)
    assert f"partition 0: 0 to {size}, covered {size}, read again 0" in out
    assert "frames 8000 rejected 4 not_json 4" in out
    records = [json.loads(row) for row in rows]
    checkpoints = [record for record in records if record["type"] == "checkpoint"]
    missed = [rests_on_it(record, checkpoints) for record in records]
    assert sum(missed) >= 8
    for gone, code in enumerate(missed):
        verify(programs, rows[:gone] + rows[gone + 1:], code=int(code))

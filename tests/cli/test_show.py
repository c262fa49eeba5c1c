"""Goal: show says what a record holds, for people, and its registers for scripts."""
import subprocess

import redis_server
from record_lines import FIRST_USERS, GOLDEN, checkpoint, golden, line, sketch


def registers_shown(text):
    """The lines that --registers adds, as an array."""
    registers = bytearray(redis_server.REGISTERS)
    for row in text.splitlines():
        if row.startswith("register "):
            _, index, value = row.split()
            registers[int(index)] = int(value)
    return bytes(registers)


def test_a_sketch(programs):
    out = programs.headcount("show", GOLDEN / "sparse.jsonl").decode()
    assert out.splitlines()[0] == 'sketch 2016-07-11T13:39:00Z "users" {} open, whole'
    assert "uniques    638, 95 %: 638 to 639, one standard error 0.0122 %" in out
    assert "frames     685" in out
    assert "epoch 1468244380123 (2016-07-11T13:39:40Z), sequence 41" in out
    assert "redis, precision 14, sparse" in out
    assert "register " not in out and "but" not in out


def test_a_checkpoint(programs):
    out = programs.headcount("show", GOLDEN / "checkpoint.jsonl").decode()
    rows = out.splitlines()
    assert rows[0] == 'checkpoint 12 2016-07-11T13:40:40Z "users"'
    assert ('  input      cluster "lkc-\\"1\\"", topic "users", group "headcount", '
            "4 partitions") in rows
    assert "  rests on   sequences 38 to 41, 39 replaced, 40 replaced" in rows
    assert ("  partition  2: 1000 to 1250, watermark 2016-07-11T13:39:45Z, missing 1100 to 1120, "
            "missing 1130 to 1131") in rows
    assert "  partition  0: 0 to 0, watermark none, idle, read to its end" in rows
    assert "  rejected   not_json 1, bad_utf8 20" in rows


def test_registers_are_those_of_redis(programs, redis):
    for name, count in (("sparse", FIRST_USERS), ("dense", 20000)):
        redis.add(f"show-{name}", {f"user-{n}" for n in range(count)})
        expected = redis_server.registers(redis.command("GET", f"show-{name}"))
        out = programs.headcount("show", "--registers", GOLDEN / f"{name}.jsonl").decode()
        assert registers_shown(out) == expected


def test_a_record_that_claims_another_number(programs):
    out = programs.headcount("show", input=line(golden("sparse") | {"uniques": 900, "high": 901}))
    assert "but        the record claims 900 uniques" in out.decode()


def test_names_cannot_reach_the_terminal(programs):
    out = programs.headcount("show", input=sketch(1, stream="a\x1b[2Jb\nc"))
    assert b"\x1b" not in out and b'"a\\u001b[2Jb\\nc"' in out


def test_bad_lines_do_not_stop_the_others(programs, scratch):
    path = scratch / "records"
    good = sketch(1)
    path.write_bytes(good + b"nonsense\n\n" + good[:200] + b"\n" + checkpoint(1, (1, 1), [])
                     + good.rstrip(b"\n"))
    done = subprocess.run([programs.bin / "headcount", "show", path, scratch / "absent", "-"],
                          input=sketch(7), capture_output=True, check=False)
    assert done.returncode == 1
    err = done.stderr.decode()
    assert f"{path}:2: not JSON" in err and f"{path}:4: not JSON" in err
    assert f"{scratch / 'absent'}: No such file" in err
    assert "2 lines refused" in err
    assert done.stdout.count(b"\nsketch ") == 2 and b"\ncheckpoint 1 " in done.stdout
    assert b"sequence 7" in done.stdout


def test_a_line_that_is_too_long(programs):
    long = b'{"type":"' + b"x" * (5 << 20) + b'"}\n'
    out = programs.headcount("show", input=sketch(1) + long + sketch(2), code=1)
    assert b"sequence 1\n" in out and b"sequence 2\n" in out


def test_usage(programs):
    assert b"usage: headcount show" in programs.headcount("show", "--help")
    programs.headcount("show", "--nonsense", code=2)
    programs.headcount("nonsense", code=2)
    programs.headcount(code=2)
    assert programs.headcount("--version").startswith(b"headcount ")
    for command in (b"merge", b"show", b"convert", b"verify", b"replay", b"generate"):
        assert command in programs.headcount("-h")

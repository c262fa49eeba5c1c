"""Goal: rejected frames come back byte for byte, and can be counted again."""
import base64
import json


def reject(frame, /, **members):
    row = {"reason": "not_json", "source": "users/0", "position": 7,
           "time": "2016-07-11T13:39:00Z", "size": len(frame),
           "frame": base64.b64encode(frame).decode()}
    row.update(members)
    return json.dumps(row).encode() + b"\n"


def test_bytes_come_back(programs):
    frames = [b"nonsense", b"", b"\x00\xff\xfe", "жук".encode(), b'{"uid":""}\r', b" ",
              bytes(b for b in range(256) if b != 10) * 5000]
    out = programs.headcount("replay", input=b"".join(map(reject, frames)))
    assert out == b"".join(frame + b"\n" for frame in frames)


def test_what_cannot_come_back(programs, scratch):
    """Each is refused with its place, the others go on."""
    path = scratch / "rejects"
    path.write_bytes(reject(b"one") + reject(b"two\nlines") + b"nonsense\n"
                     + b'{"reason":"too_large"}\n'
                     + reject(b"", frame="=") + reject(b"", frame=7) + reject(b"last"))
    assert programs.headcount("replay", path, code=1) == b"one\nlast\n"


def test_a_record_without_value_is_an_empty_line(programs, scratch):
    path = scratch / "rejects"
    path.write_bytes(reject(b"one") + reject(b"", frame=None) + reject(b"last"))
    assert programs.headcount("replay", path) == b"one\n\nlast\n"


def test_from_headcountd_and_back(programs, scratch):
    """Rejected once for the wrong field, counted with the right one."""
    frames = [b'{"user":"u%d","ts":1468244340}' % n for n in range(50)]
    data = b"".join(frame + b"\n" for frame in frames)
    first = b'{"uid":"x","ts":1468244340}\n'
    rejects = scratch / "rejects"
    programs.count("-", "--rejects", rejects, input=first + data)
    replayed = programs.headcount("replay", rejects)
    assert replayed == data
    again = programs.count("-", "--user-field", "user", input=replayed).out
    assert json.loads(programs.headcount("merge", "--format", "json", input=again))["uniques"] == 50

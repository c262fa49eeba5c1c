"""Goal: what watchers read of a running headcountd is what it does: the figures are
those of its own closing summary and records, the page is read by Prometheus' own
parser and documented name by name; who may read it, and what becomes of an address
that can't be listened on. What makes it unready is in figures_test.c."""
import os
import pathlib
import re
import socket
import subprocess
import urllib.parse

import pytest
from frames import lines, small_frame, stream
from metrics_page import Page, address, against_conventions, get
from oracle import Oracle, frames_total, records_of
from programs import wait_for

FAILED, USAGE, CONFIG = 1, 2, 78
TOKEN = "a-token-of-24-characters"
DOCS = pathlib.Path(__file__).parents[2] / "docs" / "METRICS.md"
NOW = 1468250000
POISON = {b"": "empty", b"x": "not_json", b"[1]": "not_object", b'{"ts":1}': "no_user",
          b'{"uid":"a"}': "no_time", b'{"uid":"","ts":1}': "user_empty",
          b'{"uid":"a","ts":"soon"}': "time_type", b'{"uid":"a","ts":1468999999}': "time_ahead"}


def listening(programs, *options, stdin=subprocess.PIPE):
    return programs.start("--listen", "127.0.0.1:0", "--now", NOW, *options, stdin=stdin)


def feed(daemon, data):
    daemon.process.stdin.write(data)
    daemon.process.stdin.flush()


def page_with(daemon, where, condition, what):
    """The first page of which it is true."""
    def found():
        page = Page(where)
        return page if condition(page) else None
    return daemon.wait_for(found, what)


def rejected(page):
    return {reason: count for reason, count in
            page.by("headcount_rejected_frames_total", "reason").items() if count > 0}


@pytest.fixture
def token_file(scratch):
    file = scratch / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    return file


def test_figures_are_what_was_counted(programs, redis):
    frames = stream(91, 4000, users=900, rate=20.0)
    truth = Oracle(redis).add_frames(frames)
    poison = [line for at, line in enumerate(POISON) for _ in range(at + 1)]
    with listening(programs, "--emit-every", "100ms", "-") as daemon:
        where = address(daemon)
        sent = lines(frames) + b"".join(line + b"\n" for line in poison)
        feed(daemon, sent)
        page = page_with(daemon, where,
                         lambda page: sum(rejected(page).values()) == len(poison)
                         and page.value("headcount_checkpoints_total") > 0
                         and page.value("headcount_unsettled_records") == 0, "all is counted")
        assert page.value("headcount_frames_total") == truth.counted
        assert rejected(page) == {reason: at + 1 for at, reason in enumerate(POISON.values())}
        assert page.value("headcount_read_bytes_total") == len(sent) - len(frames) - len(poison)
        minutes = {frame.time // 60 for frame in frames}
        assert page.value("headcount_windows") == len(minutes)
        last = page.value("headcount_watermark_timestamp_seconds")
        # The clock is a quarter of 64 frames behind the last, and then --max-lag.
        assert last <= max(frame.time for frame in frames) - 5
        assert page.value("headcount_open_windows") == len(
            [minute for minute in minutes if minute * 60 + 60 > last])
        assert 0 < page.value("headcount_window_memory_bytes") < 64 * 1024 * 1024
        assert page.value("headcount_window_memory_limit_bytes") == 64 * 1024 * 1024
        assert page.value("headcount_ready") == 1
        assert (page.value("headcount_workers"), page.value("headcount_held_workers")) == (1, 0)
        late = page.value("headcount_late_frames_total")
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0
    assert f"  late      {int(late)} frames of closed minutes" in done.err
    told = records_of(done.out, "checkpoint")
    assert frames_total(done.out)[0] == truth.counted
    assert page.value("headcount_checkpoints_total") <= len(told)
    truth.check(programs, done.out)


def test_counters_only_grow_and_end_with_the_summary(programs):
    with listening(programs, "--emit-every", "50ms", "-") as daemon:
        where = address(daemon)
        before = None
        for part in range(3):
            feed(daemon, lines([small_frame(f"u{part}-{i}", NOW - 600 + 60 * part)
                                for i in range(100)]))
            page = page_with(daemon, where,
                             lambda page: page.value("headcount_frames_total") == 100 * (part + 1),
                             "the part is counted")
            for (name, labels), value in (before.samples if before else {}).items():
                if name.endswith("_total"):
                    assert page.samples[name, labels] >= value, name
            before = page
        assert re.search(r"^headcountd: 300 frames", daemon.end().err, re.M)


def test_workers_are_added_up(programs, scratch):
    frames = stream(92, 3000, users=500, rate=10.0)
    for number in range(3):
        (scratch / f"{number}.jsonl").write_bytes(lines(frames[1000 * number:][:1000]))
    with listening(programs, "--workers", 2, *(scratch / f"{i}.jsonl" for i in range(3)),
                   "-") as daemon:
        where = address(daemon)
        page = page_with(daemon, where,
                         lambda page: page.value("headcount_frames_total") == 3000, "all files")
        # One waits for stdin; the other has nothing left and has ended.
        page = page_with(daemon, where, lambda page: page.value("headcount_workers") == 1,
                         "one worker ends")
        assert page.value("headcount_frames_total") == 3000
        assert get(where, "/-/ready")[0] == 200
        daemon.process.stdin.close()
        assert daemon.done().code == 0


def test_names_follow_the_conventions(programs):
    with listening(programs, "-") as daemon:
        page = Page(address(daemon))
        assert against_conventions(page.text) == []
        assert daemon.end().code == 0


def test_the_check_of_conventions_sees_what_is_wrong():
    good = "# HELP headcount_a_total A.\n# TYPE headcount_a_total counter\nheadcount_a_total 1\n"
    assert against_conventions(good) == []
    for bad in (good.replace("_total", ""), good.replace("counter", "gauge"),
                good.replace("headcount_a", "a"), good.replace("headcount_a", "headcount_a_ms"),
                good.replace("A.", "A"), good + good, good + "headcount_b 1\n", good[:-1],
                good.replace("# TYPE", "# TIPE")):
        assert against_conventions(bad) != [], bad


def documented(program):
    """{name: (type, labels)} of the tables of docs/METRICS.md that are a program's."""
    text = DOCS.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", text, re.S | re.M))
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge) \|([^|]*)\| [^|]+ \|$",
                      sections[f"Of {program}"] + sections["Of every program"], re.M)
    assert len(rows) == len({name for name, _, _ in rows})
    return {name: (kind, set(re.findall(r"`([a-z_]+)`", labels))) for name, kind, labels in rows}


def test_each_metric_is_documented_and_each_that_is_documented_is_there(programs):
    with listening(programs, "-") as daemon:
        kinds = Page(address(daemon)).kinds()
        assert daemon.end().code == 0
    known = documented("headcountd")
    assert {name: kind for name, (kind, _) in kinds.items()} == {
        name: kind for name, (kind, _) in known.items()}
    # Those of topics and of errors have no sample here.
    assert {name: labels for name, (_, labels) in kinds.items() if labels} == {
        name: labels for name, (_, labels) in known.items()
        if labels and not labels & {"topic", "client"}}


def test_each_metric_of_a_board_is_documented_too(programs, scratch):
    records = scratch / "records"
    records.write_bytes(programs.count("--stream", "users", "--now", NOW, "-", input=lines(
        [small_frame(f"u{at}", NOW - 600) for at in range(9)])).out)
    with programs.start("--db", scratch / "board.db", "--listen", "127.0.0.1:0", records,
                        program="headcount-board") as daemon:
        where = address(daemon)
        page = page_with(daemon, where, lambda page: page.value("headcount_board_ready") == 1,
                         "all is read")
        newest = page.value("headcount_board_newest_minute_timestamp_seconds", stream="users")
        assert newest == (NOW - 600) // 60 * 60
        assert page.value("headcount_board_records_total") == len(
            records.read_bytes().splitlines())
        assert against_conventions(page.text) == []
        daemon.end()
    known = documented("headcount-board")
    topics = {name for name, (_, labels) in known.items() if "topic" in labels}
    assert {name: kind for name, (kind, _) in page.kinds().items()} == {
        name: kind for name, (kind, _) in known.items() if name not in topics}
    assert {name: labels for name, (_, labels) in page.kinds().items() if labels} == {
        name: labels for name, (_, labels) in known.items() if labels and name not in topics}


def test_every_metric_in_the_questions_is_there():
    asked = set(re.findall(r"(?:headcount|process)_[a-z_]+", DOCS.read_text(encoding="utf-8")))
    assert asked == set(documented("headcountd")) | set(documented("headcount-board"))


def test_health_is_open_and_metrics_ask_for_the_token(programs, token_file):
    with programs.start("--listen", "0.0.0.0:0", "--token-file", token_file, "-",
                        stdin=subprocess.PIPE) as daemon:
        port = urllib.parse.urlsplit(address(daemon)).port
        where = f"http://127.0.0.1:{port}"
        wait_for(lambda: get(where, "/-/ready")[0] == 200, "it is ready")
        assert get(where, "/-/healthy")[::2] == (200, "healthy\n")
        assert get(where, "/-/ready")[::2] == (200, "ready\n")
        assert get(where, "/metrics")[0] == get(where, "/metrics", TOKEN + "x")[0] == 401
        assert get(where, "/metrics", headers={"Host": "counter-1"})[0] == 401
        assert get(where, "/")[0] == 401
        page = Page(where, TOKEN)
        assert page.value("headcount_ready") == 1
        # A process with a secret is hidden, also from cores; it still sees itself.
        limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text(encoding="ascii")
        assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
        assert page.value("process_open_fds") > 3
        assert daemon.end().code == 0
        assert TOKEN not in daemon.err


def test_pages_of_others_get_nothing(programs):
    with listening(programs, "-") as daemon:
        where = address(daemon)
        for path in ("/metrics", "/-/healthy", "/-/ready", "/"):
            assert get(where, path)[0] in (200, 503)
            assert get(where, path, headers={"Host": "evil.example"})[0] == 421
        assert get(where, "/nothing")[0] == 404
        assert daemon.end().code == 0


@pytest.mark.parametrize("listen", ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:65536",
                                    "example.com:80", "[::1]", "127.0.0.1:http"])
def test_an_address_that_is_none_is_usage(programs, listen):
    done = programs.count("--listen", listen, "-", code=USAGE)
    assert "--listen takes 127.0.0.1:8080, localhost:8080 or [::1]:8080" in done.err


def test_what_keeps_it_from_listening_is_named(programs, scratch, token_file):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        done = programs.count("--listen", where, "-", code=FAILED)
        assert done.err == f"headcountd: --listen {where}: Address already in use\n"
    done = programs.count("--listen", "192.0.2.1:80", "--token-file", token_file, "-", code=FAILED)
    assert done.err == "headcountd: --listen 192.0.2.1:80: Cannot assign requested address\n"
    done = programs.count("--listen", "0.0.0.0:0", "-", code=CONFIG)
    assert "it needs a --token-file" in done.err
    token_file.chmod(0o644)
    for options in ([], ["--validate"]):
        done = programs.count("--listen", "127.0.0.1:0", "--token-file", token_file, "-", *options,
                              code=CONFIG)
        assert f"--token-file {token_file}: others can read it (mode 644)" in done.err
    assert "--token-file is for --listen" in programs.count("--token-file", token_file, "-",
                                                            code=USAGE).err


def test_nothing_is_listened_on_by_default(programs):
    with programs.start("-", stdin=subprocess.PIPE) as daemon:
        daemon.wait_for(lambda: daemon.events("started"), "it runs")
        files = [os.readlink(path) for path in
                 pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir()]
        assert not [file for file in files if file.startswith("socket:")]
        assert not daemon.events("listening")
        assert daemon.end().code == 0


def test_an_address_is_free_again_at_once(programs):
    with listening(programs, "-") as first:
        where = urllib.parse.urlsplit(address(first)).netloc
        assert get(f"http://{where}", "/-/healthy")[0] == 200
        assert first.end().code == 0
    with programs.start("--listen", where, "-", stdin=subprocess.PIPE) as second:
        assert address(second) == f"http://{where}"
        assert second.end().code == 0


def test_clients_that_are_slow_hold_up_nobody(programs):
    """Half of a request, and answers that nobody takes, on many connections."""
    with listening(programs, "--emit-every", "50ms", "-") as daemon:
        where = address(daemon)
        netloc = urllib.parse.urlsplit(where)
        slow = [socket.create_connection((netloc.hostname, netloc.port)) for _ in range(60)]
        try:
            for at, client in enumerate(slow):
                client.sendall(b"GET /metr" if at % 2 else
                               b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)
            for part in range(2):
                feed(daemon, lines([small_frame(f"u{part}", NOW - 60)]))
                page_with(daemon, where,
                          lambda page: page.value("headcount_frames_total") == part + 1,
                          "frames are counted meanwhile")
            assert daemon.end().code == 0, "and it leaves in time"
        finally:
            for client in slow:
                client.close()

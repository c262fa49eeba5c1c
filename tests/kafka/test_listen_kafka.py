"""Goal: on a real broker the lag of each partition is what is really left to be read,
while the output takes nothing and afterwards; and what is committed, assigned and
ready is what the group says."""
import os
import subprocess
import time

from frames import small_frame, stream
from metrics_page import Page, address, against_conventions, get
from programs import wait_for

FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300"]
PARTITIONS = 3
BATCH = 1024  # messages of a run


def page_with(daemon, where, condition, what):
    def found():
        page = Page(where)
        return page if condition(page) else None
    return daemon.wait_for(found, what, 60)


def lags(page):
    return {int(number): value for number, value in
            page.by("headcount_lag_messages", "partition").items()}


def test_all_is_read_and_committed(programs, topics):
    frames = stream(93, 3000, users=700, rate=30.0)
    topics.create("watched", PARTITIONS)
    topics.create("watched-out", 1)
    topics.produce("watched", [frame.line for frame in frames])
    with programs.start("-b", topics.brokers, "-t", "watched", "-G", "watched-group", "-o",
                        "watched-out", *FAST, "--workers", 2, "--listen",
                        "127.0.0.1:0") as daemon:
        where = address(daemon)
        page = page_with(daemon, where,
                         lambda page: page.value("headcount_frames_total") == len(frames)
                         and sum(lags(page).values() or [1]) == 0
                         and page.value("headcount_commits_total") > 0
                         and page.value("headcount_ready") == 1, "all is read and committed")
        assert lags(page) == dict.fromkeys(range(PARTITIONS), 0)
        assert page.by("headcount_lag_messages", "topic") == {"watched": 0}
        assert page.value("headcount_assigned_partitions") == PARTITIONS
        assert page.value("headcount_workers") == 2
        assert set(page.by("headcount_partition_watermark_timestamp_seconds", "partition")) == {
            str(number) for number in range(PARTITIONS)}
        assert 0 <= time.time() - page.value("headcount_checkpoint_timestamp_seconds") < 3600
        assert get(where, "/-/ready")[::2] == (200, "ready\n")
        wait_for(lambda: topics.committed("watched-group", "watched") == topics.ends("watched"),
                 "the group has all")
        assert daemon.end().code == 0


def test_lag_is_what_is_left_while_the_output_takes_nothing(programs, topics):
    """stdout is a pipe that nobody reads, and memory is short: reading stops."""
    frames = [small_frame(f"u{at}", 1468244380 + at // 20) for at in range(60000)]
    topics.create("held", PARTITIONS)
    topics.produce("held", [frame.line for frame in frames])
    ends = topics.ends("held")
    reading, writing = os.pipe()
    with programs.start("-b", topics.brokers, "-t", "held", *FAST, "--memory", "1MiB",
                        "--profile", "redis,datasketches,postgres,zetasketch",
                        "--listen", "127.0.0.1:0", stdout=writing) as daemon:
        os.close(writing)
        where = address(daemon)

        def unread(page):
            """What is neither counted nor lag: the rest of the run in hand."""
            return len(frames) - page.value("headcount_frames_total") - sum(lags(page).values())

        page = page_with(daemon, where,
                         lambda page: page.value("headcount_held_workers") == 1
                         and len(lags(page)) == PARTITIONS and 0 <= unread(page) <= BATCH,
                         "it is held back, and what it did not read is its lag")
        assert sum(lags(page).values()) > 0
        assert all(0 <= lag <= ends[number] for number, lag in lags(page).items())
        assert page.value("headcount_unsettled_records") > 0
        assert get(where, "/-/healthy")[0] == 200
        with open(reading, "rb") as out, subprocess.Popen(
                ["cat"], stdin=out, stdout=subprocess.DEVNULL) as drain:
            page = page_with(daemon, where,
                             lambda page: page.value("headcount_frames_total") == len(frames)
                             and sum(lags(page).values()) == 0
                             and page.value("headcount_held_workers") == 0, "all is read")
            assert page.value("headcount_evicted_windows_total") > 0
            assert page.value("headcount_commits_total") == 0, "a trial commits nothing"
            assert daemon.end().code == 0
            drain.wait(timeout=60)


def test_brokers_that_are_away_leave_it_healthy_and_not_ready(programs):
    with programs.start("--listen", "127.0.0.1:0", "-b", "127.0.0.1:1", "-t", "none") as daemon:
        where = address(daemon)
        page = page_with(daemon, where,
                         lambda page: page.value("headcount_kafka_errors_total",
                                                 client="consumer", code="_ALL_BROKERS_DOWN"),
                         "the client complains")
        assert page.value("headcount_ready") == 0
        assert get(where, "/-/healthy")[::2] == (200, "healthy\n")
        wait_for(lambda: get(where, "/-/ready")[::2] == (503, "no partitions are assigned\n"),
                 "it has started, and has nothing")
        assert against_conventions(page.text) == []
        daemon.end()

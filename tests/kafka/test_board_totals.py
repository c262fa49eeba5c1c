"""Goal: the topic of totals, read as whoever keeps the last value of each key reads it, says
what the board itself says of every hour, day, week, month and year, also when the board
is killed again and again while it writes them; and nothing is sent that has not
changed."""
import json
import random
import subprocess
import time

import pytest
from boards import Board
from frames import lines, small_frame
from programs import wait_for

FAST = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300"]
START = 1483056000  # 30 December 2016: the week begins in one year and ends in another
DAYS = 4
GRAINS = ("hour", "day", "week", "month", "year")


@pytest.fixture(scope="module")
def records(build, tmp_path_factory):
    rng = random.Random(9)
    path = tmp_path_factory.mktemp("records") / "frames.jsonl"
    path.write_bytes(lines([small_frame(f"u{rng.randrange(3000)}", START + second)
                            for second in sorted(rng.randrange(DAYS * 86400)
                                                 for _ in range(20000))]))
    done = subprocess.run([build / "bin" / "headcountd", "-q", "--stream", "users", path],
                          capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def last_of_keys(topics, name):
    """{key: total}, and how many there were."""
    last, count = {}, 0
    for message in topics.messages(name):
        last[message.key().decode()] = json.loads(message.value())
        count += 1
    return last, count


def said_by_board(board):
    said = {}
    for by in GRAINS:
        for row in board.rows(by=by, from_="2016-01-01T00:00:00Z", to="2018-01-01T00:00:00Z",
                              stream="users"):
            if row["uniques"] > 0:
                said["\t".join(["users", by, "UTC", row["start"], "{}"])] = row
    return said


def test_last_values(build, broker, topics, scratch, records):
    name, totals, db = "board-totals-in", "board-totals-out", scratch / "board.db"
    topics.create(name, 2)
    topics.produce(name, records[::2])
    words = ["-b", broker.bootstrap, "-t", name, "--totals", totals, *FAST]
    rng = random.Random(3)
    for _ in range(3):
        with Board(build, db, *words) as board:
            board.wait_until_ready()
            wait = rng.random() * 2
            time.sleep(wait)  # a moment that nothing chooses
            board.kill()
    topics.produce(name, records[1::2])
    with Board(build, db, *words) as board:
        board.wait_until_ready()

        def is_same():
            last = last_of_keys(topics, totals)[0] if totals in topics.names() else {}
            return {key: {member: total[member] for member in expected.get(key, {})}
                    for key, total in last.items()} == expected
        expected = said_by_board(board)
        assert {row["by"] for row in expected.values()} == set(GRAINS)
        board.wait_for(is_same, "totals")
        assert topics.config(totals)["cleanup.policy"] == "compact"
        count = last_of_keys(topics, totals)[1]
        topics.produce(name, records[:1])  # which changes nothing
        wait_for(lambda: board.records() > 0 and board.is_ready(), "read")
        assert board.end().code == 0, board.err
    assert last_of_keys(topics, totals)[1] == count

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

FAST = ["-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=300"]
START = 1483056000  # 30 December 2016: the week begins in one year and ends in another
DAYS = 4
GRAINS = ("hour", "day", "week", "month", "year")


def sketches_of(build, frames):
    """Without their checkpoint, so that nothing is ever final, and all may change."""
    done = subprocess.run([build / "bin" / "headcountd", "-q", "--stream", "users", "-"],
                          input=lines(frames), capture_output=True, timeout=60, check=True)
    return [line for line in done.stdout.splitlines() if b'"type":"sketch"' in line]


@pytest.fixture(scope="module")
def records(build):
    rng = random.Random(9)
    seconds = sorted(rng.randrange(DAYS * 86400) for _ in range(20000))
    return sketches_of(build, [small_frame(f"u{rng.randrange(3000)}", START + second)
                               for second in seconds])


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
            expected = said_by_board(board)
            return {key: {member: total[member] for member in expected.get(key, {})}
                    for key, total in last.items()} == expected
        board.wait_for(is_same, "totals")
        assert {row["by"] for row in said_by_board(board).values()} == set(GRAINS)
        assert topics.config(totals)["cleanup.policy"] == "compact"
        # A user more changes an hour, and all that it lies in; nothing else is sent.
        count = last_of_keys(topics, totals)[1]
        topics.produce(name, sketches_of(build, [small_frame("new", START)]))
        board.wait_for(lambda: last_of_keys(topics, totals)[1] > count and is_same(), "a change")
        assert board.end().code == 0, board.err
    assert last_of_keys(topics, totals)[1] == count + len(GRAINS)

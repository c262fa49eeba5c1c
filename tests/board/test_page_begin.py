"""What the page begins with where its address names no range, what it says of the time
before a stream and of minutes far outside of it; and fingers on its chart."""
import contextlib
import time

import board_page
import programs
import pytest
from test_page import without_checkpoints

MINUTE, HOUR, DAY = 60, 3600, 86400
STRAY = 704000040  # in April 1992
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True,
         "is_mobile": True}


@pytest.fixture(scope="module")
def browser():
    with board_page.chromium() as running:
        yield running


@contextlib.contextmanager
def board_of(build, *frames):
    with board_page.Board(build) as board:
        board.feed(board.records(b"".join(frames)))
        programs.wait_for(lambda: board.ask("streams")["streams"], "records")
        yield board


def minute_now():
    return int(time.time()) // MINUTE * MINUTE


def range_of(tab):
    return tab.page.evaluate(
        "[...document.querySelectorAll('#ranges input')].find((one) => one.checked)?.value")


def before(tab):
    """The words in front of the stream's beginning, and where they end, as a time."""
    return tab.page.evaluate("""() => {
        const {chart: {u, before}} = window.headcount;
        return before.hidden ? null
            : [before.innerText, u.posToVal(parseFloat(before.style.width), "x")];
    }""")


def stray_frame():
    return f'{{"uid":"eve","ts":{STRAY}}}\n'.encode()


@pytest.mark.parametrize("minutes,name,stray", [(20, "1h", False), (20, "1h", True),
                                                (10 * 60, "24h", False), (40 * 60, "24h", True)])
def test_the_range_is_the_shortest_that_has_all(browser, build, minutes, name, stray):
    now = minute_now()
    start = now - minutes * MINUTE
    frames = board_page.frames(start, now, 3, 50, 1)
    with board_of(build, stray_frame() if stray else b"", frames) as board, \
            board_page.Tab(browser, board.address) as tab:
        rows, gaps, asked = tab.open().drawn()
        assert range_of(tab) == name and tab.search() == {}
        assert asked["to"] - asked["from"] == pytest.approx(int(name[:-1]) * HOUR,
                                                            abs=2 * MINUTE)
        assert not [gap for gap in gaps if gap[0] < start]
        assert [row for row in rows if row[0] >= start] == rows
        if minutes < 24 * 60:
            assert rows[0][0] == start
            said, until = before(tab)
            assert said.startswith("no data before") and until == pytest.approx(start, abs=30)
            assert "No data before" in tab.page.locator("#summary").inner_text()
        else:
            assert before(tab) is None
            assert "No data before" not in tab.page.locator("#summary").inner_text()
        assert tab.page.locator("#strays").is_visible() == (stray and minutes < 24 * 60)
        said = tab.page.locator("#tiles").inner_text()
        assert "from 0" not in said
        assert ("nothing known of the 24 hours before" in said) == (minutes < 24 * 60)


def test_a_choice_is_in_the_address_and_back_leads_to_the_beginning(browser, build):
    now = minute_now()
    with board_of(build, board_page.frames(now - 20 * MINUTE, now, 3, 50, 1)) as board, \
            board_page.Tab(browser, board.address) as tab:
        tab.open()
        tab.page.locator("#by").select_option("hour")
        tab.page.get_by_role("radio", name="24h").check()
        tab.settle()
        assert tab.search() == {"by": ["hour"], "range": ["24h"]}
        tab.page.reload()
        tab.settle()
        assert range_of(tab) == "24h"
        for _ in range(2):
            tab.page.go_back()
        tab.settle()
        assert tab.search() == {} and range_of(tab) == "1h"


def test_all_has_no_strays_and_says_where_they_are(browser, build):
    """One in 1992, and one far ahead of a stream that is over."""
    start, end = 1468244340, 1468244340 + 3 * DAY
    frames = board_page.frames(start, end, 3, 900, 5)
    ahead = f'{{"uid":"adam","ts":{end + 3000 * DAY}}}\n'.encode()
    with board_of(build, stray_frame(), frames, ahead) as board, \
            board_page.Tab(browser, board.address) as tab:
        told = board.ask("streams")["streams"][0]
        assert [board_page.seconds(told[name]) for name in ("first", "from", "to")] == [
            STRAY // MINUTE * MINUTE, start // MINUTE * MINUTE, end // MINUTE * MINUTE]
        rows, gaps, asked = tab.open("?range=all&tz=UTC").drawn()
        assert start - HOUR <= asked["from"] <= start and asked["to"] == board_page.seconds(
            told["to"])
        assert rows[0][0] >= asked["from"] and not gaps
        strays = tab.page.locator("#strays")
        assert "23 Apr 1992" in strays.inner_text()
        links = strays.get_by_role("link")
        assert links.count() == 3
        with tab.page.expect_response(lambda answer: "/api/v1/uniques" in answer.url):
            links.first.click()
        tab.settle()
        rows, gaps, asked = tab.drawn()
        assert asked["to"] - asked["from"] == HOUR and asked["by"] == "minute"
        assert [row[:2] for row in rows if row[1]] == [(STRAY // MINUTE * MINUTE, 1)]
        assert not gaps and before(tab) is None
        tab.page.go_back()
        tab.settle()
        with tab.page.expect_response(lambda answer: "/api/v1/uniques" in answer.url):
            strays.get_by_role("link", name="Show everything").click()
        tab.settle()
        rows, gaps, asked = tab.drawn()
        assert asked["from"] <= STRAY and asked["to"] == board_page.seconds(told["last"])
        assert [row[1] for row in rows if row[1]][0] == 1 and len([r for r in rows if r[1]]) >= 2
        assert not [gap for gap in gaps if gap[0] < start]
        assert tab.page.locator("#strays").is_hidden()


def test_a_time_ahead_that_comes_live_moves_nothing(browser, build):
    """A day further on at most, for what is told of more is that it changed."""
    now = minute_now()
    ahead = now + 5 * HOUR
    with board_of(build, board_page.frames(now - 20 * MINUTE, now, 3, 50, 1)) as board, \
            board_page.Tab(browser, board.address) as tab:
        tab.open()
        tab.page.wait_for_selector("#live[data-state=live]")
        adam = board.records(f'{{"uid":"adam","ts":{ahead}}}\n'.encode(), "--max-ahead", "9d")
        board.feed(without_checkpoints(adam))
        tab.page.wait_for_function(
            "(ahead) => window.headcount.unsure || window.headcount.stream.last > ahead",
            arg=ahead)
        seven = "".join(f'{{"uid":"v{i}","ts":{now}}}\n' for i in range(777)).encode()
        board.feed(without_checkpoints(board.records(seven)))
        tab.page.wait_for_function(
            "() => window.headcount.chart.u.data[1].some((value) => value > 700)")
        rows, _, _ = tab.drawn()
        view, newest = tab.page.evaluate(
            "() => [window.headcount.chart.view.to, window.headcount.newest]")
        assert rows[-1][0] == now and view < now + HOUR and newest < now + HOUR
        assert tab.page.locator("#live").inner_text() == "live"


class Fingers:
    """Touches on the chart, by the browser's own means; places are parts of its width."""

    def __init__(self, tab):
        self.tab = tab
        self.session = tab.context.new_cdp_session(tab.page)
        tab.page.locator("#chart").scroll_into_view_if_needed()
        self.box = tab.page.locator("#chart .u-over").bounding_box()

    def send(self, kind, places, down=0):
        points = [{"x": self.box["x"] + self.box["width"] * part,
                   "y": self.box["y"] + self.box["height"] / 2 + down, "id": i}
                  for i, part in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def move(self, starts, ends, steps=6):
        for i in range(1, steps + 1):
            self.send("touchMove", [a + (b - a) * i / steps for a, b in zip(starts, ends)])

    def pinch(self, starts, ends, end="touchEnd"):
        self.send("touchStart", starts[:1])
        self.send("touchStart", starts)
        self.move(starts, ends)
        self.send(end, [])


@pytest.fixture(scope="module")
def phone(browser, build):
    end = 1468244340 // HOUR * HOUR + 3 * DAY
    with board_of(build, board_page.frames(end - 2 * DAY, end, 4, 900, 5)) as board, \
            board_page.Tab(browser, board.address, **PHONE) as tab:
        tab.end = end
        yield tab


def day(phone):
    start, end = board_page.utc(phone.end - DAY), board_page.utc(phone.end)
    phone.open(f"?from={start}&to={end}")
    return Fingers(phone)


def answered(tab, act):
    with tab.page.expect_response(lambda answer: "/api/v1/uniques" in answer.url
                                  and "by=all" not in answer.url):
        act()
    tab.settle()
    return tab.drawn()[2]


def test_two_fingers_zoom_and_what_was_below_them_stays(phone):
    fingers = day(phone)
    begin = phone.end - DAY
    asked = answered(phone, lambda: fingers.pinch([0.4, 0.6], [0.1, 0.9]))
    # 0.4 and 0.6 of a day now lie at 0.1 and 0.9: a quarter of it, around its middle.
    assert asked["from"] == pytest.approx(begin + 0.375 * DAY, abs=15 * MINUTE)
    assert asked["to"] == pytest.approx(begin + 0.625 * DAY, abs=15 * MINUTE)
    assert phone.search()["zoom"] == [
        f"{board_page.utc(asked['from'])}/{board_page.utc(asked['to'])}"]
    deeper = answered(phone, lambda: fingers.pinch([0.2, 0.3], [0.2, 0.7]))
    length = asked["to"] - asked["from"]
    assert deeper["to"] - deeper["from"] == pytest.approx(length / 5, abs=5 * MINUTE)
    assert deeper["from"] == pytest.approx(asked["from"] + 0.16 * length, abs=5 * MINUTE)
    button = phone.page.locator("#unzoom")
    assert button.is_visible()
    out = answered(phone, button.click)
    assert (out["from"], out["to"]) == (begin, phone.end)
    assert "zoom" not in phone.search() and button.is_hidden()


def test_two_fingers_zoom_out_to_the_range(phone):
    fingers = day(phone)
    first = answered(phone, lambda: fingers.pinch([0.4, 0.6], [0.2, 0.8]))
    wider = answered(phone, lambda: fingers.pinch([0.3, 0.7], [0.4, 0.6]))
    assert wider["from"] < first["from"] and first["to"] < wider["to"]
    answered(phone, lambda: fingers.pinch([0.1, 0.9], [0.45, 0.55]))
    assert "zoom" not in phone.search()
    asked = phone.drawn()[2]
    assert asked["to"] - asked["from"] == DAY


def test_a_pinch_that_is_broken_off_or_leads_nowhere_changes_nothing(phone):
    fingers = day(phone)
    was, search = phone.drawn(), phone.search()
    for starts, ends, how in (([0.4, 0.6], [0.1, 0.9], "touchCancel"),
                              ([0.4, 0.6], [0.4, 0.6], "touchEnd"),
                              ([0.3, 0.7], [0.45, 0.55], "touchEnd"),
                              ([0.5, 0.51], [0.1, 0.9], "touchEnd"),
                              ([0.3, 0.7], [0.7, 0.3], "touchCancel")):
        fingers.pinch(starts, ends, how)
        shown = phone.page.evaluate("""() => {
            const {x} = window.headcount.chart.u.scales;
            return [x.min, x.max];
        }""")
        assert shown == [phone.end - DAY, phone.end], (starts, ends)
        assert phone.search() == search and phone.drawn() == was


def test_one_finger_reads_along_and_scrolls_up_and_down(phone):
    fingers = day(phone)
    rows, _, _ = phone.drawn()
    fingers.send("touchStart", [0.3])
    fingers.move([0.3], [0.5])
    said = phone.page.locator("#tip").inner_text()
    fingers.send("touchEnd", [])
    middle = [row for row in rows if row[0] == phone.end - DAY // 2][0]
    near = [row for row in rows if abs(row[0] - middle[0]) <= 5 * MINUTE]
    assert any(f"{value:,} users" in said and f"{low:,} to {high:,}" in said
               for _, value, low, high in near), said
    assert "zoom" not in phone.search()
    top = phone.page.evaluate("scrollY")
    fingers.send("touchStart", [0.5])
    for down in range(-10, -130, -10):
        fingers.send("touchMove", [0.5], down)
    fingers.send("touchEnd", [])
    phone.page.wait_for_function("(top) => scrollY > top + 50", arg=top)

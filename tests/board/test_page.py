"""The page in a browser, on a real board: what it draws is what the API says, its
controls are in the address, it lives, and it asks nobody else."""
import csv
import io
import time
import zoneinfo
from datetime import datetime

import board_page
import programs
import pytest

MINUTE, HOUR, DAY = 60, 3600, 86400


def without_checkpoints(records):
    return b"".join(line for line in records.splitlines(True)
                    if b'"type":"checkpoint"' not in line)


class World:
    """Two and a half days of a site: an hour without users, then hours that nobody
    counted, then a busy end; some minutes get late frames. Counted with so few registers
    that an interval is many pixels high."""

    precision = ("--precision", "11")

    def __init__(self, board):
        self.board = board
        self.now = int(time.time()) // MINUTE * MINUTE
        self.start = self.now - 60 * HOUR
        self.quiet = (self.now - 8 * HOUR, self.now - 7 * HOUR)
        self.missing = (self.now - 5 * HOUR, self.now - 3 * HOUR)
        self.end = self.now - 2 * MINUTE
        self.late = {self.now - ago * MINUTE for ago in (390, 370, 369, 1300, 1315, 1700, 3000)}
        first = (board_page.frames(self.start, self.quiet[0], 20, 5000, 1)
                 + board_page.frames(self.quiet[1], self.missing[0], 20, 5000, 2)
                 + "".join(f'{{"uid":"u1","ts":{minute}}}\n' for minute in self.late).encode())
        self.busy = board_page.frames(self.missing[1], self.end, 150, 20000, 3)
        second = board.records(self.busy, *self.precision)
        # Without its checkpoints nothing tells what was before the second run.
        board.feed(board.records(first, *self.precision) + without_checkpoints(second))
        self.wait_for(self.end)

    def wait_for(self, end):
        def there():
            streams = self.board.ask("streams")["streams"]
            return streams and board_page.seconds(streams[0]["last"]) >= end
        programs.wait_for(there, "the records are in the store")


@pytest.fixture(scope="module")
def browser():
    with board_page.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def world(build):
    with board_page.Board(build) as board:
        yield World(board)


@pytest.fixture
def tab(browser, world):
    with board_page.Tab(browser, world.board.address) as opened:
        yield opened


def api_rows(world, asked, **more):
    """The same question as the page's, asked by us."""
    return world.board.rows(by=asked["by"], tz=asked["tz"], **{"from": asked["from"]},
                            to=asked["to"], **more)


def as_drawn(rows):
    return [(board_page.seconds(row["start"]), row["uniques"], row["low"], row["high"])
            for row in rows]


@pytest.mark.parametrize("search,by", [("?range=6h", "minute"), ("?range=24h", "minute"),
                                       ("?range=7d", "hour"), ("?range=28d&by=day", "day"),
                                       ("?range=all&by=week", "week"),
                                       ("?range=90d&by=month&tz=Asia/Kolkata", "month")])
def test_the_chart_draws_what_the_api_says(tab, world, search, by):
    rows, gaps, asked = tab.open(search).drawn()
    assert asked["by"] == by
    told = api_rows(world, asked)
    assert rows == as_drawn(told)
    holes = []
    for before, after in zip(told, told[1:]):
        if before["end"] != after["start"]:
            holes.append([board_page.seconds(before["end"]), board_page.seconds(after["start"])])
    assert [gap for gap in gaps if rows and gap[1] <= rows[-1][0]
            and gap[0] > asked["from"]] == holes
    assert (by == "minute") == (list(world.missing) in gaps)


def near(colour, other):
    return max(abs(a - b) for a, b in zip(colour, other)) <= 2


@pytest.mark.parametrize("search", ["?range=6h&by=hour", "?range=7d&by=hour"])
def test_the_interval_is_a_band(tab, world, search):
    """Over bars, and over the steps of narrow buckets."""
    tab.open(search)
    row = [row for row in api_rows(world, tab.drawn()[2])
           if row["complete"] and row["uniques"] > 5000][0]
    seen = tab.pixels(board_page.seconds(row["start"]) + HOUR // 2)
    column, high, low = seen["column"], seen["high"], seen["low"]
    assert low - high >= 12, f"a line of 2 pixels is not told from {low - high}"
    above, below = column[round(high) - 3], column[round(low) + 4]
    inside = [column[y] for y in range(round(high) + 2, round(low) - 1)]
    line = column[round(seen["value"])]
    assert not near(above, below)
    for place in inside:
        assert not near(place, above) and not near(place, below)
    assert not near(line, inside[0]) and not near(line, inside[-1])


def test_missing_is_marked_and_zero_is_a_line_on_the_axis(tab, world):
    tab.open("?range=24h")
    zero = tab.pixels((world.quiet[0] + world.quiet[1]) // 2)
    plain = tab.pixels(world.end - 30)["column"][0]
    base = round(zero["base"]) - 1
    assert not near(zero["column"][base], plain)
    assert all(near(place, plain) for place in zero["column"][:base - 4:37])
    middle = (world.missing[0] + world.missing[1]) // 2
    hatched = tab.pixels(middle)["column"]
    marks = [place for place in hatched[:base - 4] if not near(place, plain)]
    assert 0.05 < len(marks) / len(hatched) < 0.6
    line = tab.pixels(world.end - 30)
    assert not any(near(place, line["column"][round(line["value"])]) for place in marks)


def muted(tab):
    return tab.page.evaluate("""() => {
        const pen = document.createElement("canvas").getContext("2d");
        pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--muted");
        pen.fillRect(0, 0, 1, 1);
        return Array.from(pen.getImageData(0, 0, 1, 1).data);
    }""")


def below_the_axis(tab, times):
    """The line of pixels there that marks of late buckets reach, and where on it times lie."""
    return tab.page.evaluate("""(times) => {
        const {chart: {u}} = window.headcount;
        const {left, width} = u.bbox;
        const y = Math.round(u.valToPos(0, "y", true)) + 5;
        const bytes = u.ctx.getImageData(left, y, width, 1).data;
        const pixels = [];
        for (let i = 0; i < bytes.length; i += 4) pixels.push(Array.from(bytes.slice(i, i + 4)));
        return [pixels, times.map((time) => u.valToPos(time, "x", true) - left)];
    }""", times)


@pytest.mark.parametrize("search", ["?range=24h&by=hour&tz=UTC", "?range=7d&by=day",
                                    "?range=24h&by=hour&tz=Asia/Kathmandu"])
def test_bars_that_are_late_are_marked(tab, world, search):
    _, _, asked = tab.open(search).drawn()
    told = api_rows(world, asked)
    # The chart has all of a running day, the question ends now.
    first, last = tab.page.evaluate("""() => {
        const {min, max} = window.headcount.chart.u.scales.x;
        return [min, max];
    }""")
    middles = [(max(first, board_page.seconds(row["start"]))
                + min(last, board_page.seconds(row["end"]))) / 2 for row in told]
    pixels, places = below_the_axis(tab, middles)
    colour = muted(tab)
    late = sum(row["late"] > 0 for row in told)
    assert 0 < late and (late < len(told) or asked["by"] == "day")
    for row, place in zip(told, places):
        assert near(pixels[round(place)], colour) == (row["late"] > 0), row
    assert tab.page.locator("#late-key").is_visible()


def test_narrow_buckets_that_are_late_are_marked(tab, world):
    _, _, asked = tab.open("?range=24h").drawn()
    late = [board_page.seconds(row["start"]) for row in api_rows(world, asked) if row["late"]]
    assert set(late) == {minute for minute in world.late if minute >= asked["from"]} != set()
    pixels, places = below_the_axis(tab, [minute + 30 for minute in late])
    colour = muted(tab)
    marked = [x for x, pixel in enumerate(pixels) if near(pixel, colour)]
    for place in places:
        assert min(abs(x - place) for x in marked) <= 4
    for x in marked:
        assert min(abs(x - place) for place in places) <= 4
    # Whoever points at it, goes there by keys, or reads the table is told.
    tab.open("?range=1h&by=minute")
    assert tab.page.locator("#late-key").is_hidden()
    minute = min(late)
    span = f"{board_page.utc(minute - 9 * MINUTE)}/{board_page.utc(minute + 3 * MINUTE)}"
    rows, _, _ = tab.open(f"?range=24h&by=minute&zoom={span}").drawn()
    tab.page.locator("#chart").focus()
    tab.page.keyboard.press("Home")
    for _ in range([row[0] for row in rows].index(minute)):
        tab.page.keyboard.press("ArrowRight")
    assert tab.page.locator("#spoken").inner_text().endswith("complete, got late events.")
    assert "got late events" in tab.page.locator("#tip").inner_text()


def plot(tab):
    return tab.page.locator("#chart .u-over").bounding_box()


def drag(tab, start, end):
    box = plot(tab)
    x = [box["x"] + box["width"] * part for part in (start, end)]
    y = box["y"] + box["height"] / 2
    tab.page.mouse.move(x[0], y)
    tab.page.mouse.down()
    tab.page.mouse.move((x[0] + x[1]) / 2, y)
    tab.page.mouse.move(x[1], y)
    tab.page.mouse.up()


def asked_anew(tab, act):
    """Does it, and waits for the answer that it leads to."""
    with tab.page.expect_response(lambda answer: "/api/v1/uniques" in answer.url
                                  and "by=all" not in answer.url):
        act()
    tab.settle()
    return tab.drawn()


def test_dragging_zooms_and_the_address_says_it(tab, world):
    _, _, wide = tab.open("?range=24h").drawn()
    rows, _, asked = asked_anew(tab, lambda: drag(tab, 0.85, 0.95))
    assert asked["from"] == pytest.approx(wide["from"] + 0.85 * DAY, abs=5 * MINUTE)
    assert asked["to"] == pytest.approx(wide["from"] + 0.95 * DAY, abs=5 * MINUTE)
    assert tab.search()["zoom"] == [
        f"{board_page.utc(asked['from'])}/{board_page.utc(asked['to'])}"]
    assert rows == as_drawn(api_rows(world, asked))
    _, _, deeper = asked_anew(tab, lambda: drag(tab, 0.3, 0.6))
    assert asked["from"] < deeper["from"] < deeper["to"] < asked["to"]
    _, _, back = asked_anew(tab, tab.page.go_back)
    assert back == asked
    _, _, again = asked_anew(tab, tab.page.reload)
    assert again == asked
    box = plot(tab)
    _, _, out = asked_anew(tab, lambda: tab.page.mouse.dblclick(
        box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    assert out["to"] - out["from"] == pytest.approx(DAY, abs=2 * MINUTE)
    assert "zoom" not in tab.search()


def test_range_grain_zone_and_week_are_in_the_address(tab, world):
    tab.open()
    assert tab.search() == {}
    asked_anew(tab, lambda: tab.page.get_by_role("radio", name="28d").check())
    asked_anew(tab, lambda: tab.page.locator("#by").select_option("day"))
    rows, _, asked = asked_anew(tab, lambda: tab.page.locator("#tz").select_option(
        "Asia/Kathmandu"))
    assert tab.search() == {"range": ["28d"], "by": ["day"], "tz": ["Asia/Kathmandu"]}
    zone = zoneinfo.ZoneInfo("Asia/Kathmandu")
    for start, *_ in rows:
        assert datetime.fromtimestamp(start, zone).strftime("%H:%M") == "00:00"
    assert rows == as_drawn(api_rows(world, asked))
    asked_anew(tab, lambda: tab.page.locator("#by").select_option("week"))
    rows, _, _ = asked_anew(tab, lambda: tab.page.locator("#week").select_option("saturday"))
    assert tab.search()["week_start"] == ["saturday"]
    assert {datetime.fromtimestamp(row[0], zone).strftime("%A %H:%M") for row in rows} == {
        "Saturday 00:00"}
    for expected in ("day", "auto"):
        tab.page.go_back()
        if expected == "day":
            tab.page.go_back()
    tab.settle()
    assert tab.page.locator("#by").input_value() in ("day", "auto")


def test_custom_times_are_those_of_the_zone(tab, world):
    tab.open("?tz=America/St_Johns")
    asked_anew(tab, lambda: tab.page.get_by_role("radio", name="custom").check())
    zone = zoneinfo.ZoneInfo("America/St_Johns")
    start, end = world.now - 30 * HOUR, world.now - 25 * HOUR
    for name, moment in (("from", start), ("to", end)):
        tab.page.locator(f"#{name}").fill(
            datetime.fromtimestamp(moment, zone).strftime("%Y-%m-%dT%H:%M"))
    rows, _, asked = asked_anew(tab, lambda: tab.page.get_by_role("button", name="Show").click())
    assert (asked["from"], asked["to"]) == (start, end)
    assert rows == as_drawn(api_rows(world, asked))
    assert tab.search()["from"] == [board_page.utc(start)]
    tab.page.locator("#to").fill("2016-07-11T13:39")
    tab.page.get_by_role("button", name="Show").click()
    assert "before" in tab.page.locator("#custom-wrong").inner_text()


def test_keys_go_along_and_are_heard(tab, world):
    rows, gaps, _ = tab.open("?range=24h").drawn()
    tab.page.locator("#chart").focus()
    tab.page.keyboard.press("End")
    tab.page.keyboard.press("ArrowLeft")
    spoken = tab.page.locator("#spoken")
    start, value, low, high = [row for row in rows if row[0] not in
                               {gap[0] for gap in gaps}][-2]
    zone = zoneinfo.ZoneInfo("Europe/Zurich")
    heard = spoken.inner_text()
    if f"{value:,} users, between {low:,} and {high:,}" not in heard:
        tab.page.keyboard.press("ArrowLeft")  # the end is a gap
        heard = spoken.inner_text()
    assert f"{value:,} users, between {low:,} and {high:,}" in heard
    assert datetime.fromtimestamp(start, zone).strftime("%H:%M") in heard
    assert tab.page.locator("#tip").is_visible()
    tab.page.keyboard.press("Home")
    assert spoken.inner_text() != heard
    _, _, near_ = asked_anew(tab, lambda: tab.page.keyboard.press("+"))
    assert near_["to"] - near_["from"] < 8 * HOUR
    _, _, far = asked_anew(tab, lambda: tab.page.keyboard.press("Escape"))
    assert far["to"] - far["from"] >= DAY


def test_the_tip_says_number_and_interval(tab, world):
    rows, _, asked = tab.open("?range=6h").drawn()
    box = plot(tab)
    start, value, low, high = rows[-20]
    x = box["x"] + box["width"] * (start + 30 - asked["from"]) / (asked["to"] - asked["from"])
    tab.page.mouse.move(x, box["y"] + 50)
    said = tab.page.locator("#tip").inner_text()
    assert f"{value:,} users" in said and f"{low:,} to {high:,}" in said
    assert "1 of 1 minutes" in said
    middle = (world.missing[0] + world.missing[1]) // 2
    x = box["x"] + box["width"] * (middle - asked["from"]) / (asked["to"] - asked["from"])
    tab.page.mouse.move(x, box["y"] + 50)
    assert "missing" in tab.page.locator("#tip").inner_text()


def test_the_table_has_the_same_rows(tab, world):
    tab.open("?range=24h&by=hour&view=table&tz=UTC")
    told = api_rows(world, tab.drawn()[2])
    lines = tab.page.locator("#table-box tbody tr:not(.gap)")
    assert lines.count() == len(told)
    for row, cells in zip(reversed(told), lines.evaluate_all(
            "(lines) => lines.map((line) => [...line.cells].map((cell) => cell.innerText))")):
        assert cells[0].split(", ")[-1][:5] == row["start"][11:16]
        assert cells[1:4] == [f"{row[name]:,}" for name in ("uniques", "low", "high")]
        assert cells[4:6] == [f"{row['minutes']} of {row['of']}", str(row["late"])]
        assert (cells[6] == "complete") == row["complete"]


def test_the_csv_is_the_api_s(tab, world):
    tab.open("?range=7d")
    with tab.page.expect_download() as download:
        tab.page.locator("#csv").click()
    text = open(download.value.path(), encoding="utf-8").read()
    told = api_rows(world, tab.drawn()[2])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["start"], int(row["uniques"]), int(row["late"])) for row in rows] == [
        (row["start"], row["uniques"], row["late"]) for row in told]


@pytest.mark.parametrize("covered,users", [(False, 4321), (True, 8765)])
def test_a_new_minute_appears_by_itself(tab, world, covered, users):
    """As a row, or where a checkpoint changes what is complete, by being asked for."""
    tab.open("?range=1h")
    tab.page.wait_for_function("document.querySelector('#live').dataset.state !== 'connecting'")
    minute = int(time.time()) // MINUTE * MINUTE
    frames = "".join(f'{{"uid":"new{i}","ts":{minute}}}\n' for i in range(users)).encode()
    records = world.board.records(frames)
    world.board.feed(records if covered else without_checkpoints(records))
    tab.page.wait_for_function("""([minute, users]) => {
        const {data} = window.headcount.chart.u;
        return data[1][data[0].indexOf(minute)] > 0.95 * users;
    }""", arg=[minute, users])
    rows, _, _ = tab.drawn()
    (told,) = [row for row in world.board.rows(by="minute", **{"from": minute}, to=minute + 60)]
    assert [row for row in rows if row[0] == minute] == as_drawn([told])
    assert tab.page.locator("#live").inner_text() == "live"


def test_a_late_user_appears_by_himself(tab, world):
    """Who was there: the number stays, and the minute is marked all the same."""
    rows, _, _ = tab.open("?range=1h").drawn()
    minute = rows[-20][0]
    (told,) = world.board.rows(by="minute", **{"from": minute}, to=minute + 60)
    frame = next(line for line in world.busy.splitlines(True) if f'"ts":{minute}'.encode() in line)
    records = without_checkpoints(world.board.records(frame, *world.precision))
    # When it listens, and has asked once more for what changed before it did.
    tab.page.wait_for_function("() => window.headcount.link === 'live' && !window.headcount.again")
    tab.settle()
    assert tab.page.locator("#late-key").is_hidden()
    world.board.feed(records.replace(b'"state":"closed"', b'"state":"late"'))
    tab.page.wait_for_function("""(minute) => window.headcount.cells.some(
        ({start, late}) => start === minute && late === 1)""", arg=minute)
    assert tab.page.locator("#late-key").is_visible()
    assert world.board.rows(by="minute", **{"from": minute}, to=minute + 60) == [
        {**told, "late": 1}]

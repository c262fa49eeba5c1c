"""The page as people meet it: dark, on a phone, with a token, with a board that is away,
for those who do not see it; and its arithmetic, compared with other arithmetic."""
import json
import pathlib
import random
import zoneinfo
from datetime import datetime, timedelta

import board_page
import pytest

HOUR, DAY = 3600, 86400
TOKEN = "0123456789abcdef0123456789abcdef"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


@pytest.fixture(scope="module")
def browser():
    with board_page.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def board(build):
    with board_page.Board(build) as running:
        end = 1468244340 + 4 * DAY
        records = running.records(board_page.frames(end - 3 * DAY, end, 4, 900, 5))
        running.feed(records)
        running.daemon.wait_for(lambda: running.ask("streams")["streams"], "records")
        running.end = end
        yield running


@pytest.fixture(scope="module")
def axe(request):
    folder = pathlib.Path(request.config.getoption("--npm"))
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def test_of_a_stream_that_ended_its_last_day_is_shown(browser, board):
    with board_page.Tab(browser, board.address) as tab:
        rows, _, asked = tab.open().drawn()
        last = board_page.seconds(board.ask("streams")["streams"][0]["last"])
        assert asked["to"] - DAY <= asked["from"] < last <= asked["to"]
        assert len(rows) > 1300
        assert "Day of" in tab.page.locator("#tiles").inner_text()


@pytest.mark.parametrize("search", ["", "?view=table", "?range=all&by=day",
                                    "?from=2016-07-12T00:00:00Z&to=2016-07-13T00:00:00Z"])
def test_a_phone_needs_no_sideways_scrolling(browser, board, search):
    with board_page.Tab(browser, board.address, **PHONE) as tab:
        tab.open(search)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert tab.page.locator("#chart-box, #table-box").filter(visible=True).count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_the_way_of_those_who_do_not_see_it(browser, board, axe, scheme):
    with board_page.Tab(browser, board.address, color_scheme=scheme) as tab:
        tab.open("?range=all&by=day")
        tab.page.wait_for_selector(".cohorts, #retention .says:not(:empty)")
        tab.page.evaluate(axe)
        for view in ("Chart", "Table"):
            tab.page.get_by_role("radio", name=view).check()
            tab.settle()
            found = tab.page.evaluate("axe.run()")
            assert found["passes"] and not found["violations"], json.dumps(
                [(one["id"], [node["html"] for node in one["nodes"]])
                 for one in found["violations"]], indent=1)


def test_colours_are_the_system_s_or_those_chosen(browser, board):
    ground = "getComputedStyle(document.body).backgroundColor"
    with board_page.Tab(browser, board.address, color_scheme="dark") as tab:
        tab.open()
        dark, button = tab.page.evaluate(ground), tab.page.locator("#theme")
        button.click()
        light = tab.page.evaluate(ground)
        assert sum(map(int, dark[4:-1].split(","))) < 150 < 600 < sum(
            map(int, light[4:-1].split(",")))
        tab.page.reload()
        assert tab.page.evaluate(ground) == light
        button.click()
        assert tab.page.evaluate(ground) == dark
        button.click()
        tab.page.emulate_media(color_scheme="light")
        assert tab.page.evaluate(ground) == light


def test_what_is_wrong_is_said_in_words(browser, board):
    with board_page.Tab(browser, board.address, allowed=["422 (Unproc"]) as tab:
        tab.page.goto(f"{board.address}/?from=1990-01-01T00:00:00Z&to=2020-01-01T00:00:00Z"
                      "&by=minute")
        tab.page.wait_for_selector("#notice:not([hidden])")
        said = tab.page.locator("#notice").inner_text()
        assert "rows" in said and "(" in said, said


def test_a_board_with_a_token_is_asked_with_it(browser, build, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    with board_page.Board(build, "--token-file", str(file)) as board:
        board.feed(board.records(board_page.frames(1468244340, 1468244940, 5, 50, 6)))
        with board_page.Tab(browser, board.address, allowed=["401 (Unauthorized)"]) as tab:
            tab.page.goto(board.address)
            tab.page.wait_for_selector("#token-form:not([hidden])")
            for token, wanted in (("wrong", "#token-wrong:not([hidden])"),
                                  (TOKEN, "#live[data-state=stale]")):
                tab.page.locator("#token").fill(token)
                tab.page.get_by_role("button", name="Go on").click()
                tab.page.wait_for_selector(wanted)
            assert tab.page.locator("#token-form").is_hidden()
            with tab.page.expect_download() as download:
                tab.page.locator("#csv").click()
            assert pathlib.Path(download.value.path()).read_text().startswith("start,end,")
            assert TOKEN not in tab.page.url


def test_a_board_that_is_away_is_called_so(browser, build):
    with board_page.Board(build) as board:
        board.feed(board.records(board_page.frames(1468244340, 1468244940, 5, 50, 6)))
        with board_page.Tab(browser, board.address, allowed=["ERR_"]) as tab:
            tab.open()
            tab.page.wait_for_selector("#live[data-state=stale]")
            board.stop()
            tab.page.wait_for_selector("#live[data-state=away]")
            assert "disconnected" in tab.page.locator("#live").inner_text()
            assert len(tab.drawn()[0]) == 10


def run(tab, module, body, *arguments):
    return tab.page.evaluate(
        f"async (given) => {{ const m = await import('./page/{module}.js'); {body} }}",
        list(arguments))


def test_no_stickiness_of_days_that_nobody_counted(browser, board):
    with board_page.Tab(browser, board.address) as tab:
        tab.open()
        tab.page.wait_for_selector("#actives .figure")
        said = tab.page.locator("#actives .says").inner_text()
        assert "not all of these days were counted" in said and "%" not in said, said
        assert said.count("incomplete") >= 2, said


@pytest.mark.parametrize("days", [1, 2, 3, 40, 400])
def test_small_charts_go_by_days(browser, board, days):
    """The axis ends with the points, a day beside one that is alone, and names no hours."""
    with board_page.Tab(browser, board.address) as tab:
        tab.open()
        first = 1468195200
        points = [{"time": first + DAY * i, "daily": {"value": 5, "low": 4, "high": 6}}
                  for i in range(days)]
        low, high, labels = run(tab, "lines", """
            const box = document.createElement("div");
            document.body.append(box);
            const lines = new m.Lines(box, [{name: "daily", colour: "daily"}], () => []);
            lines.show(given[0], "UTC");
            await new Promise((done) => setTimeout(done, 50));
            const {u} = lines, [axis] = u.axes;
            return [u.scales.x.min, u.scales.x.max, axis._values];""", points)
        last = points[-1]["time"]
        assert (low, high) == ((first - DAY, first + DAY) if days == 1 else (first, last))
        assert labels and not any(":" in label for label in labels), labels


def test_a_change_is_told_only_beyond_the_error(browser, board):
    def row(uniques, wide, minutes=60):
        return {"uniques": uniques, "low": uniques - wide, "high": uniques + wide,
                "minutes": minutes, "of": 60}

    cases = [(row(1000, 30), row(1042, 30), "same"), (row(1000, 30), row(1043, 30), "down"),
             (row(1042, 30), row(1000, 30), "same"), (row(1044, 30), row(1000, 30), "up"),
             (row(5, 0), row(5, 0), "same"), (row(6, 0), row(5, 0), "up"),
             (row(6, 0), row(0, 0), "up"), (row(900, 1, 50), row(10, 1), "none"),
             (row(900, 1), row(10, 1, 50), "none"), (row(900, 1), row(0, 0, 0), "none")]
    with board_page.Tab(browser, board.address) as tab:
        tab.open()
        for now, then, kind in cases:
            said = run(tab, "tiles", "return m.change(given[0], given[1], 'before');", now, then)
            assert said["kind"] == kind, (now, then, said)
        up = run(tab, "tiles", "return m.change(given[0], given[1], 'before').text;",
                 row(1300, 30), row(1000, 40))
        assert up == "30.0% ± 5.0% against before"
        for given, shown in ((row(99606, 1493), ("99,600", "1,500")),
                             (row(12345, 98), ("12,345", "98")), (row(7, 0), ("7", "0")),
                             (row(1234567, 20000), ("1,235,000", "20,000"))):
            said = run(tab, "format", "return m.rounded(given[0]);", given)
            assert (said["value"], said["margin"]) == shown


def start_of(unit, moment, week):
    day = datetime(moment.year, moment.month, moment.day)
    if unit == "week":
        day -= timedelta((moment.weekday() - {"monday": 0, "sunday": 6, "saturday": 5}[week]) % 7)
    elif unit == "month":
        day = day.replace(day=1)
    elif unit == "year":
        day = day.replace(month=1, day=1)
    return day


def test_days_weeks_and_months_begin_where_python_s_do(browser, board):
    draw = random.Random(8)
    zones = ["Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
             "America/Sao_Paulo", "Asia/Beirut", "UTC", "Pacific/Apia"]
    cases, expected = [], []
    for _ in range(1200):
        name, unit = draw.choice(zones), draw.choice(["day", "week", "month", "year"])
        week = draw.choice(["monday", "sunday", "saturday"])
        time_s = draw.randrange(946684800, 1893456000)
        zone = zoneinfo.ZoneInfo(name)
        start = start_of(unit, datetime.fromtimestamp(time_s, zone), week).replace(tzinfo=zone)
        cases.append([unit, time_s, name, week])
        expected.append(int(start.timestamp()))
    with board_page.Tab(browser, board.address) as tab:
        tab.open()
        found = run(tab, "zone", """return given[0].map(([unit, time, tz, week]) =>
            m.startOf(unit, time, tz, week));""", cases)
    wrong = [(case, got, want) for case, got, want in zip(cases, found, expected) if got != want]
    assert not wrong, wrong[:3]

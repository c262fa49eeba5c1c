"""A board with records in it, and the page as a browser shows it."""
import contextlib
import datetime
import json
import pathlib
import random
import subprocess
import tempfile
import urllib.parse
import urllib.request

import programs
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
LIMIT_MS = 60000
# Says what the browser refused to load or run.
WATCH_POLICY = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"""


def seconds(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def utc(time_s):
    return datetime.datetime.fromtimestamp(time_s, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def frames(start, end, a_minute, users, seed):
    """Frames of random users, about so many in each minute of [start, end)."""
    draw = random.Random(seed)
    return "".join(f'{{"uid":"u{draw.randrange(users)}","ts":{minute + i % 60}}}\n'
                   for minute in range(start, end, 60)
                   for i in range(draw.randrange(a_minute * 3 // 4, a_minute * 5 // 4))).encode()


class Board:
    """A running headcount-board that reads what `feed` gives it."""

    def __init__(self, build, *options):
        self.build = pathlib.Path(build)
        self.folder = tempfile.TemporaryDirectory(prefix="headcount-")
        self.fed = None
        self.options = options

    def __enter__(self):
        command = [self.build / "bin" / "headcount-board", "--db", self.folder.name + "/db",
                   "--listen", "127.0.0.1:0", *self.options, "-"]
        self.daemon = programs.Daemon([str(word) for word in command], self.folder.name,
                                      subprocess.PIPE, None)
        self.fed = self.daemon.process.stdin
        found = self.daemon.wait_for(lambda: self.daemon.events("listening"), "listening")
        self.address = found[0]["address"]
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def stop(self):
        with contextlib.suppress(OSError):
            self.fed.close()
        self.daemon.kill()

    def records(self, frames_, *options):
        done = subprocess.run([self.build / "bin" / "headcountd", "-q", "--stream", "site",
                               *options, "-"], input=frames_, stdout=subprocess.PIPE, check=True)
        return done.stdout

    def feed(self, records):
        self.fed.write(records)
        self.fed.flush()

    def get(self, name, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.address}/api/v1/{name}?{query}") as answer:
            return answer.read().decode()

    def ask(self, name, **parameters):
        return json.loads(self.get(name, **parameters))

    def rows(self, **parameters):
        return self.ask("uniques", stream="site", **parameters)["rows"]


class Tab:
    """One page in a context of its own; on leaving, nothing may have gone wrong in it."""

    def __init__(self, browser, address, allowed=(), **context):
        self.address = address
        # The warning is of the tests' own reading of pixels.
        self.allowed = ("willReadFrequently", *allowed)
        self.said, self.hosts = [], set()
        settings = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB",
                    "timezone_id": "Europe/Zurich", **context}
        self.context = browser.new_context(**settings)
        self.context.set_default_timeout(LIMIT_MS)
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH_POLICY)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(
            urllib.parse.urlsplit(request.url)[:2]))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.said.append(f"{message.text} {message.location.get('url', '')}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.context.close()
        if kind is None:
            said = [line for line in self.said if not any(ok in line for ok in self.allowed)]
            assert not said, said
            own = urllib.parse.urlsplit(self.address)[:2]
            assert self.hosts - {("blob", "")} == {own}, self.hosts

    def open(self, search=""):
        self.page.goto(f"{self.address}/{search}")
        self.page.wait_for_selector("#tiles .tile")
        self.settle()
        return self

    def settle(self):
        """Until what the address says is what is drawn."""
        self.page.wait_for_function("""() => window.headcount.asked
            && !document.body.classList.contains("loading")""")
        self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def drawn(self):
        """What uPlot has, and what was asked for: rows as lists, gaps apart."""
        found = self.page.evaluate("""() => {
            const {chart, asked, cells} = window.headcount;
            return {data: chart.u.data.map((column) => Array.from(column)), asked,
                gaps: cells.filter((cell) => cell.gap).map(({start, end}) => [start, end])};
        }""")
        starts = {start for start, _ in found["gaps"]}
        rows = [row for row in zip(*found["data"]) if row[0] not in starts]
        return rows, found["gaps"], found["asked"]

    def search(self):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.page.url).query)

    def pixels(self, time_s):
        """A column of the chart, as [r, g, b] from the top of the plot down, and where
        0 and the values of the row around that time are in it."""
        return self.page.evaluate("""(time) => {
            const {chart: {u}, cells} = window.headcount;
            const {left, top, width, height} = u.bbox;
            const cell = cells.find(({start, end}) => start <= time && time < end);
            const x = Math.round(u.valToPos(time, "x", true));
            const bytes = u.ctx.getImageData(x, top, 1, height).data;
            const column = [];
            for (let i = 0; i < bytes.length; i += 4) {
                column.push(Array.from(bytes.slice(i, i + 4)));
            }
            const y = (value) => u.valToPos(value, "y", true) - top;
            return {column, base: y(0), value: y(cell.uniques ?? 0), low: y(cell.low ?? 0),
                high: y(cell.high ?? 0)};
        }""", time_s)


@contextlib.contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()

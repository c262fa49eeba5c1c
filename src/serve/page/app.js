// The page: what is shown stands in the address, and is drawn again when that changes
// or when the board says that rows did.

import {GRAINS, RANGES, WEEKS, grainOf, rangeOf, readAddress, shown, utc, writeAddress, zoneOf}
  from "./address.js";
import {Problem, ask, askFile, listen, now, setToken} from "./api.js";
import {Chart} from "./chart.js";
import {byId, h, fillSegments, fillSelect, save, setSegment} from "./dom.js";
import {bucket, moment, number, span} from "./format.js";
import {Panels} from "./panels.js";
import {emptyUntil, mergeRows, parseRows, withGaps} from "./rows.js";
import {tellStrays} from "./strays.js";
import {showTable} from "./table.js";
import {startTheme} from "./theme.js";
import {makeTiles} from "./tiles.js";
import {browserZone, fromInput, startOf, toInput, zones} from "./zone.js";

const RANGE_NAMES = {"1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days",
  "28d": "28 days", "90d": "90 days", "1y": "1 year", all: "everything there is",
  custom: "from … to …"};
// Rows that changed may come every few seconds; sums of them are asked for less often.
const AGAIN_MS = 5000;
const TILES_MS = 20000;
const STALE_S = 300;
// Rows that are further ahead of the clock are nothing new: their timestamps are damaged.
const AHEAD_S = 600;

const page = {
  state: readAddress(location.search), streams: [], stream: null, rows: [], asked: null,
  range: null, unsure: false,
  chart: null, panels: null, newest: null, link: "connecting", stop: null, abort: null,
  again: null, loadedAt: 0, tilesAgain: null, tilesAt: 0,
};
window.headcount = page;

function notice(text) {
  byId("notice").hidden = !text;
  byId("notice").textContent = text ?? "";
}

function fail(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Problem && error.status === 401) {
    askToken();
    return;
  }
  const parameter = error.parameter ? ` (${error.parameter})` : "";
  notice(`${error.message}${parameter}`);
  if (!(error instanceof Problem)) throw error;
}

function askToken() {
  const form = byId("token-form");
  byId("token-wrong").hidden = form.dataset.tried === undefined;
  form.hidden = false;
  byId("token").focus();
}

// Puts what changed into the address, as a step of its own that Back takes back.
function change(changes, replace = false) {
  Object.assign(page.state, changes);
  history[replace ? "replaceState" : "pushState"](null, "", writeAddress(page.state));
  showControls();
  load();
}

function about() {
  return {stream: page.state.stream || page.stream?.stream, profile: page.state.profile,
    tz: zoneOf(page.state), week: page.state.week_start};
}

// What to ask for: whole buckets, so that the first is not cut.
function question() {
  const {state} = page;
  const tz = zoneOf(state);
  const range = shown(state, page.stream, now());
  const by = grainOf(state, range);
  const from = Math.max(startOf(by, range.from, tz, state.week_start), 0);
  return {by, tz, from, to: Math.max(range.to, from + 60)};
}

function parameters({by, tz, from, to}) {
  const {stream, profile, week} = about();
  return {stream, profile, by, tz, from: utc(from), to: utc(to),
    week_start: by === "week" ? week : ""};
}

async function load() {
  page.abort?.abort();
  page.abort = new AbortController();
  const {signal} = page.abort;
  if (!page.stream) return;
  const asked = question();
  page.loadedAt = Date.now();
  document.body.classList.add("loading");
  try {
    const answer = await ask("uniques", parameters(asked), signal);
    page.rows = parseRows(answer.rows);
    page.asked = asked;
    notice(null);
    draw();
  } catch (error) {
    fail(error);
  } finally {
    if (!signal.aborted) document.body.classList.remove("loading");
  }
}

function draw() {
  const {by, tz, from, to} = page.asked;
  const since = page.stream.from;
  const cells = withGaps(page.rows, {from, to}, page.stream, now());
  const last = page.rows[page.rows.length - 1];
  const end = Math.max(to, last ? last.end : 0);
  page.cells = cells;
  byId("summary").textContent = summary(cells, {by, tz, from, to: end});
  tellStrays(byId("strays"), page.stream, {...page.asked, all: page.range === "all"}, link);
  if (page.state.view === "table") {
    showTable(byId("table-box"), {cells, by, tz, caption: `Unique users by ${by}, ${tz}`});
  } else {
    page.chart.show({cells, by, tz, from, to: end, since,
      emptyUntil: emptyUntil(cells, page.asked, since)});
  }
  byId("chart").setAttribute("aria-label", `Unique users by ${by}. ${summary(cells, page.asked)}`);
}

function summary(cells, {by, tz, from, to}) {
  const rows = cells.filter((cell) => !cell.gap);
  const since = page.stream.from;
  const range = `${moment(from, tz)} to ${moment(to, tz)} (${tz})`;
  if (rows.length === 0) {
    const there = since === null ? ""
      : ` There are minutes from ${moment(since, tz)} to ${moment(page.stream.to, tz)}.`;
    return `${range}: nothing was counted.${there}`;
  }
  const top = rows.reduce((a, b) => (b.uniques > a.uniques ? b : a));
  const before = emptyUntil(cells, {from, to}, since) === null ? ""
    : ` No data before ${moment(since, tz)}.`;
  return `${range}. Most: ${number(top.uniques)} users, ${bucket(top, by, tz)}.${before}`;
}

// A link that changes what is shown without leaving the page.
function link(text, changes) {
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    change(changes);
  };
  return h("a", {href: writeAddress({...page.state, ...changes}), onclick: follow}, text);
}

// From when to when the stream is, after something came that lies elsewhere.
async function renewStream() {
  page.unsure = false;
  const fresh = (await askStreams()).find(({stream}) => stream === page.stream.stream);
  if (!fresh || (fresh.first === page.stream.first && fresh.last === page.stream.last)) return;
  Object.assign(page.stream, fresh);
  showControls();
  load();
}

async function loadTiles() {
  page.tilesAt = Date.now();
  try {
    if (page.unsure) await renewStream();
    const made = await makeTiles(about(), page.stream, now());
    if (made.minute) page.newest = Math.max(page.newest ?? 0, made.minute.end);
    byId("tiles").replaceChildren(...made.tiles);
    showLive();
  } catch (error) {
    fail(error);
  }
}

function later(name, wait, work) {
  if (page[name]) return;
  page[name] = setTimeout(() => {
    page[name] = null;
    work();
  }, wait);
}

function tilesLater() {
  later("tilesAgain", Math.max(TILES_MS - (Date.now() - page.tilesAt), 1000), loadTiles);
}

// At once, if the last time was a while ago.
function loadLater() {
  later("again", Math.max(AGAIN_MS - (Date.now() - page.loadedAt), 0), load);
}

// Minutes go right where they belong; of coarser rows the board has to be asked.
function heard(event, data) {
  const rows = event === "rows" ? parseRows(data.rows) : [];
  if (data.profile && page.state.profile && data.profile !== page.state.profile) return;
  const ahead = now() + AHEAD_S;
  const {stream} = page;
  for (const row of rows.filter(({end}) => end <= ahead)) {
    page.newest = Math.max(page.newest ?? 0, row.end);
    stream.last = Math.max(stream.last ?? 0, row.end);
    stream.to = Math.max(stream.to ?? 0, row.end);
    stream.first ??= row.start;
    stream.from ??= row.start;
  }
  page.unsure ||= event !== "rows" || rows.some(({start, end}) => start < stream.from
    || end > ahead);
  if (rangeOf(page.state, stream, now()).name !== page.range) showControls();
  showLive();
  tilesLater();
  if (!page.asked) return;
  if (event === "rows" && page.asked.by === "minute") {
    const running = !page.state.zoom && page.range in RANGES;
    if (running) page.asked = question();
    const {from, to} = page.asked;
    const limit = running ? ahead : to;
    page.rows = mergeRows(page.rows, rows).filter((row) => row.end > from && row.start < limit);
    draw();
  } else {
    loadLater();
  }
}

function showLive() {
  const age = page.newest ? now() - page.newest : null;
  let [state, text] = {live: ["live", "live"], away: ["away", "disconnected, trying again"],
    refused: ["away", "token wanted"], connecting: ["connecting", "connecting"]}[page.link];
  if (page.link === "live" && age !== null && age > STALE_S) {
    [state, text] = ["stale", `nothing new for ${span(age)}`];
  }
  const box = byId("live");
  if (box.dataset.state !== state || box.lastElementChild.textContent !== text) {
    box.dataset.state = state;
    box.lastElementChild.textContent = text;
  }
}

function connect() {
  page.stop?.();
  page.stop = listen(about().stream, {
    event: heard,
    state(state) {
      // What changed before the stream was open is asked for.
      if (state === "live") loadLater();
      page.link = state;
      showLive();
    },
  });
}

// A tab that nobody sees holds no connection: browsers have six for each host.
function pauseUnseen() {
  if (document.hidden) {
    page.stop?.();
    page.stop = null;
    page.link = "away";
  } else if (page.stream && !page.stop) {
    connect();
    loadTiles();
  }
}

function showControls() {
  const {state} = page;
  const tz = zoneOf(state);
  const range = rangeOf(state, page.stream, now());
  page.range = range.name;
  setSegment(byId("ranges"), state.zoom ? "" : range.name);
  setSegment(byId("views"), state.view);
  byId("stream").value = about().stream ?? "";
  byId("by").value = state.by;
  byId("tz").value = state.tz;
  if (byId("tz").value !== state.tz) {
    byId("tz").append(h("option", {value: state.tz}, state.tz));
    byId("tz").value = state.tz;
  }
  byId("week").value = state.week_start;
  const grain = grainOf(state, shown(state, page.stream, now()));
  byId("by").options[0].textContent = `auto (${grain})`;
  byId("week-pick").hidden = grain !== "week";
  byId("custom").hidden = range.name !== "custom";
  byId("unzoom").hidden = !state.zoom;
  byId("chart-box").hidden = state.view !== "chart";
  byId("table-box").hidden = state.view !== "table";
  if (range.name === "custom") {
    byId("from").value = toInput(range.from, tz);
    byId("to").value = toInput(range.to, tz);
  }
  document.title = `${about().stream ?? "no stream"} · headcount`;
}

function pickRange(range) {
  if (range !== "custom") {
    change({range, zoom: null});
    return;
  }
  const {from, to} = shown(page.state, page.stream, now());
  change({range, zoom: null, from: Math.floor(from / 60) * 60, to: Math.ceil(to / 60) * 60});
}

function submitCustom(event) {
  event.preventDefault();
  const tz = zoneOf(page.state);
  const from = fromInput(byId("from").value, tz);
  const to = fromInput(byId("to").value, tz);
  const wrong = from === null || to === null || from >= to;
  byId("custom-wrong").hidden = !wrong;
  byId("custom-wrong").textContent = wrong ? "“From” has to lie before “To”." : "";
  if (!wrong) change({range: "custom", from, to, zoom: null});
}

async function downloadCsv() {
  try {
    const asked = question();
    const blob = await askFile("uniques", {...parameters(asked), format: "csv"});
    save(blob, `${about().stream}-${asked.by}.csv`);
  } catch (error) {
    fail(error);
  }
}

// The rest of the page where the zone, the stream or the week is another.
function changeAll(changes) {
  change(changes);
  loadTiles();
  page.panels.show(about(), page.stream);
}

function zoneChoices() {
  const own = browserZone();
  return [["", `${own} (browser)`], ...(own === "UTC" ? [] : [["UTC", "UTC"]]),
    ...zones().map((name) => [name, name.replaceAll("_", " ")])];
}

function buildControls() {
  fillSegments(byId("ranges"), "range", [...Object.keys(RANGES), "all", "custom"].map(
    (range) => [range, range, RANGE_NAMES[range]]), pickRange);
  fillSegments(byId("views"), "view", [["chart", "Chart", "a chart"], ["table", "Table",
    "the same rows as a table"]], (view) => change({view}));
  fillSelect(byId("by"), [["auto", "auto"], ...GRAINS.map((by) => [by, by])], "auto");
  fillSelect(byId("week"), WEEKS.map((day) => [day, day]), "monday");
  fillSelect(byId("tz"), zoneChoices(), "");
  byId("by").onchange = (event) => change({by: event.target.value});
  byId("tz").onchange = (event) => changeAll({tz: event.target.value});
  byId("week").onchange = (event) => changeAll({week_start: event.target.value});
  byId("stream").onchange = (event) => pickStream(event.target.value);
  byId("profile").onchange = (event) => changeAll({profile: event.target.value});
  byId("custom").onsubmit = submitCustom;
  byId("csv").onclick = downloadCsv;
  byId("unzoom").onclick = () => change({zoom: null});
  byId("token-form").onsubmit = (event) => {
    event.preventDefault();
    event.target.dataset.tried = "";
    setToken(byId("token").value);
    event.target.hidden = true;
    start();
  };
}

function useStream(name) {
  page.stream = page.streams.find((stream) => stream.stream === name) ?? page.streams[0] ?? null;
  const profiles = page.stream?.profiles ?? [];
  if (!profiles.includes(page.state.profile)) page.state.profile = "";
  fillSelect(byId("profile"), profiles.map((profile) => [profile, profile]),
    page.state.profile || profiles[0]);
  byId("profile-pick").hidden = profiles.length < 2;
}

function pickStream(name) {
  useStream(name);
  page.newest = null;
  connect();
  changeAll({stream: name, profile: "", zoom: null});
}

async function askStreams() {
  const {streams} = await ask("streams", {});
  const seconds = (text) => (text ? Date.parse(text) / 1000 : null);
  return streams.map((stream) => ({...stream, first: seconds(stream.first),
    last: seconds(stream.last), from: seconds(stream.from), to: seconds(stream.to)}));
}

async function loadStreams() {
  page.streams = await askStreams();
  fillSelect(byId("stream"), page.streams.map(({stream}) => [stream, stream]), "");
  byId("stream-pick").hidden = page.streams.length === 0;
  useStream(page.state.stream);
}

async function start() {
  try {
    await loadStreams();
  } catch (error) {
    fail(error);
    if (error.status !== 401) setTimeout(start, AGAIN_MS);
    return;
  }
  if (!page.stream) {
    notice("There is no stream yet: the board has read no records. It looks again by itself.");
    setTimeout(start, AGAIN_MS);
    return;
  }
  notice(null);
  showControls();
  connect();
  load();
  loadTiles();
  page.panels.show(about(), page.stream);
}

buildControls();
page.chart = new Chart(byId("chart"), {
  zoom: (from, to) => change({zoom: {from, to}}),
  unzoom: () => page.state.zoom && change({zoom: null}),
  range: () => rangeOf(page.state, page.stream, now()),
});
page.panels = new Panels(fail);
startTheme(() => {
  page.chart.repaint();
  page.panels.repaint();
});
document.addEventListener("visibilitychange", pauseUnseen);
addEventListener("popstate", () => {
  const was = JSON.stringify(about());
  page.state = readAddress(location.search);
  useStream(page.state.stream);
  showControls();
  load();
  if (JSON.stringify(about()) === was) return;
  connect();
  loadTiles();
  page.panels.show(about(), page.stream);
});
setInterval(() => {
  showLive();
  tilesLater();
}, 30000);
start();

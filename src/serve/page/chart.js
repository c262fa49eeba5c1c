// The main chart: uPlot has scales, axes, cursor and selection; paint.js draws.

import {axisLabels, bucket, lateness, margin, moment, number, percent, short, spoken, state}
  from "./format.js";
import {byId, h} from "./dom.js";
import {cellAt} from "./rows.js";
import {colours, paintBuckets} from "./paint.js";
import {listenTouch, pinched} from "./touch.js";

const DRAG_MIN = 6;
// The room that the words in front of a stream's beginning need.
const BEFORE_MIN = 92;

const WHOLE_STEPS = [];
for (let power = 1; power < 1e13; power *= 10) WHOLE_STEPS.push(power, 2 * power, 5 * power);

export function axisWidth(u, values, axis, cycle) {
  if (cycle > 1) return u.axes[axis]._size;
  const longest = (values ?? []).reduce((a, b) => (b.length > a.length ? b : a), "");
  u.ctx.font = u.axes[axis].font[0];
  return Math.ceil(u.ctx.measureText(longest).width / devicePixelRatio) + 18;
}

// What both kinds of chart have in common; `look` has paint and tz.
export function axes(look) {
  const font = "12px system-ui, sans-serif";
  const stroke = () => look.paint.text;
  const grid = {stroke: () => look.paint.grid, width: 1};
  return [
    {stroke, grid: {show: false}, ticks: {...grid, size: 5}, font, space: 74, size: 44,
      values: (u, splits, axis, space, step) => axisLabels(splits, step, look.tz)},
    {stroke, grid, ticks: {show: false}, font, space: 44, size: axisWidth, incrs: WHOLE_STEPS,
      values: (u, splits) => splits.map(short)},
  ];
}

export function tzDate(look) {
  return (time) => uPlot.tzDate(new Date(time * 1000), look.tz);
}

export function fit(box, height) {
  return {width: Math.max(box.clientWidth, 120), height: height ?? box.clientHeight};
}

function columns(cells) {
  const of = (name) => cells.map((cell) => (cell.gap ? null : cell[name]));
  return [cells.map((cell) => cell.start), of("uniques"), of("low"), of("high")];
}

function tipContent(cell, {by, since}, tz) {
  if (cell.gap) {
    return [h("b", {}, bucket(cell, by, tz)), h("strong", {}, "missing"),
      h("span", {}, "nothing says what was counted here")];
  }
  const wide = cell.uniques > 0 ? ` (± ${percent(margin(cell) / cell.uniques)})` : "";
  return [h("b", {}, bucket(cell, by, tz)),
    h("strong", {}, `${number(cell.uniques)} users`),
    h("span", {}, `95 %: ${number(cell.low)} to ${number(cell.high)}${wide}`),
    h("span", {class: `state ${cell.state}`},
      `${number(cell.minutes)} of ${number(cell.of)} minutes, ${state(cell)}`),
    ...(cell.start < since && since < cell.end
      ? [h("span", {}, `no data before ${moment(since, tz)}`)] : []),
    ...(cell.late ? [h("span", {class: "late"}, lateness(cell))] : [])];
}

export class Chart {
  // on: zoom(from, to), unzoom(), range(): what it can be zoomed out to
  constructor(box, on) {
    this.box = box;
    this.on = on;
    this.tip = byId("tip");
    this.spoken = byId("spoken");
    this.lateKey = byId("late-key");
    this.look = {paint: colours(), tz: "UTC"};
    this.view = {cells: [], by: "minute", from: 0, to: 1};
    this.at = -1;
    this.mark = h("div", {class: "mark", hidden: true});
    this.before = h("div", {class: "before", hidden: true});
    this.base = null;  // what was shown when two fingers began to zoom
    this.u = new uPlot(this.options(), [[], [], [], []], box);
    this.u.over.append(this.before, this.mark);
    this.listen();
  }

  options() {
    const flat = {paths: () => null, points: {show: false}};
    return {
      ...fit(this.box), padding: [10, 12, 0, 0], legend: {show: false}, tzDate: tzDate(this.look),
      scales: {
        x: {time: true, range: () => [this.view.from, this.view.to]},
        y: {range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1]},
      },
      axes: axes(this.look),
      series: [{}, {label: "users", ...flat}, {label: "low", ...flat}, {label: "high", ...flat}],
      cursor: {x: false, y: false, points: {show: false},
        drag: {x: true, y: false, setScale: false, dist: DRAG_MIN}},
      hooks: {
        draw: [(u) => paintBuckets(u, this.view.cells, this.look.paint),
          (u) => this.placeBefore(u)],
        setCursor: [(u) => this.hover(u)],
        setSelect: [(u) => this.selected(u)],
      },
    };
  }

  listen() {
    new ResizeObserver(() => {
      const size = fit(this.box);
      if (size.width !== this.u.width || size.height !== this.u.height) this.u.setSize(size);
    }).observe(this.box);
    this.u.over.addEventListener("dblclick", () => this.on.unzoom());
    listenTouch(this.u.over, {
      slide: (left) => this.u.setCursor({left, top: 0}),
      begin: () => this.pinchBegin(),
      pinch: (starts, places) => this.pinch(starts, places),
      end: (keep) => this.pinchEnd(keep),
    });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.point(-1));
  }

  pinchBegin() {
    this.point(-1);
    this.base = {from: this.view.from, to: this.view.to};
  }

  pinch(starts, places) {
    const range = this.on.range();
    const most = {from: Math.min(range.from, this.base.from), to: Math.max(range.to, this.base.to)};
    const found = pinched(this.base, this.u.over.clientWidth, starts, places, most);
    if (!found) return;
    Object.assign(this.view, found);
    this.u.setData(this.u.data, true);
  }

  pinchEnd(keep) {
    const {base, view} = this;
    const {from, to} = view;
    const range = this.on.range();
    const little = (base.to - base.from) / 50;
    this.base = null;
    if (keep && from <= range.from + little && to >= range.to - little) this.on.unzoom();
    else if (keep && Math.abs(from - base.from) + Math.abs(to - base.to) > little) {
      this.zoomTo(from, to);
      return;
    }
    Object.assign(view, base);
    this.u.setData(this.u.data, true);
  }

  // cells, by, tz, from, to; since when the stream is, and up to when that leaves it empty
  show(view) {
    const start = this.at >= 0 ? this.view.cells[this.at]?.start : null;
    const {from, to} = this.view;
    if (this.base) Object.assign(this.base, {from: view.from, to: view.to});
    this.view = this.base ? {...view, from, to} : view;
    this.look.tz = view.tz;
    this.lateKey.hidden = !view.cells.some((cell) => cell.late);
    this.u.setData(columns(view.cells), true);
    if (start !== null) this.point(cellAt(view.cells, start));
  }

  repaint() {
    this.look.paint = colours();
    this.u.redraw(false, true);
  }

  hover(u) {
    if (u.cursor.left === undefined || u.cursor.left < 0) {
      if (document.activeElement !== this.box) this.point(-1);
      return;
    }
    this.point(cellAt(this.view.cells, u.posToVal(u.cursor.left, "x")));
  }

  point(index) {
    this.at = index;
    const cell = this.view.cells[index];
    this.mark.hidden = !cell;
    this.tip.hidden = !cell;
    if (!cell) return;
    const {u} = this;
    const left = Math.max(u.valToPos(cell.start, "x"), 0);
    const right = Math.min(u.valToPos(cell.end, "x"), u.over.clientWidth);
    this.mark.style.left = `${left}px`;
    this.mark.style.width = `${Math.max(right - left, 1)}px`;
    this.tip.replaceChildren(...tipContent(cell, this.view, this.look.tz));
    this.placeTip((left + right) / 2 + u.over.offsetLeft);
  }

  placeBefore(u) {
    const {emptyUntil = null, since} = this.view;
    const right = emptyUntil === null ? 0 : u.valToPos(emptyUntil, "x");
    const width = Math.min(right, u.over.clientWidth);
    this.before.hidden = width < BEFORE_MIN;
    this.before.style.width = `${width}px`;
    if (this.before.hidden) return;
    this.before.replaceChildren(h("span", {}, `no data before ${moment(since, this.look.tz)}`));
  }

  placeTip(middle) {
    const width = this.tip.offsetWidth;
    const room = this.box.clientWidth;
    const beside = middle + 14 + width <= room ? middle + 14 : middle - 14 - width;
    this.tip.style.left = `${Math.min(Math.max(beside, 4), Math.max(room - width - 4, 4))}px`;
  }

  selected(u) {
    const {left, width} = u.select;
    if (width < DRAG_MIN) return;
    const from = u.posToVal(left, "x");
    const to = u.posToVal(left + width, "x");
    u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
    this.zoomTo(from, to);
  }

  // To whole buckets, where they are known.
  zoomTo(from, to) {
    const {cells} = this.view;
    const first = cells[cellAt(cells, from)];
    const last = cells[cellAt(cells, to)];
    const begin = first && !first.gap ? first.start : Math.floor(from / 60) * 60;
    const end = last && !last.gap ? last.end : Math.ceil(to / 60) * 60;
    this.on.zoom(Math.max(begin, 0), Math.max(end, begin + 60));
  }

  key(event) {
    const moves = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10};
    const last = this.view.cells.length - 1;
    if (event.altKey || event.ctrlKey || event.metaKey || last < 0) return;
    if (event.key in moves) {
      const from = this.at >= 0 ? this.at : (moves[event.key] < 0 ? last + 1 : -1);
      this.say(Math.min(Math.max(from + moves[event.key], 0), last));
    } else if (event.key === "Home") this.say(0);
    else if (event.key === "End") this.say(last);
    else if (event.key === "Escape" || event.key === "-") this.on.unzoom();
    else if (event.key === "+" || event.key === "=" || event.key === "Enter") this.zoomAround();
    else return;
    event.preventDefault();
  }

  say(index) {
    this.point(index);
    this.spoken.textContent = spoken(this.view.cells[index], this.view.by, this.look.tz);
  }

  // A quarter of what is shown, around the bucket that is pointed at.
  zoomAround() {
    const {cells, from, to} = this.view;
    const cell = cells[this.at] ?? cells[cells.length - 1];
    const middle = (cell.start + cell.end) / 2;
    this.zoomTo(Math.max(middle - (to - from) / 8, from), Math.min(middle + (to - from) / 8, to));
  }
}

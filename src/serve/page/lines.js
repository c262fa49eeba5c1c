// A small chart of a few lines with their intervals, for the panels.

import {axes, fit, tzDate} from "./chart.js";
import {h} from "./dom.js";
import {colours} from "./paint.js";

const HEIGHT = 220;
const DAY_S = 86400;
// A point is a day at least: days, months of 30 and years of 365, which are uPlot's.
const STEPS = [1, 2, 3, 4, 5, 7, 10, 15, 30, 60, 90, 180, 365, 730, 1825, 3650].map(
  (days) => days * DAY_S);

// One point alone has a day on either side; uPlot would give it years.
function extent(u, first, last) {
  return u.data[0].length === 1 ? [first - DAY_S, first + DAY_S] : [first, last];
}

// The columns of uPlot: x, and of each series value, high, low.
function columns(points, names) {
  const data = [points.map((point) => point.time)];
  for (const name of names) {
    for (const part of ["value", "high", "low"]) {
      data.push(points.map((point) => point[name]?.[part] ?? null));
    }
  }
  return data;
}

export class Lines {
  // series: [{name, colour}]; tell(point): the elements of the tip.
  constructor(box, series, tell) {
    this.box = box;
    this.series = series;
    this.tell = tell;
    this.look = {paint: colours(), tz: "UTC"};
    this.points = [];
    this.tip = h("div", {class: "tip", hidden: true});
    this.u = new uPlot(this.options(), columns([], series.map(({name}) => name)), box);
    box.append(this.tip);
    new ResizeObserver(() => {
      const size = fit(box, HEIGHT);
      if (size.width !== this.u.width) this.u.setSize(size);
    }).observe(box);
  }

  options() {
    const colour = (name) => () => this.look.paint[name];
    const lines = this.series.flatMap(({name, colour: paint}) => [
      {label: name, stroke: colour(paint), width: 1.75, points: {size: 5}},
      {label: `${name} high`, paths: uPlot.paths.linear(), points: {show: false}},
      {label: `${name} low`, paths: uPlot.paths.linear(), points: {show: false}}]);
    const bands = this.series.map(({colour: paint}, i) => ({series: [3 * i + 2, 3 * i + 3],
      fill: () => `${this.look.paint[paint]}44`}));
    const [days, numbers] = axes(this.look);
    return {
      ...fit(this.box, HEIGHT), padding: [10, 24, 0, 0], legend: {show: false},
      tzDate: tzDate(this.look), axes: [{...days, incrs: STEPS}, numbers],
      series: [{}, ...lines], bands,
      scales: {x: {time: true, range: extent},
        y: {range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1]}},
      cursor: {y: false, drag: {x: false, y: false}},
      hooks: {setCursor: [(u) => this.hover(u)]},
    };
  }

  show(points, tz) {
    this.points = points;
    this.look.tz = tz;
    this.u.setData(columns(points, this.series.map(({name}) => name)));
  }

  repaint() {
    this.look.paint = colours();
    this.u.redraw(false, true);
  }

  hover(u) {
    const point = this.points[u.cursor.idx];
    this.tip.hidden = !point || u.cursor.left < 0;
    if (this.tip.hidden) return;
    this.tip.replaceChildren(...this.tell(point));
    const left = u.cursor.left + u.over.offsetLeft;
    const width = this.tip.offsetWidth;
    const beside = left + 14 + width <= this.box.clientWidth ? left + 14 : left - 14 - width;
    this.tip.style.left = `${Math.max(beside, 0)}px`;
  }
}

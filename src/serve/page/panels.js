// What is below the chart: actives of 1, 7 and 28 days, new and returning users, and
// who came back later.

import {utc} from "./address.js";
import {ask, now} from "./api.js";
import {byId, fillSelect, h} from "./dom.js";
import {bucket, number, percent, shortDay} from "./format.js";
import {Lines} from "./lines.js";
import {startOf} from "./zone.js";

const ACTIVE_DAYS = 90;
const BUCKETS = {day: 28, week: 12, month: 12};
// New is who was not there for so long before.
const MEMORY = {day: 180, week: 52, month: 24};
const COHORTS = {day: 8, week: 8, month: 6};

const time = (text) => Date.parse(text) / 1000;

// {value, low, high} of {uniques, low, high}.
function estimate(row) {
  return row && {value: row.uniques, low: row.low, high: row.high, complete: row.complete};
}

function range({value, low, high}) {
  return `${number(value)} (${number(low)} to ${number(high)})`;
}

// A period that runs would look like a fall.
function isRunning(row) {
  return time(row.end) > now();
}

function shareText(share) {
  const wide = Math.max(share.high - share.value, share.value - share.low);
  const digits = wide < 0.005 ? 1 : 0;
  return {value: percent(share.value, digits), margin: percent(wide, digits)};
}

function key(colour, text) {
  return h("span", {}, h("i", {class: `key ${colour}`}), text);
}

function frame(id, title, about, extra) {
  const body = h("div", {class: "plot"});
  const says = h("div", {class: "says"});
  byId(id).replaceChildren(h("div", {class: "head"}, h("h2", {id: `${id}-title`}, title), extra),
    h("p", {class: "hint"}, about), says, body);
  return {body, says};
}

function grainSelect(label, change) {
  const select = h("select", {"aria-label": label,
    onchange: (event) => change(event.target.value)});
  fillSelect(select, ["day", "week", "month"].map((by) => [by, `by ${by}`]), "day");
  return select;
}

export class Panels {
  constructor(fail) {
    this.fail = fail;
    this.by = {returning: "day", retention: "day"};
    this.actives = frame("actives", "Active users",
      "Different users of a day, of the 7 days and of the 28 days that end with it; " +
      "whole days only.");
    this.returning = frame("returning", "New and returning",
      "", grainSelect("New and returning by", (by) => this.pick("returning", by)));
    this.retention = frame("retention", "Retention",
      "Of the users of each row's period, how many were there again later.",
      grainSelect("Retention by", (by) => this.pick("retention", by)));
    this.activeLines = new Lines(this.actives.body, [{name: "monthly", colour: "monthly"},
      {name: "weekly", colour: "weekly"}, {name: "daily", colour: "daily"}],
      (point) => this.tellActive(point));
    this.returningLines = new Lines(this.returning.body, [{name: "returning", colour: "weekly"},
      {name: "new", colour: "monthly"}], (point) => this.tellReturning(point));
  }

  repaint() {
    this.activeLines.repaint();
    this.returningLines.repaint();
  }

  // about: stream, profile, tz, week.
  async show(about, stream) {
    this.about = about;
    this.stop?.abort();
    this.stop = new AbortController();
    this.first = stream?.from ?? 0;
    this.to = stream?.to && stream.to < now() - 86400 ? stream.to : now();
    await Promise.all([this.run("actives"), this.run("returning"), this.run("retention")]);
  }

  pick(name, by) {
    this.by[name] = by;
    this.run(name);
  }

  async run(name) {
    try {
      await this[`load_${name}`]();
    } catch (error) {
      this[name].body.hidden = true;
      if (error.status === 401) this.fail(error);
      else if (error.name !== "AbortError") this[name].says.replaceChildren(error.message);
    }
  }

  ask(name, more) {
    const {stream, profile, tz, week} = this.about;
    return ask(name, {stream, profile, tz, ...more,
      ...(more.by === "week" ? {week_start: week} : {})}, this.stop.signal);
  }

  async load_actives() {
    const {tz} = this.about;
    const from = Math.max(startOf("day", this.to - 1, tz, "monday", ACTIVE_DAYS - 1),
      startOf("day", this.first, tz), 0);
    const {rows} = await this.ask("actives", {from: utc(from), to: utc(this.to)});
    const points = rows.filter((row) => !isRunning(row)).map((row) => ({...row,
      time: time(row.start),
      daily: estimate(row.daily), weekly: estimate(row.weekly), monthly: estimate(row.monthly)}));
    this.actives.body.hidden = points.length === 0;
    this.activeLines.show(points, tz);
    const last = points.filter((row) => row.complete).pop() ?? points[points.length - 1];
    this.actives.says.replaceChildren(...(last ? this.sayActive(last) : ["no days yet"]));
  }

  sayActive(last) {
    const items = [["daily", "1 day"], ["weekly", "7 days"], ["monthly", "28 days"]].map(
      ([name, text]) => key(name, `${text}: ${number(last[name].value)}` +
        (last[name].complete ? "" : ", incomplete")));
    // Of a few days the share of one would be large whoever came.
    const sticky = last.complete && last.stickiness && shareText(last.stickiness);
    const day = shortDay(last.time, this.about.tz);
    return [h("p", {class: "figure"}, h("b", {}, sticky ? sticky.value : "–"),
      sticky ? h("small", {}, ` ± ${sticky.margin}`) : null,
      ` stickiness: of the users of 28 days, those of the day (${day})` +
      (sticky ? "" : "; not all of these days were counted")),
      h("p", {class: "keys"}, ...items)];
  }

  tellActive(point) {
    const sticky = point.complete && point.stickiness && shareText(point.stickiness);
    return [h("b", {}, shortDay(point.time, this.about.tz)),
      h("span", {}, `1 day: ${range(point.daily)}`),
      h("span", {}, `7 days: ${range(point.weekly)}`),
      h("span", {}, `28 days: ${range(point.monthly)}`),
      h("span", {}, sticky ? `stickiness ${sticky.value} ± ${sticky.margin}` : ""),
      h("span", {}, point.complete ? "" : "incomplete")];
  }

  async load_returning() {
    const by = this.by.returning;
    const {tz, week} = this.about;
    const from = Math.max(startOf(by, this.to - 1, tz, week, MEMORY[by]),
      startOf(by, this.first, tz, week), 0);
    const {rows} = await this.ask("returning", {by, from: utc(from), to: utc(this.to)});
    const known = (part) => (part && part.refused === undefined ? part : null);
    const points = rows.filter((row) => !isRunning(row)).map((row) => ({...row,
      time: time(row.start), end: time(row.end), new: known(row.new),
      returning: known(row.returning)})).slice(-BUCKETS[by]);
    this.returning.body.hidden = points.length === 0;
    this.returningLines.show(points, tz);
    const wide = points.filter((row) => !row.new || !row.returning).length;
    this.returning.says.replaceChildren(h("p", {class: "keys"}, key("weekly", "returning"),
      key("monthly", `new: not seen since ${shortDay(from, tz)}`)),
      wide > 0 ? h("p", {class: "hint"}, `${number(wide)} too vague to tell`) : "");
  }

  tellReturning(point) {
    const tell = (part) => (part ? range(part) : "too vague to tell");
    return [h("b", {}, bucket({start: point.time, end: point.end}, this.by.returning,
      this.about.tz)), h("span", {}, `returning: ${tell(point.returning)}`),
      h("span", {}, `new: ${tell(point.new)}`)];
  }

  async load_retention() {
    const by = this.by.retention;
    const {tz, week} = this.about;
    const starts = [];
    for (let back = COHORTS[by]; back >= 1; back--) {
      const start = startOf(by, this.to - 1, tz, week, back);
      if (start >= startOf(by, this.first, tz, week)) starts.push(start);
    }
    const answers = await Promise.all(starts.map((start) => this.ask("retention",
      {by, cohort: utc(start), to: utc(this.to)})));
    this.retention.body.hidden = starts.length === 0;
    this.retention.says.replaceChildren(starts.length === 0 ? `no whole ${by} yet` : "");
    this.retention.body.replaceChildren(this.cohorts(starts, answers, by));
  }

  cohorts(starts, answers, by) {
    const heads = ["users", ...starts.map((_, i) => `+${i + 1}`)].map(
      (text) => h("th", {scope: "col"}, text));
    const lines = answers.map((answer, i) => this.cohort(answer, starts[i], by, starts.length));
    return h("div", {class: "scroll", tabindex: "0", role: "region",
      "aria-label": "Table of retention"},
      h("table", {class: "cohorts"}, h("caption", {class: "unseen"}, `Retention by ${by}`),
        h("thead", {}, h("tr", {}, h("th", {scope: "col"}, by), ...heads)),
        h("tbody", {}, ...lines)));
  }

  cohort(answer, start, by, width) {
    const {tz} = this.about;
    const label = by === "month" ? bucket({start, end: start + 1}, by, tz) : shortDay(start, tz);
    const cells = Array.from({length: width}, () => h("td"));
    for (const row of answer.rows) {
      if (row.period >= 1 && row.period <= width) cells[row.period - 1] = this.cohortCell(row, by);
    }
    const {cohort} = answer;
    const users = h("td", {}, cohort ? number(cohort.uniques) : "–",
      cohort && !cohort.complete ? h("small", {}, " incomplete") : null);
    return h("tr", {}, h("th", {scope: "row"}, label), users, ...cells);
  }

  cohortCell(row, by) {
    const when = bucket({start: time(row.start), end: time(row.end)}, by, this.about.tz);
    if (!row.share) return h("td", {class: "vague", title: `${when}: too vague to tell`}, "?");
    const {value, margin} = shareText(row.share);
    const state = isRunning(row) ? " so far" : row.complete ? "" : " incomplete";
    const cell = h("td", {class: "share", title: `${when}: ${range(row.retained)}, ${value} ± ` +
      `${margin}${state}`}, value, state ? h("small", {}, state) : null);
    cell.style.setProperty("--share", `${Math.round(row.share.value * 55)}%`);
    return cell;
  }
}

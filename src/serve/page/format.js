// Numbers and times as people read them.

import {wall} from "./zone.js";

const whole = new Intl.NumberFormat(undefined, {maximumFractionDigits: 0});

export function number(value) {
  return whole.format(value);
}

// 95 % of the truth is within this of the number, on the wider side.
export function margin(row) {
  return Math.max(row.high - row.uniques, row.uniques - row.low, 0);
}

// No more digits than the error supports: 99,606 ± 1,493 is 99,600 ± 1,500.
export function rounded(row) {
  const wide = margin(row);
  const step = wide < 20 ? 1 : 10 ** (Math.floor(Math.log10(wide)) - 1);
  const about = (value) => Math.round(value / step) * step;
  return {value: number(about(row.uniques)), margin: number(about(wide)), exact: wide === 0};
}

export function percent(share, digits = 1) {
  return new Intl.NumberFormat(undefined, {style: "percent", minimumFractionDigits: digits,
    maximumFractionDigits: digits}).format(share);
}

// An axis has little room: 12,000 stays, 1,200,000 is 1.2M.
export function short(value) {
  if (value < 100000) return whole.format(value);
  return new Intl.NumberFormat(undefined, {notation: "compact", maximumFractionDigits: 2})
    .format(value);
}

export function span(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${number(seconds / 86400)} days`;
}

const formats = new Map();

function format(time, tz, options) {
  const name = tz + JSON.stringify(options);
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat(undefined,
      {timeZone: tz, hourCycle: "h23", ...options}));
  }
  return formats.get(name).format(time * 1000);
}

export function clockTime(time, tz) {
  return format(time, tz, {hour: "2-digit", minute: "2-digit"});
}

export function day(time, tz) {
  return format(time, tz, {weekday: "short", day: "numeric", month: "short", year: "numeric"});
}

export function shortDay(time, tz) {
  return format(time, tz, {day: "numeric", month: "short"});
}

export function month(time, tz) {
  return format(time, tz, {month: "short", year: "numeric"});
}

export function year(time, tz) {
  return format(time, tz, {year: "numeric"});
}

export function moment(time, tz) {
  return `${day(time, tz)}, ${clockTime(time, tz)}`;
}

// "Mon, 11 Jul 2016, 14:00 to 15:00", "11 Jul 2016 to 17 Jul 2016", "Jul 2016".
export function bucket(row, by, tz) {
  const {start, end} = row;
  if (by === "month" && !row.gap) return format(start, tz, {month: "long", year: "numeric"});
  if (by === "year" && !row.gap) return year(start, tz);
  const last = end - 1;
  const sameDay = day(start, tz) === day(last, tz);
  if (by === "minute" || by === "hour") {
    if (sameDay) return `${day(start, tz)}, ${clockTime(start, tz)} to ${clockTime(end, tz)}`;
    return `${moment(start, tz)} to ${moment(end, tz)}`;
  }
  return sameDay ? day(start, tz) : `${day(start, tz)} to ${day(last, tz)}`;
}

// The ends of an axis step: hours show days where they change, days show years.
export function axisLabels(times, step, tz) {
  let seen = null;
  return times.map((time) => {
    const w = wall(time, tz);
    const outer = step < 86400 ? `${w.year}-${w.month}-${w.day}` : `${w.year}`;
    const changed = outer !== seen;
    seen = outer;
    if (step < 86400) {
      return clockTime(time, tz) + (changed ? `\n${shortDay(time, tz)}` : "");
    }
    if (step >= 300 * 86400) return year(time, tz);
    const label = step >= 27 * 86400 ? format(time, tz, {month: "short"}) : shortDay(time, tz);
    return label + (changed ? `\n${year(time, tz)}` : "");
  });
}

const STATES = {complete: "complete", running: "still running", partial: "incomplete"};

export function state(row) {
  if (row.gap) return "missing";
  return STATES[row.state] ?? row.state;
}

// What came when the clock had passed it; "" when nothing did.
export function lateness(row) {
  if (!row.late) return "";
  if (row.of === 1) return "got late events";
  return `${number(row.late)} ${row.late === 1 ? "minute" : "minutes"} got late events`;
}

// A row in a sentence, for those who hear it.
export function spoken(row, by, tz) {
  const when = bucket(row, by, tz);
  if (row.gap) return `${when}: missing, nothing was counted.`;
  const late = row.late ? `, ${lateness(row)}` : "";
  return `${when}: ${number(row.uniques)} users, between ${number(row.low)} and ` +
    `${number(row.high)}. ${number(row.minutes)} of ${number(row.of)} minutes, ` +
    `${state(row)}${late}.`;
}

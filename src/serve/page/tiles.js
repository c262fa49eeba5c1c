// Today, this week, this month so far, each beside the same part of the one before: a
// running day is compared with yesterday up to the same time. A change is a change
// only when it is larger than the errors of both numbers together.

import {ask} from "./api.js";
import {utc} from "./address.js";
import {h} from "./dom.js";
import {clockTime, number, percent, rounded, shortDay, span} from "./format.js";
import {falseStart, parseRows} from "./rows.js";
import {before, startOf} from "./zone.js";

const RECENT_S = 900;
const QUARTER_S = 900;
const STALE_S = 2 * 86400;
// Of a period that lacks more of its minutes than this no change is told.
const LACK_MAX = 0.005;

const UNITS = {day: ["Today so far", "yesterday"], week: ["This week so far", "last week"],
  month: ["This month so far", "last month"]};

async function users(about, from, to) {
  if (to <= from) return null;
  const answer = await ask("uniques", {stream: about.stream, profile: about.profile, by: "all",
    from: utc(from), to: utc(to)}, about.signal);
  const row = parseRows(answer.rows)[0] ?? null;
  const unknown = Math.max(Math.min(about.start, to) - from, 0) / 60;
  return row && {...row, minutes: Math.min(row.minutes, row.of - unknown)};
}

// The last minute that is over for all, else the last there is.
export async function lastMinute(about, stream, now) {
  const to = stream?.to && now - stream.to > RECENT_S ? stream.to : now;
  const answer = await ask("uniques", {stream: about.stream, profile: about.profile,
    by: "minute", from: utc(Math.max(to - RECENT_S, 0)), to: utc(to)}, about.signal);
  const rows = parseRows(answer.rows);
  return rows.filter((row) => row.state === "complete").pop() ?? rows.pop() ?? null;
}

function lacks(row) {
  return row ? (row.of - row.minutes) / Math.max(row.of, 1) : 1;
}

// {kind: "none" | "same" | "up" | "down", text}
export function change(now, then, name) {
  if (!then || then.minutes === 0) return {kind: "none", text: `nothing known of ${name}`};
  if (lacks(now) > LACK_MAX || lacks(then) > LACK_MAX) {
    const poor = lacks(then) > LACK_MAX ? then : now;
    return {kind: "none", text: `not compared with ${name}: ` +
      `${number(poor.of - poor.minutes)} of ${number(poor.of)} minutes are missing`};
  }
  const difference = now.uniques - then.uniques;
  const sides = difference > 0 ? [now.uniques - now.low, then.high - then.uniques]
    : [now.high - now.uniques, then.uniques - then.low];
  const error = Math.hypot(...sides);
  if (Math.abs(difference) <= error) {
    return {kind: "same", text: `no change beyond the error against ${name}`};
  }
  const kind = difference > 0 ? "up" : "down";
  if (then.uniques === 0) return {kind, text: `from 0 ${name}`};
  const digits = error / then.uniques < 0.1 ? 1 : 0;
  return {kind, text: `${percent(Math.abs(difference) / then.uniques, digits)} ± ` +
    `${percent(error / then.uniques, digits)} against ${name}`};
}

function tile(title, row, about, changed) {
  const parts = [h("h2", {}, title)];
  if (row) {
    const shown = rounded(row);
    parts.push(h("p", {class: "value"}, shown.value,
      shown.exact ? null : h("small", {}, ` ± ${shown.margin}`)));
  } else {
    parts.push(h("p", {class: "value none"}, "–"));
  }
  parts.push(h("p", {class: "about"}, about));
  if (changed) {
    const arrow = {up: "▲ ", down: "▼ "}[changed.kind];
    parts.push(h("p", {class: `change ${changed.kind}`},
      arrow ? h("span", {"aria-label": changed.kind}, arrow) : null, changed.text));
  }
  return h("article", {class: "tile",
    title: row ? `${number(row.uniques)}, 95 %: ${number(row.low)} to ${number(row.high)}` : null},
    ...parts);
}

async function periodTile(about, unit, until, stale) {
  const {tz, week} = about;
  // Minutes of long ago may be kept as quarter-hours only.
  if (unit !== "day") until -= until % QUARTER_S;
  const start = startOf(unit, until - 1, tz, week);
  const then = startOf(unit, until - 1, tz, week, 1);
  // A month may have no day like the one that `until` is.
  const thenUntil = Math.min(before(unit, until, tz), start);
  const [row, old] = await Promise.all([users(about, start, until),
    users(about, then, thenUntil)]);
  const [title, name] = UNITS[unit];
  const until_text = unit === "day" ? clockTime(until, tz)
    : `${shortDay(until - 1, tz)}, ${clockTime(until, tz)}`;
  const heading = stale ? `${unit[0].toUpperCase()}${unit.slice(1)} of ${shortDay(start, tz)}`
    : title;
  const beside = stale ? `the ${unit} before` : name;
  return tile(heading, row, `until ${until_text}`,
    row && change(row, old, `${beside} until then`));
}

async function dayTile(about, until) {
  const [row, old] = await Promise.all([users(about, until - 86400, until),
    users(about, until - 2 * 86400, until - 86400)]);
  return tile("24 hours", row, `until ${clockTime(until, about.tz)}`,
    row && change(row, old, "the 24 hours before"));
}

function minuteTile(row, about, now) {
  if (!row) return tile("Last minute", null, "nothing was counted yet");
  const age = now - row.end;
  const when = `${clockTime(row.start, about.tz)} to ${clockTime(row.end, about.tz)}`;
  return tile("Last minute", row, age > RECENT_S
    ? `${shortDay(row.start, about.tz)}, ${when}` : `${when}, ${span(Math.max(age, 0))} ago`);
}

// about: stream, profile, tz, week, signal. The tiles as elements, and the last minute.
export async function makeTiles(about, stream, now) {
  const minute = await lastMinute(about, stream, now);
  if (!minute) return {minute, tiles: [minuteTile(null, about, now)]};
  const stale = now - minute.end > STALE_S;
  const known = {...about, start: falseStart(stream)};
  const tiles = await Promise.all([dayTile(known, minute.end),
    ...["day", "week", "month"].map((unit) => periodTile(known, unit, minute.end, stale))]);
  return {minute, tiles: [minuteTile(minute, about, now), ...tiles]};
}

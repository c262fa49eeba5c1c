// What is shown, and how it stands in the address, so that a link shows the same.
//
//   stream profile   what is counted; the first there is
//   range            1h 6h 24h 7d 28d 90d 1y all, or custom with from= and to=; left out:
//                    see rangeOf
//   zoom             FROM/TO, a part of the range
//   by tz week_start view

import {browserZone, isZone} from "./zone.js";

export const RANGES = {"1h": 3600, "6h": 21600, "24h": 86400, "7d": 7 * 86400, "28d": 28 * 86400,
  "90d": 90 * 86400, "1y": 365 * 86400};
export const GRAINS = ["minute", "hour", "day", "week", "month", "year"];
export const WEEKS = ["monday", "sunday", "saturday"];

// Where no range is asked for: the shortest of these that has all of a stream.
const STARTS = ["1h", "6h", "24h"];
// A stream is over when this long nothing came.
const OVER_S = 86400;

const DEFAULTS = {stream: "", profile: "", range: "auto", from: null, to: null, zoom: null,
  by: "auto", tz: "", week_start: "monday", view: "chart"};

export function utc(time) {
  const text = new Date(time * 1000).toISOString();
  return `${text.slice(0, text.endsWith(":00.000Z") ? 16 : 19)}${
    text.endsWith(":00.000Z") ? ":00" : ""}Z`;
}

function time(text) {
  const found = text && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) / 1000 : NaN;
  return Number.isFinite(found) && found >= 0 ? found : null;
}

function among(value, choices, other) {
  return choices.includes(value) ? value : other;
}

function pair(from, to) {
  return from !== null && to !== null && from < to ? {from, to} : null;
}

// What can't be read is as if it were not there.
export function readAddress(search) {
  const got = new URLSearchParams(search);
  const state = {...DEFAULTS, stream: got.get("stream") ?? "", profile: got.get("profile") ?? ""};
  const custom = pair(time(got.get("from")), time(got.get("to")));
  state.range = among(got.get("range"), [...Object.keys(RANGES), "all", "auto"], DEFAULTS.range);
  if (custom) Object.assign(state, custom, {range: "custom"});
  const [from, to] = (got.get("zoom") ?? "").split("/");
  state.zoom = pair(time(from), time(to));
  state.by = among(got.get("by"), GRAINS, "auto");
  state.tz = isZone(got.get("tz")) ? got.get("tz") : "";
  state.week_start = among(got.get("week_start"), WEEKS, "monday");
  state.view = among(got.get("view"), ["chart", "table"], "chart");
  return state;
}

export function writeAddress(state) {
  const put = new URLSearchParams();
  for (const name of ["stream", "profile", "by", "tz", "week_start", "view"]) {
    if (state[name] && state[name] !== DEFAULTS[name]) put.set(name, state[name]);
  }
  if (state.range === "custom") {
    put.set("from", utc(state.from));
    put.set("to", utc(state.to));
  } else if (state.range !== DEFAULTS.range) {
    put.set("range", state.range);
  }
  if (state.zoom) put.set("zoom", `${utc(state.zoom.from)}/${utc(state.zoom.to)}`);
  const text = put.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  return text ? `?${text}` : location.pathname;
}

export function zoneOf(state) {
  return state.tz || browserZone();
}

// The last day of a stream that is over, from a whole hour to a whole hour.
function lastDay({from, to}) {
  const end = Math.ceil(to / 3600) * 3600;
  return {name: "custom", from: Math.max(end - 86400, Math.floor(from / 3600) * 3600), to: end};
}

// [from, to) of the range and its name; one that runs ends now. Where none is asked for
// it is the shortest that shows what there is, at most 24 h, or a stream's last day.
export function rangeOf(state, stream, now) {
  if (state.range === "custom") return {name: "custom", from: state.from, to: state.to};
  const from = stream?.from ?? now;
  const over = stream?.to && stream.to < now - OVER_S;
  if (state.range === "all") return {name: "all", from, to: over ? stream.to : now};
  if (state.range === "auto" && over) return lastDay(stream);
  const name = state.range !== "auto" ? state.range
    : STARTS.find((start) => now - from <= RANGES[start]) ?? "24h";
  return {name, from: now - RANGES[name], to: now};
}

// What of it is shown.
export function shown(state, stream, now) {
  return state.zoom ?? rangeOf(state, stream, now);
}

// As fine as people can see: some hundred buckets, at most 1,440.
export function grainOf(state, {from, to}) {
  if (state.by !== "auto") return state.by;
  const length = to - from;
  if (length <= 86400) return "minute";
  if (length <= 31 * 86400) return "hour";
  if (length <= 3 * 366 * 86400) return "day";
  return length <= 12 * 366 * 86400 ? "week" : "month";
}

// Time zones: what a clock on the wall says, and back. Times are Unix seconds.

const clocks = new Map();

// Browsers keep some names that the tables of zones have long given up.
const RENAMED = {
  "Africa/Asmera": "Africa/Asmara", "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca", "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba", "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy", "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza", "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh", "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv", "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Truk": "Pacific/Chuuk"};

function current(tz) {
  return isZone(RENAMED[tz]) ? RENAMED[tz] : tz;
}

function clock(tz) {
  if (!clocks.has(tz)) {
    clocks.set(tz, new Intl.DateTimeFormat("en-US", {
      timeZone: tz, hourCycle: "h23", era: "short", year: "numeric", month: "numeric",
      day: "numeric", hour: "numeric", minute: "numeric", second: "numeric"}));
  }
  return clocks.get(tz);
}

export function isZone(tz) {
  if (!tz) return false;
  try {
    clock(tz);
    return true;
  } catch {
    return false;
  }
}

export function browserZone() {
  const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return isZone(tz) ? current(tz) : "UTC";
}

export function zones() {
  const all = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  return all.filter((tz) => tz.includes("/") && !tz.startsWith("Etc/")).map(current).sort();
}

// {year, month 1..12, day, hour, minute, second} as seen in the zone.
export function wall(time, tz) {
  const found = {};
  for (const part of clock(tz).formatToParts(time * 1000)) {
    if (part.type !== "literal" && part.type !== "era") found[part.type] = Number(part.value);
  }
  return found;
}

function asUtc(w) {
  return Date.UTC(w.year, (w.month ?? 1) - 1, w.day ?? 1, w.hour ?? 0, w.minute ?? 0,
    w.second ?? 0) / 1000;
}

export function offset(time, tz) {
  return asUtc(wall(time, tz)) - Math.floor(time);
}

// The first time at which the clock shows this; where it is skipped, as much later.
export function unwall(w, tz) {
  const utc = asUtc(w);
  const offsets = [offset(utc - 86400, tz), offset(utc + 86400, tz)];
  const fits = offsets.map((o) => utc - o).filter((t) => asUtc(wall(t, tz)) === utc);
  return fits.length > 0 ? Math.min(...fits) : utc - offsets[0];
}

const WEEK_DAYS = {monday: 1, sunday: 0, saturday: 6};

// The beginning of the minute, hour, day, week, month or year around `time`, `back` such before it.
export function startOf(unit, time, tz, weekStart = "monday", back = 0) {
  if (unit === "minute") return Math.floor(time / 60) * 60 - 60 * back;
  const w = wall(time, tz);
  if (unit === "hour") return Math.floor(time) - w.minute * 60 - w.second - 3600 * back;
  const day = {year: w.year, month: w.month, day: w.day};
  if (unit === "day") {
    day.day -= back;
  } else if (unit === "week") {
    const today = new Date(Date.UTC(w.year, w.month - 1, w.day)).getUTCDay();
    day.day -= (today - WEEK_DAYS[weekStart] + 7) % 7 + 7 * back;
  } else if (unit === "month") {
    day.day = 1;
    day.month -= back;
  } else {
    day.day = 1;
    day.month = 1;
    day.year -= back;
  }
  return unwall(day, tz);
}

// The same clock time `back` days, weeks or months earlier; months end where they end.
export function before(unit, time, tz, back = 1) {
  const w = wall(time, tz);
  if (unit === "day") w.day -= back;
  if (unit === "week") w.day -= 7 * back;
  if (unit === "month") {
    const last = new Date(Date.UTC(w.year, w.month - back, 0)).getUTCDate();
    w.month -= back;
    w.day = Math.min(w.day, last);
  }
  return unwall(w, tz);
}

// For <input type="datetime-local">.
export function toInput(time, tz) {
  return new Date((Math.floor(time) + offset(time, tz)) * 1000).toISOString().slice(0, 16);
}

export function fromInput(value, tz) {
  const time = Date.parse(value + "Z") / 1000;
  if (!Number.isFinite(time)) return null;
  const date = new Date(time * 1000);
  return unwall({year: date.getUTCFullYear(), month: date.getUTCMonth() + 1,
    day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes()}, tz);
}

// The board's API: questions, live rows, and the token where one is wanted.
//
// Live rows are server-sent events read by fetch: an EventSource sends no token and
// keeps the comments to itself by which a silent connection is told from a dead one.

const TOKEN = "headcount-token";
const SILENCE_MS = 25000;

// Beyond this the browser's clock is wrong, and the board's counts.
const SKEW_MS = 3000;

let token = sessionStorage.getItem(TOKEN);
let skew = 0;

// The time as the board has it, in Unix seconds.
export function now() {
  return Math.floor((Date.now() + skew) / 1000);
}

function setClock(answer) {
  const date = Date.parse(answer.headers.get("Date") ?? "");
  const off = date + 500 - Date.now();
  // An answer out of the browser's own store is as old as it is.
  if (Number.isFinite(off) && Number(answer.headers.get("Age") ?? 0) === 0) {
    skew = Math.abs(off) > SKEW_MS ? off : 0;
  }
}

export function setToken(value) {
  token = value;
  sessionStorage.setItem(TOKEN, value);
}

export class Problem extends Error {
  constructor(status, detail, parameter) {
    super(detail);
    this.status = status;
    this.parameter = parameter;
  }
}

function headers(more = {}) {
  return token ? {...more, Authorization: `Bearer ${token}`} : more;
}

async function problem(answer) {
  let said = {};
  try {
    said = await answer.json();
  } catch {
    // Not from the board; the status has to do.
  }
  const detail = said.detail ?? said.title ?? `the board answered ${answer.status}`;
  return new Problem(answer.status, detail, said.parameter);
}

export function address(name, parameters) {
  const put = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") put.set(key, value);
  }
  const text = put.toString();
  return `api/v1/${name}${text ? `?${text}` : ""}`;
}

async function get(name, parameters, signal) {
  let answer;
  try {
    answer = await fetch(address(name, parameters), {headers: headers(), signal});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "the board can't be reached");
  }
  setClock(answer);
  if (!answer.ok) throw await problem(answer);
  return answer;
}

export async function ask(name, parameters, signal) {
  return (await get(name, parameters, signal)).json();
}

export async function askFile(name, parameters) {
  return (await get(name, parameters)).blob();
}

// One event of the stream: {event, data, id}.
function parseEvent(block) {
  const found = {event: "message", data: "", id: null};
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    const name = line.slice(0, at);
    if (name === "data") found.data += (found.data ? "\n" : "") + value;
    if (name === "event" || name === "id") found[name] = value;
  }
  return found;
}

async function readEvents(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    rest = (rest + value).replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    heard(blocks.map(parseEvent));
  }
}

// Calls `on.event(name, data)` for each event and `on.state` with "live", "away" or
// "refused", until the function that it returns is called.
export function listen(stream, on) {
  const stopped = new AbortController();
  let last = null;
  let wait = 1000;

  async function once() {
    const quiet = new AbortController();
    let timer = null;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
    };
    const stop = () => quiet.abort();
    stopped.signal.addEventListener("abort", stop);
    try {
      alive();
      const answer = await fetch(address("live", {stream}), {cache: "no-store",
        headers: headers(last ? {"Last-Event-ID": last} : {}), signal: quiet.signal});
      if (!answer.ok) throw await problem(answer);
      wait = 1000;
      on.state("live");
      await readEvents(answer.body, (events) => {
        alive();
        for (const event of events) {
          // An id may come by itself, after the events that it is of.
          last = event.id ?? last;
          if (event.data !== "") on.event(event.event, JSON.parse(event.data));
        }
      });
    } finally {
      clearTimeout(timer);
      stopped.signal.removeEventListener("abort", stop);
    }
  }

  async function always() {
    while (!stopped.signal.aborted) {
      try {
        await once();
      } catch (error) {
        if (error instanceof Problem && error.status === 401) {
          on.state("refused");
          return;
        }
      }
      if (stopped.signal.aborted) return;
      on.state("away");
      await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(wait * 2, 15000);
    }
  }

  always();
  return () => stopped.abort();
}

// What the main chart draws with: a bucket is as wide as its time. Wide ones are bars,
// narrow ones steps of a line; the interval lies over either. Late ones have a triangle
// below the axis. All in canvas pixels.

const BAR_MIN = 9;      // CSS pixels
const RAIL = 6;
const LATE_WIDTH = 8;
const LATE_HEIGHT = 6;

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {line: get("line"), band: get("band"), area: get("area"), partial: get("partial"),
    running: get("running"), missing: get("missing"), grid: get("grid"), text: get("muted"),
    daily: get("daily"), weekly: get("weekly"), monthly: get("monthly")};
}

function hatch(ctx, colour, ratio, step) {
  const size = Math.round(step * ratio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const at of [-size / 2, size / 2, size * 1.5]) {
    pen.moveTo(at - size, size * 1.5);
    pen.lineTo(at + size * 1.5, -size);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
}

function clipped(u, draw) {
  const {left, top, width, height} = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top - 2, width, height + 3);
  u.ctx.clip();
  draw(u.ctx);
  u.ctx.restore();
}

// Each cell with its edges: x0 x1, and y of value, low, high.
function place(u, cells) {
  const x = (time) => u.valToPos(time, "x", true);
  const y = (value) => u.valToPos(value, "y", true);
  return cells.map((cell) => ({cell, x0: x(cell.start), x1: x(cell.end), y: y(cell.uniques ?? 0),
    low: y(cell.low ?? 0), high: y(cell.high ?? 0)}));
}

function drawGaps(u, ctx, places, paint, ratio) {
  const {top, height} = u.bbox;
  ctx.fillStyle = hatch(ctx, paint.missing, ratio, 7);
  for (const {cell, x0, x1} of places) {
    if (cell.gap) ctx.fillRect(x0, top, Math.max(x1 - x0, 2 * ratio), height);
  }
}

function isWhole(cell) {
  return cell.state === "complete";
}

function drawBar(ctx, spot, paint, base, ratio, dashes) {
  const inset = Math.min((spot.x1 - spot.x0) * 0.1, 6 * ratio);
  const x = spot.x0 + inset;
  const width = spot.x1 - spot.x0 - 2 * inset;
  ctx.fillStyle = isWhole(spot.cell) ? paint.area : dashes;
  ctx.fillRect(x, spot.y, width, base - spot.y);
  ctx.fillStyle = paint.band;
  ctx.fillRect(x, spot.high, width, spot.low - spot.high);
  ctx.strokeStyle = paint.line;
  ctx.lineWidth = (spot.cell.uniques === 0 ? 3 : 2) * ratio;
  ctx.setLineDash(isWhole(spot.cell) ? [] : [4 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, spot.y);
  ctx.lineTo(x + width, spot.y);
  ctx.stroke();
  ctx.setLineDash([]);
}

// Steps through `runs`, which have no gap inside.
function trace(ctx, run, at) {
  run.forEach((spot, i) => {
    if (i === 0) ctx.moveTo(spot.x0, spot[at]);
    else ctx.lineTo(spot.x0, spot[at]);
    ctx.lineTo(spot.x1, spot[at]);
  });
}

function traceBack(ctx, run, at) {
  for (let i = run.length - 1; i >= 0; i--) {
    ctx.lineTo(run[i].x1, run[i][at]);
    ctx.lineTo(run[i].x0, run[i][at]);
  }
}

function drawSteps(ctx, run, paint, base, ratio) {
  ctx.fillStyle = paint.area;
  ctx.beginPath();
  trace(ctx, run, "y");
  ctx.lineTo(run[run.length - 1].x1, base);
  ctx.lineTo(run[0].x0, base);
  ctx.fill();
  ctx.fillStyle = paint.band;
  ctx.beginPath();
  trace(ctx, run, "high");
  traceBack(ctx, run, "low");
  ctx.fill();
  ctx.strokeStyle = paint.line;
  ctx.lineWidth = 1.5 * ratio;
  ctx.lineJoin = "round";
  ctx.beginPath();
  trace(ctx, run, "y");
  ctx.stroke();
}

// Below narrow buckets: which of them are not complete; and zeros, which would lie
// hidden on the axis.
function drawRail(ctx, places, paint, base, ratio) {
  const rail = RAIL * ratio;
  for (const {cell, x0, x1} of places) {
    if (cell.gap) continue;
    const width = Math.max(x1 - x0, 2 * ratio);
    if (cell.uniques === 0) {
      ctx.fillStyle = paint.line;
      ctx.fillRect(x0, base - 1.5 * ratio, width, 3 * ratio);
    }
    if (!isWhole(cell)) {
      ctx.fillStyle = cell.state === "running" ? paint.running : paint.partial;
      ctx.fillRect(x0, base - rail, width, rail);
    }
  }
}

// Where marks of late buckets stand, in the middle of what is seen of each; those that
// would lie on another are left out.
export function lateMarks(places, {left, width}, apart) {
  const marks = [];
  for (const {cell, x0, x1} of places) {
    const from = Math.max(x0, left);
    const to = Math.min(x1, left + width);
    const middle = (from + to) / 2;
    if (cell.late && from < to && !(middle - marks[marks.length - 1] < apart)) marks.push(middle);
  }
  return marks;
}

// Triangles below the axis.
function drawLate(u, places, paint, base, ratio) {
  const half = LATE_WIDTH / 2 * ratio;
  u.ctx.fillStyle = paint.text;
  u.ctx.beginPath();
  for (const x of lateMarks(places, u.bbox, 2 * half)) {
    u.ctx.moveTo(x, base + ratio);
    u.ctx.lineTo(x + half, base + (1 + LATE_HEIGHT) * ratio);
    u.ctx.lineTo(x - half, base + (1 + LATE_HEIGHT) * ratio);
  }
  u.ctx.fill();
}

function runsOf(places) {
  const runs = [];
  let end = null;
  for (const spot of places) {
    if (spot.cell.gap) continue;
    if (spot.cell.start !== end) runs.push([]);
    runs[runs.length - 1].push(spot);
    end = spot.cell.end;
  }
  return runs;
}

export function paintBuckets(u, cells, paint) {
  const ratio = devicePixelRatio || 1;
  const places = place(u, cells);
  const base = u.valToPos(0, "y", true);
  drawLate(u, places, paint, base, ratio);
  clipped(u, (ctx) => {
    const rows = places.filter((spot) => !spot.cell.gap);
    const width = rows.length > 0 ? Math.max(...rows.map((spot) => spot.x1 - spot.x0)) : 0;
    drawGaps(u, ctx, places, paint, ratio);
    if (width >= BAR_MIN * ratio) {
      const dashes = {running: hatch(ctx, paint.running, ratio, 5),
        partial: hatch(ctx, paint.partial, ratio, 5)};
      for (const spot of rows) {
        drawBar(ctx, spot, paint, base, ratio, dashes[spot.cell.state] ?? dashes.partial);
      }
    } else {
      for (const run of runsOf(places)) drawSteps(ctx, run, paint, base, ratio);
      drawRail(ctx, places, paint, base, ratio);
    }
  });
}

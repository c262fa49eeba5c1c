// Rows of the API as the page keeps them, and the holes between them.

function seconds(text) {
  return Date.parse(text) / 1000;
}

// Totals only, with their times as Unix seconds.
export function parseRows(rows) {
  return rows.filter((row) => !row.group || Object.keys(row.group).length === 0)
    .map((row) => ({...row, start: seconds(row.start), end: seconds(row.end)}));
}

// Rows that changed put in their places.
export function mergeRows(rows, changed) {
  const byStart = new Map(rows.map((row) => [row.start, row]));
  for (const row of changed) byStart.set(row.start, row);
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

// Before this nothing is known of a stream, though a stray that lies there makes it look as
// if all since had been counted.
export function falseStart(stream) {
  return stream?.first < stream?.from ? stream.from : -Infinity;
}

// How long after a bucket nobody can have it yet.
const PATIENCE_S = 120;

// Rows, and where nothing was counted a gap {gap, start, end} between them: a minute
// without users is a row with 0, so what has no row is not known. What lies before
// the stream's beginning or in the future is no gap.
export function withGaps(all, {from, to}, stream, now) {
  const start = falseStart(stream);
  const rows = all.filter((row) => row.uniques > 0 || row.end > start);
  const begin = Math.max(from, stream.from ?? from);
  const end = Math.min(to, Math.floor((now - PATIENCE_S) / 60) * 60);
  const cells = [];
  let at = begin;
  for (const row of rows) {
    if (row.start > at) cells.push({gap: true, start: at, end: row.start});
    cells.push(row);
    at = Math.max(at, row.end);
  }
  if (end > at) cells.push({gap: true, start: at, end});
  return cells;
}

// Up to when nothing is shown since the stream had not begun; null: it had, or there are
// strays.
export function emptyUntil(cells, {from, to}, since) {
  const [cell] = cells;
  if (since === null || since <= from || (cell && cell.end <= since)) return null;
  const until = Math.min(since, cell?.start ?? to);
  return until > from ? until : null;
}

// The cell around a time, or -1.
export function cellAt(cells, time) {
  let low = 0;
  let high = cells.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (time < cells[middle].start) high = middle - 1;
    else if (time >= cells[middle].end) low = middle + 1;
    else return middle;
  }
  return -1;
}

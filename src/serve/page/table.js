// The rows of the chart as a table, newest first.

import {h} from "./dom.js";
import {bucket, number, state} from "./format.js";

const PAGE = 500;
const HEADS = ["Time", "Users", "Low", "High", "Minutes", "Late minutes", "State"];

function line(cell, by, tz) {
  const when = h("th", {scope: "row"}, bucket(cell, by, tz));
  if (cell.gap) {
    return h("tr", {class: "gap"}, when, h("td", {colspan: "6"}, "missing"));
  }
  return h("tr", {}, when, ...[cell.uniques, cell.low, cell.high].map(
    (value) => h("td", {}, number(value))),
    h("td", {}, `${number(cell.minutes)} of ${number(cell.of)}`), h("td", {}, number(cell.late)),
    h("td", {class: `state ${cell.state}`}, state(cell)));
}

export function showTable(box, {cells, by, tz, caption}) {
  const body = h("tbody");
  let next = cells.length - 1;
  const more = h("button", {type: "button", onclick: () => add()});
  function add() {
    const end = Math.max(next - PAGE, -1);
    for (; next > end; next--) body.append(line(cells[next], by, tz));
    more.hidden = next < 0;
    more.textContent = `${number(next + 1)} more`;
  }
  add();
  box.replaceChildren(h("table", {}, h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...HEADS.map((text) => h("th", {scope: "col"}, text)))), body),
    more);
}

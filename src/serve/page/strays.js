// Minutes with users that lie far outside of the stream, for their timestamps are most
// likely damaged: they are in no range but one that is asked for, and told where one
// would be thought to have them.

import {shortDay, year} from "./format.js";

function day(time, tz) {
  return `${shortDay(time, tz)} ${year(time, tz)}`;
}

// asked: from, to, tz, and whether it is `all`. link(text, changes): what shows something else.
export function tellStrays(box, {first, last, from, to}, asked, link) {
  const hour = (time) => Math.floor(time / 3600) * 3600;
  const show = (text, start, end) => link(text, {range: "custom", from: start, to: end,
    zoom: null, by: "auto"});
  const links = [];
  for (const [is, time] of [[first < from && first < asked.from, first],
    [last > to && last > asked.to, last - 60]]) {
    if (is) links.push(show(day(time, asked.tz), hour(time), hour(time) + 3600));
  }
  box.hidden = links.length === 0 || !(asked.all || asked.from < from);
  if (box.hidden) return;
  box.replaceChildren("Far outside there are minutes with users, probably of damaged timestamps: ",
    ...links.flatMap((one, i) => (i === 0 ? [one] : [" and ", one])), ". ",
    show("Show everything with them", Math.min(first, from), Math.max(last, to)), ".");
}

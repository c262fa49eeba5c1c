// Fingers on a chart, by pointer events: uPlot knows mice only. One that slides points;
// two zoom, and what was below them stays below them. The chart's `touch-action: pan-y`
// leaves the browser what goes up and down.

const APART_MIN = 16;  // CSS pixels between two fingers

// [from, to) of a chart that is `width` wide, where the times in [view.from, view.to) that
// were below starts[0] and starts[1] are now below places[0] and places[1]; no more than
// `most`, no less than two minutes. Null: the fingers are too near to each other to tell.
export function pinched(view, width, starts, places, most) {
  const apart = places[1] - places[0];
  const wide = starts[1] - starts[0];
  if (Math.abs(wide) < APART_MIN || apart / wide <= 0 || Math.abs(apart) < APART_MIN) return null;
  const second = (view.to - view.from) / width;  // seconds a pixel, as it was
  const length = Math.min(Math.max(second * width * wide / apart, 120), most.to - most.from);
  const middle = view.from + second * (starts[0] + starts[1]) / 2;
  const from = middle - length * (places[0] + places[1]) / 2 / width;
  const begin = Math.min(Math.max(from, most.from), most.to - length);
  return {from: begin, to: begin + length};
}

// on: slide(x), begin(), pinch(starts, places), end(whether it is to be kept)
export function listenTouch(over, on) {
  const fingers = new Map();
  let starts = null;
  let spent = false;  // the finger that stays after a pinch points at nothing
  const x = (event) => event.clientX - over.getBoundingClientRect().left;
  const places = () => [...fingers.values()].slice(0, 2);

  function lift(event, keep) {
    if (!fingers.delete(event.pointerId)) return;
    if (starts) {
      starts = null;
      spent = true;
      on.end(keep);
    }
    if (fingers.size === 0) spent = false;
  }

  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, x(event));
    if (fingers.size !== 2) return;
    starts = places();
    on.begin();
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, x(event));
    if (starts) on.pinch(starts, places());
    else if (!spent) on.slide(x(event));
  });
  over.addEventListener("pointerup", (event) => lift(event, true));
  over.addEventListener("pointercancel", (event) => lift(event, false));
  // Two fingers that go up or down would scroll.
  over.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  }, {passive: false});
}

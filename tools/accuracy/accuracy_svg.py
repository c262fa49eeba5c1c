"""Line charts as SVG: one column of panels, readable on light and dark ground."""
import dataclasses
import html
import math

WIDTH, HEIGHT, GAP = 760, 250, 100
LEFT, RIGHT, TOP, BOTTOM = 56, 28, 54, 42

STYLE = """
svg { font: 12px system-ui, sans-serif; }
.ground { fill: #fcfcfb; } .text { fill: #0b0b0b; } .quiet { fill: #52514e; }
.grid { stroke: #e1e0d9; } .axis { stroke: #898781; } .band { fill: #e1e0d9; opacity: .6; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.ours { stroke: #2a78d6; } .plus { stroke: #1baf7a; } .classic { stroke: #eb6834; }
.sparse { stroke: #4a3aa7; } .theory { stroke: #898781; stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
.ground { fill: #1a1a19; } .text { fill: #ffffff; } .quiet { fill: #c3c2b7; }
.grid { stroke: #2c2c2a; } .axis { stroke: #898781; } .band { fill: #383835; }
.ours { stroke: #3987e5; } .plus { stroke: #199e70; } .classic { stroke: #d95926; }
.sparse { stroke: #9085e9; } }
"""


@dataclasses.dataclass
class Panel:
    title: str
    below: str
    x: tuple
    y: tuple
    series: list  # (name, class, [(x, y)])
    band: tuple = None
    x_is_log: bool = True
    y_is_log: bool = False


class Scale:
    def __init__(self, ends, places, is_log):
        self.is_log = is_log
        self.ends = [math.log10(end) for end in ends] if is_log else ends
        self.places = places

    def __call__(self, value):
        if self.is_log:
            value = math.log10(value)
        share = (value - self.ends[0]) / (self.ends[1] - self.ends[0])
        return self.places[0] + share * (self.places[1] - self.places[0])


def ticks(ends, is_log):
    if is_log:
        first, last = math.ceil(math.log10(ends[0]) - 1e-9), math.floor(math.log10(ends[1]) + 1e-9)
        return [10.0 ** power for power in range(first, last + 1)]
    step = 10 ** math.floor(math.log10((ends[1] - ends[0]) / 2))
    while (ends[1] - ends[0]) / step > 8:
        step *= 2 if str(step)[0] != "2" and f"{step:e}"[0] != "2" else 2.5
    first = math.ceil(ends[0] / step - 1e-9)
    return [step * i for i in range(first, math.floor(ends[1] / step + 1e-9) + 1)]


def label(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.6g}"


def frame(panel, x, y, top):
    bottom = top + HEIGHT
    yield f'<text class="text" x="{LEFT}" y="{top - 34}" font-weight="600">' \
          f"{html.escape(panel.title)}</text>"
    if panel.band:
        high, low = y(panel.band[1]), y(panel.band[0])
        yield f'<rect class="band" x="{LEFT}" y="{high:.1f}" width="{WIDTH - LEFT - RIGHT}" ' \
              f'height="{low - high:.1f}"/>'
    for value in ticks(panel.y, panel.y_is_log):
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" ' \
              f'y2="{y(value):.1f}"/><text class="quiet" x="{LEFT - 8}" y="{y(value) + 4:.1f}" ' \
              f'text-anchor="end">{label(value)}</text>'
    for value in ticks(panel.x, panel.x_is_log):
        anchor = "end" if value == panel.x[1] else "middle"
        yield f'<text class="quiet" x="{x(value):.1f}" y="{bottom + 18}" ' \
              f'text-anchor="{anchor}">{label(value)}</text>'
    where = y(0) if panel.y[0] < 0 and not panel.y_is_log else bottom
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{where:.1f}" y2="{where:.1f}"/>'
    yield f'<text class="quiet" x="{WIDTH - RIGHT}" y="{bottom + 34}" text-anchor="end">' \
          f"{html.escape(panel.below)}</text>"


def lines(panel, x, y, clip):
    for _, look, points in reversed(panel.series):  # the first on top
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points
                        if panel.x[0] <= a <= panel.x[1])
        if path:
            yield f'<polyline class="line {look}" clip-path="url(#{clip})" points="{path}"/>'


def legend(panel, top):
    at = LEFT
    for name, look, points in panel.series:
        if not points:
            continue
        yield f'<line class="line {look}" x1="{at}" x2="{at + 22}" y1="{top - 16}" ' \
              f'y2="{top - 16}"/><text class="text" x="{at + 28}" y="{top - 12}">' \
              f"{html.escape(name)}</text>"
        at += 7 * len(name) + 48


def figure(panels):
    height = TOP + len(panels) * HEIGHT + (len(panels) - 1) * GAP + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             f'width="{WIDTH}" height="{height}">', f"<style>{STYLE}</style>",
             f'<rect class="ground" width="{WIDTH}" height="{height}"/>']
    for number, panel in enumerate(panels):
        top = TOP + number * (HEIGHT + GAP)
        x = Scale(panel.x, (LEFT, WIDTH - RIGHT), panel.x_is_log)
        y = Scale(panel.y, (top + HEIGHT, top), panel.y_is_log)
        clip = f"clip{number}"
        parts.append(f'<clipPath id="{clip}"><rect x="{LEFT}" y="{top}" '
                     f'width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT}"/></clipPath>')
        parts += frame(panel, x, y, top)
        parts += lines(panel, x, y, clip)
        parts += legend(panel, top)
    return "\n".join(parts + ["</svg>"]) + "\n"

"""Growth as plots: what a frame costs, and memory, over what grows."""
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "accuracy"))
import accuracy_svg as svg  # noqa: E402

LOOKS = ("ours", "classic", "plus", "sparse")


def nice_end(value):
    """A round number that is not below `value`."""
    power = 10 ** math.floor(math.log10(value))
    steps = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next(step * power for step in steps if step * power >= value * 0.999)


def panel(title, below, series, y_is_log):
    """`series` is [(name, [(x, y)])]."""
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    low = 10 ** math.floor(math.log10(min(ys))) if y_is_log else 0
    high = 10 ** math.ceil(math.log10(max(ys))) if y_is_log else nice_end(max(ys))
    x_is_log = max(xs) / min(xs) > 20
    ends = (min(xs), max(xs)) if x_is_log else (0, max(xs))
    looked = [(name, look, sorted(points)) for (name, points), look in zip(series, LOOKS)]
    return svg.Panel(title, below, ends, (low, high), looked, x_is_log=x_is_log,
                     y_is_log=y_is_log)


def write(path, panels):
    path.write_text(svg.figure(panels), encoding="utf-8")

"""From the results of `accuracy` to the plots and tables of docs/ACCURACY.md.

    accuracy_plots.py FOLDER DOCS

Adds up all *.tsv in FOLDER, writes DOCS/accuracy/*.svg, and replaces what stands
between the marks "<!-- NAME -->" and "<!-- /NAME -->" in DOCS/ACCURACY.md.
"""
import collections
import math
import pathlib
import re
import sys

import accuracy_svg as svg

SUMS = ("trials", "sparse", "error", "square", "claimed", "covered", "above")


class Point:
    """All trials at one n."""

    def __init__(self, precision, n):
        self.precision, self.n = precision, n
        self.sums = dict.fromkeys(SUMS, 0.0)

    def add(self, row):
        for name in SUMS:
            self.sums[name] += float(row[name])

    @property
    def ratio(self):
        return self.n / 2 ** self.precision

    @property
    def trials(self):
        return int(self.sums["trials"])

    @property
    def is_sparse(self):
        return self.sums["sparse"] == self.trials

    @property
    def bias(self):
        return 100 * self.sums["error"] / self.trials

    @property
    def rmse(self):
        return 100 * math.sqrt(self.sums["square"] / self.trials)

    @property
    def claimed(self):
        return 100 * self.sums["claimed"] / self.trials

    @property
    def bias_error(self):
        return self.rmse / math.sqrt(self.trials)

    @property
    def rmse_error(self):
        """Collisions in sparse sketches are few, and scatter as Poisson's law has it."""
        collisions = self.sums["square"] * self.n ** 2
        rare = 0.25 / collisions if self.is_sparse and collisions > 0 else 0
        return self.rmse * math.sqrt(0.5 / self.trials + rare)

    @property
    def coverage(self):
        return 100 * self.sums["covered"] / self.trials

    @property
    def coverage_error(self):
        return 100 * math.sqrt(0.045 * 0.955 / self.trials)


def read(folder):
    """{(how, what, profile, precision): [Point by ascending n]}"""
    points = collections.defaultdict(dict)
    for path in sorted(pathlib.Path(folder).glob("*.tsv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        names = lines[0].split("\t")
        for line in lines[1:]:
            row = dict(zip(names, line.split("\t")))
            if row == dict(zip(names, names)):
                continue
            precision, n = int(row["precision"]), float(row["n"])
            series = points[row["how"], row["what"], row["profile"], precision]
            series.setdefault(n, Point(precision, n)).add(row)
    return {key: [series[n] for n in sorted(series)] for key, series in points.items()}


def library(results, precision):
    return results.get(("simulated", "library", "redis", precision), [])


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def whole(n):
    return f"{round(n):,}"


def span(values, form):
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def last_sparse(points):
    return max((p for p in points if p.is_sparse), key=lambda p: p.n)


def by_precision(results):
    """A row a precision: the worst and the best of all points."""
    rows = []
    for precision in range(4, 19):
        points = library(results, precision)
        if not points:
            continue
        dense = [point for point in points if not point.is_sparse]
        worst = max(dense, key=lambda point: abs(point.bias))
        wide = max(dense, key=lambda point: point.rmse)
        below = [point.coverage for point in points if point.ratio <= 1]
        above = [point.coverage for point in points if point.ratio > 1]
        rows.append([
            str(precision), whole(worst.trials), whole(last_sparse(points).n),
            f"{last_sparse(points).rmse:.4f}",
            f"{worst.bias:+.4f} ± {worst.bias_error:.4f}",
            f"{wide.rmse:.4f} ± {wide.rmse_error:.4f}", f"{104 / 2 ** (precision / 2):.4f}",
            f"{min(below):.2f}", span(above, "{:.2f}"), f"{worst.coverage_error:.2f}"])
    return table(["p", "trials a point", "sparse up to", "RMSE there, %", "largest bias, %",
                  "largest RMSE, %", "1.04/√2^p, %", "least coverage, n ≤ 2^p, %",
                  "coverage, n > 2^p, %", "± %"], rows)


def at_default(results):
    """p = 14, point by point, from one id to 10^8."""
    rows = [[whole(p.n), f"{p.ratio:.3g}", "sparse" if p.is_sparse else "dense", whole(p.trials),
             f"{p.bias:+.4f} ± {p.bias_error:.4f}", f"{p.rmse:.4f} ± {p.rmse_error:.4f}",
             f"{p.coverage:.2f}"]
            for p in library(results, 14) if p.n >= 100]
    return table(["users", "n / 2^14", "form", "trials", "bias, %", "RMSE, %",
                  "intervals that hold n, %"], rows)


def next_to_others(results):
    series = [results.get(("simulated", name, "redis", 14), [])
              for name in ("dense", "plus", "classic")]
    rows = []
    for ours, plus, classic in zip(*series):
        if math.log2(ours.ratio) * 2 % 1 > 0.01 or ours.ratio > 64:
            continue
        rows.append([whole(ours.n), f"{ours.ratio:.3g}"] +
                    [f"{p.bias:+.3f} / {p.rmse:.3f}" for p in (ours, plus, classic)])
    return table(["users", "n / 2^14", "libheadcount, dense", "HLL++ tables", "classic"], rows)


def agreement(results, real):
    """The simulated points at the n of the real ones, where they are dense: (bias, RMSE)
    differences in standard errors."""
    simulated = {round(p.n): p for p in library(results, real[0].precision)}
    for point in real:
        other = simulated.get(round(point.n))
        if other and not point.is_sparse and not other.is_sparse:
            yield ((point.bias - other.bias) / math.hypot(point.bias_error, other.bias_error),
                   (point.rmse - other.rmse) / math.hypot(point.rmse_error, other.rmse_error))


def real_ways(results):
    """A row a way: real ids next to the simulation, all dense points together."""
    rows = []
    for (how, what, profile, precision), points in sorted(
            results.items(), key=lambda item: (-item[0][3], item[0][1], item[0][2])):
        dense = [p for p in points if p.ratio >= 0.5]
        if how != "real" or what.startswith("days") or not dense:
            continue
        trials = sum(p.trials for p in dense)
        coverage = 100 * sum(p.sums["covered"] for p in dense) / trials
        apart = [z for pair in agreement(results, points) for z in pair]
        rows.append([str(precision), what, profile, whole(trials),
                     f"{sum(p.bias for p in dense) / len(dense):+.3f}",
                     f"{sum(100 * p.rmse / p.claimed for p in dense) / len(dense):.1f}",
                     f"{coverage:.2f} ± {100 * math.sqrt(0.043 / trials):.2f}",
                     f"{max(map(abs, apart)):.1f} of {len(apart)}" if apart else "-"])
    return table(["p", "way", "profile", "trials", "mean bias, %", "RMSE, % of claimed",
                  "coverage, %", "largest distance to the simulation, standard errors"], rows)


def ids(results):
    """A row a form of ids: the hash of Redis, and the others together."""
    forms = {}
    for (how, what, profile, precision), points in results.items():
        if how == "ids":
            total = forms.setdefault((precision, what), {}).setdefault(
                profile == "redis", Point(precision, points[0].n))
            total.add(points[0].sums)
    rows = []
    for (precision, what), sides in sorted(
            forms.items(), key=lambda form: (form[0][0], -form[1][True].rmse)):
        rows.append([str(precision), whole(sides[True].n), f"`{what}`", str(len(what)),
                     str(len(what) % 8)] +
                    [text for p in (sides[True], sides[False]) for text in (
                        f"{100 * p.rmse / p.claimed:.1f} ± {100 * p.rmse_error / p.claimed:.1f}",
                        f"{p.coverage:.2f} ± {p.coverage_error:.2f}")])
    return table(["p", "users", "an id", "its bytes", "beyond words of 8",
                  "redis: RMSE, % of claimed", "coverage, %",
                  "other profiles: RMSE, % of claimed", "coverage, %"], rows)


def words(results):
    """Shares within a bound, and how far apart equal days seem."""
    rows = []
    for (_, what, _, precision), points in sorted(results.items(), key=lambda item: item[0][3]):
        for p in points:
            if what.startswith("within"):
                found = f"{p.coverage:.1f} % of all counts"
            elif what.startswith("days"):
                found = f"difference off by {p.rmse:.2f} % of a day (one standard error)"
            else:
                continue
            rows.append([str(precision), whole(p.n), what, whole(p.trials), found])
    return table(["p", "users", "what", "trials", "found"], rows)


def far(results):
    rows = []
    for (how, what, profile, precision), points in sorted(results.items(),
                                                          key=lambda item: item[0][2:]):
        if what != "far":
            continue
        rows.append([str(precision), profile, f"{points[0].n:.0e} to {points[-1].n:.2g}",
                     whole(points[0].trials), span([p.coverage for p in points], "{:.2f}")])
    return table(["p", "profile", "users", "trials a point", "coverage, %"], rows)


def plots(results):
    """{file name: text}"""
    rivals = [("libheadcount, dense", "ours", results.get(("simulated", "dense", "redis", 14), [])),
              ("HLL++ tables", "plus", results.get(("simulated", "plus", "redis", 14), [])),
              ("classic", "classic", results.get(("simulated", "classic", "redis", 14), []))]
    sparse = [p for p in library(results, 14) if p.is_sparse and p.n >= 1000]
    bias = [(name, look, [(p.n, p.bias) for p in series]) for name, look, series in rivals]
    rmse = [(name, look, [(p.n, p.rmse) for p in series]) for name, look, series in rivals]
    start = ("libheadcount, sparse", "sparse", [(p.n, p.rmse) for p in sparse])
    coverage = [(f"p = {precision}", look,
                 [(p.ratio, p.coverage) for p in library(results, precision)
                  if p.ratio >= 0.1 and not p.is_sparse])
                for precision, look in ((4, "classic"), (8, "plus"), (14, "ours"))]
    top = [(p, max((q.rmse for q in library(results, p) if not q.is_sparse), default=None))
           for p in range(4, 19)]
    first = [(p, last_sparse(library(results, p)).rmse) for p in range(8, 19)
             if library(results, p)]
    users = "users of a sketch with p = 14"
    return {
        "bias.svg": svg.figure([
            svg.Panel("Bias, % of the true number", users, (1000, 1e6), (-0.5, 2.7), bias),
            svg.Panel("The same, enlarged", users, (1000, 1e6), (-0.15, 0.25), bias)]),
        "rmse.svg": svg.figure([
            svg.Panel("Root mean square error, %", users, (1000, 1e6), (0, 2.7), [start] + rmse)]),
        "coverage.svg": svg.figure([
            svg.Panel("Intervals that hold the true number, %", "users / 2^p", (0.1, 1e4),
                      (94, 100), coverage, band=(95, 96))]),
        "precision.svg": svg.figure([
            svg.Panel("Largest root mean square error, %", "precision p", (4, 18), (0.005, 50),
                      [("dense, measured", "ours", [q for q in top if q[1]]),
                       ("1.04/√2^p", "theory", [(p, 104 / 2 ** (p / 2)) for p in range(4, 19)]),
                       ("sparse, measured", "sparse", first)],
                      x_is_log=False, y_is_log=True)]),
    }


def fill(text, name, content):
    """`text` with `content` between the marks of this name."""
    marks = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    if not marks.search(text):
        raise SystemExit(f"accuracy_plots: no marks of {name}")
    return marks.sub(lambda match: f"{match.group(1)}\n{content}\n\n{match.group(2)}", text)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    results, docs = read(sys.argv[1]), pathlib.Path(sys.argv[2])
    (docs / "accuracy").mkdir(exist_ok=True)
    for name, text in plots(results).items():
        (docs / "accuracy" / name).write_text(text, encoding="utf-8")
    page = docs / "ACCURACY.md"
    text = page.read_text(encoding="utf-8")
    for make in (by_precision, at_default, next_to_others, real_ways, ids, words, far):
        text = fill(text, make.__name__, make(results))
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

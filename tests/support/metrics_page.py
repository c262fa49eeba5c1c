"""What a running program serves by --listen: fetched, parsed by Prometheus' own
client, and held against Prometheus' conventions for names."""
import http.client
import re
import urllib.parse

from prometheus_client.parser import text_string_to_metric_families

TYPE = "text/plain; version=0.0.4; charset=utf-8"
# No base units, or endings that belong to histograms.
WRONG_ENDINGS = re.compile(r"_(ms|millis|milliseconds|us|minutes|hours|days|kb|kib|mb|mib|"
                           r"megabytes|percent|count|sum|bucket|info_total)$")
NAME = re.compile(r"^(headcount|process)_[a-z][a-z0-9_]*[a-z0-9]$")


def address(daemon):
    """Where it listens, once it says so."""
    found = daemon.wait_for(lambda: daemon.events("listening"), "it listens")
    return found[0]["address"]


def get(where, path, token=None, headers=None):
    """(status, headers, body) of a GET."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(where).netloc, timeout=60)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


class Page:
    """The metrics as they are now."""

    def __init__(self, where, token=None):
        status, headers, self.text = get(where, "/metrics", token)
        assert (status, headers["Content-Type"]) == (200, TYPE), self.text
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = {}
        for family in self.families:
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def value(self, name, **labels):
        """None where it is not known."""
        return self.samples.get((name, frozenset(labels.items())))

    def by(self, name, label):
        """{value of the label: value} of a metric with labels."""
        return {dict(labels)[label]: value for (found, labels), value in self.samples.items()
                if found == name}

    def kinds(self):
        """{name as it is written: (type, labels)}"""
        found = {}
        for line in self.text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                found[name] = (kind, set())
        for name, labels in self.samples:
            found[name][1].update(label for label, _ in labels)
        return found


def against_conventions(text):
    """What is wrong with the names and the order of a page, line by line."""
    wrong, current, seen = [], None, set()
    lines = text.splitlines()
    for at, line in enumerate(lines):
        name = re.match(r"(?:# (?:HELP|TYPE) )?([^ {]+)", line).group(1)
        if line.startswith("# HELP "):
            if name in seen:
                wrong.append(f"{name}: in two places")
            seen.add(name)
            current = name
            kind = lines[at + 1].split()[-1]
            if not lines[at + 1].startswith(f"# TYPE {name} "):
                wrong.append(f"{name}: no TYPE behind HELP")
            if not line.endswith("."):
                wrong.append(f"{name}: the help is no sentence")
            if name.endswith("_total") != (kind == "counter"):
                wrong.append(f"{name}: _total is for counters, and for all of them")
            if not NAME.match(name) or WRONG_ENDINGS.search(name.removesuffix("_total")):
                wrong.append(f"{name}: not a name by the conventions")
        elif name != current:
            wrong.append(f"{name}: stands among the samples of {current}")
    if not text.endswith("\n"):
        wrong.append("no line end at the end")
    return wrong

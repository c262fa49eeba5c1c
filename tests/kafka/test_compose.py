"""Goal: compose/ would run where an engine is. Compose itself takes the file; the
Dockerfile names what is there; the services' own commands run here, with a real broker,
Prometheus and its rules; and every query of the dashboard has data."""
import contextlib
import datetime
import glob
import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import kafka
import pytest
import yaml
from compose_files import (FOLDER, ROOT, Dashboard, Dockerfile, check_words, interpolated, load,
                           selected, words)
from programs import wait_for
from topics import Topics

OURS = ("headcountd", "board")


@pytest.fixture(scope="module")
def services():
    return load()["services"]


def test_images_are_pinned(services):
    images = [each["image"] for each in services.values()] + [
        base for name, base in Dockerfile().bases.items() if ":" in base]
    for image in images:
        tag = image.rpartition(":")[2]
        assert tag and tag != "latest", image
        if not image.startswith("headcount"):
            assert re.search(r"\d+\.\d+", tag), image
    plugin = services["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"]
    assert re.fullmatch(r"yesoreyeram-infinity-datasource@\d+\.\d+\.\d+", plugin)


def test_what_is_mounted_and_published(services):
    for name, service in services.items():
        for mount in service.get("volumes", ()):
            if mount["type"] == "bind":
                assert os.path.isfile(mount["source"]) and mount["read_only"], name
        for port in service.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in services[other], (name, other)
        if service["image"].startswith("headcount"):
            assert "build" in service, name
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name


@pytest.mark.unsanitized
def test_dockerfile(services, build):
    file = Dockerfile()
    targets = {each["build"]["target"] for each in services.values() if "build" in each}
    assert targets <= set(file.stages)
    allowed = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert allowed[0] == "**"
    for path in allowed[1:]:
        assert (ROOT / path.removeprefix("!")).exists(), path
    for _, path in file.copied():
        assert (ROOT / path).exists(), path
        assert path == "." or "!" + path.split("/")[0] in allowed, path
    installed = {"libc6", *file.packages("headcount")}
    for program in ("headcountd", "headcount", "headcount-board"):
        assert f"/src/build/bin/{program}" in str(file.stages["headcount"])
        assert owners_of_libraries(build / "bin" / program) <= installed, program
    assert "kcat" in file.packages("generator")
    for stage in targets:
        users = [rest for instruction, rest in file.stages[stage] if instruction == "USER"]
        assert users[-1] == "headcount", stage


def test_what_the_image_is_built_of(build, scratch):
    """What .dockerignore lets through is enough to configure the build."""
    allowed = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for path in allowed[1:]:
        source, copy = ROOT / path[1:], scratch / "src" / path[1:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    uplot = re.search(r"^HEADCOUNT_UPLOT:PATH=(.*)$", cache, re.M)[1]
    done = subprocess.run(["cmake", "-S", scratch / "src", "-B", scratch / "build",
                           "-DBUILD_TESTING=OFF", f"-DHEADCOUNT_UPLOT={uplot}"],
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def owners_of_libraries(program):
    """The packages of what it is linked to."""
    told = subprocess.run(["objdump", "-p", program], capture_output=True, text=True,
                          check=True).stdout
    names = "|".join(map(re.escape, re.findall(r"NEEDED\s+(\S+)", told)))
    lists = glob.glob("/var/lib/dpkg/info/*.list")
    found = subprocess.run(["grep", "-lE", f"[-]linux-gnu/({names})$", *lists], capture_output=True,
                           text=True, check=True).stdout
    return {os.path.basename(line).partition(":")[0].removesuffix(".list")
            for line in found.splitlines()}


def test_token(services, scratch):
    """Made once, as root without any right but to give files away."""
    if os.geteuid() != 0:  # nobody else can give files away
        return
    assert services["token"]["cap_add"] == ["CHOWN"]
    command = ["setpriv", "--bounding-set=-all,+chown", "--inh-caps=-all",
               *words(services["token"], {"/run/headcount": scratch})]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for _ in range(2)]
    assert said[0] == said[1]
    token = (scratch / "token").read_text()
    assert len(token) == 24 and said[0].endswith(f": {token}\n")
    for copy in ("grafana", "prometheus"):
        assert (scratch / copy).read_text() == token
    for name, owner, group, mode in (("token", 0, 10001, 0o440), ("grafana", 472, 0, 0o400),
                                     ("prometheus", 65534, 0, 0o400)):
        found = (scratch / name).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (owner, group, mode)
    assert "--uid 10001 --gid 10001" in str(Dockerfile().stages["headcount"])


def properties_of(environment):
    """As Kafka's image makes them of its environment; where the broker is stays ours."""
    found = {name.removeprefix("KAFKA_").lower().replace("_", "."): value
             for name, value in environment.items()}
    for name in ("listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"):
        del found[name]
    return found


class Stack:
    """All of it on loopback."""

    def __init__(self, services, folder, build, engines, brokers):
        self.services, self.folder = services, folder
        self.engines, self.processes = engines, []
        self.ports = dict(zip((*OURS, "prometheus"), kafka.free_ports(3)))
        token = folder / "token"
        token.write_text("a-token-that-nobody-knows")
        token.chmod(0o600)
        self.replaced = {
            "kafka:9092": brokers, "/run/headcount/token": token,
            "/var/lib/headcount": folder, "0.0.0.0:9100": f"127.0.0.1:{self.ports['headcountd']}",
            "0.0.0.0:8080": f"127.0.0.1:{self.ports['board']}",
            "127.0.0.1/9100": f"127.0.0.1/{self.ports['headcountd']}",
            "127.0.0.1/8080": f"127.0.0.1/{self.ports['board']}",
            "/etc/prometheus": folder, "path=/prometheus": f"path={folder}/prometheus"}
        self.env = {**os.environ, "PATH": f"{build / 'bin'}:{os.environ['PATH']}"}

    def write(self, name):
        """A file of Prometheus', with what is here and less patience."""
        text = (FOLDER / name).read_text(encoding="utf-8")
        for old, new in (("headcountd:9100", f"127.0.0.1:{self.ports['headcountd']}"),
                         ("board:8080", f"127.0.0.1:{self.ports['board']}"),
                         ("/run/headcount/prometheus", str(self.folder / "token"))):
            text = text.replace(old, new)
        (self.folder / name).write_text(re.sub(r"_interval: \d+s", "_interval: 1s", text))

    def start(self, name, *more):
        command = [*words(self.services[name], self.replaced), *more]
        if name == "prometheus":
            command.insert(0, self.engines / "prometheus/usr/bin/prometheus")
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                command, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, preexec_fn=kafka.die_with_parent))

    def validate(self, name):
        done = subprocess.run([*words(self.services[name], self.replaced), "--validate"],
                              env=self.env, capture_output=True, text=True, check=False,
                              timeout=60)
        assert done.returncode == 0, (name, done.stderr)

    def is_healthy(self, name):
        return subprocess.run(check_words(self.services[name], self.replaced), check=False,
                              capture_output=True, timeout=20).returncode == 0

    def end(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()

    def get(self, name, path, **query):
        address = f"http://127.0.0.1:{self.ports[name]}{path}"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        asked = urllib.request.Request(address)
        if name == "board":
            asked.add_header("Authorization", "Bearer a-token-that-nobody-knows")
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def query(self, expression):
        """Prometheus' answer: a list of series."""
        answer = self.get("prometheus", "/api/v1/query", query=expression)
        return answer["data"]["result"]


@pytest.fixture(scope="module")
def stack(services, request, build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compose")
    engines = ROOT / request.config.getoption("--engines")
    environment = services["kafka"]["environment"]
    with contextlib.ExitStack() as running:
        broker = running.enter_context(kafka.Broker(request.config.getoption("--kafka"),
                                                    properties_of(environment)))
        made = Stack(services, folder, build, engines, broker.bootstrap)
        running.callback(made.end)
        make_topic(broker, services["topic"]["command"])
        made.write("alerts.yaml")
        made.write("prometheus.yaml")
        made.start("generator")
        made.start("prometheus", f"--web.listen-address=127.0.0.1:{made.ports['prometheus']}")
        for name in OURS:  # each waits for the one before
            made.validate(name)
            made.start(name)
            wait_for(lambda name=name: made.is_healthy(name), f"{name} is healthy", 60)
        yield made


def make_topic(broker, command):
    """What kafka-topics.sh is told."""
    assert command[0].endswith("/bin/kafka-topics.sh")
    told = dict(zip(command, command[1:]))
    config = dict(after.split("=") for word, after in zip(command, command[1:])
                  if word == "--config")
    Topics(broker.bootstrap).create(told["--topic"], int(told["--partitions"]), **config)


def values_of(stack, **more):
    now = int(time.time())
    stream = stack.get("board", "/api/v1/streams")["streams"][0]["stream"]
    return {"stream": stream, "by": "minute", "tz": "UTC", "__to:date:seconds": str(now),
            "__from:date:seconds": str(now - 3600), **more}


def infinity(stack, target, values):
    """What the datasource makes of a query: a list of {column: values}."""
    assert (target["type"], target["source"], target["parser"]) == ("json", "url", "backend")
    params = {each["key"]: interpolated(each["value"], values)
              for each in target["url_options"]["params"]}
    rows = selected(stack.get("board", target["url"], **params), target["root_selector"])
    columns = {}
    for column in target["columns"]:
        found = [selected(row, column["selector"]) for row in rows]
        columns[column["text"]] = [each for each in found if each is not None]
        for each in columns[column["text"]]:
            if column["type"] == "timestamp":
                datetime.datetime.fromisoformat(each.replace("Z", "+00:00"))
            else:
                assert isinstance(each, str if column["type"] == "string" else (int, float))
    return columns


def test_panels_of_users(stack):
    dashboard = Dashboard()
    variables = dashboard.variables()
    wait_for(lambda: stack.get("board", "/api/v1/streams")["streams"], "a stream")
    names = infinity(stack, variables["stream"]["query"]["infinityQuery"], {})
    assert names["stream"] == ["users"]
    targets = dashboard.of("headcount")
    assert len(targets) >= 5
    for grain in variables["by"]["query"].split(","):
        for title, target in targets:
            columns = infinity(stack, target, values_of(stack, by=grain))
            for name, found in columns.items():
                assert found, (title, name)


def test_panels_of_programs(stack):
    targets = Dashboard().of("prometheus")
    assert len(targets) >= 10
    for title, target in targets:
        expression = re.sub(r" > 0$", "", target["expr"])
        wait_for(lambda expression=expression: stack.query(expression), f"{title}: {expression}",
                 30)


def test_alerts(stack):
    known = set(stack.get("prometheus", "/api/v1/label/__name__/values")["data"])
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    for rule in rules:
        named = set(re.findall(r"\bheadcount_\w+", rule["expr"]))
        assert named <= known, rule["alert"]

    def judged():
        found = stack.get("prometheus", "/api/v1/rules")["data"]["groups"]
        each = [rule for group in found for rule in group["rules"]]
        return each if all(rule["health"] == "ok" for rule in each) else None
    assert len(wait_for(judged, "rules judged", 30)) == len(rules)


def test_prometheus_takes_its_files(stack):
    program = stack.engines / "prometheus/usr/bin/promtool"
    for told in (["config", "--syntax-only", FOLDER / "prometheus.yaml"],
                 ["rules", FOLDER / "alerts.yaml"], ["config", stack.folder / "prometheus.yaml"]):
        done = subprocess.run([program, "check", *told], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_finds_its_files(services):
    """Where the provisioning says the dashboard is, and the token."""
    mounted = {mount["target"]: mount for mount in services["grafana"]["volumes"]}
    sources = yaml.safe_load((FOLDER / "grafana/datasources.yaml").read_text())["datasources"]
    boards = yaml.safe_load((FOLDER / "grafana/dashboards.yaml").read_text())["providers"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in mounted and os.path.dirname(home) == boards[0]["options"]["path"]
    by_uid = {source["uid"]: source for source in sources}
    dashboard = Dashboard()
    for panel, target in dashboard.targets:
        assert by_uid[target["datasource"]["uid"]]["type"] == target["datasource"]["type"]
        assert panel["datasource"] == target["datasource"]
    assert by_uid["headcount"]["secureJsonData"]["bearerToken"] == "$__file{/run/headcount/grafana}"
    for source in sources:
        name, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()
        assert any(each["target"] == int(port) for each in services[name]["ports"])

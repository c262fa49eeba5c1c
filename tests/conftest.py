"""What the tests of the whole programs share."""
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time

import pytest

TESTS = pathlib.Path(__file__).parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "engines")]

import child_engine  # noqa: E402
import id_sets  # noqa: E402
import kafka  # noqa: E402
import oracle as oracle_module  # noqa: E402
import our_sketch  # noqa: E402
import postgres_engine  # noqa: E402
import programs as programs_module  # noqa: E402
import redis_engine  # noqa: E402
import redis_server  # noqa: E402
import topics as topics_module  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--build", default=str(TESTS.parent / "build"),
                     help="the build tree whose programs are tested")
    parser.addoption("--kafka", default=str(TESTS.parent / "build" / "kafka"),
                     help="where the jars of Kafka are kept")
    parser.addoption("--engines", default=str(TESTS.parent / "build" / "engines"),
                     help="where the engines are kept that sketches are exchanged with")
    parser.addoption("--npm", default=str(TESTS.parent / "build" / "npm"),
                     help="where npm's packages are kept")
    parser.addoption("--seed", type=int, default=1,
                     help="what ids and faults are drawn from; a test that fails tells it")
    parser.addoption("--sanitized", action="store_true",
                     help="the programs are slower and larger than they really are")


def pytest_configure(config):
    config.addinivalue_line("markers", "unsanitized: of the programs as they are shipped, or "
                            "with something loaded that a sanitizer wants to be before")


def pytest_collection_modifyitems(config, items):
    """What can't be with a sanitizer is no test there, rather than one that was skipped."""
    if config.getoption("--sanitized"):
        items[:] = [item for item in items if not item.get_closest_marker("unsanitized")]


@pytest.fixture(scope="session")
def build(request):
    return pathlib.Path(request.config.getoption("--build")).absolute()


@pytest.fixture(scope="session")
def sanitized(request):
    return request.config.getoption("--sanitized")


@pytest.fixture
def scratch():
    """A folder that is gone after the test."""
    folder = tempfile.mkdtemp(prefix="headcount-")
    yield pathlib.Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def programs(build, scratch):
    return programs_module.Programs(build / "bin", scratch)


@pytest.fixture(scope="session")
def redis():
    with redis_server.Redis() as server:
        yield server


@pytest.fixture
def oracle(redis):
    return oracle_module.Oracle(redis)


@pytest.fixture(scope="session")
def broker(request):
    """One node on free ports; groups may use short sessions."""
    folder = request.config.getoption("--kafka")
    with kafka.Broker(folder, {"group.min.session.timeout.ms": "500"}) as server:
        yield server


@pytest.fixture(scope="session")
def topics(broker):
    return topics_module.Topics(broker.bootstrap)


@pytest.fixture(scope="session")
def outage():
    @contextlib.contextmanager
    def away(server, seconds):
        """The broker dies and stays away that long, or as long as the body takes."""
        server.kill()
        try:
            back = time.monotonic() + seconds
            yield
            time.sleep(max(0.0, back - time.monotonic()))
        finally:
            server.start()
    return away


@pytest.fixture(scope="session")
def id_sets_of_run(request):
    return id_sets.IdSets(request.config.getoption("--seed"))


@pytest.fixture
def ids(id_sets_of_run):
    """Sets of ids; told where the test fails."""
    print(f"ids: --seed={id_sets_of_run.seed}")
    return id_sets_of_run


@pytest.fixture
def ours(build):
    with our_sketch.OurSketch(build / "bin") as driver:
        yield driver


@pytest.fixture(scope="session")
def engines(request):
    """Engines by name, each started when it is first asked for."""
    folder, started = request.config.getoption("--engines"), {}
    with contextlib.ExitStack() as running:
        def find(name):
            if name == "redis" and name not in started:
                started[name] = redis_engine.Engine(request.getfixturevalue("redis"))
            elif name not in started:
                kind = postgres_engine if name == "postgres" else child_engine
                words = (folder,) if name == "postgres" else (name, folder)
                started[name] = running.enter_context(kind.Engine(*words))
            return started[name]
        yield find

"""What the tests of the whole programs share."""
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time

import pytest

TESTS = pathlib.Path(__file__).parent
sys.path.insert(0, str(TESTS / "support"))

import kafka  # noqa: E402
import oracle as oracle_module  # noqa: E402
import programs as programs_module  # noqa: E402
import redis_server  # noqa: E402
import topics as topics_module  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--build", default=str(TESTS.parent / "build"),
                     help="the build tree whose programs are tested")
    parser.addoption("--kafka", default=str(TESTS.parent / "build" / "kafka"),
                     help="where the jars of Kafka are kept")
    parser.addoption("--sanitized", action="store_true",
                     help="the programs are slower and larger than they really are")


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

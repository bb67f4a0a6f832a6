"""Fixtures: one server for most tests, and servers of their own for those that break one."""

import pytest

from harness.checker import SpecChecker
from harness.push_services import PushServices
from harness.server import Server
from harness.specification import Specification


@pytest.fixture(scope="session")
def specification():
    """openapi.yaml as it stands in the project."""
    return Specification()


@pytest.fixture(scope="session")
def checker(specification):
    return SpecChecker(specification)


@pytest.fixture(scope="session")
def server(checker):
    """The server that tests share; each test brings users of its own. It must end with 0 when all is done."""
    shared = Server(checker)
    try:
        yield shared.start()
        shared.terminate()
    finally:
        shared.discard()


@pytest.fixture
def client(server):
    return server.client


@pytest.fixture
def own_server(checker):
    """Makes servers for one test alone, with settings of their own; what is still running at the end must end with 0."""
    made = []

    def make(**settings):
        made.append(Server(checker, settings))
        return made[-1].start()

    try:
        yield make
        for server in made:
            if server.process.poll() is None:
                server.terminate()
    finally:
        for server in made:
            server.discard()


@pytest.fixture
def alice(server):
    return server.user("Alice")


@pytest.fixture
def bob(server):
    return server.user("Bob")


@pytest.fixture
def carol(server):
    return server.user("Carol")


@pytest.fixture(scope="session")
def services():
    """The push services that tests share."""
    shared = PushServices()
    yield shared
    shared.stop()
    assert shared.faults == []


@pytest.fixture
def own_services():
    """Push services for one test alone, to be told to fail. Named before the servers that use them, so that these end first."""
    own = PushServices()
    yield own
    own.stop()
    assert own.faults == []


@pytest.fixture(scope="module")
def woken(checker, services):
    """A server that uses the push services, for the tests of one file."""
    server = Server(checker, services.settings())
    try:
        yield server.start()
        server.terminate()
    finally:
        server.discard()

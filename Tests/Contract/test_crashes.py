"""Crashes while messages flow: what was answered is delivered, what was acknowledged stays away."""

import os
import signal

import pytest

from harness.traffic import Traffic
from harness.waiting import eventually


@pytest.mark.timeout(300)
def test_a_server_that_is_killed_while_messages_flow_loses_nothing(own_server):
    server = own_server()
    with Traffic(server) as traffic:
        for _ in range(3):
            traffic.flows()
            server.kill()
            server.start()
        traffic.flows()
        ledger = traffic.finish()
    assert len(ledger.answered) >= 1200
    assert ledger.faults() == {}


@pytest.mark.timeout(300)
def test_a_database_that_is_killed_while_messages_flow_loses_nothing(own_server):
    server = own_server()
    with Traffic(server) as traffic:
        for _ in range(3):
            traffic.flows()
            killed = server.database.postmaster()
            os.kill(killed, signal.SIGKILL)
            eventually(lambda gone=killed: server.database.postmaster() not in (None, gone), 20, "the server starts its database again")
        traffic.flows()
        ledger = traffic.finish()
    assert len(ledger.answered) >= 1200
    assert ledger.faults() == {}


@pytest.mark.timeout(300)
def test_a_database_session_that_is_killed_while_messages_flow_loses_nothing(own_server):
    server = own_server()
    with Traffic(server) as traffic:
        for _ in range(3):
            traffic.flows()
            # One crashed session makes PostgreSQL end all of them and recover.
            os.kill(server.database.processes()[-1], signal.SIGKILL)
        traffic.flows()
        ledger = traffic.finish()
    assert ledger.faults() == {}


@pytest.mark.timeout(300)
def test_a_server_that_is_stopped_and_started_while_messages_flow_loses_nothing(own_server):
    server = own_server()
    with Traffic(server) as traffic:
        for _ in range(2):
            traffic.flows()
            server.terminate()
            server.start()
        traffic.flows()
        ledger = traffic.finish()
    assert ledger.faults() == {}


def test_a_message_that_was_answered_survives_both_crashing(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    kept, gone = alice.send(bob, "kept"), alice.send(bob, "gone")
    assert bob.acknowledge([gone]) == 1
    processes = server.database.processes()
    server.kill()
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    server.start()
    assert [item["messageId"] for item in bob.items("TEXT")] == [kept]

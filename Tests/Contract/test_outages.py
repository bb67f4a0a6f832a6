"""The database is away, or the server is told to end: everyone gets an answer in time."""

import concurrent.futures
import time

import httpx
import pytest

from harness.people import new_number, new_uuid
from harness.waiting import eventually


def timed(call):
    started = time.monotonic()
    return call(), time.monotonic() - started


def requests_of(alice, bob):
    """One request of every kind that needs the database, each a function."""
    client = alice.client
    return [
        lambda: alice.post("/v1/sendMessage", alice.message(bob)),
        lambda: bob.get("/v1/fetchMessages"),
        lambda: bob.post("/v1/acknowledge", {"messageIds": [new_uuid()]}),
        lambda: alice.get(f"/v1/getUser?userId={bob.user_id}"),
        lambda: alice.post("/v1/createGroup", {"name": "choir"}),
        lambda: client.post("/v1/sendOTP", json={"mobileNumber": new_number()}),
        lambda: client.get("/v1/getUser", "never-seen-before"),
        lambda: client.get("/readyz"),
    ]


def assert_unavailable_in_time(calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for answer, seconds in pool.map(timed, calls):
            assert answer.status == 503, answer
            # Who waits in line for one of the few database sessions may find the line too long.
            assert answer.json["code"] in ("unavailable", "overloaded"), answer
            assert answer.json["retryable"] is True
            assert int(answer.headers["retry-after"]) >= 1
            assert seconds <= 3, f"answered after {seconds:.1f} s: {answer}"


def assert_back(alice, bob, body):
    """The send works again within 5 s, and is one message."""
    eventually(lambda: alice.post("/v1/sendMessage", body).status in (200, 201), 5, "the service is back")
    eventually(lambda: alice.client.get("/readyz").status == 200, 5, "the server is ready again")


def test_while_the_database_hangs_requests_are_answered_and_polls_stay_held(own_server):
    server = own_server()
    alice, bob, carol = server.user(), server.user(), server.user()
    body = alice.message(bob, "through it all")
    with bob.hold(wait=55) as poll:
        assert poll.is_held()
        with server.database.frozen():
            assert_unavailable_in_time(requests_of(alice, carol))
            assert_unavailable_in_time([lambda: alice.post("/v1/sendMessage", body)])
            server.client.get("/healthz").expect(200)
            # Long enough for a poll to look again for what it may have missed.
            assert poll.is_held(16)
            assert_unavailable_in_time(requests_of(alice, carol))
        assert_back(alice, bob, body)
        inbox = poll.inbox(5)
    assert [item["content"] for item in inbox["messages"]] == ["through it all"]
    assert bob.texts() == ["through it all"]


def test_a_poll_that_could_not_acknowledge_does_not_say_that_it_did(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    message = alice.send(bob, "acknowledged in vain")
    # So that the server knows the session and gets as far as the inbox.
    assert bob.texts() == ["acknowledged in vain"]
    with server.database.frozen():
        # The wait is over long before the server gives up on its database.
        with bob.hold(wait=1, acknowledge=[message]) as poll:
            answer = poll.answer(4)
        assert answer.status == 503, answer
    eventually(lambda: bob.get("/v1/fetchMessages").status == 200, 5, "the service is back")
    # Nobody can know what came of it, so the client says it again.
    assert bob.acknowledge([message]) == (1 if "acknowledged in vain" in bob.texts() else 0)
    assert bob.texts() == []


def test_a_superseded_poll_that_could_not_acknowledge_does_not_say_that_it_did(own_server):
    house = own_server()
    server = own_server(RESTANTE_DATABASE_URL=house.database.conninfo())
    alice, bob = server.user(), server.user()
    message = alice.send(bob, "acknowledged in vain")
    assert bob.texts() == ["acknowledged in vain"]
    house.kill()
    eventually(lambda: not house.database.is_running(), 10, "the database is down")
    with bob.hold(wait=30, acknowledge=[message]) as first:
        assert first.is_held()
        with bob.hold(wait=30) as second:
            said_so = first.answer(4).status == 200
            second.answer(4).problem(503, "unavailable")
    house.start()
    eventually(lambda: bob.get("/v1/fetchMessages").status == 200, 5, "the service is back")
    assert not (said_so and bob.texts()), "the answer said that the message was acknowledged, and the message is still there"
    server.terminate()


def test_while_the_database_is_down_requests_are_answered_and_polls_stay_held(own_server):
    house = own_server()
    server = own_server(RESTANTE_DATABASE_URL=house.database.conninfo())
    alice, bob, carol = server.user(), server.user(), server.user()
    body = alice.message(bob, "through it all")
    with bob.hold(wait=55) as poll:
        assert poll.is_held()
        house.terminate()
        assert not house.database.is_running()
        assert_unavailable_in_time(requests_of(alice, carol))
        server.client.get("/healthz").expect(200)
        assert poll.is_held(3)
        house.start()
        assert_back(alice, bob, body)
        inbox = poll.inbox(5)
    assert [item["content"] for item in inbox["messages"]] == ["through it all"]
    # The one whose database it is ends last.
    server.terminate()


# What PostgreSQL says of each row for which it finds no room.
_FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION no_room();
"""


def test_where_the_disk_is_full_sends_are_refused_and_what_is_there_can_be_fetched(own_server):
    server = own_server()
    alice, bob, carol = server.user(), server.user(), server.user()
    old, new = [alice.send(bob, text) for text in ("old", "new")]
    assert bob.acknowledge([old]) == 1
    (receipt,) = alice.items("RECEIPT")
    body = alice.message(bob, "through it all")
    with carol.hold(wait=20) as poll:
        assert poll.is_held()
        server.database.query(_FULL)
        assert alice.post("/v1/sendMessage", body).problem(507, "out-of-space")["retryable"] is True
        assert bob.texts() == ["new"]
        # What owes nobody anything goes; what owes a receipt stays until there is room for it.
        assert alice.acknowledge([receipt["messageId"]]) == 1
        bob.post("/v1/acknowledge", {"messageIds": [new]}).problem(507, "out-of-space")
        bob.post("/v1/fetchMessages", {"acknowledge": [new]}).problem(507, "out-of-space")
        bob.post("/v1/fetchMessages", {"acknowledge": [old]}).expect(200)
        assert bob.texts() == ["new"]
        alice.post("/v1/heartbeat").expect(204)
        server.client.get("/readyz").expect(200)
        assert poll.is_held()
        server.database.query("DROP TRIGGER no_room ON inbox")
        alice.post("/v1/sendMessage", body).expect(201)
        assert bob.acknowledge([new]) == 1 and bob.texts() == ["through it all"]
        alice.send(carol, "at last")
        assert [item["content"] for item in poll.inbox(5)["messages"]] == ["at last"]


def test_sigterm_answers_every_held_poll_and_exits_with_0(own_server):
    server = own_server()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        users = list(pool.map(lambda _: server.user(), range(200)))
    polls = [user.hold(wait=55) for user in users]
    try:
        assert polls[-1].is_held(1)
        assert all(poll.is_held(0) for poll in polls)
        started = time.monotonic()
        server.process.terminate()
        for poll in polls:
            answer = poll.answer(max(0.1, 10 - (time.monotonic() - started)))
            assert answer.headers["connection"].lower() == "close"
            if answer.status == 200:
                assert answer.json["messages"] == []
            else:
                answer.problem(503, "draining")
        server.wait_for_exit(started)
    finally:
        for poll in polls:
            poll.hang_up()


@pytest.mark.timeout(300)
def test_sigterm_loses_none_of_the_sends_in_flight(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    answered = []

    def write():
        # Until the server takes no more: a refused or a broken connection, or 503.
        while True:
            try:
                answer = alice.post("/v1/sendMessage", alice.message(bob))
            except httpx.TransportError:
                return
            if answer.status != 201:
                answer.problem(503, "draining")
                return
            answered.append(answer.json["messageId"])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write) for _ in range(4)]
        eventually(lambda: len(answered) >= 50, 20, "sends are in flight")
        server.terminate()
        for task in writing:
            task.result(10)
    server.start()
    assert {item["messageId"] for item in bob.items("TEXT")} >= set(answered)

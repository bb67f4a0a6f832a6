"""Calls: who rings, who answers, and what each side is told."""

import concurrent.futures
import time

import pytest

from harness.calls import LATE, answer, end, events, seconds_from_now, signal, start, take
from harness.people import new_uuid
from harness.waiting import eventually


@pytest.fixture
def talking(alice, bob):
    """A call that Bob has answered; the inboxes are empty."""
    call = start(alice, bob)
    answer(bob, call).expect(200)
    for device in (alice, bob):
        device.empty_inbox()
    return call


# Ringing


def test_every_device_of_the_callee_rings(alice, bob):
    second, silent = bob.another(), alice.another()
    call = start(alice, bob, kind="video", offer="v=0 ü")
    assert call["iceServers"] == []
    assert 55 < seconds_from_now(call["expiresAt"]) <= 61
    for device in (bob, second):
        (item,) = device.items("CALL")
        assert (item["callId"], item["event"], item["kind"], item["offer"]) == (call["callId"], "ringing", "video", "v=0 ü")
        assert item["from"] == {"userId": alice.user_id, "deviceId": alice.device_id}
        assert item["expiresAt"] == call["expiresAt"]
    assert alice.items() == silent.items() == []
    end(alice, call).expect(200)


def test_a_ring_wakes_a_held_poll(alice, bob):
    with bob.hold() as poll:
        assert poll.is_held()
        call = start(alice, bob)
        assert [item["event"] for item in poll.inbox(2)["messages"]] == ["ringing"]
    end(alice, call).expect(200)


def test_the_first_answer_wins(alice, bob):
    second = bob.another()
    call = start(alice, bob)
    answered = answer(bob, call).expect(200)
    assert answered == {"callId": call["callId"], "iceServers": []}
    (told,) = take(alice)
    assert (told["event"], told["answer"], told["from"]) == ("answered", "an answer", {"userId": bob.user_id, "deviceId": bob.device_id})
    assert events(bob) == [], "its ring is over"
    (elsewhere,) = take(second)
    assert (elsewhere["event"], elsewhere["from"]["deviceId"]) == ("answered-elsewhere", bob.device_id)
    answer(second, call).problem(409, "call-over")
    answer(bob, call).expect(200)
    assert events(alice) == events(second) == [], "an answer that is repeated tells nobody anything"
    end(alice, call).expect(200)


def test_fifty_answers_at_once_have_one_winner(alice, bob):
    devices = [bob, *(bob.another() for _ in range(4))]
    call = start(alice, bob)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: (number % 5, answer(devices[number % 5], call).status), range(50)))
    winners = {device for device, status in answers if status == 200}
    assert len(winners) == 1
    assert all(status == (200 if device in winners else 409) for device, status in answers)
    (told,) = alice.items("CALL")
    assert told["from"]["deviceId"] == devices[winners.pop()].device_id
    assert sorted(sum((events(device) for device in devices), [])) == ["answered-elsewhere"] * 4
    end(alice, call).expect(200)


@pytest.mark.parametrize("turn", range(5))
def test_an_answer_and_the_end_at_once_agree(alice, bob, turn):
    call = start(alice, bob)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answering, ending = pool.submit(answer, bob, call), pool.submit(end, alice, call)
        ending.result().expect(200)
    if answering.result().status == 200:
        assert (events(alice), events(bob)) == (["answered"], ["ended"])
    else:
        answering.result().problem(409, "call-over")
        assert (events(alice), events(bob)) == ([], ["missed"])


def test_declining_tells_the_caller_and_stops_the_other_devices(alice, bob):
    second = bob.another()
    call = start(alice, bob)
    assert end(bob, call).expect(200) == {"callId": call["callId"], "duration": 0}
    (told,) = take(alice)
    assert (told["event"], told["reason"], told["from"]["deviceId"]) == ("ended", "declined", bob.device_id)
    assert events(bob) == []
    (stopped,) = take(second)
    assert (stopped["event"], stopped["reason"]) == ("ended", "declined")
    answer(second, call).problem(409, "call-over")


def test_a_reason_of_the_clients_own_is_passed_on(alice, bob):
    call = start(alice, bob)
    end(bob, call, reason="in a meeting").expect(200)
    assert [item["reason"] for item in alice.items("CALL")] == ["in a meeting"]


def test_who_gives_up_leaves_a_missed_call_that_waits(alice, bob):
    second = bob.another()
    call = start(alice, bob, kind="video")
    signal(alice, call).expect(202)
    assert end(alice, call).expect(200)["duration"] == 0
    for device in (bob, second):
        (item,) = device.items("CALL")
        assert (item["event"], item["kind"], item["callId"]) == ("missed", "video", call["callId"])
        assert item["from"] == {"userId": alice.user_id, "deviceId": alice.device_id}
        assert device.acknowledge([item["messageId"]]) == 1
    assert events(alice) == []


def test_nobody_answers_in_time(own_server):
    server = own_server(RESTANTE_LIMIT_CALL_RING_SECONDS="5")
    alice, bob = server.user("Alice"), server.user("Bob")
    call = start(alice, bob)
    assert 3 < seconds_from_now(call["expiresAt"]) < 6
    assert events(bob) == ["ringing"]
    with alice.hold() as poll:
        (told,) = poll.inbox(5 + LATE)["messages"]
    assert (told["event"], told["reason"], told["from"]) == ("ended", "unanswered", {"userId": bob.user_id})
    assert events(bob) == ["missed"], "the ring that is over is not served"
    answer(bob, call).problem(409, "call-over")
    assert end(alice, call).expect(200)["duration"] == 0


def test_a_ring_is_not_served_beyond_its_time_whatever_the_sweep_does(own_server):
    """The node that could sweep is away when the ring ends."""
    server = own_server(RESTANTE_LIMIT_CALL_RING_SECONDS="5")
    alice, bob = server.user("Alice"), server.user("Bob")
    start(alice, bob)
    server.kill()
    time.sleep(6)
    server.start()
    assert "ringing" not in events(bob)
    eventually(lambda: events(bob) == ["missed"], LATE, "the call is missed")
    assert events(alice) == ["ended"]


# Talking


def test_signals_go_to_the_one_device_at_the_other_side(alice, bob):
    second, other = bob.another(), alice.another()
    call = start(alice, bob)
    answer(bob, call).expect(200)
    for device in (alice, bob, second):
        device.empty_inbox()
    signal(alice, call, "from alice").expect(202)
    signal(bob, call, "from bob").expect(202)
    assert [(item["event"], item["signal"], item["from"]["deviceId"]) for item in bob.items()] == [("signal", "from alice", alice.device_id)]
    assert [(item["event"], item["signal"], item["from"]["deviceId"]) for item in alice.items()] == [("signal", "from bob", bob.device_id)]
    assert second.items() == other.items() == []
    signal(second, call).problem(409, "call-over")
    signal(other, call).problem(404, "not-found")
    end(alice, call).expect(200)


def test_signals_keep_their_order(alice, bob, talking):
    for number in range(20):
        signal(alice, talking, str(number)).expect(202)
    assert [item["signal"] for item in bob.items()] == [str(number) for number in range(20)]


def test_what_the_caller_signals_while_it_rings_reaches_whoever_answers(alice, bob):
    second = bob.another()
    call = start(alice, bob)
    signal(alice, call, "early").expect(202)
    assert events(bob) == events(second) == ["ringing", "signal"]
    answer(bob, call).expect(200)
    assert [item.get("signal") for item in bob.items()] == ["early"]
    assert events(second) == ["answered-elsewhere"]
    end(alice, call).expect(200)


@pytest.mark.parametrize("ending", ["caller", "callee"])
def test_hanging_up_tells_the_other_side(alice, bob, talking, ending):
    one, other = (alice, bob) if ending == "caller" else (bob, alice)
    time.sleep(1.1)
    first = end(one, talking, reason="done").expect(200)
    assert 1 <= first["duration"] <= 10
    (told,) = take(other)
    assert (told["event"], told["reason"], told["from"]["deviceId"]) == ("ended", "done", one.device_id)
    time.sleep(1)
    for device in (one, other, one):
        assert end(device, talking).expect(200) == first, "once more changes nothing"
    assert one.items() == other.items() == []
    signal(other, talking).problem(409, "call-over")


def test_the_callees_other_device_does_not_end_the_call(alice, bob):
    second = bob.another()
    call = start(alice, bob)
    answer(bob, call).expect(200)
    alice.empty_inbox()
    assert end(second, call).expect(200)["duration"] == 0
    assert alice.items() == []
    signal(alice, call).expect(202)
    end(bob, call).expect(200)


def test_removing_a_device_ends_its_call(alice, bob):
    second = bob.another()
    call = start(alice, bob)
    answer(second, call).expect(200)
    alice.empty_inbox()
    bob.post("/v1/removeDevice", {"deviceId": second.device_id}).expect(204)
    (told,) = eventually(lambda: alice.items("CALL"), LATE, "the caller is told")
    assert (told["event"], told["reason"]) == ("ended", "unreachable")


# One call at a time


def test_who_rings_or_talks_is_busy_to_others(alice, bob, carol):
    call = start(alice, bob)
    body = {"kind": "voice", "offer": "an offer"}
    for callee in (alice, bob):
        carol.post("/v1/startCall", body | {"to": callee.user_id}).problem(409, "busy")
    answer(bob, call).expect(200)
    for callee in (alice, bob):
        carol.post("/v1/startCall", body | {"to": callee.user_id}).problem(409, "busy")
    end(bob, call).expect(200)
    for callee in (alice, bob):
        end(carol, start(carol, callee)).expect(200)


def test_two_who_call_each_other_have_one_call(alice, bob):
    call = start(alice, bob)
    problem = bob.post("/v1/startCall", {"to": alice.user_id, "kind": "voice", "offer": "mine"}).problem(409, "call-in-progress")
    assert problem["callId"] == call["callId"]
    answer(bob, problem).expect(200)
    end(bob, call).expect(200)


def test_two_who_call_each_other_at_once_have_one_call(alice, bob):
    body = {"kind": "voice", "offer": "mine"}
    for _ in range(5):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            one = pool.submit(alice.post, "/v1/startCall", body | {"to": bob.user_id})
            other = pool.submit(bob.post, "/v1/startCall", body | {"to": alice.user_id})
            answers = sorted((one.result(), other.result()), key=lambda found: found.status)
        assert [found.status for found in answers] == [201, 409]
        assert answers[0].json["callId"] == answers[1].json["callId"]
        end(alice if one.result().status == 201 else bob, answers[0].json).expect(200)


def test_ringing_the_same_user_again_names_the_call(alice, bob, carol):
    call = start(alice, bob)
    for callee in (bob, carol):
        problem = alice.post("/v1/startCall", {"to": callee.user_id, "kind": "voice", "offer": "again"}).problem(409, "call-in-progress")
        assert problem["callId"] == call["callId"]
    end(alice, call).expect(200)
    end(alice, start(alice, bob)).expect(200)


# Who may


def test_a_call_does_not_exist_for_who_has_no_part_in_it(alice, bob, carol):
    call, other = start(alice, bob), alice.another()
    for device in (carol, other):
        answer(device, call).problem(404, "not-found")
        signal(device, call).problem(404, "not-found")
        end(device, call).problem(404, "not-found")
    answer(alice, call).problem(404, "not-found")
    end(alice, {"callId": new_uuid()}).problem(404, "not-found")
    assert events(bob) == ["ringing"]
    end(alice, call).expect(200)


def test_nobody_and_oneself_cannot_be_called(alice):
    body = {"kind": "voice", "offer": "an offer"}
    alice.post("/v1/startCall", body | {"to": new_uuid()}).problem(404, "not-found")
    problem = alice.post("/v1/startCall", body | {"to": alice.user_id}).problem(400, "invalid-request")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/to"]


def test_contents_have_up_to_16_KiB(alice, bob):
    fitting, too_long = "ü" * 8_192, "ü" * 8_192 + "."
    problem = alice.post("/v1/startCall", {"to": bob.user_id, "kind": "voice", "offer": too_long}).problem(400, "invalid-request")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/offer"]
    call = start(alice, bob, offer=fitting)
    signal(alice, call, too_long).problem(400, "invalid-request")
    answer(bob, call, answer=too_long).problem(400, "invalid-request")
    answer(bob, call, answer=fitting).expect(200)
    assert alice.items("CALL")[0]["answer"] == fitting
    end(alice, call).expect(200)


def test_a_blocked_caller_cannot_tell(alice, bob, carol):
    bob.post("/v1/blockUser", {"userId": alice.user_id}).expect(204)
    call = start(alice, bob)
    open_call = start(carol, bob)
    assert set(call) == set(open_call)
    signal(alice, call).expect(202)
    assert [item["callId"] for item in bob.items("CALL")] == [open_call["callId"]], "and Bob is not busy by it"
    answer(bob, call).problem(404, "not-found")
    again = alice.post("/v1/startCall", {"to": bob.user_id, "kind": "voice", "offer": "again"}).problem(409, "call-in-progress")
    assert again["callId"] == call["callId"]
    end(carol, open_call).expect(200)
    bob.post("/v1/startCall", {"to": alice.user_id, "kind": "voice", "offer": "mine"}).problem(409, "busy")
    assert end(alice, call).expect(200)["duration"] == 0
    assert [item["callId"] for item in bob.items("CALL")] == [open_call["callId"]], "no missed call is left"


def test_calls_are_limited(own_server):
    server = own_server(RESTANTE_RATE_LIMITS="on", RESTANTE_LIMIT_CALLS_PER_DAY="2", RESTANTE_LIMIT_CALL_SIGNALS_PER_DEVICE="3")
    alice, bob = server.user("Alice"), server.user("Bob")
    end(alice, start(alice, bob)).expect(200)
    call = start(alice, bob)
    for _ in range(3):
        signal(alice, call).expect(202)
    assert signal(alice, call).problem(429, "rate-limited")["scope"] == "callSignalsPerDevice"
    end(alice, call).expect(200)
    body = {"to": bob.user_id, "kind": "voice", "offer": "one more"}
    assert alice.post("/v1/startCall", body).problem(429, "rate-limited")["scope"] == "callsPerDay"

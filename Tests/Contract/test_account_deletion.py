"""deleteAccount: everything of the user is gone, for everybody, and nothing else is."""

import concurrent.futures
import contextlib
import time

import pytest

from harness.calls import answer, end, events, start
from harness.object_store import ObjectStore
from harness.people import Device, new_number, new_uuid, register, request_otp
from harness.waiting import eventually


def canary():
    return "canary" + new_uuid().replace("-", "")


def delete(device):
    answer = device.post("/v1/deleteAccount")
    answer.expect(204)
    assert answer.body == b""


def is_gone(device):
    answer = device.get("/v1/getUser")
    return answer.status == 401 and answer.json["code"] in ("session-revoked", "invalid-token")


def traces(server, words):
    """Those of these words that a dump of the database or a file beside it holds."""
    dump = server.database.dump()
    found = {word for word in words if word in dump or word.encode().hex() in dump}
    for path in server.data.glob("**/*"):
        if path.is_file() and not is_of_the_cluster(path):
            content = path.read_bytes()
            found |= {word for word in words if word.encode() in content}
    return found


def is_of_the_cluster(path):
    """Whether this is PostgreSQL's own: its write-ahead log and the space of deleted rows are another matter."""
    return any((parent / "PG_VERSION").exists() for parent in path.parents)


def contents(device):
    return [item["content"] for item in device.items("TEXT")]


# What is gone


@pytest.mark.timeout(120)
def test_no_trace_of_the_user_is_left(own_server):
    server = own_server()
    words = {name: canary() for name in ("name", "status", "device", "second", "push", "direct", "grouped", "received", "shared", "media")}
    client, number = server.client, new_number()
    device = {"name": words["device"], "type": "cli"}
    request = {"mobileNumber": number, "otp": request_otp(client, number), "name": words["name"], "profileStatus": words["status"], "device": device}
    alice = Device(client, number, client.post("/v1/register", json=request).expect(201))
    second = alice.another(words["second"])
    bob, carol, dora, erin = (server.user() for _ in range(4))
    bobs_second = bob.another()
    alice.post("/v1/updateUser", {"notificationTokens": [{"token": words["push"], "type": "FCM", "deviceInfo": words["push"]}]}).expect(200)
    # In direct chats with one and with several devices, in a group, and in one so large that the body is stored once.
    group = alice.create_group(bob, carol)["groupId"]
    crowd = [server.user() for _ in range(20)]
    large = alice.create_group(*crowd)["groupId"]
    alice.send(bob, words["direct"])
    alice.send(carol, words["direct"])
    alice.send_group(group, words["grouped"])
    alice.send_group(large, words["shared"] + "x" * 60_000)
    picture = client.call("POST", "/v1/uploadMedia", alice.token, content=words["media"].encode(), headers={"Content-Type": "image/png"})
    media = {"mediaId": picture.expect(201)["mediaId"]}
    alice.post("/v1/sendMessage", alice.message(bob, words["direct"], type="IMAGE", media=media)).expect(201)
    alice.post("/v1/updateUser", {"avatarMediaId": media["mediaId"]}).expect(200)
    # What she got herself, receipts either way, contacts, blocks and look-ups.
    for sender in (dora, erin):
        sender.send(alice, words["received"])
    alice.acknowledge([item["messageId"] for item in alice.items("TEXT") if item["from"]["userId"] == dora.user_id])
    alice.post("/v1/markRead", {"senderId": dora.user_id, "messageIds": [new_uuid()]}).expect(204)
    alice.post("/v1/lookupUsers", {"mobileNumbers": [bob.number]}).expect(200)
    bob.post("/v1/lookupUsers", {"mobileNumbers": [number]}).expect(200)
    alice.post("/v1/blockUser", {"userId": carol.user_id}).expect(204)
    dora.post("/v1/blockUser", {"userId": alice.user_id}).expect(204)
    client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)
    searched = {*words.values(), number, number.removeprefix("+")}
    assert traces(server, searched) == searched
    delete(alice)
    assert traces(server, searched) == set()
    for device in (bob, bobs_second, carol, dora, erin, *crowd):
        assert [item for item in device.items() if item["type"] != "GROUP"] == []
        # What the server told of the groups names her id, until it is acknowledged.
        device.empty_inbox()
    for device in (alice, second):
        assert is_gone(device)
    assert traces(server, {alice.user_id, alice.device_id, second.device_id}) == set()


def test_what_others_wrote_stays_theirs(alice, bob, carol):
    bobs_second = bob.another()
    group = bob.create_group(alice, carol)["groupId"]
    bob.send(alice, "my own words")
    bob.send(carol, "to somebody else")
    bob.send_group(group, "to all")
    delete(alice)
    assert contents(bobs_second) == ["my own words", "to somebody else", "to all"]
    assert contents(carol) == ["to somebody else", "to all"]


def test_who_was_deleted_is_unknown(alice, bob):
    bob.send(alice)
    delete(alice)
    bob.post("/v1/sendMessage", bob.message(alice)).problem(404, "unknown-recipient")
    bob.get(f"/v1/getUser?userId={alice.user_id}").problem(404, "not-found")
    bob.post("/v1/blockUser", {"userId": alice.user_id}).problem(404, "not-found")
    bob.post("/v1/createGroup", {"name": "x", "memberIds": [alice.user_id]}).problem(404, "not-found")
    bob.post("/v1/markRead", {"senderId": alice.user_id, "messageIds": [new_uuid()]}).problem(404, "not-found")
    assert bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200) == {"users": []}
    assert bob.get("/v1/listBlockedUsers").expect(200) == {"userIds": []}


def test_the_tokens_and_the_polls_of_all_devices_end(client, alice):
    second = alice.another()
    with alice.hold() as one, second.hold() as other:
        assert one.is_held() and other.is_held()
        delete(alice)
        for poll in (one, other):
            poll.answer(1).problem(401, "session-revoked")
    for device in (alice, second):
        assert is_gone(device)
        client.post("/v1/refreshToken", json={"refreshToken": device.refresh_token}).problem(401, "refresh-token-invalid")
        assert device.post("/v1/deleteAccount").json["code"] in ("session-revoked", "invalid-token")


def test_the_number_registers_anew_as_another_user(client, alice, bob):
    bob.post("/v1/updateUser", {"privacy": {"groups": "contacts"}}).expect(200)
    bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200)
    bob.send(alice, "to the one before")
    delete(alice)
    body = {"mobileNumber": alice.number, "otp": request_otp(client, alice.number), "device": {"name": "new", "type": "cli"}}
    client.post("/v1/login", json=body).problem(404, "not-registered")
    anew = register(client, number=alice.number)
    assert anew.user_id != alice.user_id
    assert anew.items() == []
    assert "name" not in anew.get("/v1/getUser").expect(200)
    assert anew.get("/v1/getAll").expect(200) == {"chats": [], "groups": []}
    # She was a contact of Bob's; this one is not.
    anew.post("/v1/createGroup", {"name": "x", "memberIds": [bob.user_id]}).problem(403, "may-not-add")


def test_an_OTP_that_is_out_dies_with_the_account(client, alice):
    otp = request_otp(client, alice.number)
    delete(alice)
    body = {"mobileNumber": alice.number, "otp": otp, "device": {"name": "new", "type": "cli"}}
    client.post("/v1/register", json=body).problem(403, "otp-expired")


# Groups


def test_the_groups_are_left_and_told(alice, bob, carol):
    group = alice.create_group(bob, carol)["groupId"]
    alone = alice.create_group()["groupId"]
    for device in (bob, carol):
        device.empty_inbox()
    delete(alice)
    members = bob.members(group)
    assert {user: member["isAdmin"] for user, member in members.items()} in (
        {bob.user_id: True, carol.user_id: False},
        {bob.user_id: False, carol.user_id: True},
    )
    (successor,) = [user for user, member in members.items() if member["isAdmin"]]
    for device in (bob, carol):
        told = [(item["change"], item["userId"]) for item in device.items("GROUP")]
        assert told == [("memberLeft", alice.user_id), ("adminChanged", successor)]
    (left,) = bob.get("/v1/fetchGroups").expect(200)["groups"]
    assert (left["groupId"], left["memberCount"]) == (group, 2)
    assert "createdBy" not in left
    bob.get(f"/v1/fetchGroupMembers?groupId={alone}").problem(404, "not-found")


# Calls


def test_the_other_side_of_a_call_hears_that_it_is_over(alice, bob):
    call = start(alice, bob)
    answer(bob, call).expect(200)
    alice.empty_inbox()
    delete(bob)
    (told,) = alice.items("CALL")
    assert (told["event"], told["reason"]) == ("ended", "unreachable")
    end(alice, call).problem(404, "not-found")


@pytest.mark.parametrize("is_callers", [True, False])
def test_a_ring_ends_with_the_account(alice, bob, is_callers):
    start(alice, bob)
    (going, staying) = (alice, bob) if is_callers else (bob, alice)
    staying.empty_inbox()
    with staying.hold() as poll:
        assert poll.is_held()
        delete(going)
        assert [item["event"] for item in poll.inbox(2)["messages"]] == ["missed" if is_callers else "ended"]


def test_a_ring_of_who_is_gone_is_not_served(alice, bob):
    start(alice, bob)
    assert events(bob) == ["ringing"]
    delete(alice)
    assert events(bob) == []


# Media


@pytest.fixture
def store():
    store = ObjectStore()
    yield store
    store.kill()


@pytest.mark.timeout(180)
def test_a_store_that_is_away_keeps_nothing_else_from_going(own_server, store):
    server = own_server(**store.settings)
    alice, bob = server.user(), server.user()
    alice.send(bob, "to be gone")
    picture = server.client.call("POST", "/v1/uploadMedia", alice.token, content=b"picture", headers={"Content-Type": "image/png"})
    media = {"mediaId": picture.expect(201)["mediaId"]}
    alice.post("/v1/sendMessage", alice.message(bob, "seen", type="IMAGE", media=media)).expect(201)
    store.kill()
    delete(alice)
    assert bob.items() == []
    server.client.call("GET", f"/v1/downloadMedia?mediaId={media['mediaId']}", bob.token).problem(404, "unknown-media")
    assert server.database.query("SELECT count(*) FROM account_removals") == [["0"]]


@pytest.mark.timeout(180)
def test_an_account_goes_in_portions(server, alice, bob):
    """Each of these would be too much for one statement, were it a hundred times as many."""
    server.database.query(
        f"""
        INSERT INTO media_blobs VALUES ('\\x00', 1);
        INSERT INTO media (media_id, uploader_id, sha256, size, content_type, is_ready)
        SELECT gen_random_uuid(), '{alice.user_id}', '\\x00', 1, 'image/png', true FROM generate_series(1, 50);
        INSERT INTO media_grants SELECT media_id, '{bob.user_id}' FROM media WHERE uploader_id = '{alice.user_id}';
        INSERT INTO number_lookups SELECT '{alice.user_id}', decode(md5(n::text), 'hex') FROM generate_series(1, 2500) n;
        CREATE FUNCTION note_portion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO portions SELECT TG_TABLE_NAME, count(*) FROM gone; RETURN NULL; END $$;
        CREATE TABLE portions (name text, count int);
        CREATE TRIGGER note_portion AFTER DELETE ON media REFERENCING OLD TABLE AS gone EXECUTE FUNCTION note_portion();
        CREATE TRIGGER note_portion AFTER DELETE ON number_lookups REFERENCING OLD TABLE AS gone EXECUTE FUNCTION note_portion();
        """
    )
    try:
        delete(alice)
        portions = server.database.query("SELECT name, count FROM portions WHERE count > 0 ORDER BY name, count DESC")
        assert portions == [["media", "20"], ["media", "20"], ["media", "10"], *(["number_lookups", str(count)] for count in (1000, 1000, 500))]
    finally:
        server.database.query(
            "DROP TRIGGER note_portion ON media; DROP TRIGGER note_portion ON number_lookups; DROP TABLE portions; DROP FUNCTION note_portion()"
        )


# Races and crashes


def attempt(device, call):
    """One call of a device whose account may go at any moment; its answer."""
    answer = call(device)
    assert answer.status in (200, 201, 202, 204, 401, 404), str(answer)
    if answer.status == 404:
        assert answer.json["code"] in ("unknown-recipient", "not-found")
    return answer


@pytest.fixture
def two_nodes(own_server):
    shared = {"RESTANTE_SERVER_SECRET": "the same on every node of the fleet", "RESTANTE_WAKE_BUS": "database"}
    first = own_server(**shared)
    second = own_server(RESTANTE_DATABASE_URL=first.database.conninfo(), **shared)
    yield first, second
    second.terminate()


@pytest.mark.timeout(180)
def test_what_is_sent_to_and_from_an_account_while_it_is_deleted_leaves_nothing(two_nodes):
    first, second = two_nodes
    word = canary()
    for _ in range(3):
        alice, bob = first.user(), first.user()
        tablet = alice.another()
        group = bob.create_group(alice)["groupId"]
        senders = [Device(node.client, alice.number, device.session) for node in (first, second) for device in (alice, tablet)]
        others = [Device(node.client, bob.number, bob.session) for node in (first, second)]

        def to_bob(device, bob=bob):
            return device.post("/v1/sendMessage", device.message(bob, word))

        def to_group(device, group=group):
            body = {"groupId": group, "type": "TEXT", "content": word, "clientMessageId": new_uuid()}
            return device.post("/v1/sendGroupMessage", body)

        def to_alice(device, alice=alice):
            return device.post("/v1/sendMessage", device.message(alice, "to who is going"))

        def until_gone(device, call):
            while attempt(device, call).status < 400:
                pass

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            running = [pool.submit(until_gone, device, call) for device in senders for call in (to_bob, to_group)]
            running += [pool.submit(until_gone, device, to_alice) for device in others]
            eventually(lambda bob=bob: word in contents(bob), 10, "messages flow")
            delete(alice)
            for future in running:
                future.result(60)
        # What was committed while the account went is cleared before the deletion is answered, whichever node wrote it.
        bob.empty_inbox()
        assert traces(first, {word, alice.user_id, alice.number}) == set()


def test_two_devices_delete_the_account_at_once(server, alice, bob):
    second = alice.another()
    alice.send(bob, canary())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda device: device.post("/v1/deleteAccount").status, (alice, second)))
    assert set(answers) <= {204, 401} and 204 in answers
    assert traces(server, {alice.user_id, alice.number}) == set()


def test_a_poll_that_another_node_holds_ends_with_the_account(two_nodes):
    first, second = two_nodes
    alice = first.user()
    other = alice.another()
    elsewhere = Device(second.client, alice.number, other.session)
    with elsewhere.hold(wait=30) as poll:
        assert poll.is_held()
        delete(alice)
        answer = poll.answer(1)
    assert (answer.status, answer.json["code"]) == (401, "session-revoked")
    assert is_gone(elsewhere)


@contextlib.contextmanager
def nobody_can_be_deleted(database):
    """Makes the deletion of a user's row fail, as a full disk would."""
    database.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;"
        "CREATE TRIGGER refuse BEFORE DELETE ON users EXECUTE FUNCTION refuse()"
    )
    yield
    database.query("DROP TRIGGER refuse ON users; DROP FUNCTION refuse()")


@pytest.mark.timeout(180)
def test_a_deletion_that_a_crash_interrupts_goes_on_after_the_restart(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    word = canary()
    alice.post("/v1/updateUser", {"name": word}).expect(200)
    alice.send(bob, word)
    with nobody_can_be_deleted(server.database):
        delete(alice)
        assert traces(server, {word}) == {word}
        # For everybody the account is gone already, and its number is free.
        assert is_gone(alice)
        assert bob.post("/v1/lookupUsers", {"mobileNumbers": [alice.number]}).expect(200) == {"users": []}
        anew = register(server.client, number=alice.number)
        server.kill()
        server.start()
    server.kill()
    server.start()
    eventually(lambda: traces(server, {word, alice.user_id}) == set(), 20, "the deletion is finished after the restart")
    assert anew.get("/v1/getUser").expect(200)["mobileNumber"] == alice.number
    assert bob.items() == []


@pytest.mark.timeout(180)
def test_a_full_inbox_goes_with_the_account_and_others_do_not_wait(server, alice, bob):
    server.database.query(
        "INSERT INTO inbox (device_id, message_id, channel_id, sender_id, receipt_due, item) "
        f"SELECT '{alice.device_id}', gen_random_uuid(), '{bob.user_id}', '{bob.user_id}', 1, '\"x\":1}}' FROM generate_series(1, 30000)"
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        deletion = pool.submit(delete, alice)
        sent = 0
        while not deletion.done():
            begin = time.monotonic()
            bob.send(bob)
            assert time.monotonic() - begin < 2
            sent += 1
        deletion.result()
    assert sent > 1
    assert server.database.query(f"SELECT count(*) FROM inbox WHERE device_id = '{alice.device_id}'") == [["0"]]

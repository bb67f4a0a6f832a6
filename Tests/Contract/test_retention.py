"""What nobody called for in 30 days is never served, whether it is swept already or not."""

LONG_AGO = "00000000-0000-7000-8000-000000000000"


def age(server, message_id, interval):
    """Makes a stored message as old as that by giving it an id of then; returns that id."""
    return server.database.query(
        f"""
        WITH moved AS (
            UPDATE inbox SET message_id = (left(first_id_of(now() - interval '{interval}')::text, 18) || right(message_id::text, 18))::uuid
            WHERE message_id = '{message_id}' RETURNING message_id)
        SELECT DISTINCT message_id FROM moved
        """
    )[0][0]


def test_what_is_past_thirty_days_is_not_served_and_what_is_not_is(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    age(server, alice.send(bob, "expired"), "30 days 10 minutes")
    waiting = age(server, alice.send(bob, "waiting"), "29 days 23 hours")
    alice.send(bob, "new")
    assert bob.texts() == ["waiting", "new"]
    assert bob.post("/v1/fetchMessages", {"wait": 0}).expect(200)["messages"][0]["messageId"] == waiting
    assert [item["content"] for item in bob.inbox(f"channelId={alice.user_id}")["messages"]] == ["waiting", "new"]
    assert [item["content"] for item in bob.inbox(f"after={LONG_AGO}")["messages"]] == ["waiting", "new"]
    assert [item["content"] for item in bob.inbox("fromTimestamp=2020-01-01T00:00:00.000Z")["messages"]] == ["waiting", "new"]


def test_a_poll_is_held_where_all_there_is_has_expired(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    age(server, alice.send(bob, "expired"), "31 days")
    with bob.hold() as poll:
        assert poll.is_held()
        alice.send(bob, "new")
        assert [item["content"] for item in poll.inbox(2)["messages"]] == ["new"]

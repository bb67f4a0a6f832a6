"""A hint that comes late: what a poll has fetched and acknowledged meanwhile does not come back by it.

The server commits a message and then tells the recipient's held poll. Here it is kept from telling, by a lock on what it looks up in between, for as
long as the recipient needs to find the message in the inbox, to acknowledge it and to poll again.
"""

import concurrent.futures
import contextlib

from harness.waiting import eventually

LOCK = "LOCK TABLE sent_messages IN ACCESS EXCLUSIVE MODE"


def sender_of_another_writer(server):
    """A user whose messages are not written by the thread that reads the recipient's inbox: that depends on the last bit of the id."""
    return eventually(lambda: next((user for user in [server.user()] if int(user.user_id[-1], 16) % 2), None), 20, "such a user registers")


def test_an_acknowledged_message_does_not_come_back_by_a_late_hint(own_server):
    server = own_server(RESTANTE_WRITERS="2")
    database = server.database
    alice, bob = sender_of_another_writer(server), server.user()
    known = alice.message(bob, "known")
    alice.post("/v1/sendMessage", known).expect(201)
    bob.empty_inbox()

    def waiting(count):
        return lambda: database.waiting_for("sent_messages") == count

    with concurrent.futures.ThreadPoolExecutor(3) as pool, contextlib.ExitStack() as second, contextlib.ExitStack() as third:
        with database.session(LOCK):
            eventually(lambda: database.holders_of("sent_messages") == 1, 2, "the table is locked")
            sends = [pool.submit(alice.post, "/v1/sendMessage", alice.message(bob, "first"))]
            eventually(waiting(1), 2, "a first batch waits for the table")
            # While it waits, the next batch gathers: a new message, and a repeated one that has to be looked up after the commit.
            sends += [pool.submit(alice.post, "/v1/sendMessage", body) for body in (alice.message(bob, "second"), known)]
            second.enter_context(database.session(LOCK))
            eventually(waiting(2), 2, "the next lock waits behind the first batch")
        eventually(lambda: bob.texts() == ["first"], 2, "the first batch is committed")
        eventually(waiting(1), 2, "the second batch waits")
        third.enter_context(database.session(LOCK))
        eventually(waiting(2), 2, "the last lock waits behind the second batch")
        second.close()
        items = eventually(
            lambda: [item for item in bob.items("TEXT") if item["content"] == "second"] and bob.items("TEXT"), 2, "the second batch is committed"
        )
        with bob.hold(acknowledge=[item["messageId"] for item in items]) as poll:
            assert poll.is_held()
            third.close()
            # What became of the repeated one is asked after the commit; where the lock holds that up for too long, it alone is told so.
            assert [send.result(5).status for send in sends[:2]] == [201, 201]
            assert sends[2].result(5).status in (200, 503)
            assert poll.is_held(), f"what was acknowledged came back: {poll.inbox(1)}"
    assert bob.texts() == []

"""Media in a bucket: what its failures do, and who may ask it. What all stores do stands in test_media.py."""

import concurrent.futures
import hashlib
import os
import socket

import pytest

from harness.object_store import ObjectStore
from harness.scripted_store import ScriptedStore
from harness.server import Server
from harness.waiting import eventually
from test_media import download, leftovers, upload, uploaded


@pytest.fixture
def store():
    store = ObjectStore()
    yield store
    store.kill()


@pytest.fixture(scope="module")
def scripted():
    store = ScriptedStore()
    yield store
    store.stop()


@pytest.fixture(scope="module")
def on_scripted(checker, scripted):
    """A server on the scripted store."""
    server = Server(checker, scripted.settings)
    try:
        yield server.start()
        server.terminate()
    finally:
        server.discard()


def test_what_fails_in_passing_is_sent_again_whole(scripted, on_scripted):
    scripted.bodies, scripted.answers = [], [(500, b""), (503, b"<Code>SlowDown</Code>")]
    content = os.urandom(300_000)
    uploaded(on_scripted.user(), content)
    assert scripted.bodies == [content] * 3


@pytest.mark.parametrize(
    ("answer", "status", "code", "tries"),
    [
        ((503, b""), 503, "unavailable", 3),
        ((507, b""), 507, "out-of-space", 1),
        ((403, b"<Code>QuotaExceeded</Code>"), 507, "out-of-space", 1),
        ((400, b"<Code>EntityTooLarge</Code>"), 503, "unavailable", 1),
    ],
    ids=str,
)
def test_what_the_store_does_not_take_is_not_kept(scripted, on_scripted, answer, status, code, tries):
    scripted.bodies, scripted.answers = [], [answer] * tries
    upload(on_scripted.user(), os.urandom(1000)).problem(status, code)
    assert len(scripted.bodies) == tries and scripted.answers == []
    assert on_scripted.database.query("SELECT count(*) FROM media WHERE NOT is_ready") == [["0"]]
    eventually(lambda: not leftovers(on_scripted), 5, "the temporary file is gone")


def test_a_blob_goes_up_signed_and_comes_down_in_pieces(own_server, store):
    server = own_server(**store.settings)
    alice = server.user()
    content = os.urandom(3_000_001)
    media = uploaded(alice, content)
    assert store.blobs() == {hashlib.sha256(content).hexdigest()}
    assert download(alice, media["mediaId"]).body == content
    answer = download(alice, media["mediaId"], Range="bytes=1048570-2097160")
    assert answer.status == 206 and answer.body == content[1048570:2097161]
    assert not (server.data / "media" / "blobs").exists()


def test_a_wrong_key_keeps_nothing(own_server, store):
    server = own_server(**(store.settings | {"RESTANTE_S3_SECRET_KEY": "another"}))
    alice = server.user()
    upload(alice, b"secret").problem(503, "unavailable")
    assert store.blobs() == set()
    assert "another" not in server.log()
    eventually(lambda: not leftovers(server), 5, "the temporary file is gone")


def test_a_store_that_dies_in_the_middle_of_an_upload(own_server, store):
    server = own_server(**store.settings)
    alice = server.user()
    uploaded(alice, b"before")
    content = os.urandom(8_000_000)
    store.stop_answering()
    before = store.connections()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(upload, alice, content)
        # The kept connection, or a new one, takes what the system's buffers hold; the rest waits.
        eventually(lambda: store.connections() >= max(before, 1) and leftovers(server), 10, "the upload is under way")
        eventually(lambda: sum(path.stat().st_size for path in leftovers(server)) == len(content), 10, "all of it has come")
        store.kill()
        refused = answer.result(60)
    refused.problem(503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    eventually(lambda: not leftovers(server), 5, "the temporary file is gone")
    store.start()
    restart_with(server, store)
    assert download(alice, uploaded(alice, content)["mediaId"]).body == content


def restart_with(server, store):
    """The store that was started anew has a key of its own."""
    server.terminate()
    server.settings |= store.settings
    server.start()


def test_a_store_that_dies_in_the_middle_of_a_download_breaks_it_off(own_server, store):
    server = own_server(**store.settings)
    alice = server.user()
    content = os.urandom(30_000_000)
    media_id = uploaded(alice, content)["mediaId"]
    head = f"GET /v1/downloadMedia?mediaId={media_id} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
    with socket.create_connection((server.client.host, server.client.port), 60) as connection:
        connection.sendall(head.encode())
        received = len(connection.recv(100_000))
        store.kill()
        while piece := connection.recv(1 << 20):
            received += len(piece)
    # The client sees that it is not whole: there are fewer bytes than Content-Length says.
    assert 0 < received < len(content)
    assert server.client.get("/healthz").status == 200
    # What is known without the store is still told.
    assert download(alice, media_id, "HEAD").status == 200


def test_a_download_from_a_store_that_is_down_is_refused_before_it_begins(own_server, store):
    server = own_server(**store.settings)
    alice = server.user()
    media_id = uploaded(alice)["mediaId"]
    store.kill()
    refused = download(alice, media_id)
    refused.problem(503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "settings",
    [
        {"RESTANTE_S3_SECRET_KEY": None},
        {"RESTANTE_S3_ACCESS_KEY": "a:b"},
        {"RESTANTE_MEDIA_STORE": "s3:http://s3.example/media"},
        {"RESTANTE_MEDIA_STORE": "s3:https://s3.example/"},
        {"RESTANTE_MEDIA_STORE": "s3:https://s3.example/media?zone=1"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(own_server, settings):
    fixed = {"RESTANTE_MEDIA_STORE": "s3:https://s3.example/media", "RESTANTE_S3_ACCESS_KEY": "key", "RESTANTE_S3_SECRET_KEY": "secret"}
    with pytest.raises(AssertionError, match="before it listened"):
        own_server(**(fixed | settings))

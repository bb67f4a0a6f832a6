"""Uploading and downloading media: digests, ranges, who may see it, limits, memory, and what is left when it is gone."""

import base64
import concurrent.futures
import hashlib
import os
import pathlib
import socket
import threading

import httpx
import pytest

from harness.object_store import ObjectStore
from harness.people import new_uuid
from harness.server import Server
from harness.waiting import eventually

PICTURE = b"\xff\xd8\xff not really a picture " * 5000


def upload(device, content=PICTURE, kind="image/jpeg", **headers):
    """The checked answer to an upload; an underscore in a header's name stands for a hyphen."""
    sent = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return device.client.call("POST", "/v1/uploadMedia", device.token, content=content, headers=sent)


def download(device, media_id, method="GET", **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return device.client.call(method, f"/v1/downloadMedia?mediaId={media_id}", device.token, headers=sent)


def uploaded(device, content=PICTURE, **more):
    return upload(device, content, **more).expect(201)


def repr_digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Directory:
    """Media as files; a store as the tests see it."""

    settings = {}

    def blobs(self, server):
        return {path.name for path in (server.data / "media" / "blobs").glob("*/*")}

    def lose(self, server, digest):
        (server.data / "media" / "blobs" / digest[:2] / digest).unlink()

    def kill(self):
        pass


@pytest.fixture(scope="module", params=[Directory, ObjectStore], ids=["directory", "s3"])
def store(request):
    """What is tried on the shared server holds for each of the stores."""
    store = request.param()
    yield store
    store.kill()


@pytest.fixture(scope="module")
def server(checker, store):
    shared = Server(checker, store.settings)
    shared.store = store
    try:
        yield shared.start()
        shared.terminate()
    finally:
        shared.discard()


@pytest.fixture
def own_server(own_server, store):
    """Servers for one test alone, on either store. The bucket is one for all, so these tests have contents of their own."""

    def make(**settings):
        server = own_server(**(store.settings | settings))
        server.store = store
        return server

    return make


def blobs(server):
    """The digests in the server's store."""
    return server.store.blobs(server)


def leftovers(server):
    return list((server.data / "media" / "incoming").iterdir())


def test_what_is_uploaded_is_downloaded_as_it_was(server, alice):
    media = uploaded(alice, Repr_Digest=repr_digest(PICTURE))
    assert media["size"] == len(PICTURE) and media["contentType"] == "image/jpeg"
    assert media["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    answer = download(alice, media["mediaId"])
    assert answer.status == 200 and answer.body == PICTURE
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["etag"] == f'"{media["sha256"]}"'
    assert answer.headers["repr-digest"] == repr_digest(PICTURE)
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert media["sha256"] in blobs(server)


def test_head_tells_all_but_the_bytes(alice):
    media = uploaded(alice)
    answer = download(alice, media["mediaId"], "HEAD", Range="bytes=0-9")
    assert answer.status == 200 and answer.headers["content-length"] == str(len(PICTURE))


def test_an_empty_file_and_one_of_any_type(alice):
    media = uploaded(alice, b"", kind="text/plain; charset=utf-8")
    answer = download(alice, media["mediaId"])
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "text/plain; charset=utf-8")
    download(alice, media["mediaId"], Range="bytes=0-").problem(416, "range-not-satisfiable")
    upload(alice, kind="no type").problem(415, "unsupported-media-type")
    upload(alice, kind="a/" + "b" * 300).problem(415, "unsupported-media-type")


def test_a_chunked_body_needs_no_length(alice):
    media = uploaded(alice, (PICTURE[start : start + 7001] for start in range(0, len(PICTURE), 7001)))
    assert media["sha256"] == hashlib.sha256(PICTURE).hexdigest()


def test_a_wrong_digest_stores_nothing(server, alice):
    content = os.urandom(200_000)
    upload(alice, content, Repr_Digest=repr_digest(b"other")).problem(422, "digest-mismatch")
    assert hashlib.sha256(content).hexdigest() not in blobs(server)
    eventually(lambda: not leftovers(server), 5, "the temporary file is gone")
    for malformed in ("sha-256=abc", "sha-256=:YWJj:", "nonsense", "sha-256=::"):
        upload(alice, content, Repr_Digest=malformed).problem(400, "invalid-request")
    uploaded(alice, content, Repr_Digest="md5=:1B2M2Y8AsgTpgAmy7PhCfg==:")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=100-", 100, 999), ("bytes=-5", 995, 999), ("bytes=990-5000", 990, 999), ("bytes=-5000", 0, 999)],
)
def test_a_range_is_served(alice, asked, first, last):
    content = os.urandom(1000)
    media = uploaded(alice, content)
    answer = download(alice, media["mediaId"], Range=asked)
    assert answer.status == 206 and answer.body == content[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"


def test_a_range_that_is_not_there_and_ranges_that_are_none(alice):
    content = os.urandom(1000)
    media_id = uploaded(alice, content)["mediaId"]
    for asked in ("bytes=1000-", "bytes=-0", "bytes=99999999999999999999-"):
        answer = download(alice, media_id, Range=asked)
        answer.problem(416, "range-not-satisfiable")
        assert answer.headers["content-range"] == "bytes */1000"
    for asked in ("bytes=5-1", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=", "bytes=-"):
        answer = download(alice, media_id, Range=asked)
        assert answer.status == 200 and answer.body == content


def test_conditions(alice):
    media = uploaded(alice)
    tag = f'"{media["sha256"]}"'
    for condition in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = download(alice, media["mediaId"], If_None_Match=condition)
        assert answer.status == 304 and answer.headers["etag"] == tag and not answer.body
    assert download(alice, media["mediaId"], If_None_Match='"other"').status == 200
    assert download(alice, media["mediaId"], Range="bytes=0-9", If_Range=tag).status == 206
    for other in ('"other"', f"W/{tag}", "Sat, 21 Nov 2026 12:00:00 GMT"):
        assert download(alice, media["mediaId"], Range="bytes=0-9", If_Range=other).body == PICTURE


def test_only_who_may_see_it_can_tell_that_it_is_there(server, alice, bob):
    media_id = uploaded(alice)["mediaId"]
    for headers in ({}, {"Range": "bytes=0-1"}, {"If_None_Match": "*"}):
        unknown = download(bob, media_id, **headers).problem(404, "unknown-media")
        never_was = download(bob, new_uuid(), **headers).problem(404, "unknown-media")
        assert unknown.keys() == never_was.keys() and unknown["detail"] == never_was["detail"]
    assert download(bob, media_id, "HEAD").status == 404
    server.client.get(f"/v1/downloadMedia?mediaId={media_id}").problem(401, "unauthenticated")
    download(bob, "nonsense").problem(400, "invalid-request")
    # The same content under another's name opens no door.
    uploaded(bob)
    download(bob, media_id).problem(404, "unknown-media")


def test_an_avatar_is_seen_by_everybody_until_it_is_unset(alice, bob):
    media_id = uploaded(alice)["mediaId"]
    bob.post("/v1/updateUser", {"avatarMediaId": media_id}).problem(404, "unknown-media")
    alice.post("/v1/updateUser", {"avatarMediaId": new_uuid()}).problem(404, "unknown-media")
    assert alice.post("/v1/updateUser", {"avatarMediaId": media_id}).expect(200)["avatarMediaId"] == media_id
    assert bob.get(f"/v1/getUser?userId={alice.user_id}").expect(200)["avatarMediaId"] == media_id
    assert download(bob, media_id).body == PICTURE
    assert alice.post("/v1/updateUser", {"name": "Alice"}).expect(200)["avatarMediaId"] == media_id
    assert "avatarMediaId" not in alice.post("/v1/updateUser", {"avatarMediaId": ""}).expect(200)
    download(bob, media_id).problem(404, "unknown-media")


def test_a_message_shows_its_media_to_whom_it_was_sent_and_to_nobody_else(alice, bob, carol):
    media_id = uploaded(alice)["mediaId"]
    bob.post("/v1/sendMessage", bob.message(carol, media={"mediaId": media_id})).problem(404, "unknown-media")
    alice.send(bob, media={"mediaId": media_id})
    assert download(bob, media_id).body == PICTURE
    download(carol, media_id).problem(404, "unknown-media")
    # Forwarding needs no second upload, and opens it to one more.
    bob.send(carol, media={"mediaId": media_id}, forwarded=True)
    assert download(carol, media_id).body == PICTURE
    bob.empty_inbox()
    assert download(bob, media_id).body == PICTURE


def test_a_group_message_shows_its_media_to_the_members_of_that_moment(server, alice, bob, carol):
    late = server.user("Late")
    group_id = alice.create_group(bob, carol)["groupId"]
    media_id = uploaded(alice)["mediaId"]
    alice.send_group(group_id, media={"mediaId": media_id})
    assert alice.group_call("removeMember", group_id, carol).status == 200
    assert alice.group_call("addMember", group_id, late).status == 200
    for member in (bob, carol):
        assert download(member, media_id).body == PICTURE
    download(late, media_id).problem(404, "unknown-media")


def test_media_stays_while_a_message_with_it_waits_and_a_day_longer(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    content = os.urandom(1000)
    media_id = uploaded(alice, content)["mediaId"]
    alice.send(bob, media={"mediaId": media_id})
    age = "UPDATE media SET wanted_at = now() - interval '25 hours', used_at = now() - interval '25 hours'"
    server.database.query(age)
    restart(server)
    eventually(lambda: server.database.query("SELECT wanted_at > now() - interval '1 minute' FROM media")[0][0] == "t", 10, "the sweep has seen the message")
    assert download(bob, media_id).body == content
    bob.empty_inbox()
    alice.empty_inbox()
    restart(server)
    assert download(bob, media_id).body == content
    server.database.query(age)
    restart(server)
    eventually(lambda: download(bob, media_id).status == 404, 10, "nothing refers to it any more")


def test_the_token_is_looked_at_before_the_body(server):
    head = "POST /v1/uploadMedia HTTP/1.1\r\nHost: h\r\nContent-Type: image/jpeg\r\nContent-Length: 50000000\r\n"
    for credentials in ("", "Authorization: Bearer nonsense\r\n"):
        server.client.raw_request((head + credentials + "\r\n").encode() + b"x" * 70_000, "POST", "/v1/uploadMedia").expect(401)


def test_a_download_whose_content_is_lost_is_refused_before_it_begins(own_server):
    server = own_server()
    alice = server.user()
    media = uploaded(alice, os.urandom(1000))
    server.store.lose(server, media["sha256"])
    download(alice, media["mediaId"]).problem(404, "unknown-media")


def start_upload(device, length, sent=b""):
    """A connection with an upload that has only begun."""
    connection = socket.create_connection((device.client.host, device.client.port))
    fields = f"Host: h\r\nContent-Type: a/b\r\nContent-Length: {length}\r\nAuthorization: Bearer {device.token}\r\n"
    connection.sendall(f"POST /v1/uploadMedia HTTP/1.1\r\n{fields}\r\n".encode() + sent)
    return connection


def test_a_hang_up_leaves_nothing(own_server):
    server = own_server()
    alice = server.user()
    before = blobs(server)
    connection = start_upload(alice, 10_000_000, os.urandom(1_000_000))
    eventually(lambda: any(path.stat().st_size > 500_000 for path in leftovers(server)), 10, "bytes arrive on disk")
    connection.close()
    eventually(lambda: not leftovers(server), 10, "the temporary file is gone")
    assert blobs(server) == before


def test_a_crash_leaves_nothing_after_the_next_start(own_server):
    server = own_server()
    alice = server.user()
    connection = start_upload(alice, 10_000_000, os.urandom(1_000_000))
    eventually(lambda: any(path.stat().st_size > 500_000 for path in leftovers(server)), 10, "bytes arrive on disk")
    server.kill()
    connection.close()
    assert leftovers(server)
    server.start()
    eventually(lambda: not leftovers(server), 10, "the temporary file is gone")
    content = os.urandom(1000)
    assert download(alice, uploaded(alice, content)["mediaId"]).body == content


def test_a_drain_ends_an_upload_that_does_not_end(own_server):
    server = own_server(RESTANTE_DRAIN_SECONDS="1")
    alice = server.user()
    connection = start_upload(alice, 10_000_000, os.urandom(500_000))
    eventually(lambda: leftovers(server), 10, "the upload is under way")
    server.terminate(within=10)
    connection.close()
    server.start()
    eventually(lambda: not leftovers(server), 10, "nothing is left of it")


def test_the_same_content_is_kept_once_and_goes_with_its_last_media(own_server):
    server = own_server()
    alice, bob = server.user(), server.user()
    content = os.urandom(1000)
    digest = hashlib.sha256(content).hexdigest()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda index: uploaded(alice if index % 2 else bob, content), range(16)))
    assert len({media["mediaId"] for media in made}) == 16 and digest in blobs(server)
    age = "UPDATE media SET wanted_at = now() - interval '25 hours', used_at = now() - interval '25 hours'"
    server.database.query(age + f" WHERE uploader_id = '{alice.user_id}'")
    restart(server)
    eventually(lambda: download(alice, made[1]["mediaId"]).status == 404, 10, "Alice's are gone")
    assert download(bob, made[0]["mediaId"]).body == content
    server.database.query(age)
    restart(server)
    eventually(lambda: digest not in blobs(server), 10, "the blob went with its last media")
    download(bob, made[0]["mediaId"]).problem(404, "unknown-media")
    assert download(bob, uploaded(bob, content)["mediaId"]).body == content


def restart(server):
    """A start sweeps at once."""
    server.terminate()
    server.start()


def test_an_avatar_stays_and_other_media_goes_after_thirty_days(own_server):
    server = own_server()
    alice = server.user()
    content = os.urandom(1000)
    avatar, other = uploaded(alice, content)["mediaId"], uploaded(alice, os.urandom(1000))["mediaId"]
    alice.post("/v1/updateUser", {"avatarMediaId": avatar}).expect(200)
    server.database.query("UPDATE media SET wanted_at = now() - interval '31 days', used_at = now() - interval '31 days'")
    restart(server)
    eventually(lambda: download(alice, other).status == 404, 10, "what is no avatar is gone")
    assert download(alice, avatar).body == content


def resident_bytes(server, field="VmRSS"):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field + ":"))


def test_memory_stays_bounded_while_100_mib_go_up_and_down(own_server):
    server = own_server()
    alice = server.user()
    uploaded(alice)
    before = resident_bytes(server)
    size = 100 << 20
    block = os.urandom(1 << 20)
    expected = hashlib.sha256(block * 100).hexdigest()
    sampled, done = [], threading.Event()

    def sample():
        while not done.wait(0.02):
            sampled.append(resident_bytes(server))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        headers = {"Authorization": f"Bearer {alice.token}"}
        base = f"http://{server.client.host}:{server.client.port}"
        with httpx.Client(base_url=base, timeout=120, trust_env=False, headers=headers) as http:
            sent = {"Content-Type": "video/mp4", "Content-Length": str(size)}
            media = http.post("/v1/uploadMedia", content=(block for _ in range(100)), headers=sent).json()
            assert media["sha256"] == expected and media["size"] == size
            received = hashlib.sha256()
            with http.stream("GET", f"/v1/downloadMedia?mediaId={media['mediaId']}") as answer:
                for piece in answer.iter_bytes(1 << 18):
                    received.update(piece)
            assert received.hexdigest() == expected
    finally:
        done.set()
        sampler.join()
    assert len(sampled) > 5
    assert max(sampled) - before < 32 << 20, f"{before} before, at most {max(sampled)} while {size} bytes went up and down"

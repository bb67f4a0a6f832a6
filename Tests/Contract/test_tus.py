"""Resumable uploads: the tus protocol, driven by a client that is not ours and by hand, through crashes and hang-ups."""

import base64
import concurrent.futures
import contextlib
import ctypes
import hashlib
import io
import os
import select
import socket

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed, TusCommunicationError

from harness.people import new_uuid
from harness.waiting import eventually

PATH = "/v1/media/tus"
OFFSET = "application/offset+octet-stream"


def call(device, method, path=PATH, content=None, version="1.0.0", **headers):
    """One checked request; an underscore in a header's name stands for a hyphen."""
    sent = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    if version:
        sent["Tus-Resumable"] = version
    answer = device.client.call(method, path, device.token, content=content, headers=sent)
    assert answer.status == 401 or answer.headers["tus-resumable"] == "1.0.0"
    return answer


def create(device, size, **headers):
    """A new upload's path."""
    answer = call(device, "POST", Upload_Length=size, **headers)
    assert answer.status == 201, answer
    return answer.headers["location"]


def patch(device, where, offset, content):
    return call(device, "PATCH", where, content, Upload_Offset=offset, Content_Type=OFFSET)


def offset_of(device, where):
    answer = call(device, "HEAD", where)
    assert answer.status == 200, answer
    return int(answer.headers["upload-offset"])


def download(device, media_id):
    return device.get(f"/v1/downloadMedia?mediaId={media_id}")


def tus_client(device):
    return TusClient(f"http://{device.client.host}:{device.client.port}{PATH}", headers={"Authorization": f"Bearer {device.token}"})


def incoming(server):
    return list((server.data / "media" / "incoming").iterdir())


def test_what_is_spoken(alice):
    answer = call(alice, "OPTIONS", version=None)
    assert answer.status == 204
    assert answer.headers["tus-version"] == "1.0.0" and answer.headers["tus-extension"] == "creation,expiration,termination"
    assert answer.headers["tus-max-size"] == str(100 << 20)


def test_pieces_become_media(server, alice, bob):
    content = os.urandom(300_000)
    where = create(alice, len(content), Upload_Metadata="filename eA==,filetype " + base64.b64encode(b"image/png").decode())
    head = call(alice, "HEAD", where)
    assert head.headers["upload-length"] == "300000" and head.headers["upload-metadata"].startswith("filename eA==")
    assert patch(alice, where, 0, content[:100_000]).headers["upload-offset"] == "100000"
    assert "restante-media-id" not in call(alice, "HEAD", where).headers
    assert patch(alice, where, 100_000, content[100_000:100_001]).status == 204
    done = patch(alice, where, 100_001, content[100_001:])
    assert done.status == 204 and done.headers["upload-offset"] == "300000"
    media_id = done.headers["restante-media-id"]
    assert call(alice, "HEAD", where).headers["restante-media-id"] == media_id
    # Asked again, the last piece is no mistake.
    assert patch(alice, where, 300_000, b"").headers["restante-media-id"] == media_id
    answer = download(alice, media_id)
    assert answer.body == content and answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    download(bob, media_id).problem(404, "unknown-media")
    eventually(lambda: not [path for path in incoming(server) if path.stem == where.rsplit("/", 1)[1]], 5, "its file is the blob")


def test_nothing_at_all_is_media_too(alice):
    media_id = call(alice, "POST", Upload_Length=0).headers["restante-media-id"]
    assert download(alice, media_id).body == b""


def test_bad_requests_change_nothing(alice, bob):
    where = create(alice, 1000)
    call(alice, "POST").problem(400, "invalid-request")
    for length in ("-1", "+1", "x", "9" * 19, "1.5"):
        call(alice, "POST", Upload_Length=length).problem(400, "invalid-request")
    call(alice, "POST", Upload_Length=1, Upload_Metadata="filetype %%%").problem(400, "invalid-request")
    call(alice, "POST", Upload_Length=1, Upload_Metadata="filetype eA==").problem(415, "unsupported-media-type")
    call(alice, "POST", Upload_Length=(100 << 20) + 1).problem(413, "too-large")
    call(alice, "PATCH", where, b"x", Content_Type=OFFSET).problem(400, "invalid-request")
    call(alice, "PATCH", where, b"x", Upload_Offset=0, Content_Type="text/plain").problem(415, "unsupported-media-type")
    patch(alice, where, 1, b"x").problem(409, "upload-offset-mismatch")
    patch(alice, where, 0, b"x" * 1001).problem(413, "too-large")
    patch(alice, where, 0, (b"x" * 400 for _ in range(3))).problem(413, "too-large")
    for version in (None, "0.2.2"):
        for method, path in (("POST", PATH), ("HEAD", where), ("PATCH", where), ("DELETE", where)):
            answer = call(alice, method, path, version=version, Upload_Length=1, Upload_Offset=0, Content_Type=OFFSET)
            assert answer.status == 412 and answer.headers["tus-version"] == "1.0.0"
    for method in ("HEAD", "PATCH", "DELETE"):
        for path in (where, f"{PATH}/{new_uuid()}", f"{PATH}/nonsense", f"{where}/more"):
            device = bob if path == where else alice
            assert call(device, method, path, Upload_Offset=0, Content_Type=OFFSET).status == 404
    for method, path in (("GET", PATH), ("PATCH", PATH), ("GET", where), ("POST", where), ("PUT", where), ("OPTIONS", where)):
        alice.client.call(method, path, alice.token).problem(405, "method-not-allowed")
    alice.client.call("PATCH", "/v1/getUser", alice.token).problem(405, "method-not-allowed")
    assert offset_of(alice, where) == 0
    assert patch(alice, where, 0, b"y" * 1000).status == 204


def test_an_upload_that_is_given_up_is_gone(server, alice):
    where = create(alice, 1000)
    patch(alice, where, 0, b"x" * 500)
    assert call(alice, "DELETE", where).status == 204
    assert call(alice, "HEAD", where).status == 404
    patch(alice, where, 500, b"x" * 500).problem(404, "not-found")
    assert not [path for path in incoming(server) if path.stem == where.rsplit("/", 1)[1]]


def test_a_hang_up_keeps_what_has_come(alice):
    where = create(alice, 1_000_000)
    content = os.urandom(1_000_000)
    connection = begin_patch(alice, where, 0, 1_000_000)
    connection.sendall(content[:400_000])
    connection.shutdown(socket.SHUT_WR)
    # It answers nothing, and ends.
    assert connection.recv(1) == b""
    connection.close()
    eventually(lambda: offset_of(alice, where) == 400_000, 5, "all that was sent is kept")
    media_id = patch(alice, where, 400_000, content[400_000:]).headers["restante-media-id"]
    assert download(alice, media_id).body == content


def begin_patch(device, where, offset, length):
    connection = socket.create_connection((device.client.host, device.client.port))
    fields = f"Host: h\r\nTus-Resumable: 1.0.0\r\nContent-Type: {OFFSET}\r\nAuthorization: Bearer {device.token}\r\n"
    fields += f"Upload-Offset: {offset}\r\nContent-Length: {length}\r\n"
    connection.sendall(f"PATCH {where} HTTP/1.1\r\n{fields}\r\n".encode())
    return connection


def test_one_request_at_a_time_is_at_an_upload(server, alice):
    where = create(alice, 1_000_000)
    connection = begin_patch(alice, where, 0, 1_000_000)
    connection.sendall(b"x" * 200_000)
    file = server.data / "media" / "incoming" / f"{where.rsplit('/', 1)[1]}.tus"
    eventually(lambda: file.exists() and file.stat().st_size > 0, 5, "the first one is at it")
    patch(alice, where, 0, b"y" * 1000).problem(423, "upload-locked")
    connection.close()
    eventually(lambda: offset_of(alice, where) == 200_000, 5, "the first one has let go")
    assert patch(alice, where, 200_000, b"y" * 1000).status == 204


def test_who_waits_for_an_upload_cuts_off_nothing_that_came_meanwhile(server, alice):
    content = os.urandom(300_000)
    where = create(alice, len(content))
    connection = begin_patch(alice, where, 0, len(content))
    connection.sendall(content[:200_000])
    file = server.data / "media" / "incoming" / f"{where.rsplit('/', 1)[1]}.tus"
    eventually(lambda: file.exists() and file.stat().st_size > 0, 5, "the first one is at it")
    with concurrent.futures.ThreadPoolExecutor(1) as pool, watching(file) as until_opened:
        # It knows of nothing that is on disk, and waits for the lock.
        second = pool.submit(patch, alice, where, 0, content)
        until_opened()
        connection.close()
        second.result(10).problem(409, "upload-offset-mismatch")
    assert offset_of(alice, where) == 200_000
    media_id = patch(alice, where, 200_000, content[200_000:]).headers["restante-media-id"]
    assert download(alice, media_id).body == content


@contextlib.contextmanager
def watching(path):
    """A function that waits until somebody opens the file."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    assert libc.inotify_add_watch(descriptor, os.fsencode(path), 0x20) >= 0, os.strerror(ctypes.get_errno())
    try:
        yield lambda: select.select([descriptor], [], [], 20)[0] or pytest.fail("nobody has opened it")
    finally:
        os.close(descriptor)


def test_tuspy_uploads_in_chunks(alice):
    content = os.urandom(3_000_000)
    uploader = tus_client(alice).uploader(file_stream=io.BytesIO(content), chunk_size=700_000, metadata={"filetype": "video/mp4"})
    uploader.upload()
    media_id = uploader.request.response_headers["restante-media-id"]
    answer = download(alice, media_id)
    assert answer.body == content and answer.headers["content-type"] == "video/mp4"


def test_tuspy_goes_on_after_the_server_was_killed_in_the_middle(own_server):
    server = own_server()
    alice = server.user()
    content = os.urandom(30_000_000)

    class KillingStream(io.BytesIO):
        """Kills the server when it has been read so far."""

        def read(self, size=-1):
            if self.tell() >= 24_000_000 and server.process.poll() is None:
                where = uploader.url.removeprefix(f"http://{alice.client.host}:{alice.client.port}")
                eventually(lambda: stored_offset(server, where) >= 16 << 20, 30, "two checkpoints are written")
                server.kill()
            return super().read(size)

    def stored_offset(server, where):
        return int(server.database.query(f"SELECT received_bytes FROM media_uploads WHERE upload_id = '{where.rsplit('/', 1)[1]}'")[0][0])

    uploader = tus_client(alice).uploader(file_stream=KillingStream(content), chunk_size=6_000_000)
    with pytest.raises((TusUploadFailed, TusCommunicationError)):
        uploader.upload()
    server.start()
    resumed = tus_client(alice).uploader(file_stream=io.BytesIO(content), url=uploader.url, chunk_size=6_000_000)
    assert 16 << 20 <= resumed.offset < len(content)
    resumed.upload()
    media_id = resumed.request.response_headers["restante-media-id"]
    assert hashlib.sha256(download(alice, media_id).body).digest() == hashlib.sha256(content).digest()


def test_a_request_that_is_cut_by_a_crash_costs_a_checkpoint_at_most(own_server):
    server = own_server()
    alice = server.user()
    content = os.urandom(20_000_000)
    where = create(alice, len(content))
    connection = begin_patch(alice, where, 0, len(content))
    connection.sendall(content[:18_000_000])
    eventually(lambda: offset_of(alice, where) >= 16 << 20, 20, "two checkpoints are written")
    server.kill()
    connection.close()
    server.start()
    offset = offset_of(alice, where)
    assert 16 << 20 <= offset <= 18_000_000
    media_id = patch(alice, where, offset, content[offset:]).headers["restante-media-id"]
    assert download(alice, media_id).body == content


def test_an_upload_that_was_whole_when_the_server_died_becomes_media(own_server):
    server = own_server()
    alice = server.user()
    content = os.urandom(100_000)
    where = create(alice, len(content))
    upload_id = where.rsplit("/", 1)[1]
    patch(alice, where, 0, content[:-1])
    # As a crash leaves it between the last byte and the media.
    file = server.data / "media" / "incoming" / f"{upload_id}.tus"
    with file.open("ab") as more:
        more.write(content[-1:])
    server.database.query(f"UPDATE media_uploads SET received_bytes = {len(content)} WHERE upload_id = '{upload_id}'")
    media_id = call(alice, "HEAD", where).headers["restante-media-id"]
    assert download(alice, media_id).body == content
    # And as it leaves it between the blob and the row's being ready.
    server.database.query(f"UPDATE media SET is_ready = false WHERE media_id = '{media_id}'")
    download(alice, media_id).problem(404, "unknown-media")
    assert call(alice, "HEAD", where).headers["restante-media-id"] == media_id
    assert download(alice, media_id).body == content


def test_an_upload_expires_after_a_day_and_its_file_goes(own_server):
    server = own_server()
    alice = server.user()
    where = create(alice, 1000)
    patch(alice, where, 0, b"x" * 500)
    server.terminate()
    server.start()
    assert offset_of(alice, where) == 500
    server.database.query("UPDATE media_uploads SET created_at = now() - interval '25 hours'")
    assert call(alice, "HEAD", where).status == 404
    server.terminate()
    server.start()
    eventually(lambda: not incoming(server), 10, "its file is gone")


def test_the_quota_counts_what_is_only_begun(own_server):
    server = own_server(RESTANTE_LIMIT_MEDIA_BYTES_PER_DAY="300000", RESTANTE_LIMIT_MEDIA_UPLOADS_PER_DAY="3", RESTANTE_RATE_LIMITS="on")
    alice, bob = server.user(), server.user()
    where = create(alice, 200_000)
    assert call(alice, "POST", Upload_Length=100_001).problem(429, "rate-limited")["scope"] == "mediaBytesPerDay"
    assert patch(alice, where, 0, os.urandom(200_000)).headers["restante-media-id"]
    create(alice, 100_000)
    assert call(alice, "POST", Upload_Length=1).status == 429
    for _ in range(3):
        create(bob, 1)
    assert call(bob, "POST", Upload_Length=1).problem(429, "rate-limited")["scope"] == "mediaUploadsPerDay"

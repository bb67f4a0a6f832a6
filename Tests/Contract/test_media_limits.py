"""How much media one user may move: sizes, quotas, transfers at once, and the room on the disk."""

import os
import socket

from harness.waiting import eventually
from test_media import download, leftovers, start_upload, upload, uploaded


def test_too_large_is_said_before_the_body_and_when_a_chunked_one_passes(own_server):
    server = own_server(RESTANTE_LIMIT_MEDIA_BYTES="100000")
    alice = server.user()
    head = f"POST /v1/uploadMedia HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 100001\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
    assert server.client.raw_request(head.encode(), "POST", "/v1/uploadMedia").problem(413, "too-large")["maxBytes"] == 100_000
    assert upload(alice, (b"x" * 10_000 for _ in range(11))).problem(413, "too-large")["maxBytes"] == 100_000
    assert uploaded(alice, b"x" * 100_000)["size"] == 100_000
    eventually(lambda: not leftovers(server), 5, "the temporary files are gone")


def test_no_room_is_said_before_the_body(own_server):
    server = own_server(RESTANTE_LIMIT_MEDIA_BYTES=str(2**50))
    alice = server.user()
    head = f"POST /v1/uploadMedia HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: {2**50}\r\nAuthorization: Bearer {alice.token}\r\n\r\n"
    server.client.raw_request(head.encode(), "POST", "/v1/uploadMedia").problem(507, "out-of-space")


def test_a_user_uploads_so_much_in_a_day_and_so_often_at_once(own_server):
    server = own_server(
        RESTANTE_LIMIT_MEDIA_BYTES_PER_DAY="300000", RESTANTE_LIMIT_MEDIA_UPLOADS_AT_ONCE="2", RESTANTE_RATE_LIMITS="on"
    )
    alice, bob = server.user(), server.user()
    uploaded(alice, os.urandom(200_000))
    refused = upload(alice, os.urandom(100_001)).problem(429, "rate-limited")
    assert refused["scope"] == "mediaBytesPerDay"
    # Without a length it is counted when it is there.
    upload(alice, (os.urandom(50_000) for _ in range(3))).problem(429, "rate-limited")
    uploaded(alice, os.urandom(100_000))
    uploaded(bob, os.urandom(100_000))
    opened = [start_upload(bob, 1000) for _ in range(2)]
    eventually(lambda: len(leftovers(server)) == 2, 5, "two uploads are under way")
    assert upload(bob, b"x").problem(429, "rate-limited")["scope"] == "mediaUploadsAtOnce"
    for connection in opened:
        connection.close()
    eventually(lambda: upload(bob, b"x").status == 201, 5, "the places are free again")


def test_the_smallest_uploads_are_no_way_around_the_quota(own_server):
    server = own_server(RESTANTE_LIMIT_MEDIA_BYTES_PER_DAY="300000", RESTANTE_LIMIT_MEDIA_UPLOADS_PER_DAY="6", RESTANTE_RATE_LIMITS="on")
    alice, bob = server.user(), server.user()
    for _ in range(4):
        uploaded(alice, b"x")
    assert upload(alice, b"x").problem(429, "rate-limited")["scope"] == "mediaBytesPerDay"
    assert upload(alice, b"x").status == 429
    assert upload(alice, b"x").problem(429, "rate-limited")["scope"] == "mediaUploadsPerDay"
    uploaded(bob, b"x")


def test_a_user_downloads_so_many_at_once(own_server):
    server = own_server(RESTANTE_LIMIT_MEDIA_DOWNLOADS_AT_ONCE="2")
    alice, bob = server.user(), server.user()
    # More than the system's buffers take, so that a download lasts while nobody reads it.
    media_id = uploaded(alice, os.urandom(1 << 20) * 30)["mediaId"]
    alice.send(bob, media={"mediaId": media_id})
    opened = [start_download(alice, media_id) for _ in range(2)]
    assert download(alice, media_id).problem(429, "rate-limited")["scope"] == "mediaDownloadsAtOnce"
    # What takes no memory takes no place.
    media = download(alice, media_id, "HEAD")
    assert media.status == 200
    assert download(alice, media_id, If_None_Match=media.headers["etag"]).status == 304
    assert download(bob, media_id, Range="bytes=0-9").status == 206
    opened.pop().close()
    eventually(lambda: download(alice, media_id, Range="bytes=0-9").status == 206, 2, "the place is free again")
    opened.append(start_download(alice, media_id))
    assert download(alice, media_id).status == 429
    for connection in opened:
        connection.close()
    eventually(lambda: download(alice, media_id).status == 200, 2, "the places are free again")


def start_download(device, media_id):
    """A connection with a download of which only the head is read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.connect((device.client.host, device.client.port))
    connection.sendall(f"GET /v1/downloadMedia?mediaId={media_id} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {device.token}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection

"""Nobody reaches what is another's: every operation, called by everybody who has no business with it.

One table says for each operation what a request about Alice's things is answered with, by who asks. An operation that stands in openapi.yaml
and not in the table fails a test, so a new one cannot be forgotten. No answer to somebody else may hold anything that is Alice's alone.
"""

import dataclasses
import functools

import pytest

from harness.calls import events, start
from harness.keys import identity, upload
from harness.people import new_number, new_uuid, request_otp

ROLES = ("nobody", "revoked", "stranger", "blocked", "former", "member", "owner")
# Who is no more of Alice's than anybody else, and who has no token that is good.
OUTSIDERS = ("stranger", "blocked", "former")
TOKENLESS = ("nobody", "revoked")


class World:
    """Alice with everything that she can have, and those who are not her."""

    def __init__(self, server):
        self.server, self.client = server, server.client
        self.secrets = []
        self.owner, self.member, self.former, self.blocked, self.stranger, self.friend = (server.user() for _ in range(6))
        self.revoked = self.owner.another()
        self.tablet = self.owner.another(self.secret())
        self.revoked.post("/v1/logout").expect(204)
        self.owner.post("/v1/updateUser", {"notificationTokens": [{"token": self.secret(), "type": "FCM"}]}).expect(200)
        self.secrets.append(self.owner.number)
        body = {"name": self.secret(), "profileStatus": self.secret(), "memberIds": [self.member.user_id, self.former.user_id]}
        self.group = self.owner.post("/v1/createGroup", body).expect(201)["groupId"]
        self.owner.group_call("removeMember", self.group, self.former).expect(200)
        self.message = self.friend.send(self.owner, self.secret())
        self.group_message = self.member.send_group(self.group, self.secret())
        self.owner.post("/v1/blockUser", {"userId": self.blocked.user_id}).expect(204)
        upload(self.owner, identity())
        picture = self.client.call("POST", "/v1/uploadMedia", self.owner.token, content=self.secret().encode(), headers={"Content-Type": "image/png"})
        self.media = picture.expect(201)["mediaId"]
        self.revision = self.owner.group(self.group)["revision"]

    def secret(self):
        """A word that only Alice's own devices, or her group, may be shown."""
        self.secrets.append("canary" + new_uuid().replace("-", ""))
        return self.secrets[-1]

    @functools.cached_property
    def call_to_owner(self):
        return start(self.friend, self.owner, offer=self.secret())["callId"]

    @functools.cached_property
    def call_by_owner(self):
        return start(self.owner, self.friend, offer=self.secret())["callId"]

    @functools.cached_property
    def upload(self):
        headers = TUS | {"Upload-Length": "10"}
        created = self.client.call("POST", "/v1/media/tus", self.owner.token, headers=headers)
        created.expect(201)
        return created.headers["location"]

    @functools.cached_property
    def invite(self):
        return self.owner.invite(self.group)

    def with_nobody_ringing(self):
        for ring in self.owner.items("CALL"):
            self.owner.post("/v1/endCall", {"callId": ring["callId"]}).expect(200)
        return self

    def text(self, **target):
        return target | {"type": "TEXT", "content": "hello", "clientMessageId": new_uuid()}


@dataclasses.dataclass(frozen=True)
class Row:
    """What an operation is asked for, and how each role is answered: a status, or a status with its problem code."""

    ask: object
    owner: object
    # The same for all who are not in the group and have not been blocked.
    others: object
    member: object = None
    blocked: object = None
    # What must hold after everybody else has tried, and before Alice does it herself.
    untouched: object = None

    def expected(self, role):
        answer = {"owner": self.owner, "member": self.member, "blocked": self.blocked}.get(role)
        return self.others if answer is None else answer


TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
NOT_FOUND = (404, "not-found")
NO_ADMIN = (403, "not-an-admin")


def of_group(operation, **more):
    """A request about Alice's group."""
    return lambda world: ("POST", f"/v1/{operation}", {"groupId": world.group} | {name: value(world) for name, value in more.items()})


def about_the_invite(operation):
    """The same, with an invite that is good."""
    return lambda world: world.invite and ("POST", f"/v1/{operation}", {"groupId": world.group})


def about_alice(operation):
    return lambda world: ("POST", f"/v1/{operation}", {"userId": world.owner.user_id})


def in_the_inbox(world):
    return world.message in [item["messageId"] for item in world.owner.items("TEXT")]


def group_as_it_was(world):
    return world.owner.group(world.group)["revision"] == world.revision


def invite_is_good(world):
    return world.server.user().join(world.invite).status == 200


def tablet_is_there(world):
    devices = world.owner.get("/v1/listDevices").expect(200)["devices"]
    return world.tablet.device_id in [device["deviceId"] for device in devices]


def still_blocked(world):
    return world.owner.get("/v1/listBlockedUsers").expect(200)["userIds"] == [world.blocked.user_id]


def not_marked(world):
    return [receipt for receipt in world.friend.items("RECEIPT") if receipt["status"] == "read"] == []


def only_rings(world):
    """Neither side of Alice's call has heard of anything but its beginning."""
    return events(world.owner) + events(world.friend) == ["ringing"]


def nothing_uploaded(world):
    return world.client.call("HEAD", world.upload, world.owner.token, headers=TUS).headers.get("upload-offset") == "0"


MATRIX = {
    "getUser": Row(lambda world: ("GET", f"/v1/getUser?userId={world.owner.user_id}", None), owner=200, others=200),
    "removeDevice": Row(lambda world: ("POST", "/v1/removeDevice", {"deviceId": world.tablet.device_id}), owner=204, others=NOT_FOUND, untouched=tablet_is_there),
    "lookupUsers": Row(lambda world: ("POST", "/v1/lookupUsers", {"mobileNumbers": [new_number()]}), owner=200, others=200),
    "blockUser": Row(about_alice("blockUser"), owner=(400, "invalid-request"), others=204),
    "unblockUser": Row(about_alice("unblockUser"), owner=(400, "invalid-request"), others=204, untouched=still_blocked),
    "sendMessage": Row(lambda world: ("POST", "/v1/sendMessage", world.text(to=world.owner.user_id)), owner=201, others=201),
    "sendGroupMessage": Row(
        lambda world: ("POST", "/v1/sendGroupMessage", world.text(groupId=world.group)), owner=201, member=201, others=NOT_FOUND
    ),
    "fetchMessages": Row(
        lambda world: ("GET", f"/v1/fetchMessages?channelId={world.friend.user_id}", None), owner=200, others=200, untouched=in_the_inbox
    ),
    "acknowledgeAndFetch": Row(
        lambda world: ("POST", "/v1/fetchMessages", {"acknowledge": [world.message]}), owner=200, others=200, untouched=in_the_inbox
    ),
    "acknowledge": Row(
        lambda world: ("POST", "/v1/acknowledge", {"messageIds": [world.message]}), owner=200, others=200, untouched=in_the_inbox
    ),
    "markRead": Row(
        lambda world: ("POST", "/v1/markRead", {"senderId": world.friend.user_id, "messageIds": [world.message]}), owner=204, others=NOT_FOUND, untouched=not_marked
    ),
    "createGroup": Row(
        lambda world: ("POST", "/v1/createGroup", {"name": "x", "memberIds": [world.owner.user_id]}),
        owner=201,
        others=201,
        blocked=(403, "may-not-add"),
    ),
    "updateGroup": Row(of_group("updateGroup", name=lambda _: "x"), owner=200, member=NO_ADMIN, others=NOT_FOUND, untouched=group_as_it_was),
    "addMember": Row(
        of_group("addMember", userId=lambda world: world.friend.user_id),
        owner=200, member=NO_ADMIN, others=NOT_FOUND, untouched=group_as_it_was,
    ),
    "removeMember": Row(
        of_group("removeMember", userId=lambda world: world.member.user_id),
        owner=200, member=NO_ADMIN, others=NOT_FOUND, untouched=group_as_it_was,
    ),
    "setAdmin": Row(
        of_group("setAdmin", userId=lambda world: world.member.user_id, isAdmin=lambda _: True),
        owner=200, member=NO_ADMIN, others=NOT_FOUND, untouched=group_as_it_was,
    ),
    "createInvite": Row(about_the_invite("createInvite"), owner=201, member=NO_ADMIN, others=NOT_FOUND, untouched=invite_is_good),
    "revokeInvite": Row(about_the_invite("revokeInvite"), owner=204, member=NO_ADMIN, others=NOT_FOUND, untouched=invite_is_good),
    # Who has the code may join; who has a guess may not.
    "joinGroup": Row(lambda world: ("POST", "/v1/joinGroup", {"inviteCode": world.invite[:-4] + "AAAA"}), owner=NOT_FOUND, others=NOT_FOUND),
    "leaveGroup": Row(of_group("leaveGroup"), owner=204, member=204, others=NOT_FOUND),
    "fetchGroupMembers": Row(
        lambda world: ("GET", f"/v1/fetchGroupMembers?groupId={world.group}", None), owner=200, member=200, others=NOT_FOUND
    ),
    "claimKeys": Row(about_alice("claimKeys"), owner=200, others=200),
    "startCall": Row(
        lambda world: ("POST", "/v1/startCall", {"to": world.with_nobody_ringing().owner.user_id, "kind": "voice", "offer": "x"}),
        owner=(400, "invalid-request"),
        others=201,
    ),
    "answerCall": Row(
        lambda world: ("POST", "/v1/answerCall", {"callId": world.call_to_owner, "answer": "x"}), owner=200, others=NOT_FOUND, untouched=only_rings
    ),
    "signalCall": Row(
        lambda world: ("POST", "/v1/signalCall", {"callId": world.call_by_owner, "signal": "x"}), owner=202, others=NOT_FOUND, untouched=only_rings
    ),
    "endCall": Row(lambda world: ("POST", "/v1/endCall", {"callId": world.call_by_owner}), owner=200, others=NOT_FOUND, untouched=only_rings),
    "getUploadOffset": Row(lambda world: ("HEAD", world.upload, None, TUS), owner=200, others=404),
    "resumeUpload": Row(lambda world: ("PATCH", world.upload, b"12345", TUS | PIECE), owner=204, others=NOT_FOUND, untouched=nothing_uploaded),
    "deleteUpload": Row(lambda world: ("DELETE", world.upload, None, TUS), owner=204, others=NOT_FOUND, untouched=nothing_uploaded),
    "downloadMedia": Row(
        lambda world: ("GET", f"/v1/downloadMedia?mediaId={world.media}", None), owner=200, others=(404, "unknown-media")
    ),
    "getLastSeen": Row(lambda world: ("GET", f"/v1/getLastSeen?userId={world.owner.user_id}", None), owner=200, others=200),
    "subscribe": Row(lambda world: ("POST", "/v1/subscribe", {"userIds": [world.owner.user_id]}), owner=204, others=204),
}

# What takes no id: it is about the caller alone.
OWN = {
    "logout": ("POST", "/v1/logout", 204),
    "refreshToken": None,
    "listDevices": ("GET", "/v1/listDevices", 200),
    "updateUser": ("POST", "/v1/updateUser", 200),
    "deleteAccount": ("POST", "/v1/deleteAccount", 204),
    "listBlockedUsers": ("GET", "/v1/listBlockedUsers", 200),
    "fetchGroups": ("GET", "/v1/fetchGroups", 200),
    "getAll": ("GET", "/v1/getAll", 200),
    "uploadMedia": None,
    "describeUploads": ("OPTIONS", "/v1/media/tus", 204),
    "createUpload": None,
    "uploadKeys": ("POST", "/v1/uploadKeys", 200),
    "countKeys": ("GET", "/v1/countKeys", 200),
    "heartbeat": ("POST", "/v1/heartbeat", 204),
}

# What anybody may ask, without a token.
PUBLIC = {
    "sendOTP", "register", "login", "refreshToken", "limits", "healthz", "readyz", "metrics", "getOpenapiYaml", "getOpenapiJson", "getProblem",
}  # fmt: skip


@pytest.fixture
def world(server):
    return World(server)


def call(world, role, method, path, body, headers=None):
    token = None if role == "nobody" else getattr(world, role).token
    if headers:
        return world.client.call(method, path, token, content=body, headers=headers)
    if method in ("GET", "OPTIONS"):
        return world.client.call(method, path, token)
    return world.client.post(path, token) if body is None else world.client.post(path, token, json=body)


def assert_shows_nothing(world, role, answer):
    text = answer.body.decode()
    shown = [secret for secret in world.secrets if secret in text]
    assert shown == [], f"{role} is shown what is Alice's alone: {answer}"


def assert_refused(role, answer):
    if answer.method == "HEAD":
        answer.expect(401)
    elif role == "nobody":
        answer.problem(401, "unauthenticated")
    else:
        answer.problem(401, "session-revoked")


def test_every_operation_stands_in_the_table(specification):
    documented = {operation["operationId"] for operation in specification.operations.values()}
    assert documented == MATRIX.keys() | OWN.keys() | PUBLIC


def test_what_names_something_of_another_is_no_row_of_its_own(specification):
    """An operation with an id among its members or parameters belongs into the matrix."""
    for operation in specification.operations.values():
        name = operation["operationId"]
        if name in MATRIX or name in PUBLIC:
            continue
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        members = set(specification.resolve(schema).get("properties", {}))
        members |= {specification.resolve(parameter)["name"] for parameter in operation.get("parameters", [])}
        # A key's id is the device's own; the page's `after` shows only what the page may hold; an avatar is media, which has its row.
        named = {member for member in members if member.lower().endswith(("id", "ids")) or member in ("to", "mobileNumbers")}
        assert named <= {"registrationId", "avatarMediaId"}, f"{name} takes {named}"


@pytest.mark.parametrize("operation", sorted(MATRIX))
def test_everybody_is_answered_as_the_table_says(world, operation):
    row = MATRIX[operation]
    for role in ROLES:
        request = row.ask(world)
        if role == "owner" and row.untouched:
            assert row.untouched(world), "what the others did has changed something of Alice's"
        answer = call(world, role, *request)
        if role in TOKENLESS:
            assert_refused(role, answer)
        else:
            expected = row.expected(role)
            status, code = expected if isinstance(expected, tuple) else (expected, None)
            assert (role, answer.status) == (role, status), str(answer)
            assert code is None or answer.json["code"] == code, f"{role}: {answer}"
        if role in TOKENLESS or role in OUTSIDERS:
            assert_shows_nothing(world, role, answer)


@pytest.mark.parametrize("operation", sorted(name for name, request in OWN.items() if request))
def test_what_takes_no_id_is_about_the_caller_alone(world, operation):
    method, path, status = OWN[operation]
    body = {} if method == "POST" else None
    for role in ("nobody", "revoked", *OUTSIDERS):
        answer = call(world, role, method, path, body)
        if role in TOKENLESS:
            assert_refused(role, answer)
        else:
            answer.expect(status)
        assert_shows_nothing(world, role, answer)
    assert call(world, "owner", method, path, body).status == status


def test_a_blocked_user_is_answered_like_a_stranger_but_for_what_privacy_could_refuse(world):
    """Status, code and members of every answer are the same; what differs could be a setting of Alice's."""
    differing = set()
    for operation, row in MATRIX.items():
        answers = []
        if operation.endswith("Call"):
            # Who is called is busy for the next one.
            world = World(world.server)
        for role in ("stranger", "blocked"):
            answer = call(world, role, *row.ask(world))
            answers.append((answer.status, sorted(answer.headers), sorted(answer.json) if answer.body else None, answer.body.count(b'"userId"')))
        if answers[0] != answers[1]:
            differing.add(operation)
    assert differing == {"createGroup", "getLastSeen"}


def test_an_operation_says_401_before_it_looks_at_anything(world, specification):
    for (method, template), operation in specification.operations.items():
        if operation["operationId"] in PUBLIC or method not in ("GET", "POST"):
            continue
        path = template + "?unknown=1" if method == "GET" else template
        world.client.call(method, path, **({} if method == "GET" else {"content": b"{"})).problem(401, "unauthenticated")
        world.client.call(method, path, world.revoked.token, **({} if method == "GET" else {"content": b"{"})).problem(401, "session-revoked")


def test_nobody_enters_with_the_number_of_another(world):
    """The OTP is bound to its number."""
    request_otp(world.client, world.owner.number)
    otp = request_otp(world.client, world.stranger.number)
    body = {"mobileNumber": world.owner.number, "otp": otp, "device": {"name": "mine now", "type": "cli"}}
    world.client.post("/v1/login", json=body).problem(403, "otp-incorrect")



"""People with telephones: they register by OTP, write, poll and acknowledge."""

import itertools
import os
import uuid

_numbers = itertools.count(int.from_bytes(os.urandom(3), "big") * 1000)


def new_number():
    """A mobile number that nobody in this run has used."""
    return f"+4917{next(_numbers) % 10**11:011d}"


def new_uuid():
    return str(uuid.uuid4())


def request_otp(client, number):
    """Has an OTP sent; the server under test answers with it."""
    return client.post("/v1/sendOTP", json={"mobileNumber": number}).expect(202)["otp"]


def wrong_otp(otp):
    """Six digits that are not the OTP."""
    return f"{(int(otp) + 1) % 10**6:06d}"


def register(client, number=None, name=None):
    """Registers a new user; returns their first device."""
    number = number or new_number()
    request = {"mobileNumber": number, "otp": request_otp(client, number), "device": {"name": "first", "type": "cli"}}
    if name is not None:
        request["name"] = name
    return Device(client, number, client.post("/v1/register", json=request).expect(201))


def log_in(client, number, name="another"):
    """Logs the user of that number in on one more device."""
    request = {"mobileNumber": number, "otp": request_otp(client, number), "device": {"name": name, "type": "desktop"}}
    return Device(client, number, client.post("/v1/login", json=request).expect(201))


class Device:
    """One device of one user, with its tokens."""

    def __init__(self, client, number, session):
        self.client, self.number = client, number
        self.adopt(session)

    def adopt(self, session):
        """Takes over the tokens of a Session."""
        self.session = session
        self.user_id, self.device_id = session["userId"], session["deviceId"]
        self.token, self.refresh_token = session["accessToken"], session["refreshToken"]

    def get(self, path):
        return self.client.get(path, self.token)

    def post(self, path, body=None):
        if body is None:
            return self.client.post(path, self.token)
        return self.client.post(path, self.token, json=body)

    def another(self, name="another"):
        """One more device of the same user."""
        return log_in(self.client, self.number, name)

    # Sending

    def message(self, to, content="hello", **members):
        """A TEXT for a device's user, ready to be sent; `to` may be a Device or a user id."""
        recipient = to.user_id if isinstance(to, Device) else to
        return {"to": recipient, "type": "TEXT", "content": content, "clientMessageId": new_uuid()} | members

    def send(self, to, content="hello", **members):
        """Sends a TEXT and returns its messageId."""
        return self.post("/v1/sendMessage", self.message(to, content, **members)).expect(201)["messageId"]

    def send_group(self, group_id, content="hello", **members):
        """Sends a TEXT to a group and returns its messageId."""
        body = {"groupId": group_id, "type": "TEXT", "content": content, "clientMessageId": new_uuid()} | members
        return self.post("/v1/sendGroupMessage", body).expect(201)["messageId"]

    def typing(self, to, kind="TYPING"):
        return self.post("/v1/sendMessage", {"to": to.user_id, "type": kind}).expect(202)

    # The inbox

    def inbox(self, query=""):
        """What fetchMessages answers; `query` without its question mark."""
        return self.get("/v1/fetchMessages" + (f"?{query}" if query else "")).expect(200)

    def items(self, kind=None):
        """Everything in the inbox (of one type), page by page."""
        found, query = [], "limit=500"
        while True:
            page = self.inbox(query)
            found += page["messages"]
            if not page["hasMore"]:
                return [item for item in found if kind is None or item["type"] == kind]
            query = f"limit=500&after={found[-1]['messageId']}"

    def texts(self):
        """The contents of the TEXT messages in the inbox, in order."""
        return [item["content"] for item in self.items("TEXT")]

    def hold(self, wait=30, acknowledge=None):
        return self.client.hold(self.token, wait, acknowledge)

    def acknowledge(self, ids):
        """Acknowledges, and returns how many were in the inbox."""
        return self.post("/v1/acknowledge", {"messageIds": list(ids)}).expect(200)["acknowledged"]

    def empty_inbox(self):
        """Fetches and acknowledges until nothing is left."""
        while items := self.inbox("limit=500")["messages"]:
            self.acknowledge(item["messageId"] for item in items)

    # Groups

    def create_group(self, *members, name="choir"):
        """Creates a group with the users of those devices and returns it."""
        body = {"name": name}
        if members:
            body["memberIds"] = [member.user_id for member in members]
        return self.post("/v1/createGroup", body).expect(201)

    def group_call(self, operation, group_id, member=None, **members):
        """An operation on a group, or on one of its members; returns the answer."""
        body = {"groupId": group_id} | members
        if member is not None:
            body["userId"] = member.user_id if isinstance(member, Device) else member
        return self.post(f"/v1/{operation}", body)

    def set_admin(self, group_id, member, is_admin=True):
        return self.group_call("setAdmin", group_id, member, isAdmin=is_admin)

    def invite(self, group_id):
        """Makes an invite and returns its code."""
        return self.group_call("createInvite", group_id).expect(201)["inviteCode"]

    def join(self, code):
        return self.post("/v1/joinGroup", {"inviteCode": code})

    def group(self, group_id):
        """The group as fetchGroups lists it, or None."""
        page = self.get("/v1/fetchGroups?limit=200").expect(200)
        assert not page["hasMore"], "more groups than one page holds"
        return next((group for group in page["groups"] if group["groupId"] == group_id), None)

    def group_changes(self, group_id):
        """(change, userId, by, revision) of each GROUP item of that group in the inbox, in order."""
        items = (item for item in self.items("GROUP") if item["groupId"] == group_id)
        return [(item["change"], item.get("userId"), item["by"], item["revision"]) for item in items]

    def members(self, group_id):
        """The members of a group as fetchGroupMembers lists them, by userId."""
        page = self.get(f"/v1/fetchGroupMembers?groupId={group_id}&limit=200").expect(200)
        assert not page["hasMore"], "more members than one page holds"
        return {member["userId"]: member for member in page["members"]}

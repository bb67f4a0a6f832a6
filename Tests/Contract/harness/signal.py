"""A client of the Signal protocol: X3DH and the Double Ratchet of published libraries, with the server as its only way to others.

It keeps private keys and sessions as an app would, and gives the server public keys and ciphertexts only.
"""

import asyncio
import base64
import json
import os

import doubleratchet
import doubleratchet.recommended.aead_aes_hmac
import doubleratchet.recommended.diffie_hellman_ratchet_curve25519
import doubleratchet.recommended.kdf_hkdf
import doubleratchet.recommended.kdf_separate_hmacs
import x3dh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from doubleratchet.kdf_chain import KDFChain

from harness.people import new_uuid

_SHA256 = doubleratchet.recommended.HashFunction.SHA_256


def _text(data):
    return base64.b64encode(data).decode()


def _bytes(text):
    return base64.b64decode(text, validate=True)


def _pack(members):
    """Members (bytes, numbers and absent ones) as the body of a ciphertext."""
    return _text(json.dumps({name: _text(value) if isinstance(value, bytes) else value for name, value in members.items()}).encode())


def _unpack(body):
    return {name: _bytes(value) if isinstance(value, str) else value for name, value in json.loads(_bytes(body)).items()}


class _KeyAgreement(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format, pub):
        return b"\x05" + pub


class _RootKDF(doubleratchet.recommended.kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return _SHA256

    @staticmethod
    def _get_info():
        return b"root chain"


class _MessageKDF(doubleratchet.recommended.kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function():
        return _SHA256


class _AEAD(doubleratchet.recommended.aead_aes_hmac.AEAD):
    @staticmethod
    def _get_hash_function():
        return _SHA256

    @staticmethod
    def _get_info():
        return b"message key"


class _DoubleRatchet(doubleratchet.DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        lengths = header.previous_sending_chain_length.to_bytes(4, "big") + header.sending_chain_length.to_bytes(4, "big")
        return associated_data + header.ratchet_pub + lengths


_RATCHET = {
    "diffie_hellman_ratchet_class": doubleratchet.recommended.diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": _RootKDF,
    "message_chain_kdf": _MessageKDF,
    "message_chain_constant": b"\x01\x02",
    "dos_protection_threshold": 100,
    "max_num_skipped_message_keys": 1000,
    "aead": _AEAD,
}


class _Session:
    """A session with one device. Every message of it says how it began, until the other side has answered."""

    def __init__(self, associated_data, agreement=None):
        self.associated_data, self.agreement = associated_data, agreement
        self.ratchet = None

    async def encrypt(self, plaintext, ratchet_pub=None):
        if self.ratchet is None:
            self.ratchet, message = await _DoubleRatchet.encrypt_initial_message(
                **_RATCHET,
                shared_secret=self.shared_secret,
                recipient_ratchet_pub=ratchet_pub,
                message=plaintext,
                associated_data=self.associated_data,
            )
        else:
            message = await self.ratchet.encrypt_message(plaintext, self.associated_data)
        members = message.header._asdict() | {"ciphertext": message.ciphertext}
        if self.agreement is not None:
            members["agreement"] = _pack({name: value for name, value in self.agreement._asdict().items() if value is not None}).encode()
        return {"type": "MESSAGE" if self.agreement is None else "PREKEY", "body": _pack(members)}


class SenderKey:
    """A chain of message keys that one device shares with a group, and what its messages are signed with."""

    def __init__(self, chain_key=None, public_key=None):
        self.signing_key = None
        if chain_key is None:
            self.signing_key = Ed25519PrivateKey.generate()
            chain_key, public_key = os.urandom(32), self.signing_key.public_key().public_bytes_raw()
        self.chain_key, self.public_key = chain_key, public_key
        self._chain = KDFChain.create(_MessageKDF, chain_key)

    @property
    def text(self):
        """What the members of the group must know, for the sessions with their devices."""
        return _pack({"chain_key": self.chain_key, "public_key": self.public_key})

    @classmethod
    def from_text(cls, text):
        return cls(**_unpack(text))

    def encrypt(self, plaintext):
        """The ciphertext member of a group message."""
        key = asyncio.run(self._chain.step(b"\x01\x02", 32))
        ciphertext = asyncio.run(_AEAD.encrypt(plaintext.encode(), key, self.public_key))
        return {"type": "SENDER_KEY", "body": _pack({"ciphertext": ciphertext, "signature": self.signing_key.sign(ciphertext)})}

    def decrypt(self, ciphertext):
        assert ciphertext["type"] == "SENDER_KEY"
        message = _unpack(ciphertext["body"])
        Ed25519PublicKey.from_public_bytes(self.public_key).verify(message["signature"], message["ciphertext"])
        key = asyncio.run(self._chain.step(b"\x01\x02", 32))
        return asyncio.run(_AEAD.decrypt(message["ciphertext"], key, self.public_key)).decode()


class SignalClient:
    """What an app keeps beside one device's session with the server: its keys, and its sessions with other devices."""

    def __init__(self, device, one_time_keys=10):
        self.device = device
        self.registration_id = int.from_bytes(os.urandom(2), "big") % 16380 + 1
        self.sessions, self.registrations = {}, {}
        self._keys = _KeyAgreement.create(x3dh.IdentityKeyFormat.CURVE_25519, x3dh.HashFunction.SHA_256, b"Restante")
        self._keys.generate_pre_keys(one_time_keys)
        bundle = self._keys.bundle
        self.counts = device.post(
            "/v1/uploadKeys",
            {
                "registrationId": self.registration_id,
                "identityKey": _text(bundle.identity_key),
                "signedPreKey": {"keyId": 1, "publicKey": _text(bundle.signed_pre_key), "signature": _text(bundle.signed_pre_key_sig)},
                "oneTimePreKeys": [{"keyId": key_id, "publicKey": _text(key)} for key_id, key in enumerate(bundle.pre_keys)],
            },
        ).expect(200)

    # Sessions

    def begin(self, bundle, plaintext):
        """Begins a session with the device of this bundle; the first ciphertext of it."""

        async def agree():
            one_time = bundle.get("oneTimePreKey")
            theirs = x3dh.Bundle(
                identity_key=_bytes(bundle["identityKey"]),
                signed_pre_key=_bytes(bundle["signedPreKey"]["publicKey"]),
                signed_pre_key_sig=_bytes(bundle["signedPreKey"]["signature"]),
                pre_keys=frozenset([_bytes(one_time["publicKey"])] if one_time else []),
            )
            secret, associated_data, header = await self._keys.get_shared_secret_active(theirs, require_pre_key=False)
            session = _Session(associated_data, header)
            session.shared_secret = secret
            return session, await session.encrypt(plaintext.encode(), theirs.signed_pre_key)

        session, ciphertext = asyncio.run(agree())
        self.sessions[bundle["deviceId"]], self.registrations[bundle["deviceId"]] = session, bundle["registrationId"]
        return self._addressed(bundle["deviceId"], ciphertext)

    def encrypt(self, device_id, plaintext):
        """One more ciphertext of a session that has begun."""
        return self._addressed(device_id, asyncio.run(self.sessions[device_id].encrypt(plaintext.encode())))

    def _addressed(self, device_id, ciphertext):
        return {"deviceId": device_id, "registrationId": self.registrations[device_id]} | ciphertext

    def decrypt(self, item):
        """The plaintext of an item of the inbox."""
        sender, ciphertext = item["from"]["deviceId"], item["ciphertext"]
        return asyncio.run(self._decrypt(sender, ciphertext["type"], _unpack(ciphertext["body"]))).decode()

    async def _decrypt(self, sender, kind, members):
        header = doubleratchet.Header(*(members[name] for name in doubleratchet.Header._fields))
        message = doubleratchet.EncryptedMessage(header, members["ciphertext"])
        if kind == "PREKEY" and sender not in self.sessions:
            agreement = x3dh.Header(**({"pre_key": None} | _unpack(members["agreement"].decode())))
            secret, associated_data, signed_pre_key = await self._keys.get_shared_secret_passive(agreement, require_pre_key=False)
            if agreement.pre_key is not None:
                assert self._keys.delete_pre_key(agreement.pre_key), "a one-time key serves one session"
            self.sessions[sender] = session = _Session(associated_data)
            session.ratchet, plaintext = await _DoubleRatchet.decrypt_initial_message(
                **_RATCHET, shared_secret=secret, own_ratchet_priv=signed_pre_key.priv, message=message, associated_data=associated_data
            )
            return plaintext
        session = self.sessions[sender]
        plaintext = await session.ratchet.decrypt_message(message, session.associated_data)
        session.agreement = None
        return plaintext

    # Sending

    def send(self, operation, target, plaintext, device_ids):
        """Sends to these devices, and learns from the server which are missing or are too many.

        Returns the messageId and the problems that were met on the way.
        """
        ciphertexts = {device_id: self.encrypt(device_id, plaintext) for device_id in device_ids}
        body, problems = target | {"type": "TEXT", "clientMessageId": new_uuid()}, []
        while True:
            answer = self.device.post(operation, body | {"ciphertexts": list(ciphertexts.values())})
            if answer.status == 201:
                return answer.json["messageId"], problems
            problems.append(answer.problem(409, "devices-changed"))
            assert len(problems) < 3, "the server says each time that something else is missing"
            for device_id in problems[-1]["extra"] + problems[-1]["stale"]:
                del ciphertexts[device_id], self.sessions[device_id]
            for bundle in problems[-1]["bundles"]:
                ciphertexts[bundle["deviceId"]] = self.begin(bundle, plaintext)

    def send_to(self, other, plaintext, device_ids=()):
        return self.send("/v1/sendMessage", {"to": other.device.user_id}, plaintext, device_ids)

    def plaintexts(self):
        """What waits in the inbox, decrypted, and acknowledged by that."""
        items = self.device.items("TEXT")
        found = [(item["from"]["deviceId"], item["direction"], self.decrypt(item)) for item in items]
        self.device.acknowledge(item["messageId"] for item in items)
        return found

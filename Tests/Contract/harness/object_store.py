"""An S3 store as a process: moto's server, which checks signatures."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import boto3
from botocore.config import Config

from harness.waiting import eventually

_POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
_BUCKET = "media"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ObjectStore:
    """One process with one empty bucket, in memory. What asks it must sign with its key."""

    def __init__(self):
        self.port = _free_port()
        self.process = None
        self.start()

    def start(self):
        """Starts it, empty, on its port."""
        # So many requests are not checked: they make the user, the right, the key and the bucket.
        environment = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": "4"}
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self._is_listening, 60, "the store listens")
        iam = self._client("iam", "any", "any")
        iam.create_user(UserName="restante")
        iam.put_user_policy(UserName="restante", PolicyName="s3", PolicyDocument=_POLICY)
        key = iam.create_access_key(UserName="restante")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        self._client("s3", "any", "any").create_bucket(Bucket=_BUCKET)
        self.s3 = self._client("s3", self.access_key, self.secret_key)

    @property
    def settings(self):
        """What makes a server keep its media here."""
        return {
            "RESTANTE_MEDIA_STORE": f"s3:http://127.0.0.1:{self.port}/{_BUCKET}",
            "RESTANTE_S3_ACCESS_KEY": self.access_key,
            "RESTANTE_S3_SECRET_KEY": self.secret_key,
        }

    def blobs(self, _server=None):
        """The digests in the bucket."""
        return {entry["Key"].removeprefix("blobs/") for entry in self.s3.list_objects_v2(Bucket=_BUCKET).get("Contents", [])}

    def lose(self, _server, digest):
        self.s3.delete_object(Bucket=_BUCKET, Key=f"blobs/{digest}")

    def stop_answering(self):
        """Connections are still made, and nothing more happens."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def connections(self):
        """How many connections to its port are established, as the system counts them."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        return sum(row[3] == "01" and row[2].endswith(f":{self.port:04X}") for row in rows)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def _client(self, service, access_key, secret_key):
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={}),
        )

    def _is_listening(self):
        assert self.process.poll() is None, "the store ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

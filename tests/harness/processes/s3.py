"""An S3 server for the tests: moto's, which keeps everything in its memory.

It is a process of its own, because moto changes S3's client in the process where it is loaded.
"""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from pydantic import SecretStr

from bot.processes.leash import leashed
from bot.storage.bucket import Bucket, Patience
from config.bucket import BucketAddress
from config.settings import ROOT
from tests.harness.processes.door import Door

KEY_ID, SECRET, REGION = "AKIDTESTS0000000001", "0c7f1be2-a-secret-for-the-tests", "cn-test-1"
# Every failure is seen at once, and the server asked again at once.
HASTY = Patience(answers=10.0, tries=1, waits=0.0, pause=0.0)

_PROGRAM = """
import logging
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
server._thread.join()
"""


@contextmanager
def s3_process() -> Iterator[int]:
    """Runs the server; yields its port."""
    command = leashed([sys.executable, "-c", _PROGRAM])
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as started:
        assert started.stdout is not None
        try:
            yield int(started.stdout.readline())
        finally:
            started.kill()


@cache
def _client(port: int) -> Any:
    session = boto3.session.Session(KEY_ID, SECRET, region_name=REGION)
    config = Config(s3={"addressing_style": "path"}, proxies={})
    return session.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=config)


class S3:
    """A new bucket of that server, behind a door; ``peek`` is a client that is not ours and goes past the door."""

    def __init__(self, port: int, door: Door) -> None:
        self.name, self.door = f"test-{secrets.token_hex(6)}", door
        self.peek = _client(port)
        self.peek.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.url = f"http://127.0.0.1:{door.port}/{self.name}?region={REGION}"

    @property
    def settings(self) -> dict[str, Any]:
        """What Settings.model_copy takes."""
        return {"s3_url": self.url, "s3_access_key_id": SecretStr(KEY_ID), "s3_secret_access_key": SecretStr(SECRET)}

    def bucket(self, patience: Patience = HASTY, name: str = "", page: int = 1_000) -> Bucket:
        server = f"http://127.0.0.1:{self.door.port}"
        return Bucket(BucketAddress(server, name or self.name, REGION, False, KEY_ID, SECRET), patience, page)

    def paths(self) -> list[str]:
        pages = self.peek.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def read(self, path: str) -> bytes:
        content: bytes = self.peek.get_object(Bucket=self.name, Key=path)["Body"].read()
        return content

    def write(self, path: str, content: bytes) -> None:
        self.peek.put_object(Bucket=self.name, Key=path, Body=content)

    def delete(self, path: str) -> None:
        self.peek.delete_object(Bucket=self.name, Key=path)

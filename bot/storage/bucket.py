"""Keep files in a bucket of an S3-compatible server, which all hosts reach.

What a server answers, and that it does not answer, becomes StorageTrouble with the error's name. One request costs its
thread a few seconds at most; after one that was not answered the server is left alone for a while, and only a few
threads ask at once, so that pages with photos never take all of a web process's threads from WeChat's deliveries.

Nothing is ever read by an address that the server signed: every photo goes through our own pages, which ask the
database whether it may be seen. No conditional write is used, which not all servers have: a path is random and its
content is written whole, so the last of two writes may win.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bot.registry.breaker import LocalBreaker
from bot.storage.interface import Listed, NoSuchFile, StorageTrouble, Stream
from config.bucket import BucketAddress

# A missing bucket is none of these: then nothing is said about the file.
_NO_FILE = "NoSuchKey"
_EMPTY = "InvalidRange"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to connect and between two pieces of an answer; ``tries`` of one request, ``at_once`` requests.

    ``waits``: seconds for a free place among these. ``pause``: seconds without a request after one that was not
    answered; ``trial``: seconds that one caller then has to try for all.
    """

    connects: float = 1.5
    answers: float = 4.0
    tries: int = 2
    at_once: int = 4
    waits: float = 1.0
    pause: float = 10.0
    trial: float = 20.0


class Server:
    """Asks the server of one bucket; safe to share between threads, and with children forked before the first call."""

    def __init__(self, at: BucketAddress, patience: Patience) -> None:
        self.at, self._patience = at, patience
        self._breaker = LocalBreaker("bucket", patience.pause, patience.trial)
        self._places = BoundedSemaphore(patience.at_once)
        self._making = Lock()

    @cached_property
    def _client(self) -> Any:
        ours = self._patience
        session = boto3.session.Session(self.at.key_id, self.at.secret, region_name=self.at.region)
        config = Config(
            signature_version="s3v4",
            connect_timeout=ours.connects,
            read_timeout=ours.answers,
            retries={"total_max_attempts": ours.tries, "mode": "standard"},
            max_pool_connections=ours.at_once,
            s3={"addressing_style": "virtual" if self.at.is_virtual else "path", "payload_signing_enabled": True},
            # The newer checksums are unknown to many compatible servers; the body's hash is signed all the same.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            proxies={},
        )
        return session.client("s3", endpoint_url=self.at.endpoint, config=config)

    @property
    def client(self) -> Any:
        with self._making:  # two at once would both load the description of all calls
            return self._client

    @contextmanager
    def asking(self, path: str = "") -> Iterator[Any]:
        """Lend the client for one request. Raises NoSuchFile with ``path``, or StorageTrouble."""
        if not self._places.acquire(timeout=self._patience.waits):
            raise StorageTrouble("busy")
        try:
            if not self._breaker.may_call():
                raise StorageTrouble("not_asked")
            with self.naming(path):
                yield self.client
        finally:
            self._places.release()

    @contextmanager
    def naming(self, path: str) -> Iterator[None]:
        """Raise the errors of S3's client as ours, and tell the breaker whether the server answers."""
        try:
            yield
        except ClientError as error:
            self._breaker.worked()
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == _NO_FILE:
                raise NoSuchFile(path) from None
            raise StorageTrouble(code) from None
        except (BotoCoreError, Boto3Error) as error:
            self._breaker.failed()
            raise StorageTrouble(type(error).__name__) from None
        self._breaker.worked()


class Bucket:
    """Implements bot.storage.interface.Storage. ``page``: how many files are listed at once."""

    def __init__(self, at: BucketAddress, patience: Patience | None = None, page: int = 1_000) -> None:
        self._server, self._size = Server(at, patience or Patience()), page
        self._folder = ""  # what each path begins with in the bucket

    def prepare(self) -> None:
        """Make the client, which takes half a second, before this process forks."""
        _ = self._server.client

    def below(self, folder: str) -> "Bucket":
        inner = copy(self)
        inner._folder = f"{self._folder}{folder}/"
        return inner

    def read(self, path: str, most: int = -1) -> bytes:
        part = {"Range": f"bytes=0-{most - 1}"} if most > 0 else {}
        try:
            with self._server.asking(path) as client, _closing(client.get_object(**self._named(path), **part)) as body:
                content: bytes = body.read()
                return content
        except StorageTrouble as error:
            if str(error) == _EMPTY:  # of an empty file there is no first byte
                return b""
            raise

    def stream(self, path: str) -> Stream:
        with self._server.asking(path) as client:
            answer = client.get_object(**self._named(path))
        body = answer["Body"]
        found = Listed(path, answer["ContentLength"], answer["LastModified"].timestamp())
        read: Callable[[int], bytes] = self._server.naming(path)(body.read)
        return Stream(found, read, body.close)

    def write(self, path: str, content: bytes) -> None:
        with self._server.asking(path) as client:
            client.put_object(**self._named(path), Body=content)

    def write_file(self, path: str, source: Path) -> None:
        with self._server.asking(path) as client:
            client.upload_file(str(source), *self._named(path).values(), Config=TransferConfig(use_threads=False))

    def delete(self, path: str) -> None:
        try:
            with self._server.asking(path) as client:
                client.delete_object(**self._named(path))
        except NoSuchFile:  # S3 says nothing of it, some compatible servers do
            return

    def has(self, path: str) -> bool:
        return any(each.path == path for each in self._page(path, 1)[0])

    def files(self, prefix: str = "") -> Iterator[Listed]:
        page, after = self._page(prefix, self._size)
        yield from page
        while after:
            page, after = self._page(prefix, self._size, after)
            yield from page

    def _page(self, prefix: str, most: int, after: str = "") -> tuple[list[Listed], str]:
        """Return one page of the files, and the server's word for where the next begins; "" after the last."""
        wanted = {"Prefix": self._folder + prefix, "MaxKeys": most} | ({"ContinuationToken": after} if after else {})
        with self._server.asking() as client:
            answer = client.list_objects_v2(Bucket=self._server.at.name, **wanted)
        cut = len(self._folder)
        found = [
            Listed(each["Key"][cut:], each["Size"], each["LastModified"].timestamp())
            for each in answer.get("Contents", ())
        ]
        return found, answer.get("NextContinuationToken", "")

    def _named(self, path: str) -> dict[str, str]:
        return {"Bucket": self._server.at.name, "Key": self._folder + path}


@contextmanager
def _closing(answer: dict[str, Any]) -> Iterator[Any]:
    try:
        yield answer["Body"]
    finally:
        answer["Body"].close()

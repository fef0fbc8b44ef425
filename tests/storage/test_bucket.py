"""A bucket's server may be away, slow, busy or wrong: one clear error says so, and no thread waits for it for long."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.storage.bucket import Bucket, Patience
from bot.storage.interface import NoSuchFile, StorageTrouble
from tests.harness.processes.door import Way
from tests.harness.processes.s3 import HASTY, KEY_ID, S3, SECRET
from tests.harness.processes.workers import until

CALLS: dict[str, Callable[[Bucket], Any]] = {
    "read": lambda bucket: bucket.read("001/a.jpg"),
    "stream": lambda bucket: bucket.stream("001/a.jpg"),
    "write": lambda bucket: bucket.write("001/a.jpg", b"new"),
    "write_file": lambda bucket: bucket.write_file("001/a.jpg", Path(__file__)),
    "delete": lambda bucket: bucket.delete("001/a.jpg"),
    "has": lambda bucket: bucket.has("001/a.jpg"),
    "files": lambda bucket: list(bucket.files()),
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "away": ({"way": Way.CLOSED}, "ConnectionClosedError"),
    "silent": ({"way": Way.SILENT}, "ReadTimeoutError"),
    "busy": ({"way": Way.REFUSING, "code": "SlowDown"}, "SlowDown"),
    "no right": ({"way": Way.REFUSING, "code": "AccessDenied", "status": 403}, "AccessDenied"),
    "a wrong key": ({"way": Way.REFUSING, "code": "SignatureDoesNotMatch", "status": 403}, "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_failure_is_one_error_that_names_no_key_and_no_address(s3: S3, fault: str) -> None:
    s3.write("001/a.jpg", b"old")
    given, name = FAULTS[fault]
    bucket = s3.bucket(replace(HASTY, answers=0.2 if fault == "silent" else HASTY.answers))
    s3.door.set(**given)
    for call, ask in CALLS.items():
        with capture_logs() as logs, pytest.raises(StorageTrouble) as raised:
            ask(bucket)
        error = raised.value
        assert name in str(error) or (call, str(error)) == ("write_file", "S3UploadFailedError")
        told = f"{error!r} {error.__cause__} {logs}"
        assert error.__suppress_context__
        assert not [each for each in (KEY_ID, SECRET, s3.name, "127.0.0.1", str(s3.door.port)) if each in told]
    assert s3.read("001/a.jpg") == b"old"


def test_what_failed_goes_once_the_server_is_back(s3: S3) -> None:
    bucket = s3.bucket()
    s3.door.set(Way.CLOSED)
    with pytest.raises(StorageTrouble):
        bucket.write("001/a.jpg", b"new")
    s3.door.set(Way.OPEN)
    for ask in CALLS.values():
        with suppress(NoSuchFile):
            ask(bucket)
    assert s3.paths() == []


def test_a_bucket_that_is_not_there_says_nothing_of_its_files(s3: S3) -> None:
    bucket = s3.bucket(name="another-bucket")
    for call in CALLS.values():
        with pytest.raises(StorageTrouble):
            call(bucket)


def test_half_an_upload_is_no_file_and_leaves_the_one_before(s3: S3) -> None:
    bucket = s3.bucket()
    bucket.write("001/a.jpg", b"whole")
    for path in ("001/a.jpg", "001/b.jpg"):
        s3.door.set(Way.HALF, most=40_000)
        with pytest.raises(StorageTrouble):
            bucket.write(path, bytes(200_000))
    s3.door.set(Way.OPEN)
    assert bucket.read("001/a.jpg") == b"whole"
    with pytest.raises(NoSuchFile):
        bucket.read("001/b.jpg")


def test_half_an_answer_is_no_file(s3: S3) -> None:
    bucket = s3.bucket()
    bucket.write("001/a.jpg", bytes(200_000))
    s3.door.set(Way.CUT, most=40_000)
    with pytest.raises(StorageTrouble):
        bucket.read("001/a.jpg")
    stream = bucket.stream("001/a.jpg")
    with pytest.raises(StorageTrouble):
        list(stream)
    stream.close()


def test_a_server_that_is_busy_for_a_moment_is_asked_once_more(s3: S3) -> None:
    bucket = s3.bucket(Patience(answers=5.0))
    for given in ({"way": Way.REFUSING, "code": "SlowDown"}, {"way": Way.CLOSED}):
        s3.door.set(**given, times=1)
        bucket.write("001/a.jpg", str(given).encode())
        assert bucket.read("001/a.jpg") == str(given).encode()


def test_a_server_that_does_not_answer_is_left_alone_for_a_while(s3: S3) -> None:
    bucket = s3.bucket(Patience(answers=0.3, tries=1, pause=600.0))
    s3.door.set(Way.SILENT)
    with capture_logs() as logs, pytest.raises(StorageTrouble, match="ReadTimeoutError"):
        bucket.read("001/a.jpg")
    assert [line["breaker"] for line in logs] == ["bucket"]
    knocks = s3.door.knocks
    for call in CALLS.values():
        with pytest.raises(StorageTrouble, match="not_asked"):
            call(bucket)
        with pytest.raises(StorageTrouble, match="not_asked"):
            call(bucket.below("public"))
    assert s3.door.knocks == knocks


def test_an_answer_that_refuses_opens_no_breaker(s3: S3) -> None:
    bucket = s3.bucket(Patience(tries=1, pause=600.0))
    s3.door.set(Way.REFUSING, code="SlowDown")
    for _ in range(3):
        with pytest.raises(StorageTrouble, match="SlowDown"):
            bucket.read("001/a.jpg")


def test_only_a_few_threads_wait_for_a_slow_server(s3: S3) -> None:
    bucket = s3.bucket(Patience(answers=30.0, tries=1, at_once=2, waits=0.0))
    bucket.prepare()
    s3.door.set(Way.SILENT)
    ended: list[str] = []

    def read() -> None:
        try:
            bucket.read("001/a.jpg")
        except StorageTrouble as trouble:
            ended.append(str(trouble))

    first = [Thread(target=read) for _ in range(2)]
    knocks = s3.door.knocks
    for each in first:
        each.start()
    until(lambda: s3.door.knocks >= knocks + 2)
    for _ in range(3):
        with pytest.raises(StorageTrouble, match="busy"):
            bucket.read("001/a.jpg")
    assert ended == []
    s3.door.set(Way.OPEN)  # hangs up
    for each in first:
        each.join()
    assert len(ended) == 2


def test_nothing_is_asked_of_a_server_before_the_first_call(s3: S3) -> None:
    s3.bucket(HASTY).prepare()
    assert s3.door.knocks == 0

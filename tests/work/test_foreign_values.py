"""Whoever can write to Redis blinds neither the figures nor the nightly check, and closes no page."""

from datetime import UTC, datetime

import pytest
from redis import Redis

from bot.books import check
from bot.web.metrics import HEARD_KEY, SENT_KEY
from tests.harness.stage import Stage

NIGHT = datetime(2026, 11, 24, 19, 20, tzinfo=UTC)


@pytest.mark.parametrize("value", [b"[", b"[1]", b'{"at": "x"}', b'{"violations": [1]}', b"\xff\xfe", b"[" * 9_999])
def test_abuse_what_is_no_result_of_ours_hides_no_figure(database_url: str, redis_flushed: str, value: bytes) -> None:
    stage = Stage(database_url, redis_url=redis_flushed)
    with Redis.from_url(redis_flushed) as theirs:
        theirs.set("bangfu:books", value)
        for key in (SENT_KEY, HEARD_KEY):
            theirs.hset(key, mapping={"template:0": 7, b"\xff:0": 1, "template:1": "many"})
        answer = stage.client.get("/metrics")
    assert answer.status_code == 200
    told = answer.get_data(as_text=True)
    assert 'bangfu_sent{channel="template",code="0"} 7.0' in told
    assert "bangfu_books_violations NaN" in told
    assert "many" not in told
    stage.close()


def test_abuse_a_head_that_nobody_noted_stops_no_check(database_url: str, redis_flushed: str) -> None:
    with Redis.from_url(redis_flushed) as theirs:
        theirs.set("bangfu:books_head", b"\xff\xfe")
        theirs.rpush("bangfu:ledger_head", "1:" + "a" * 64)
        check.check_and_tell(database_url, theirs, NIGHT)
        assert b'"violations": 0' in (theirs.get("bangfu:books") or b"")


def test_abuse_a_count_of_wrong_codes_that_is_none_closes_no_page(database_url: str, redis_flushed: str) -> None:
    stage = Stage(database_url, redis_url=redis_flushed)
    path = "/trace/ZZZZ2345ZZ"  # well-formed, and of no gift
    with Redis.from_url(redis_flushed) as theirs:
        first = stage.client.get(path)
        for key in theirs.keys("bangfu:tries:*"):
            theirs.set(key, "many")
        assert (first.status_code, stage.client.get(path).status_code) == (404, 404)
    stage.close()

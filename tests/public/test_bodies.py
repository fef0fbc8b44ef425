"""Each request's body has a size, whatever its route; and the figures are for our own network."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

from bot.app import BODY_SIZES
from bot.web.body import LARGEST, limit_bodies
from tests.harness.money.merchant import MCHID
from tests.harness.money.paid_stage import Collecting

TOKEN = "WzEsImFwcGVhbDoxIl0.aaaa.bbbb"


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Collecting]:
    """One that takes money, also of sellers: it has all the doors."""
    stage = Collecting(new_database(), "redis://127.0.0.1:1/0", pay_partner_mch_id=MCHID)
    yield stage
    stage.close()


class Endless(io.RawIOBase):
    """A body without end, which counts what was taken of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def routes(stage: Collecting) -> Iterator[tuple[str, str, str]]:
    """(rule, a path, method) of each, and one path that is no route's."""
    for rule in stage.app.url_map.iter_rules():
        path = rule.rule.replace("<token>", TOKEN).replace("<said>", "ABCD").replace("<code>", "431124000000")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.rule, path.replace("<name>", "entries.csv"), method
    yield "", "/nobody", "POST"


def test_a_longer_body_than_its_route_takes_is_refused_by_its_stated_length(stage: Collecting) -> None:
    tried = list(routes(stage))
    assert {rule for rule, _, method in tried if method == "POST"} - {""} == set(BODY_SIZES)
    for rule, path, method in tried:
        most = BODY_SIZES[rule] if method == "POST" and rule else 0
        body = Endless()
        stated = {"wsgi.input": body, "CONTENT_LENGTH": str(most + 1)}
        answer = stage.client.open(path, method=method, environ_overrides=stated)
        assert (answer.status_code, body.taken) == (413, 0), f"{method} {rule}"


def test_a_route_that_reads_no_body_takes_none_of_unstated_length_either(stage: Collecting) -> None:
    for rule, path, method in routes(stage):
        if method != "POST" or not rule:
            body = Endless()
            chunked = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
            answer = stage.client.open(path, method=method, environ_overrides=chunked)
            assert (answer.status_code, body.taken) == (413, 0), f"{method} {rule}"


def test_a_refused_body_is_logged_without_its_address(stage: Collecting) -> None:
    with capture_logs() as logs:
        answer = stage.client.get(f"/pay/{TOKEN}", data=b"x")
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (413, b"", "no-store")
    assert logs == [{"event": "body.too_long", "log_level": "warning", "method": "GET"}]


def test_no_route_may_take_more_than_the_server_buffers() -> None:
    with pytest.raises(ValueError, match=str(LARGEST)):
        limit_bodies(Flask("test"), {"/": LARGEST + 1})


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("10.0.0.7", None, 200),
        ("::1", None, 200),
        ("10.0.0.2", "192.168.7.7", 200),
        ("9.9.9.9", None, 403),
        ("9.9.9.9", "10.0.0.7", 403),
        ("::ffff:9.9.9.9", None, 403),
        ("10.0.0.2", "9.9.9.9", 403),
        ("10.0.0.2", "10.0.0.7, 9.9.9.9", 403),
        ("10.0.0.2", "unknown", 403),
        ("10.0.0.2", "", 403),
        ("", None, 403),
    ],
)
def test_the_figures_are_for_our_own_network(stage: Collecting, peer: str, forwarded: str | None, status: int) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    answer = stage.client.get("/metrics", environ_base={"REMOTE_ADDR": peer}, headers=headers)
    assert answer.status_code == status
    assert (b"bangfu_" in answer.data) is (status == 200)

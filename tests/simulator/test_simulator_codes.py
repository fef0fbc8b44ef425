"""The account's QR codes: their limits, their lives, their pictures, and what a scan delivers."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bot.simulator.codes import DeadCode, picture
from tests.harness.platform.account_server import Account, Json, account


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def create(server: Account, action: str = "QR_STR_SCENE", scene: Any = "appeal-4", **more: Any) -> Json:
    name = "scene_str" if "STR" in action else "scene_id"
    body = {"action_name": action, "action_info": {"scene": {name: scene}}} | more
    return server.post("/qrcode/create", body)


def scanned(server: Account) -> tuple[str | None, str | None, str | None]:
    heard = server.heard[-1]
    return heard.findtext("Event"), heard.findtext("EventKey"), heard.findtext("Ticket")


@pytest.mark.parametrize(
    ("action", "scene"),
    [
        ("QR_SCENE", 1),
        ("QR_SCENE", 2**32 - 1),
        ("QR_STR_SCENE", "字" * 64),
        ("QR_LIMIT_SCENE", 100_000),
        ("QR_LIMIT_STR_SCENE", "a"),
    ],
)
def test_a_follower_scans_and_somebody_else_follows_by_it(server: Account, action: str, scene: Any) -> None:
    made = create(server, action, scene, expire_seconds=2_592_000)
    assert ("expire_seconds" in made) == ("LIMIT" not in action)
    server.simulator.scan_code("oAunt", made["ticket"])
    assert scanned(server) == ("SCAN", str(scene), made["ticket"])
    server.simulator.scan_code("oNew", made["url"])  # what a scanner reads
    assert scanned(server) == ("subscribe", f"qrscene_{scene}", made["ticket"])
    assert server.simulator.crowd.is_following("oNew")


@pytest.mark.parametrize(("given", "seconds"), [({}, 60), ({"expire_seconds": 604_800}, 604_800)])
def test_a_temporary_code_dies(server: Account, given: Json, seconds: int) -> None:
    made = create(server, **given)
    assert made["expire_seconds"] == seconds
    server.simulator.timeline.move(seconds - 1)
    server.simulator.scan_code("oAunt", made["ticket"])
    assert picture_of(server, made["ticket"]).status_code == 200
    server.simulator.timeline.move(1)
    with pytest.raises(DeadCode):
        server.simulator.scan_code("oAunt", made["ticket"])
    assert picture_of(server, made["ticket"]).status_code == 404
    assert len(server.heard) == 1


def test_a_permanent_code_lives_and_is_one_however_often_it_is_asked_for(server: Account) -> None:
    first = create(server, "QR_LIMIT_STR_SCENE", "poster")
    server.simulator.timeline.move(3 * 365 * 86400)
    assert create(server, "QR_LIMIT_STR_SCENE", "poster") == first
    server.simulator.scan_code("oAunt", first["ticket"])
    assert scanned(server)[1] == "poster"


@pytest.mark.parametrize(
    ("action", "scene", "more", "code"),
    [
        ("QR_OTHER", 1, {}, 40052),
        ("QR_SCENE", 0, {}, 40053),
        ("QR_SCENE", 2**32, {}, 40053),
        ("QR_SCENE", "1", {}, 40053),
        ("QR_LIMIT_SCENE", 100_001, {}, 40053),
        ("QR_LIMIT_SCENE", 0, {}, 40053),
        ("QR_STR_SCENE", "", {}, 40053),
        ("QR_STR_SCENE", "a" * 65, {}, 40053),
        ("QR_LIMIT_STR_SCENE", 5, {}, 40053),
        ("QR_STR_SCENE", "a", {"expire_seconds": 2_592_001}, 40053),
        ("QR_STR_SCENE", "a", {"expire_seconds": 0}, 40053),
        ("QR_STR_SCENE", "a", {"action_info": "a"}, 40053),
    ],
)
def test_each_limit_has_its_code(server: Account, action: str, scene: Any, more: Json, code: int) -> None:
    assert create(server, action, scene, **more)["errcode"] == code


def test_permanent_codes_come_to_an_end(server: Account) -> None:
    assert server.simulator.codes.permanent_limit == 100_000
    server.simulator.codes.permanent_limit = 2
    codes = [create(server, "QR_LIMIT_SCENE", number).get("errcode", 0) for number in (1, 2, 3)]
    assert codes == [0, 0, 45029]
    assert create(server, "QR_LIMIT_SCENE", 2).get("errcode", 0) == 0  # is there already
    assert create(server).get("errcode", 0) == 0


def picture_of(server: Account, ticket: str) -> requests.Response:
    return requests.get(f"{server.url}/cgi-bin/showqrcode", params={"ticket": ticket}, timeout=5)


def test_the_picture_needs_no_token(server: Account) -> None:
    made = create(server)
    shown = picture_of(server, made["ticket"])
    assert (shown.headers["Content-Type"], shown.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert shown.content == picture(server.simulator.codes.find(made["ticket"]))
    assert picture_of(server, "other").status_code == 404

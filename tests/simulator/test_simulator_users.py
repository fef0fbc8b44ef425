"""What the account may know of people: user/info and its kin, remarks and the blacklist."""

from collections.abc import Iterator

import pytest

from bot.simulator.platform import Status
from tests.harness.platform.account_server import MORNING, Account, account


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def test_a_follower_has_no_name_and_no_picture(server: Account) -> None:
    assert server.get("/user/info", openid="oAunt", lang="zh_CN") == {
        "subscribe": 1,
        "openid": "oAunt",
        "language": "zh_CN",
        "subscribe_time": int(MORNING),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_OTHERS",
        "qr_scene": 0,
        "qr_scene_str": "",
    }


def test_of_somebody_who_does_not_follow_little_is_told(server: Account) -> None:
    assert server.get("/user/info", openid="oNew") == {"subscribe": 0, "openid": "oNew"}
    assert server.get("/user/info", openid="oNobody")["errcode"] == 40003
    assert server.get("/user/info")["errcode"] == 40003


@pytest.mark.parametrize(("scene", "number", "text"), [("4017", 4017, ""), ("poster-7", 0, "poster-7")])
def test_by_which_code_somebody_came_and_when(server: Account, scene: str, number: int, text: str) -> None:
    server.simulator.timeline.move(100)
    server.simulator.scan("oNew", scene)
    info = server.get("/user/info", openid="oNew")
    assert (info["qr_scene"], info["qr_scene_str"], info["subscribe_scene"]) == (number, text, "ADD_SCENE_QR_CODE")
    assert info["subscribe_time"] == int(MORNING) + 100


def test_a_unionid_is_there_only_where_the_account_is_bound(server: Account) -> None:
    assert "unionid" not in server.get("/user/info", openid="oAunt")
    with account(bound=True) as bound:
        first = bound.get("/user/info", openid="oAunt")["unionid"]
        assert first == bound.get("/user/info", openid="oAunt")["unionid"]
        assert first != bound.get("/user/info", openid="oUncle")["unionid"]
        assert set(bound.get("/user/info", openid="oNew")) == {"subscribe", "openid", "unionid"}


def test_tags_and_a_remark_are_told(server: Account) -> None:
    tag = server.post("/tags/create", {"tag": {"name": "村民"}})["tag"]["id"]
    server.post("/tags/members/batchtagging", {"openid_list": ["oAunt"], "tagid": tag})
    remark = {"openid": "oAunt", "remark": "字" * 30}
    assert server.post("/user/info/updateremark", remark)["errcode"] == 0
    info = server.get("/user/info", openid="oAunt")
    assert (info["tagid_list"], info["groupid"], info["remark"]) == ([tag], tag, "字" * 30)
    assert server.post("/user/info/updateremark", remark | {"remark": "字" * 31})["errcode"] == 40097
    assert server.post("/user/info/updateremark", remark | {"openid": "oNobody"})["errcode"] == 40003


def test_a_hundred_people_at_once(server: Account) -> None:
    def told(openids: list[str]) -> dict[str, object]:
        return server.post("/user/info/batchget", {"user_list": [{"openid": openid} for openid in openids]})

    rows = told(["oAunt", "oNew"])["user_info_list"]
    assert isinstance(rows, list)
    assert [(row["openid"], row["subscribe"]) for row in rows] == [("oAunt", 1), ("oNew", 0)]
    assert len(str(told(["oAunt"] * 100)["user_info_list"])) > 100
    assert told(["oAunt"] * 101)["errcode"] == 40032
    assert told([])["errcode"] == 40032
    assert told(["oAunt", "oNobody"])["errcode"] == 40003
    assert server.post("/user/info/batchget", {"user_list": "oAunt"})["errcode"] == 47001


def test_followers_come_in_pages_in_the_order_in_which_they_came(server: Account) -> None:
    server.simulator.people.page_size = 2
    server.simulator.follow("oNew")
    first = server.get("/user/get")
    assert (first["total"], first["count"], first["data"]["openid"]) == (3, 2, ["oAunt", "oUncle"])
    second = server.get("/user/get", next_openid=first["next_openid"])
    assert (second["count"], second["data"]["openid"], second["next_openid"]) == (1, ["oNew"], "oNew")
    last = server.get("/user/get", next_openid="oNew")
    assert last == {"total": 3, "count": 0, "next_openid": ""}
    assert server.get("/user/get", next_openid="oNobody")["errcode"] == 40003
    server.simulator.unfollow("oAunt")
    server.simulator.follow("oAunt")
    assert server.get("/user/get", next_openid="oUncle")["data"]["openid"] == ["oNew", "oAunt"]


def listed(server: Account) -> list[str]:
    return list(server.post("/tags/members/getblacklist", {"begin_openid": ""}).get("data", {}).get("openid", []))


def test_the_account_neither_hears_nor_reaches_whom_it_blacklists(server: Account) -> None:
    assert server.post("/tags/members/batchblacklist", {"openid_list": ["oAunt", "oNew"]})["errcode"] == 0
    assert listed(server) == ["oAunt", "oNew"]
    delivery = server.simulator.send_text("oAunt", "你好")
    assert (delivery.status, delivery.attempts, server.heard) == (Status.SILENT, (), [])
    assert server.say("oAunt") == 43019
    assert server.post("/tags/members/batchunblacklist", {"openid_list": ["oAunt"]})["errcode"] == 0
    assert listed(server) == ["oNew"]
    server.simulator.send_text("oAunt", "你好")
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    ("openids", "code"),
    [([], 40032), (["oAunt"] * 21, 40032), (["oAunt", "oNobody"], 49003), ("oAunt", 47001)],
)
def test_blacklisting_is_all_or_nothing(server: Account, openids: object, code: int) -> None:
    assert server.post("/tags/members/batchblacklist", {"openid_list": openids})["errcode"] == code
    assert listed(server) == []

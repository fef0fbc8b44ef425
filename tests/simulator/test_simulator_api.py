"""The platform's own paths: tokens, menus, media, tags and customer-service messages, mistakes included."""

from dataclasses import dataclass
from typing import Any

import pytest

from bot.simulator.app import create_simulator
from bot.simulator.options import Options, Person
from bot.simulator.simulator import Simulator
from bot.simulator.windows import Window

OPTIONS = Options(
    bot_url="http://127.0.0.1:9/wechat",
    app_id="wx00000000000000aa",
    app_secret="right-secret",
    token="t",
    aes_key="c2FtcGxlYWVza2V5c2FtcGxlYWVza2V5c2FtcGxlYWU",
    people=(Person("oAunt", "秀英", following=True), Person("oUncle", "建国", following=True), Person("oNew", "小满")),
)
PROOF = {"grant_type": "client_credential", "appid": OPTIONS.app_id, "secret": OPTIONS.app_secret}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
MORNING = 1_795_600_000.0
Json = dict[str, Any]


@dataclass
class Clock:
    now: float = MORNING

    def __call__(self) -> float:
        return self.now


@dataclass
class Api:
    """The bot's side: calls with a token, and reads the answer."""

    simulator: Simulator
    clock: Clock

    def __post_init__(self) -> None:
        self.client = create_simulator(OPTIONS, self.simulator).test_client()
        self.token = self.stable()

    def stable(self, **more: bool) -> str:
        return str(self.answer("POST", "/cgi-bin/stable_token", json=PROOF | more)["access_token"])

    def ordinary(self) -> str:
        return str(self.answer("GET", "/cgi-bin/token", query_string=PROOF)["access_token"])

    def get(self, path: str, **query: str) -> Json:
        return self.answer("GET", f"/cgi-bin{path}", query_string={"access_token": self.token} | query)

    def post(self, path: str, body: Json) -> Json:
        return self.answer("POST", f"/cgi-bin{path}?access_token={self.token}", json=body)

    def code(self, token: str) -> int:
        """What the platform says to a call with this token."""
        return int(self.answer("GET", "/cgi-bin/menu/get", query_string={"access_token": token})["errcode"])

    def answer(self, method: str, path: str, **request: Any) -> Json:
        return dict(self.client.open(path, method=method, **request).get_json())


NO_MENU = 46003  # the answer to a good token while there is no menu


@pytest.fixture
def api():
    clock = Clock()
    simulator = Simulator(OPTIONS, clock=clock)
    yield Api(simulator, clock)
    simulator.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"appid": "wxother"}, 40013),
        ({"secret": "guess"}, 40125),
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
    ],
)
def test_wrong_credentials_get_the_code_of_each(api, wrong, code):
    assert api.client.post("/cgi-bin/stable_token", json=PROOF | wrong).get_json()["errcode"] == code
    assert api.client.get("/cgi-bin/token", query_string=PROOF | wrong).get_json()["errcode"] == code


def test_a_stable_token_stays_until_five_minutes_before_its_end(api):
    assert api.stable() == api.token
    api.clock.now += 6899
    assert api.stable() == api.token
    api.clock.now += 1
    newer = api.stable()
    assert newer != api.token
    assert api.code(api.token) == api.code(newer) == NO_MENU  # both live for the last five minutes
    api.clock.now += 300
    assert (api.code(api.token), api.code(newer)) == (42001, NO_MENU)


def test_force_refresh_kills_the_old_token_and_is_rationed(api):
    forced = api.stable(force_refresh=True)
    assert (api.code(api.token), api.code(forced)) == (40001, NO_MENU)
    api.clock.now += 29
    assert api.stable(force_refresh=True) == forced  # within 30 s: nothing happens
    for _ in range(19):
        api.clock.now += 30
        assert api.stable(force_refresh=True) != forced
    api.clock.now += 30
    answer = api.client.post("/cgi-bin/stable_token", json=PROOF | {"force_refresh": True}).get_json()
    assert answer["errcode"] == 45009
    api.clock.now += 86400
    assert api.code(api.stable(force_refresh=True)) == NO_MENU


def test_an_ordinary_token_replaces_the_last_after_five_minutes(api):
    first, second = api.ordinary(), api.ordinary()
    assert api.code(first) == api.code(second) == api.code(api.token) == NO_MENU
    api.clock.now += 300
    assert (api.code(first), api.code(second)) == (40001, NO_MENU)
    api.clock.now += 7000
    assert api.code(second) == 42001


def test_calls_without_or_with_a_made_up_token(api):
    assert api.code("") == 41001
    assert api.code("made-up") == 40001


def test_calls_of_a_wrong_shape(api):
    url = f"/cgi-bin/menu/create?access_token={api.token}"
    assert api.client.post(url, data="{").get_json()["errcode"] == 47001
    assert api.client.post(url, data="[]").get_json()["errcode"] == 47001
    assert api.client.post(url, data="").get_json()["errcode"] == 44002
    assert api.client.get(url).get_json()["errcode"] == 43002
    assert api.get("/no/such/path")["errcode"] == 40066
    assert api.client.get("/cgi-bin/stable_token").get_json()["errcode"] == 43002


def click(name: str = "我的", key: str = "我的") -> Json:
    return {"type": "click", "name": name, "key": key}


def test_a_menu_comes_back_as_it_was_put(api):
    group = {
        "name": "求助",
        "sub_button": [click("众筹", "a"), {"type": "view", "name": "账", "url": "https://a.test/"}],
    }
    assert api.post("/menu/create", {"button": [group, click()]}) == {"errcode": 0, "errmsg": "ok"}
    got = api.get("/menu/get")["menu"]["button"]
    assert got[0]["sub_button"][0] == {"type": "click", "name": "众筹", "key": "a", "sub_button": []}
    assert got[1] == {"type": "click", "name": "我的", "key": "我的", "sub_button": []}
    assert api.get("/menu/delete")["errcode"] == 0
    assert api.get("/menu/get")["errcode"] == NO_MENU


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([], 40016),
        ([click()] * 4, 40016),
        ("buttons", 40016),
        (["button"], 47001),
        ([{"name": "空", "type": "dance"}], 40017),
        ([{"name": "空"}], 40017),
        ([click("一二三四五六")], 40018),
        ([click("")], 40018),
        ([click(key="k" * 129)], 40019),
        ([click(key="")], 40019),
        ([{"type": "view", "name": "网", "url": "http://a/" + "a" * 1024}], 40020),
        ([{"type": "view", "name": "网", "url": "javascript:1"}], 40055),
        ([{"name": "组", "sub_button": [click()] * 6}], 40023),
        ([{"name": "组", "sub_button": [{"name": "空", "type": "dance"}]}], 40024),
        ([{"name": "组", "sub_button": [click("字" * 21)]}], 40025),
        ([{"name": "组", "sub_button": [click(key="")]}], 40026),
        ([{"name": "组", "sub_button": [{"type": "view", "name": "网", "url": ""}]}], 40027),
        ([{"name": "组", "sub_button": [{"name": "深", "sub_button": [click()]}]}], 40022),
    ],
)
def test_each_menu_limit_has_its_code(api, buttons, code):
    assert api.post("/menu/create", {"button": buttons})["errcode"] == code
    assert api.get("/menu/get")["errcode"] == NO_MENU


def test_the_longest_menu_is_taken(api):
    subs = [click("字" * 20, "k" * 128)] * 5
    assert api.post("/menu/create", {"button": [{"name": "一二三四五", "sub_button": subs}] * 3})["errcode"] == 0


def test_people_with_a_tag_see_its_menu_the_newest_first(api):
    tag = api.post("/tags/create", {"tag": {"name": "村民"}})["tag"]["id"]
    rule = {"matchrule": {"tag_id": str(tag)}}
    assert api.post("/menu/addconditional", {"button": [click()], **rule})["errcode"] == 65303  # no default yet
    api.post("/menu/create", {"button": [click("普通")]})
    older = api.post("/menu/addconditional", {"button": [click("旧的")], **rule})["menuid"]
    newer = api.post("/menu/addconditional", {"button": [click("新的")], **rule})["menuid"]
    api.post("/tags/members/batchtagging", {"openid_list": ["oAunt"], "tagid": tag})

    def seen_by(openid: str) -> str:
        return str(api.post("/menu/trymatch", {"user_id": openid})["button"][0]["name"])

    assert (seen_by("oAunt"), seen_by("oUncle")) == ("新的", "普通")
    assert api.get("/menu/get")["conditionalmenu"][0]["matchrule"] == {"group_id": str(tag)}
    api.post("/menu/delconditional", {"menuid": newer})
    assert seen_by("oAunt") == "旧的"
    assert api.post("/menu/delconditional", {"menuid": newer})["errcode"] == 65301
    api.post("/tags/members/batchuntagging", {"openid_list": ["oAunt"], "tagid": tag})
    assert seen_by("oAunt") == "普通"
    assert older != newer


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({}, 65304),
        ({"tag_id": ""}, 65304),
        ({"sex": "1"}, 65320),
        ({"tag_id": "100", "country": "中国"}, 65320),
        ({"tag_id": "999"}, 45159),
    ],
)
def test_conditional_menus_match_tags_and_nothing_private(api, rule, code):
    api.post("/menu/create", {"button": [click()]})
    api.post("/tags/create", {"tag": {"name": "村民"}})
    assert api.post("/menu/addconditional", {"button": [click()], "matchrule": rule})["errcode"] == code


def test_a_menu_match_needs_a_person(api):
    assert api.post("/menu/trymatch", {"user_id": "oNobody"})["errcode"] == 65302
    assert api.post("/menu/trymatch", {"user_id": "oAunt"})["errcode"] == NO_MENU


def test_tags_are_created_worn_and_taken_off(api):
    tag = api.post("/tags/create", {"tag": {"name": "村民"}})["tag"]["id"]
    assert api.post("/tags/create", {"tag": {"name": "村民"}})["errcode"] == 45157
    assert api.post("/tags/create", {"tag": {"name": "字" * 31}})["errcode"] == 45158
    api.post("/tags/members/batchtagging", {"openid_list": ["oAunt", "oUncle"], "tagid": tag})
    assert api.post("/tags/getidlist", {"openid": "oAunt"}) == {"tagid_list": [tag]}
    assert api.get("/tags/get") == {"tags": [{"id": tag, "name": "村民", "count": 2}]}
    api.post("/tags/members/batchuntagging", {"openid_list": ["oAunt"], "tagid": tag})
    assert api.post("/tags/getidlist", {"openid": "oAunt"}) == {"tagid_list": []}


@pytest.mark.parametrize(
    ("openids", "tag", "code"),
    [
        (["oAunt"], 7, 45159),
        (["oAunt", "oNobody"], 100, 49003),
        (["oNew"], 100, 49003),
        ([], 100, 40032),
        (["oAunt"] * 51, 100, 40032),
        ("oAunt", 100, 47001),
        (["oAunt"], "100", 45159),
    ],
)
def test_tagging_is_all_or_nothing(api, openids, tag, code):
    api.post("/tags/create", {"tag": {"name": "村民"}})
    assert api.post("/tags/members/batchtagging", {"openid_list": openids, "tagid": tag})["errcode"] == code
    assert api.get("/tags/get")["tags"][0]["count"] == 0


def test_twenty_tags_are_a_persons_most(api):
    tags = [api.post("/tags/create", {"tag": {"name": f"标{n}"}})["tag"]["id"] for n in range(21)]
    codes = [
        api.post("/tags/members/batchtagging", {"openid_list": ["oAunt"], "tagid": tag})["errcode"] for tag in tags
    ]
    assert codes == [0] * 20 + [45059]


def upload(api: Api, data: bytes, kind: str = "image") -> Json:
    url = f"/cgi-bin/media/upload?access_token={api.token}&type={kind}"
    part = b'--x\r\nContent-Disposition: form-data; name="media"; filename="a.png"\r\n\r\n' + data + b"\r\n--x--\r\n"
    return api.answer("POST", url, data=part, content_type="multipart/form-data; boundary=x")


def test_media_live_for_three_days(api):
    media_id = upload(api, PNG)["media_id"]
    url = f"/cgi-bin/media/get?access_token={api.token}&media_id={media_id}"
    answer = api.client.get(url)
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    api.clock.now += 3 * 86400
    assert api.client.get(url.replace(api.token, api.stable())).get_json()["errcode"] == 40007


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"<svg onload=alert(1)>", "image", 40005),
        (PNG, "voice", 40005),
        (PNG, "song", 40004),
        (b"", "image", 41005),
        (PNG + bytes(10 << 20), "image", 40009),
        (b"\xff\xd8\xff" + bytes(64 << 10), "thumb", 40012),
    ],
)
def test_media_of_the_wrong_sort_are_refused(api, data, kind, code):
    assert upload(api, data, kind)["errcode"] == code


def test_downloads_need_an_id(api):
    assert api.get("/media/get")["errcode"] == 41006
    assert api.get("/media/get", media_id="m")["errcode"] == 40007


def send(api: Api, kind: str, content: object, openid: str = "oAunt") -> int:
    return int(api.post("/message/custom/send", {"touser": openid, "msgtype": kind, kind: content})["errcode"])


def test_pushes_stand_in_the_chat(api):
    media_id = upload(api, PNG)["media_id"]
    article = {"title": "开工了", "description": "路", "url": "http://a.test/", "picurl": ""}
    menu = {"head_content": "看吗？", "list": [{"id": "1", "content": "看"}], "tail_content": ""}
    api.simulator.windows.open("oAunt", Window.MESSAGE)
    assert send(api, "text", {"content": "到账了"}) == 0
    assert send(api, "image", {"media_id": media_id}) == 0
    assert send(api, "news", {"articles": [article]}) == 0
    assert send(api, "msgmenu", menu) == 0
    entries = api.simulator.chat.newer_than(0)["entries"]
    assert [(entry["by"], entry["kind"]) for entry in entries] == [
        ("account", kind) for kind in ("text", "image", "news", "msgmenu")
    ]
    assert entries[0]["content"] == {"text": "到账了"}
    assert entries[3]["content"]["options"] == [{"id": "1", "content": "看"}]


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("text", {"content": ""}, 44004),
        ("text", {"content": "字" * 683}, 45002),
        ("text", "content", 40008),
        ("poem", {"content": "a"}, 40008),
        ("image", {"media_id": "none"}, 40007),
        ("news", {"articles": []}, 44003),
        ("news", {"articles": [{"title": "1"}, {"title": "2"}]}, 45008),
        ("news", {"articles": ["1"]}, 47001),
        ("msgmenu", {"list": "1"}, 47001),
    ],
)
def test_pushes_that_break_a_rule_are_refused(api, kind, content, code):
    assert send(api, kind, content) == code
    assert api.simulator.chat.newer_than(0)["entries"] == []


def test_pushes_go_to_followers_only(api):
    assert send(api, "text", {"content": "1"}, "oNobody") == 40003
    assert send(api, "text", {"content": "1"}, "oNew") == 43004

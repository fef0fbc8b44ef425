"""Menus as code: every limit of the platform, what would change, and publishing that may be repeated."""

import json
from collections.abc import Iterator
from copy import deepcopy
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, UndefinedError
from pydantic import SecretStr
from werkzeug.wrappers import Request

from bot.wechat.client import WeChatApi, open_session
from bot.wechat.menu import NAMES, Menu, NotPublished, diff, lint, lint_all, publish, published, render_menus
from bot.wechat.policy import WeChatError
from bot.wechat.token import TokenManager
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from handlers.routing.command_table import COMMANDS as TABLE
from tests.harness.platform.token_platform import SECRET, Answer, Platform, impatient_redis, serving
from tests.harness.tiers import examples

# The program's own commands, with the words that mean them.
COMMANDS = {name: words[0] for name, words in load_lexicon().words.items() if name in TABLE}


class MenuPlatform(Platform):
    """The platform's menus and tags: what is created is what is shown, with the platform's own additions."""

    def __init__(self) -> None:
        super().__init__()
        self.default: list[Menu] | None = None
        self.rules: list[Menu] = []
        self.names = {2: "星标组"}
        self.people: dict[str, set[int]] = {}
        self._number, self._numbers = 208396938, Lock()
        self.handlers |= {
            "menu/get": self.menu_get,
            "menu/create": self.menu_create,
            "menu/delete": self.menu_delete,
            "menu/addconditional": self.add_rule,
            "menu/delconditional": self.delete_rule,
            "menu/trymatch": self.match,
            "tags/get": lambda _: {"tags": [{"id": key, "name": name} for key, name in self.names.items()]},
            "tags/create": self.create_tag,
            "tags/members/batchtagging": self.tag,
        }

    def next_number(self) -> int:
        with self._numbers:
            self._number += 1
            return self._number

    def menu_get(self, _: Request) -> Answer:
        if self.default is None:
            return {"errcode": 46003, "errmsg": "menu no exist"}
        rules = [
            {"button": shown(rule["button"]), "matchrule": {"group_id": rule["tag"]}, "menuid": rule["menuid"]}
            for rule in reversed(self.rules)
        ]
        answer = {"menu": {"button": shown(self.default), "menuid": 1}}
        return {**answer, "conditionalmenu": rules} if rules else answer

    def menu_create(self, request: Request) -> Answer:
        self.default = json.loads(request.get_data())["button"]
        return {"errcode": 0}

    def menu_delete(self, _: Request) -> Answer:
        self.default, self.rules = None, []
        return {"errcode": 0}

    def add_rule(self, request: Request) -> Answer:
        body = json.loads(request.get_data())
        if self.default is None:
            return {"errcode": 65303, "errmsg": "there is no selfmenu"}
        if set(body["matchrule"]) != {"tag_id"} or int(body["matchrule"]["tag_id"]) not in self.names:
            return {"errcode": 65320, "errmsg": "only tags"}
        rule = {"button": body["button"], "tag": int(body["matchrule"]["tag_id"]), "menuid": self.next_number()}
        self.rules.append(rule)
        return {"menuid": str(rule["menuid"])}

    def delete_rule(self, request: Request) -> Answer:
        number = int(json.loads(request.get_data())["menuid"])
        self.rules = [rule for rule in self.rules if rule["menuid"] != number]
        return {"errcode": 0}

    def match(self, request: Request) -> Answer:
        tags = self.people.get(json.loads(request.get_data())["user_id"], set())
        fitting = [rule["button"] for rule in reversed(self.rules) if rule["tag"] in tags]
        return {"menu": {"button": shown([*fitting, self.default or []][0])}}

    def create_tag(self, request: Request) -> Answer:
        name = json.loads(request.get_data())["tag"]["name"]
        if name in self.names.values():
            return {"errcode": 45157, "errmsg": "invalid tag name"}
        number = self.next_number()
        self.names[number] = name
        return {"tag": {"id": number, "name": name}}

    def tag(self, request: Request) -> Answer:
        body = json.loads(request.get_data())
        for person in body["openid_list"]:
            self.people.setdefault(person, set()).add(body["tagid"])
        return {"errcode": 0}

    def writes(self) -> list[str]:
        """The calls so far that changed something."""
        return [
            path for path, _ in self.received if path not in {"stable_token", "menu/get", "tags/get", "menu/trymatch"}
        ]


def shown(buttons: list[Menu]) -> list[Menu]:
    """As the platform answers them: an empty list below every button that opens none."""
    return [{**button, "sub_button": shown(button.get("sub_button", []))} for button in buttons]


def environment() -> Environment:
    return Renderer(load_lexicon().words).env


@pytest.fixture
def menus() -> dict[str, Menu]:
    return render_menus(environment(), COMMANDS)


@pytest.fixture
def platform() -> MenuPlatform:
    return MenuPlatform()


@pytest.fixture
def client(platform: MenuPlatform, redis_url: str) -> Iterator[WeChatApi]:
    app_id = f"wx{uuid4().hex[:16]}"
    with serving(platform) as url, impatient_redis(redis_url) as redis, open_session() as http:
        yield WeChatApi(url, TokenManager(url, app_id, SecretStr(SECRET), redis, http), http)


def click(name: str = "看求助", key: str = "browse_appeals", **more: Any) -> Menu:
    return {"type": "click", "name": name, "key": key, **more}


def view(url: str, name: str = "看一看") -> Menu:
    return {"type": "view", "name": name, "url": url}


def keyed(count: int) -> list[Menu]:
    """As many buttons with different keys."""
    return [click(f"第{number}个", list(COMMANDS)[number]) for number in range(count)]


# Our own menus


def test_our_menus_are_within_every_limit(menus):
    assert tuple(menus) == NAMES
    assert lint_all(menus, COMMANDS) == []


def test_a_new_follower_sees_how_to_help_how_to_ask_and_their_own_things(menus):
    assert [
        (button["name"], [child["name"] for child in button["sub_button"]]) for button in menus["default"]["button"]
    ] == [
        ("我要帮", ["看求助", "看求物", "送物", "逛集市", "我的捐赠"]),
        ("我求助", ["注册", "求助", "众筹", "求物", "上架"]),
        ("我的", ["我的", "帮助", "人工", "隐私"]),
    ]


def test_every_button_says_the_word_that_does_the_same_when_typed(menus):
    for menu in menus.values():
        leaves = [leaf for button in menu["button"] for leaf in button.get("sub_button", [button])]
        assert all(COMMANDS[leaf["key"]] == leaf["name"] for leaf in leaves)


def test_a_person_is_always_within_one_tap(menus):
    for menu in menus.values():
        assert any("human" in json.dumps(button) for button in menu["button"])


def test_a_command_without_a_word_is_not_rendered():
    wordless = {name: word for name, word in COMMANDS.items() if name != "privacy"}
    with pytest.raises(UndefinedError):
        render_menus(environment(), wordless)


def test_a_word_with_a_quotation_mark_stays_a_word():
    assert render_menus(environment(), {**COMMANDS, "mine": '我"的\\'})["default"]["button"][2]["sub_button"][0] == (
        click('我"的\\', "mine")
    )


def test_broken_json_names_its_file(tmp_path):
    (tmp_path / "menu").mkdir()
    for name in NAMES:
        (tmp_path / "menu" / f"{name}.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"menu/default\.json"):
        render_menus(Environment(loader=FileSystemLoader(tmp_path)), COMMANDS)  # noqa: S701


# Each limit


@pytest.mark.parametrize(
    "buttons",
    [
        keyed(1),
        keyed(3),
        [{"name": "更多", "sub_button": keyed(5)}],
        [click("一二三四")],
        [{"name": "更多", "sub_button": [click("一二三四五六七八")]}],
        [{"name": "更多", "sub_button": [click("a" * 16)]}],
        [view("https://bangfu.example/" + "a" * 1001)],
        [{"type": "miniprogram", "name": "小程序", "url": "https://a.example", "appid": "wx1", "pagepath": "p"}],
        [{"type": "scancode_waitmsg", "name": "扫码", "key": "mine"}],
        [{"type": "location_select", "name": "位置", "key": "mine"}],
        [{"type": "media_id", "name": "图片", "media_id": "m"}],
        [{"type": "article_id", "name": "文章", "article_id": "a"}],
    ],
)
def test_what_is_within_the_limits_is_well(buttons):
    assert lint({"button": buttons}, COMMANDS) == []


@pytest.mark.parametrize(
    ("buttons", "problem"),
    [
        ([], "needs 1 to 3 buttons"),
        (None, "needs 1 to 3 buttons"),
        (keyed(4), "needs 1 to 3 buttons"),
        ([{"name": "更多", "sub_button": []}], "更多: needs 1 to 5 buttons below it"),
        ([{"name": "更多", "sub_button": keyed(6)}], "更多: needs 1 to 5 buttons below it"),
        ([{"name": "更多", "sub_button": [click()], "key": "mine"}], "更多: opens a list, so it may not have key"),
        ([click("一二三四五")], "一二三四五: only 4 Chinese characters of the name are shown"),
        ([click("abcdefghi")], "abcdefghi: only 4 Chinese characters of the name are shown"),
        (
            [click("一二三四五六")],
            "一二三四五六: the name is longer than 16 bytes",
        ),
        (
            [{"name": "更多", "sub_button": [click("一二三四五六七八九")]}],
            "一二三四五六七八九: only 8 Chinese characters of the name are shown",
        ),
        (
            [{"name": "更多", "sub_button": [click("一" * 21)]}],
            f"{'一' * 21}: the name is longer than 60 bytes",
        ),
        ([click("")], "a button needs a name, not ''"),
        ([click("  ")], "a button needs a name, not '  '"),
        ([click("看\u200b")], "a button needs a name, not '看\\u200b'"),
        ([{"type": "click", "key": "mine"}], "a button needs a name, not None"),
        ([{"name": "看"}], "看: no such type of button: None"),
        ([{"name": "看", "type": "dance", "key": "mine"}], "看: no such type of button: dance"),
        ([{"name": "看", "type": "click"}], "看: a click button needs key"),
        ([click(url="https://a.example")], "看求助: a click button may not have url"),
        (
            [{"name": "更多", "sub_button": [click(sub_button=[click("再下", "mine")])]}],
            "看求助: a click button may not have sub_button",
        ),
        ([click(key="no_such")], "看求助: no command is called no_such"),
        ([click(key="k" * 129)], "看求助: the key is longer than 128 bytes"),
        ([click("一", "mine"), click("二", "mine")], "several buttons have the key mine"),
        (
            [click("我的", "mine"), {"name": "二", "sub_button": [click("三", "mine")]}],
            "several buttons have the key mine",
        ),
        ([{"name": "看", "type": "view"}], "看: a view button needs url"),
        ([view("https://a.example/" + "a" * 1007)], "看一看: the url is longer than 1024 bytes"),
        ([view("javascript:alert(1)")], "看一看: the url is not a web address"),
        ([view("/appeals")], "看一看: the url is not a web address"),
        (
            [{"type": "miniprogram", "name": "小程序", "url": "https://a.example", "pagepath": "p"}],
            "小程序: a miniprogram button needs appid",
        ),
    ],
)
def test_each_limit_is_told(buttons, problem):
    assert problem in lint({"button": buttons}, COMMANDS)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"sex": "1"}, "matchrule: only a tag can be matched"),
        ({"tag": "居民", "client_platform_type": "2"}, "matchrule: only a tag can be matched"),
        ({"tag": ""}, "matchrule: only a tag can be matched"),
        ({}, "matchrule: only a tag can be matched"),
        ("居民", "matchrule: only a tag can be matched"),
        ({"tag": "居" * 31}, "matchrule: the tag's name is longer than 30 characters"),
    ],
)
def test_a_conditional_menu_matches_a_tag_and_nothing_else(rule, problem):
    assert problem in lint({"button": [click()], "matchrule": rule}, COMMANDS)


def test_conditional_menus_lead_to_three_domains_at_most(menus):
    def leading_to(*hosts: str) -> list[Menu]:
        return [{"name": "去", "sub_button": [view(f"https://{host}.example/", f"去{host}") for host in hosts]}]

    four = {"button": leading_to("a", "b", "c", "d")}
    assert lint(four, COMMANDS) == []
    assert lint({**four, "matchrule": {"tag": "居民"}}, COMMANDS) == ["conditional menus lead to more than 3 domains"]
    menus["donor"]["button"], menus["staff"]["button"] = leading_to("a", "b"), leading_to("b", "c", "d")
    assert lint_all(menus, COMMANDS) == ["conditional menus lead to more than 3 domains"]


def test_unknown_fields_are_told():
    assert lint({"button": [click()], "buttons": []}, COMMANDS) == ["unknown field buttons"]


def test_menus_are_checked_together(menus):
    menus["donor"]["matchrule"]["tag"] = menus["staff"]["matchrule"]["tag"]
    assert lint_all(menus, COMMANDS) == [
        "donor: another menu matches the tag 帮扶干部 too",
        "staff: another menu matches the tag 帮扶干部 too",
    ]
    del menus["donor"]["matchrule"]
    assert lint_all(menus, COMMANDS) == ["donor: matches no tag"]
    menus["default"]["matchrule"] = {"tag": "大家"}
    assert "default: the menu for everybody else cannot match a tag" in lint_all(menus, COMMANDS)
    menus["default"]["button"] = []
    assert lint_all(menus, COMMANDS) == ["default: needs 1 to 3 buttons"]


# What would change


def test_the_discrepancy_reads_like_a_list_of_buttons(menus):
    before = deepcopy(menus)
    menus["default"]["button"][2]["sub_button"][1]["name"] = "怎么用"
    before["staff"]["matchrule"]["tag"] = "旧标签"
    lines = diff(before.values(), menus.values())
    assert lines[0] == "menu default:"
    assert {"-   帮助: click help", "+   怎么用: click help", "    人工: click human"} <= set(lines)
    assert "menu 帮扶干部:" in lines
    assert "+ 待办: click todo" in lines
    assert lines[lines.index("menu 旧标签:") + 1] == "- 待办: click todo"


def test_what_the_platform_adds_is_no_discrepancy(menus):
    answered = [{**menu, "button": shown(menu["button"]), "menuid": "1"} for menu in menus.values()]
    assert diff(answered, menus.values()) == []


def test_order_is_a_discrepancy(menus):
    turned = deepcopy(menus)
    turned["default"]["button"].reverse()
    assert diff(menus.values(), turned.values())


# Publishing


def test_the_first_publishing_makes_menus_and_tags(client, platform, menus):
    lines = publish(client, menus)
    assert "+ 我要帮" in lines
    assert set(platform.names.values()) == {"星标组", "爱心人士", "居民", "帮扶干部"}
    assert platform.writes()[0] == "menu/create"
    assert diff(published(client), menus.values()) == []


def test_publishing_twice_publishes_once(client, platform, menus):
    publish(client, menus)
    writes = platform.writes()
    assert publish(client, menus) == []
    assert platform.writes() == writes


def test_only_what_differs_is_published(client, platform, menus):
    publish(client, menus)
    before = len(platform.writes())
    menus["default"]["button"][2]["sub_button"].pop()
    publish(client, menus)
    assert platform.writes()[before:] == ["menu/create"]
    before = len(platform.writes())
    menus["staff"]["button"].pop()
    publish(client, menus)
    assert platform.writes()[before:] == ["menu/addconditional", "menu/delconditional"]


def test_people_are_shown_the_menu_of_their_tag(client, platform, menus):
    publish(client, menus)
    tags = client.tags()
    client.tag_people(tags["居民"], ["o-resident", "o-officer"])
    client.tag_people(tags["帮扶干部"], ["o-officer"])
    shown_to = {person: client.menu_of(person)["menu"]["button"] for person in ("o-new", "o-resident", "o-officer")}
    assert shown_to["o-new"] == shown(menus["default"]["button"])
    assert shown_to["o-resident"] == shown(menus["resident"]["button"])
    assert shown_to["o-officer"] == shown(menus["staff"]["button"])


def test_a_change_to_one_menu_does_not_put_it_before_the_others(client, platform, menus):
    publish(client, menus)
    menus["donor"]["button"].pop()
    publish(client, menus)
    tags = client.tags()
    client.tag_people(tags["爱心人士"], ["o-officer"])
    client.tag_people(tags["帮扶干部"], ["o-officer"])
    assert client.menu_of("o-officer")["menu"]["button"] == shown(menus["staff"]["button"])


def test_leftovers_of_a_broken_publishing_are_cleared_away(client, platform, menus):
    publish(client, menus)
    platform.rules += [{**platform.rules[0], "menuid": 7}, {**platform.rules[0], "tag": 2, "menuid": 8}]
    assert publish(client, menus)
    assert len(platform.rules) == 3
    assert diff(published(client), menus.values()) == []


def test_a_rule_for_a_tag_that_is_gone_is_cleared_away(client, platform, menus):
    publish(client, menus)
    gone = client.tags()["居民"]
    del platform.names[gone]
    assert f"menu #{gone}:" in publish(client, menus)
    assert len(platform.rules) == 3


def test_publishing_that_breaks_off_can_be_taken_up_again(client, platform, menus):
    platform.answer("menu/delconditional", {"errcode": 0})
    publish(client, menus)
    menus["resident"]["button"].pop()
    adding = platform.handlers["menu/addconditional"]
    platform.answer("menu/addconditional", {"errcode": 45009, "errmsg": "reach max api daily quota limit"})
    with pytest.raises(WeChatError):
        publish(client, menus)
    assert len(platform.rules) == 3  # nobody was left without a menu
    platform.answer("menu/addconditional", adding)
    platform.answer("menu/delconditional", platform.delete_rule)
    publish(client, menus)
    assert diff(published(client), menus.values()) == []


def test_a_platform_that_shows_something_else_is_told(client, platform, menus):
    publish(client, menus)
    platform.answer("menu/create", {"errcode": 0})  # taken, and not done
    menus["default"]["button"].pop()
    with pytest.raises(NotPublished) as raised:
        publish(client, menus)
    assert "-   隐私: click privacy" in raised.value.lines


@st.composite
def some_menus(draw: st.DrawFn) -> dict[str, Menu]:
    """A default menu and, in their order, some conditional ones with small discrepancies."""
    button = st.sampled_from([click("看求助", "browse_appeals"), click("我的", "mine"), view("https://a.example/")])
    buttons = st.lists(button, min_size=1, max_size=2)
    tags = [tag for tag in ("爱心人士", "居民", "帮扶干部") if draw(st.booleans())]
    conditional = {tag: {"button": draw(buttons), "matchrule": {"tag": tag}} for tag in tags}
    return {"default": {"button": draw(buttons)}, **conditional}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25))
@given(versions=st.lists(some_menus(), min_size=1, max_size=3))
def test_whatever_was_published_before_the_wanted_menus_are_shown_in_their_order(client, platform, versions):
    for menus in versions:
        publish(client, menus)
        names = client.tags()
        order = [rule["tag"] for rule in platform.rules]
        assert order == [names[tag] for tag in menus if tag != "default"]
        assert publish(client, menus) == []

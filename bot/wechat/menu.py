"""Render the custom menus from templates, check them against the platform's limits, compare and publish them.

A menu is the JSON that the platform takes, with one difference: a conditional
menu names its tag (``"matchrule": {"tag": name}``) and ``publish`` finds the id.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import ndiff
from typing import Any
from unicodedata import east_asian_width
from urllib.parse import urlsplit

from jinja2 import Environment

from bot.wechat.client import WeChatApi

Menu = dict[str, Any]

DEFAULT = "default"
# In the order in which they are published. The platform tries the newest first, so the last one takes precedence.
NAMES = (DEFAULT, "donor", "resident", "staff")

# doc/service/en/Custom_Menus: lengths in bytes of UTF-8; what is shown, in 汉字 (a Latin letter is half of one).
BUTTONS, SUB_BUTTONS = 3, 5
NAME_BYTES, SUB_NAME_BYTES = 16, 60
NAME_SHOWN, SUB_NAME_SHOWN = 4, 8
KEY_BYTES, URL_BYTES = 128, 1024
# doc/service/api/custommenu/api_addconditionalmenu; tag names: usermanage/tag/api_createtag
CONDITIONAL_DOMAINS = 3
TAG_CHARACTERS = 30

# The fields that each type of button must have besides its name; others are not allowed.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "click": ("key",),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "scancode_push": ("key",),
    "scancode_waitmsg": ("key",),
    "pic_sysphoto": ("key",),
    "pic_photo_or_album": ("key",),
    "pic_weixin": ("key",),
    "location_select": ("key",),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}


class NotPublished(Exception):
    """The platform accepted the menus but shows others. ``lines``: what differs."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def render_menus(env: Environment, commands: Mapping[str, str]) -> dict[str, Menu]:
    """Render every menu, by its template's name. ``commands``: command name -> its main word.

    Raises jinja2.UndefinedError for a command without a word, ValueError for broken JSON.
    """
    menus = {}
    for name in NAMES:
        text = env.get_template(f"menu/{name}.json").render(words=commands)
        try:
            menus[name] = json.loads(text)
        except ValueError as error:
            raise ValueError(f"menu/{name}.json: {error}") from error
    return menus


# Linting


def lint_all(menus: Mapping[str, Menu], known_keys: Collection[str]) -> list[str]:
    """List what is wrong with these menus: each by itself, and if nothing is, all of them together."""
    problems = [f"{name}: {problem}" for name, menu in menus.items() for problem in lint(menu, known_keys)]
    return problems or list(_joint_problems(menus))


def lint(menu: Menu, known_keys: Collection[str]) -> list[str]:
    """List what is wrong with this menu; empty if the platform and this program accept it."""
    buttons = menu.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS:
        return [f"needs 1 to {BUTTONS} buttons"]
    problems = [f"unknown field {field}" for field in sorted(menu.keys() - {"button", "matchrule"})]
    for button in buttons:
        problems += _button_problems(button, known_keys)
    keys = [leaf["key"] for leaf in _leaves(menu) if "key" in leaf]
    problems += [f"several buttons have the key {key}" for key in sorted(set(keys)) if keys.count(key) > 1]
    if "matchrule" in menu:
        problems += _rule_problems(menu["matchrule"])
        problems += _domain_problems([menu])
    return problems


def _joint_problems(menus: Mapping[str, Menu]) -> Iterator[str]:
    if _tag(menus[DEFAULT]):
        yield f"{DEFAULT}: the menu for everybody else cannot match a tag"
    conditional = {name: menu for name, menu in menus.items() if name != DEFAULT}
    tags = [_tag(menu) for menu in conditional.values()]
    for name, menu in conditional.items():
        if not _tag(menu):
            yield f"{name}: matches no tag"
        elif tags.count(_tag(menu)) > 1:
            yield f"{name}: another menu matches the tag {_tag(menu)} too"
    yield from _domain_problems(conditional.values())


def _button_problems(button: Menu, known_keys: Collection[str]) -> Iterator[str]:
    yield from _name_problems(button, NAME_BYTES, NAME_SHOWN)
    children = button.get("sub_button")
    if children is None:
        yield from _leaf_problems(button, known_keys)
        return
    name = button.get("name")
    if not isinstance(children, list) or not 1 <= len(children) <= SUB_BUTTONS:
        yield f"{name}: needs 1 to {SUB_BUTTONS} buttons below it"
        return
    for extra in sorted(button.keys() - {"name", "sub_button"}):
        yield f"{name}: opens a list, so it may not have {extra}"
    for child in children:
        yield from _name_problems(child, SUB_NAME_BYTES, SUB_NAME_SHOWN)
        yield from _leaf_problems(child, known_keys)


def _name_problems(button: Menu, most_bytes: int, most_shown: int) -> Iterator[str]:
    name = button.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        yield f"a button needs a name, not {name!r}"
        return
    if len(name.encode()) > most_bytes:
        yield f"{name}: the name is longer than {most_bytes} bytes"
    if _shown_length(name) > most_shown:
        yield f"{name}: only {most_shown} Chinese characters of the name are shown"


def _shown_length(name: str) -> float:
    return sum(1 if east_asian_width(character) in "WF" else 0.5 for character in name)


def _leaf_problems(button: Menu, known_keys: Collection[str]) -> Iterator[str]:
    name, kind = button.get("name"), str(button.get("type"))
    if kind not in _FIELDS:
        yield f"{name}: no such type of button: {kind}"
        return
    for missing in (each for each in _FIELDS[kind] if not button.get(each)):
        yield f"{name}: a {kind} button needs {missing}"
    for extra in sorted(button.keys() - {"name", "type", *_FIELDS[kind]}):
        yield f"{name}: a {kind} button may not have {extra}"
    key, url = str(button.get("key", "")), str(button.get("url", ""))
    if len(key.encode()) > KEY_BYTES:
        yield f"{name}: the key is longer than {KEY_BYTES} bytes"
    if key and key not in known_keys:
        yield f"{name}: no command is called {key}"
    if len(url.encode()) > URL_BYTES:
        yield f"{name}: the url is longer than {URL_BYTES} bytes"
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        yield f"{name}: the url is not a web address"


def _rule_problems(rule: Any) -> Iterator[str]:
    if not isinstance(rule, dict) or rule.keys() != {"tag"} or not rule["tag"]:
        yield "matchrule: only a tag can be matched"
    elif len(rule["tag"]) > TAG_CHARACTERS:
        yield f"matchrule: the tag's name is longer than {TAG_CHARACTERS} characters"


def _domain_problems(menus: Iterable[Menu]) -> Iterator[str]:
    domains = {urlsplit(leaf["url"]).hostname for menu in menus for leaf in _leaves(menu) if leaf.get("url")}
    if len(domains) > CONDITIONAL_DOMAINS:
        yield f"conditional menus lead to more than {CONDITIONAL_DOMAINS} domains"


def _leaves(menu: Menu) -> Iterator[Menu]:
    for button in menu["button"]:
        yield from button.get("sub_button") or [button]


def _tag(menu: Menu) -> str:
    """Return the tag that the menu matches; empty for the default menu."""
    return str(menu.get("matchrule", {}).get("tag", ""))


# Comparing and publishing


def published(client: WeChatApi) -> list[Menu]:
    """Return the account's menus: the default first, then the conditional ones with their tag's name and ``menuid``."""
    found = client.menus()
    if not found:
        return []
    names = {number: name for name, number in client.tags().items()}
    menus: list[Menu] = [{"button": found["menu"]["button"]}]
    for menu in found.get("conditionalmenu", ()):
        rule = menu.get("matchrule", {})
        number = int(rule.get("tag_id") or rule.get("group_id") or 0)  # the platform answers with the older name
        tag = names.get(number, f"#{number}")
        menus.append({"button": menu["button"], "matchrule": {"tag": tag}, "menuid": str(menu["menuid"])})
    return menus


def diff(published: Iterable[Menu], wanted: Iterable[Menu]) -> list[str]:
    """List what publishing would change, menu by menu: ``+`` is added, ``-`` is removed. Empty if nothing changes."""
    before, after = _outlines(published), _outlines(wanted)
    lines = []
    for tag in [*after, *(tag for tag in before if tag not in after)]:
        old, new = before.get(tag, []), after.get(tag, [])
        if old != new:
            lines.append(f"menu {tag or DEFAULT}:")
            lines += [line for line in ndiff(old, new) if not line.startswith("?")]
    return lines


def publish(client: WeChatApi, menus: Mapping[str, Menu]) -> list[str]:
    """Publish these menus, touching only what differs. Returns the changes, as ``diff`` lists them.

    Raises what the client raises, and NotPublished if the platform shows other menus afterwards.
    """
    wanted = list(menus.values())
    changes = diff(published(client), wanted)
    if not changes:
        return []
    _publish_default(client, menus[DEFAULT])
    _publish_conditional(client, [menu for menu in wanted if _tag(menu)])
    if left := diff(published(client), wanted):
        raise NotPublished(left)
    return changes


def _publish_default(client: WeChatApi, menu: Menu) -> None:
    standing = [each for each in published(client) if not _tag(each)]
    if diff(standing, [menu]):
        client.create_menu(menu)


def _publish_conditional(client: WeChatApi, wanted: Sequence[Menu]) -> None:
    """Publish the conditional menus anew from the first one that differs, since the platform tries the newest first.

    The old ones are deleted only after the new ones are there, so that no person is without a menu in between.
    """
    standing = [menu for menu in published(client) if _tag(menu)]
    before, after = _outlines(standing), _outlines(wanted)
    tags = [_tag(menu) for menu in wanted]
    kept = next((n for n, tag in enumerate(tags) if before.get(tag) != after[tag]), len(tags))
    numbers = client.tags()
    for menu in wanted[kept:]:
        tag = _tag(menu)
        if tag not in numbers:
            numbers[tag] = client.create_tag(tag)
        client.add_conditional_menu({"button": menu["button"], "matchrule": {"tag_id": str(numbers[tag])}})
    for menu in standing:
        if _tag(menu) not in tags[:kept]:
            client.delete_conditional_menu(menu["menuid"])


def _outlines(menus: Iterable[Menu]) -> dict[str, list[str]]:
    """Map each tag to one line per button. Lines of two menus for one tag are joined, so they equal no single menu."""
    outlines: dict[str, list[str]] = {}
    for menu in menus:
        outlines.setdefault(_tag(menu), []).extend(_outline(menu["button"]))
    return outlines


def _outline(buttons: Iterable[Menu], indent: str = "") -> Iterator[str]:
    for button in buttons:
        children = button.get("sub_button") or []  # the platform answers an empty list under every leaf
        details = (str(button.get(field)) for field in ("type", *_FIELDS.get(button.get("type", ""), ())))
        yield f"{indent}{button['name']}" + ("" if children else ": " + " ".join(details))
        yield from _outline(children, indent + "  ")

"""Load the account's message templates as cards: config/push.toml, with the ids of WeChat's console."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.wechat.template_fields import BadField, fit_field
from bot.words.lexicon import CONFIG

_LINE = re.compile(r"\s*(\w+)\s*[:：]\s*(.*?)\s*")
TIME = "time"


class UnknownCard(ValueError):
    """A setting gives an id to a card that config/push.toml does not have."""


@dataclass(frozen=True, slots=True)
class Card:
    """One message template. ``fields``: name of a line -> WeChat's field. An id is empty without such a template."""

    name: str
    title: str
    fields: Mapping[str, str]
    template_id: str = ""
    subscription_id: str = ""


def load_cards(
    templates: Mapping[str, str] | None = None, subscriptions: Mapping[str, str] | None = None, folder: Path = CONFIG
) -> dict[str, Card]:
    """Load the cards by name, with the ids of WECHAT_TEMPLATES and WECHAT_SUBSCRIPTIONS. Raises UnknownCard."""
    listed = _read(folder)["cards"]
    templates, subscriptions = templates or {}, subscriptions or {}
    if unknown := ({*templates, *subscriptions}) - {*listed}:
        raise UnknownCard(f"no such card in config/push.toml: {', '.join(sorted(unknown))}")
    return {
        name: Card(name, card["title"], card["fields"], templates.get(name, ""), subscriptions.get(name, ""))
        for name, card in listed.items()
    }


def as_in_console(prefix: str, folder: Path = CONFIG) -> list[dict[str, str]]:
    """List all cards as templates of an account's console: id (``prefix`` and the card's name), title, content."""
    config = _read(folder)
    return [
        {
            "template_id": prefix + name,
            "title": card["title"],
            "content": "\n".join(
                f"{config['labels'][line]}:{{{{{field}.DATA}}}}" for line, field in card["fields"].items()
            ),
        }
        for name, card in config["cards"].items()
    ]


def _read(folder: Path) -> dict[str, Any]:
    with (folder / "push.toml").open("rb") as file:
        return tomllib.load(file)


def fill(card: Card, written: str, time: str) -> dict[str, str]:
    """Fill WeChat's fields from ``name: words`` lines; ``time`` is used where there is no line for it.

    Raises BadField for a line that is missing, that the card does not have, or whose words do not fit.
    """
    lines = {TIME: time} if TIME in card.fields else {}
    for line in filter(str.strip, written.splitlines()):
        found = _LINE.fullmatch(line)
        if not found or found[1] not in card.fields:
            raise BadField(found[1] if found else "")
        lines[found[1]] = found[2]
    if missing := [field for name, field in card.fields.items() if not lines.get(name)]:
        raise BadField(missing[0])
    return {field: fit_field(field, lines[name]) for name, field in card.fields.items()}

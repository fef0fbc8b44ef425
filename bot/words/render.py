"""Render answers to text in one strict Jinja environment, compiled once."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from config.signs import DAY, MONTH, YEAR
from flows.engine.flow import Say
from flows.engine.world import no_link
from flows.language.numerals import hanzi_money
from models.core.calendar import CHINA, last_day_before
from models.core.measures import JIN

TEMPLATES = Path(__file__).parents[2] / "templates"


def yuan(fen: int) -> str:
    """Write fen as yuan: 10050 -> ¥100.50; whole yuan without decimals, thousands separated."""
    whole, rest = divmod(fen, 100)
    return f"¥{whole:,}.{rest:02}" if rest else f"¥{whole:,}"


def yuan_words(fen: int) -> str:
    """Write fen in everyday Chinese numerals, to be read aloud."""
    return hanzi_money(fen)


def jin(grams: int) -> str:
    """Write grams as 斤, with at most three decimals."""
    whole, rest = divmod(grams, JIN)
    return f"{whole:,}" + (f".{rest * 1000 // JIN:03}".rstrip("0") if rest else "")


def mu(hundredths: int) -> str:
    """Write land in hundredths of a 亩 as 亩."""
    return f"{hundredths / 100:,.2f}".rstrip("0").rstrip(".")


def day(value: str | date | datetime) -> str:
    """Write a date in China as people say it."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(CHINA).date()
    return f"{value.year}{YEAR}{value.month}{MONTH}{value.day}{DAY}"


def moment(value: str | datetime) -> str:
    """Write a time in China, to the minute."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    value = value.astimezone(CHINA)
    return f"{day(value)} {value:%H:%M}"


def last_day(value: datetime) -> str:
    """Write the last day in China before this time, which a term that ends at midnight still holds."""
    return day(last_day_before(value))


def shorten(text: str, most: int = 40) -> str:
    """Cut the text to one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def disarmed(value: Any) -> Any:
    """Disarm < in a value, so that what people wrote makes no link: WeChat turns <a href> in our reply into one, which
    would pass for ours.

    In a page a macro's own mark-up stays; what people wrote is escaped there besides.
    """
    return value.replace("<", "＜") if isinstance(value, str) and not isinstance(value, Markup) else value


def label_of(choices: Mapping[str, Mapping[str, tuple[str, ...]]], key: str, *choice_sets: str) -> str:
    """Return the label of a key in the first of these sets that has it; empty if none has it any more."""
    return next((choices[name][key][0] for name in choice_sets if key in choices.get(name, {})), "")


FILTERS = {
    "yuan": yuan,
    "yuan_words": yuan_words,
    "jin": jin,
    "mu": mu,
    "day": day,
    "moment": moment,
    "last_day": last_day,
    "shorten": shorten,
}


class Renderer:
    """Renders answers. ``words``: templates name the words that are matched through it, so that the two stay the same.

    ``choices``: the labels of stored keys (models store keys and know no words).
    ``page``: kind and what it shows -> the address of a public page (bot/web/links.py), if there is one.
    """

    def __init__(
        self,
        words: Mapping[str, tuple[str, ...]],
        choices: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
        folder: Path = TEMPLATES,
        page: Callable[[str, str], str] = no_link,
    ) -> None:
        self.env = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
            finalize=disarmed,
        )
        self.env.filters |= FILTERS
        self.env.globals["page"] = page
        self.env.globals["word"] = lambda name: words[name][0]
        self.env.globals["label"] = partial(label_of, choices or {})
        self._macros: dict[tuple[str, str], Any] = {}

    def say(self, say: Say) -> str:
        """Render one Say. A missing template, macro or value raises."""
        name = f"{say.template}.txt"
        if say.macro is None:
            return self.env.get_template(name).render(say.values).strip()
        macro = self._macros.get((name, say.macro))
        if macro is None:
            macro = self._macros[name, say.macro] = getattr(self.env.get_template(name).module, say.macro)
        return str(macro(**say.values)).strip()

    def render(self, says: Iterable[Say]) -> str:
        """Render all Says with a blank line between; numbered lines follow each other without one."""
        text = ""
        was_line = False
        for say in says:
            words = self.say(say)
            line = say.values.get("v", {}).get("line") if say.macro else None
            if line is not None:
                words = f"{line} {words}"
            if text:
                text += "\n" if was_line and line is not None else "\n\n"
            text += words
            was_line = line is not None
        return text

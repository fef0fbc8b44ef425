"""Read what a phone shows, as a person does: the words, the numbered lines, the links."""

import re
from dataclasses import dataclass
from functools import cached_property

_LINE = re.compile(r"^(\d{1,3}) (\S.*)$", re.MULTILINE)
_OFFER = re.compile("回复“([^”]+)”")
# What a bubble has beside its words.
_NO_WORDS = ("id", "media_id", "template_id", "color")
_LINK = re.compile(r"https?://[^\s\"<>]+")


def words_of(content: object) -> str:
    """Return all words of a bubble of the platform's: a text, a menu, a card, each of their parts on a line."""
    if isinstance(content, dict):
        return "\n".join(filter(None, (words_of(part) for name, part in content.items() if name not in _NO_WORDS)))
    if isinstance(content, list | tuple):
        return "\n".join(words_of(part) for part in content)
    return str(content)


@dataclass(frozen=True)
class Screen:
    """The words of the account that stand last in the chat."""

    words: str

    @cached_property
    def lines(self) -> dict[str, str]:
        """The numbered lines: number -> what stands behind it. Of a number that stands twice, the last."""
        return dict(_LINE.findall(self.words))

    @cached_property
    def links(self) -> list[str]:
        return _LINK.findall(self.words)

    @cached_property
    def things(self) -> list[str]:
        """The numbers of the lines that name a thing by its own number."""
        return [number for number, line in self.lines.items() if "号" in line]

    @cached_property
    def offers(self) -> list[str]:
        """The words that it says one can answer."""
        return _OFFER.findall(self.words)

    def number_of(self, *labels: str) -> str | None:
        """Find the number of the first label that begins a line; None where none does."""
        return next((n for label in labels for n, line in self.lines.items() if line.startswith(label)), None)

    def says(self, *words: str) -> bool:
        """Tell whether all of these stand on it."""
        return all(each in self.words for each in words)

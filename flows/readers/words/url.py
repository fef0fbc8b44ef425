"""Read a link to a shop elsewhere: https, a public host name, the default port, no user name."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader
from models.people.message import Kind, Message

LONGEST = 500
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# Host names of private networks.
_PRIVATE = frozenset({"localhost", "local", "internal", "lan", "home", "arpa"})
_LONGEST_HOST = 253


@dataclass(frozen=True)
class Url(WordsReader):
    """Value: the link, at most 500 characters; also from a shared link message, or from the words of a share.

    Codes: not_text, not_heard, not_https, not_url.
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_https", "not_url")

    def read(self, message: Message, asking: Asking) -> Reading:
        if message.kind is Kind.LINK:
            return self.read_words(message.url, asking)
        return super().read(message, asking)

    def read_words(self, text: str, asking: Asking) -> Reading:
        links = [word for word in clean(text).split() if "://" in word]
        if len(links) != 1:
            return Rejected("not_url")
        return self.check(links[0], asking) or Accepted(links[0])

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not isinstance(value, str) or len(value) > LONGEST or not _ALLOWED.fullmatch(value):
            return Rejected("not_url")
        parts = _split(value)
        if parts is None or not _is_public(parts):
            return Rejected("not_url")
        return None if parts.scheme == "https" else Rejected("not_https")


def _split(link: str) -> SplitResult | None:
    try:
        parts = urlsplit(link)
        _ = parts.port
    except ValueError:  # brackets or a port that no host can have
        return None
    return parts


def _is_public(parts: SplitResult) -> bool:
    """Tell whether it has a public host name, the default port, and no user or password."""
    host = parts.hostname or ""
    named = len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None
    return named and host.rpartition(".")[2] not in _PRIVATE and "@" not in parts.netloc and parts.port in (None, 443)

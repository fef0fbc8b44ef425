"""Messages for readers, and what they read."""

from datetime import UTC, datetime
from typing import Any

from bot.words.lexicon import load_lexicon
from flows.engine.world import Region, World
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Reader, Rejected
from models.people.message import Message, MessageKind

_LOADED = load_lexicon()


LEXICON = Lexicon(
    _LOADED.words,
    {**_LOADED.choices, "colour": {"red": ("红色", "红"), "green": ("绿色", "绿"), "blue": ("蓝色",)}},
    belonging=_LOADED.belonging,
    solar_days=_LOADED.solar_days,
    lunar_days=_LOADED.lunar_days,
)


REGIONS = (
    Region("430000000000", "湖南省", "湖南省"),
    Region("430524000000", "隆回县", "湖南省邵阳市隆回县"),
    Region("430524201000", "虎形山瑶族乡", "湖南省邵阳市隆回县虎形山瑶族乡"),
    Region("430524201203", "大托村", "湖南省邵阳市隆回县虎形山瑶族乡大托村"),
    Region("430102001000", "东风镇", "湖南省长沙市甲县东风镇"),
    Region("360102001000", "东风镇", "江西省南昌市乙县东风镇"),
    Region("441900003000", "东城街道", "广东省东莞市东城街道"),
)


# 00:30 in Beijing on the 25th, still the 24th in Greenwich.
NOW = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)


TARGET = 100_000_000


def find_regions(text: str) -> list[Region]:
    """The deepest of the regions whose name stands in the text."""
    named = [region for region in REGIONS if region.name in text]
    deepest = max((len(region.code.rstrip("0")) for region in named), default=0)
    return [region for region in named if len(region.code.rstrip("0")) == deepest]


WORLD = World(NOW, LEXICON, find_regions)


def asking(so_far: Any = None, **answers: Any) -> Asking:
    return Asking(WORLD, answers, so_far)


def message(kind: MessageKind, **fields: Any) -> Message:
    return Message(kind, "gh_test", "someone", 1_790_000_000, **fields)


def said(text: str) -> Message:
    return message(MessageKind.TEXT, text=text)


def read(reader: Reader, sent: str | Message, so_far: Any = None, **answers: Any) -> Any:
    """What the reader makes of a message, or of a typed text."""
    return reader.read(said(sent) if isinstance(sent, str) else sent, asking(so_far, **answers))


def value_of(reader: Reader, text: str, **answers: Any) -> Any:
    reading = read(reader, text, **answers)
    assert isinstance(reading, Accepted), reading
    return reading.value


def code_of(reader: Reader, sent: str | Message, so_far: Any = None, **answers: Any) -> str:
    reading = read(reader, sent, so_far, **answers)
    assert isinstance(reading, Rejected), reading
    return reading.code


def fault(reader: Reader, stored: Any, **answers: Any) -> str | None:
    """The code for which a stored value is no longer good."""
    rejected = reader.check(stored, asking(**answers))
    return rejected.code if rejected else None

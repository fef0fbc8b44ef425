"""What holds for every reader, whatever it is sent; and the small world that the readers' tests live in."""

import json
import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.lexicon import CONFIG, load_lexicon
from flows.engine.world import Region, World
from flows.language.lexicon import Lexicon
from flows.language.wording import plain
from flows.readers import (
    BudgetLines,
    Choice,
    Count,
    Day,
    IdNumber,
    Money,
    Phone,
    Photo,
    Place,
    Price,
    Text,
    Url,
    Weight,
)
from flows.readers.base import Accepted, Asking, Offer, Partial, Reader, Rejected
from flows.readers.words.goods_name import GoodsName
from models.people.message import Kind, Message, Point

WORDS = tomllib.loads((CONFIG / "readers.toml").read_text("utf-8"))["words"]
# Looked for inside what was said, so that one word may serve twice.
INSIDE = {"vague", "measure", "size", "costs", "medicine_endings", "not_medicine", "food_goods", "not_food_endings"}
_LOADED = load_lexicon()
LEXICON = Lexicon(
    _LOADED.words,
    {**_LOADED.choices, "colour": {"red": ("红色", "红"), "green": ("绿色", "绿"), "blue": ("蓝色",)}},
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


def message(kind: Kind, **fields: Any) -> Message:
    return Message(kind, "gh_test", "someone", 1_790_000_000, **fields)


def said(text: str) -> Message:
    return message(Kind.TEXT, text=text)


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


EVERY_READER: list[Reader] = [
    Text(min=2, max=20),
    Text(min=2, max=20, name=True, digits=False),
    GoodsName(max=20),
    Text(min=5, max=40, many=True, optional=True),
    Choice("colour"),
    Choice("colour", "green", "red"),
    Money(min=100, max=30_000_000),
    Money(),
    Price(),
    Weight(min=500, max=1_000_000),
    Count(min=2, max=500),
    Photo(max=2),
    Photo(min=0),
    Place(),
    Place(level="village"),
    IdNumber(),
    Phone(),
    Phone(optional=True),
    Day(earliest=1, latest=90),
    Day(latest=0),
    Day(),
    Url(),
    BudgetLines(),
]
SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["item", "code", "name"]), inner),
    max_leaves=5,
)
ANY_TEXT = st.one_of(
    st.text(),
    st.text(alphabet="0123456789零一二两三十百千万亿.,-多几元块毛分斤两公吨年月日号后半个天 \n:/@", max_size=30),
    st.sampled_from(["52万", "水泥 52万", "500斤", "3袋", "明天", "隆回县", "东风镇", "13800000000"]),
    st.sampled_from(["完成", "跳过", "删掉", "红", "2", "9" * 30, "-5元", "0.001"]),
    st.sampled_from(["https://shop.example/a", "43052419050307000X", "９" * 80, "\ud800", "]]>", "\u200b2\u200b"]),
)
ANY_POINT = st.builds(Point, st.floats(), st.floats(), ANY_TEXT | st.just("湖南省邵阳市隆回县虎形山瑶族乡大托村"))
ANY_MESSAGE = st.builds(
    message,
    kind=st.sampled_from(Kind),
    text=ANY_TEXT,
    media_id=st.sampled_from(["", "m1", "m2", "m3"]),
    pic_url=st.text(max_size=10),
    url=ANY_TEXT,
    point=st.none() | ANY_POINT,
)


@pytest.mark.parametrize("reader", EVERY_READER, ids=repr)
@given(messages=st.lists(ANY_MESSAGE, min_size=1, max_size=6))
def test_any_messages_are_read_or_refused_in_ways_the_reader_names(reader, messages):
    so_far = None
    for one in messages:
        now = asking(so_far, target=TARGET)
        reading = reader.read(one, now)
        match reading:
            case Accepted(value):
                assert reader.check(value, now) is None
                assert json.loads(json.dumps(value, allow_nan=False)) == value
            case Partial(gathered, values):
                assert "more" in reader.speaks
                assert json.loads(json.dumps(gathered)) == gathered
                assert set(reader.facts(now)) <= set(values)
                so_far = gathered
            case Offer(options):
                assert "which" in reader.speaks
                assert 1 <= len(options) <= 9
                assert all(label and reader.check(value, now) is None for label, value in options)
            case Rejected(code, _):
                assert code in reader.codes


@pytest.mark.parametrize("reader", EVERY_READER, ids=repr)
@given(value=SOME_JSON)
def test_any_stored_value_is_checked_without_failing(reader, value):
    rejected = reader.check(value, asking(target=TARGET))
    assert rejected is None or rejected.code in reader.codes


@pytest.mark.parametrize("reader", EVERY_READER, ids=repr)
def test_codes_are_named_once_and_facts_are_json(reader):
    assert len(set(reader.codes)) == len(reader.codes)
    assert json.dumps(reader.facts(asking(target=TARGET)))


@pytest.mark.parametrize("reader", [r for r in EVERY_READER if not isinstance(r, Photo)], ids=repr)
def test_a_photo_or_a_silent_voice_is_no_answer_in_words(reader):
    assert read(reader, message(Kind.IMAGE, media_id="m")) == Rejected("not_text")
    assert read(reader, message(Kind.EVENT, event="click", event_key="x")) == Rejected("not_text")
    assert read(reader, message(Kind.VOICE, media_id="v")) == Rejected("not_heard")


def test_recognised_speech_is_read_like_typing():
    assert read(Money(), message(Kind.VOICE, text="三十万元。")) == Accepted(30_000_000)
    assert read(Choice("colour"), message(Kind.VOICE, text="第二个。")) == Accepted("green")


def test_matched_words_are_written_as_typing_is_folded():
    whole_words = {name: words for name, words in WORDS.items() if name not in INSIDE}
    assert all(plain(word) == word for words in whole_words.values() for word in words)
    every_word = [word for words in whole_words.values() for word in words]
    assert len(set(every_word)) == len(every_word)

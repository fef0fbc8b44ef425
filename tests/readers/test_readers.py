"""What holds for every reader, whatever it is sent; and the small world that the readers' tests live in."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.lexicon import CONFIG
from flows.language.wording import plain
from flows.readers import (
    BudgetLines,
    Choice,
    Count,
    Day,
    IdNumber,
    Money,
    PersonName,
    Phone,
    Photo,
    Place,
    Price,
    Text,
    Url,
    Weight,
)
from flows.readers.base import Accepted, Offer, Partial, Reader, Rejected
from flows.readers.numbers.quantity import UnitChoice, UnitCount, UnitWeight
from flows.readers.words.goods_category import BetterCategory
from flows.readers.words.goods_name import GoodsName
from models.people.message import MessageKind, Point
from tests.harness.words.reading import TARGET, asking, message, read

WORDS = tomllib.loads((CONFIG / "readers.toml").read_text("utf-8"))["words"]
# Looked for inside what was said, so that one word may serve twice.
INSIDE = {
    "keeps_long",
    "still_fresh",
    "vague",
    "before_a_name",
    "rounds_in_front",
    "leads_to_amount",
    "leads_to_monthly_amount",
    "nicknames",
    "polite_tails",
    "denies_amount",
    "leads_to_day",
    "span_begins",
    "span_ends",
    "new_years_days",
    "leads_to_name",
    "may_lead_to_name",
    "name_tails",
    "titles",
    "beside_name",
    "never_in_names",
    "seldom_in_names",
    "surnames",
    "measure",
    "size",
    "costs",
    "medicine_endings",
    "not_medicine",
    "food_goods",
    "not_food_endings",
}
# Each counts only under its own question, so that one word may answer several.
UNDER_A_QUESTION = {
    *("goods_want", "goods_no", "no_waybill"),
    # After 减产 and a number.
    *("harvest_none", "harvest_half", "harvest_left", "harvest_tenths", "harvest_there"),
}


EVERY_READER: list[Reader] = [
    Text(min=2, max=20),
    PersonName(),
    GoodsName(max=20),
    Text(min=5, max=40, many=True, optional=True),
    Choice("colour"),
    Choice("colour", "green", "red"),
    Money(min=100, max=30_000_000),
    Money(),
    Price(),
    Weight(min=500, max=1_000_000),
    Count(min=2, max=500),
    UnitCount(max=500),
    UnitWeight(max=1_000_000, bare=500),
    UnitChoice(),
    BetterCategory(),
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
    kind=st.sampled_from(MessageKind),
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
    assert read(reader, message(MessageKind.IMAGE, media_id="m")) == Rejected("not_text")
    assert read(reader, message(MessageKind.EVENT, event="click", event_key="x")) == Rejected("not_text")
    assert read(reader, message(MessageKind.VOICE, media_id="v")) == Rejected("not_heard")


def test_recognised_speech_is_read_like_typing():
    assert read(Money(), message(MessageKind.VOICE, text="三十万元。")) == Accepted(30_000_000)
    assert read(Choice("colour"), message(MessageKind.VOICE, text="第二个。")) == Accepted("green")


def test_matched_words_are_written_as_typing_is_folded():
    whole_words = {name: words for name, words in WORDS.items() if name not in INSIDE}
    assert all(plain(word) == word for words in whole_words.values() for word in words)
    every_word = [word for name, words in whole_words.items() if name not in UNDER_A_QUESTION for word in words]
    assert len(set(every_word)) == len(every_word)

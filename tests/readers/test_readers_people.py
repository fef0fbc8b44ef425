"""Identity card numbers, phone numbers and places. Every person here is made up."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engine.world import World
from flows.readers import IdNumber, Phone, Place
from flows.readers.base import Accepted, Asking, Offer, Rejected
from models.people.message import Kind, Message, Point
from tests.harness.words.reading import LEXICON, WORLD, code_of, fault, find_regions, message, read, value_of

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(first_17: str) -> str:
    """With its check character, by the weights printed in GB 11643."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return first_17 + "10X98765432"[total % 11]


ENDS_IN_X = "43052419030306000X"


def test_an_id_number_however_it_is_typed():
    assert id_number(ENDS_IN_X[:17]) == ENDS_IN_X
    for typed in (f" {ENDS_IN_X}。", ENDS_IN_X.lower(), "430524 19030306 000x", "４３０５２４１９０３０３０６０００Ｘ"):
        assert value_of(IdNumber(), typed) == ENDS_IN_X


def test_an_id_number_as_it_is_read_out():
    assert value_of(IdNumber(), "四三零五二四一九零三零三零六零零零X") == ENDS_IN_X
    for heard in ("四三〇五二四，一九〇三〇三〇六，〇〇〇叉。", "我的身份证号是四三零五二四19030306零零零叉"):
        assert read(IdNumber(), message(Kind.VOICE, text=heard.replace("，", ""))) == Accepted(ENDS_IN_X)
    ends_in_digit = id_number("43052419030306001")
    spoken = ends_in_digit.translate(str.maketrans("0123456789", "零幺二三四五六七八九"))
    assert value_of(IdNumber(), spoken) == ends_in_digit
    assert read(IdNumber(), "四三零五") == Rejected("id_length", {"length": 4})
    assert read(IdNumber(), "我不记得") == Rejected("id_length", {"length": 0})


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(1910, 12, 31)), st.integers(0, 9))
def test_one_wrong_digit_is_always_noticed(born, slip):
    number = id_number(f"430524{born:%Y%m%d}000")
    assert value_of(IdNumber(), number) == number
    for place in range(17):
        wrong = f"{number[:place]}{slip}{number[place + 1 :]}"
        if wrong != number:
            assert code_of(IdNumber(), wrong) in ("id_checksum", "id_date")


def test_a_region_that_is_no_more_is_no_fault():
    number = id_number("43299919050307000")
    assert value_of(IdNumber(), number) == number


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("430524190501010", "id_length"),  # fifteen digits: the numbers before 1999
        ("4305241905030700", "id_length"),
        ("430524190503070001234", "id_length"),
        ("4305241905O3070001", "id_length"),
        ("我没有带身份证怎么办呢我不记得号码了", "id_length"),
        ("", "id_length"),
        (id_number("43052419050230000"), "id_date"),
        (id_number("43052419051301000"), "id_date"),
        (id_number("43052418991231000"), "id_date"),
        (id_number("43052420261126000"), "id_date"),
        ("430524190503070000", "id_checksum"),
        (id_number("43052420261125000"), "under_age"),
        (id_number("43052420121126000"), "under_age"),
    ],
)
def test_id_numbers_refused(number, code):
    assert code_of(IdNumber(), number) == code


def test_fourteen_today_is_old_enough_where_the_person_is():
    turns_fourteen = id_number("43052420121125000")
    assert value_of(IdNumber(), turns_fourteen) == turns_fourteen
    hour_before_midnight = World(datetime(2026, 11, 24, 15, 0, tzinfo=UTC), LEXICON, find_regions)
    assert IdNumber().check(turns_fourteen, Asking(hour_before_midnight)) == Rejected("under_age", {"age": 14})


def test_an_id_number_is_shown_masked():
    assert IdNumber().shown(ENDS_IN_X, WORLD) == "4305************0X"


@pytest.mark.parametrize(
    "typed",
    [
        "13800000000", "138 0000 0000", "138-0000-0000", "+86 13800000000", "+8613800000000", "008613800000000",
        "8613800000000", "(+86)138-0000-0000", "１３８００００００００", "138\u200b00000000", "13800000000。",
        "一三八零零零零零零零零", "幺三八〇〇〇〇〇〇〇〇。", "一三八 零零零零 零零零零", "我的号码是13800000000",
        "手机：幺三八00000000",
    ],
)  # fmt: skip
def test_a_phone_number_however_it_is_typed(typed):
    assert value_of(Phone(), typed) == "13800000000"


@pytest.mark.parametrize(
    "typed", ["", "1380000000", "138000000000", "12800000000", "0739-8888888", "没有手机", "+113800000000"]
)
def test_phone_numbers_refused(typed):
    assert code_of(Phone(), typed) == "not_phone"


def test_a_phone_number_may_be_skipped_only_where_that_is_allowed():
    assert read(Phone(optional=True), "没有") == Accepted(None)
    assert code_of(Phone(), "没有") == "not_phone"
    assert fault(Phone(), None) == "not_phone"
    assert read(Phone(), "1380000") == Rejected("not_phone", {"length": 7})
    assert Phone().shown("13800008000", WORLD) == "138****8000"


def place(
    code: str, name: str, latitude: float | None = None, longitude: float | None = None, detail: str = ""
) -> dict[str, Any]:
    return {"code": code, "name": name, "latitude": latitude, "longitude": longitude, "detail": detail}


def located(label: str, latitude: float = 27.1, longitude: float = 110.7) -> Message:
    return message(Kind.LOCATION, point=Point(latitude, longitude, label))


def test_a_typed_place():
    assert value_of(Place(), "隆回县") == place("430524000000", "湖南省邵阳市隆回县")
    assert code_of(Place(), "不知道") == "place_unknown"
    assert read(Place(), "火星" * 50) == Rejected("place_unknown", {"given": "火星" * 15})


def test_a_location_keeps_its_point_and_its_words():
    label = "湖南省邵阳市隆回县虎形山瑶族乡大托村3组"
    assert read(Place(level="village"), located(label)) == Accepted(
        place("430524201203", "湖南省邵阳市隆回县虎形山瑶族乡大托村", 27.1, 110.7, label)
    )
    assert read(Place(), located(" ")) == Rejected("place_unlabelled")
    assert read(Place(), message(Kind.LOCATION)) == Rejected("place_unlabelled")
    assert read(Place(), located("隆回县", float("nan"), float("inf"))).value["latitude"] is None
    offered = read(Place(), located("东风镇"))
    assert [value["latitude"] for _, value in offered.options] == [27.1, 27.1]


def test_a_name_that_several_places_have_is_offered():
    assert read(Place(), "东风镇") == Offer(
        (
            ("湖南省长沙市甲县东风镇", place("430102001000", "湖南省长沙市甲县东风镇")),
            ("江西省南昌市乙县东风镇", place("360102001000", "江西省南昌市乙县东风镇")),
        )
    )


@pytest.mark.parametrize(
    ("level", "typed", "fits"),
    [
        ("county", "湖南省", False),
        ("county", "隆回县", True),
        ("township", "隆回县", False),
        ("township", "隆回虎形山瑶族乡", True),
        ("township", "东莞市东城街道", True),
        ("village", "虎形山瑶族乡", False),
        ("village", "隆回县虎形山瑶族乡大托村", True),
        ("province", "湖南省", True),
    ],
)
def test_a_place_must_be_small_enough(level, typed, fits):
    reading = read(Place(level=level), typed)
    assert isinstance(reading, Accepted) is fits
    if not fits:
        name = find_regions(typed)[0].full_name
        assert reading == Rejected("place_too_wide", {"names": [name], "formerly": {}, "level": level})


def test_a_stored_place_meets_todays_level():
    county = place("430524000000", "湖南省邵阳市隆回县")
    assert fault(Place(), county) is None
    assert fault(Place(level="village"), county) == "place_too_wide"
    assert fault(Place(), {"code": "", "name": "x"}) == "place_too_wide"
    assert fault(Place(), "430524000000") == "place_unknown"
    assert Place().shown(county, WORLD) == "湖南省邵阳市隆回县"
    assert "place_too_wide" not in Place(level="province").codes

"""Budget lines: gathered until they add up to the target, 100万元 here unless said otherwise."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import hanzi_money
from flows.readers import BudgetLines
from flows.readers.base import Accepted, Partial, Rejected
from tests.harness.words.reading import TARGET, asking, code_of, fault, read

WAN = 10_000_00
BUDGET = BudgetLines()


def line(item: str, wan: int) -> dict[str, Any]:
    return {"item": item, "amount_fen": wan * WAN}


@pytest.mark.parametrize(
    ("text", "item", "fen"),
    [
        ("水泥沙石 52万", "水泥沙石", 52 * WAN),
        ("水泥沙石52万", "水泥沙石", 52 * WAN),
        ("水泥沙石：52万元", "水泥沙石", 52 * WAN),
        ("水泥沙石，520,000元", "水泥沙石", 52 * WAN),
        ("水泥沙石=520 000", "水泥沙石", 52 * WAN),
        ("水泥 沙石 五十二万元整", "水泥 沙石", 52 * WAN),
        ("人工费一万二", "人工费", 1_2000_00),
        ("水泥50袋 3000元", "水泥50袋", 3_000_00),
        ("水泥 50袋 3000", "水泥 50袋", 3_000_00),
        ("五金三千", "五金", 3_000_00),
        ("砖块5万", "砖块", 5 * WAN),
        ("合约 3万", "合约", 3 * WAN),
        ("运费 1块5", "运费", 1_50),
        ("螺丝 ￥0.5", "螺丝", 50),
    ],
)
def test_a_line_is_an_item_and_its_amount(text, item, fen):
    lines = [{"item": item, "amount_fen": fen}]
    assert read(BUDGET, text, target=TARGET) == Partial(lines, {"lines": lines, "target": TARGET, "left": TARGET - fen})


def test_lines_are_gathered_until_they_reach_the_target():
    so_far = None
    for text, left in (("水泥沙石 52万", 48), ("人工 30万", 18), ("运费 8万", 10)):
        reading = read(BUDGET, text, so_far, target=TARGET)
        assert reading.values["left"] == left * WAN
        so_far = reading.so_far
    assert read(BUDGET, "护栏 10万", so_far, target=TARGET) == Accepted(
        [line("水泥沙石", 52), line("人工", 30), line("运费", 8), line("护栏", 10)]
    )


def test_several_lines_in_one_message_count_all_or_none():
    both = [line("水泥", 60), line("人工", 40)]
    assert read(BUDGET, "水泥 60万\n人工 40万", target=TARGET) == Accepted(both)
    assert read(BUDGET, "水泥 60万；人工 40万；", target=TARGET) == Accepted(both)
    assert code_of(BUDGET, "水泥 60万\n人工", target=TARGET) == "no_amount"
    assert read(BUDGET, "水泥 60万\n人工", target=TARGET) == Rejected(
        "no_amount", {"lines": [], "target": TARGET, "left": TARGET, "count": 2, "words": "人工"}
    )
    too_much = {"lines": [], "target": TARGET, "left": TARGET, "count": 2, "words": "", "amount": 101 * WAN}
    assert read(BUDGET, "水泥 60万\n人工 41万", target=TARGET) == Rejected("over_total", too_much)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("水泥2000，人工 5000", [("水泥", 2000), ("人工", 5000)]),
        ("水泥2000,人工5000", [("水泥", 2000), ("人工", 5000)]),
        ("水泥 2,000，人工 5,000元。", [("水泥", 2000), ("人工", 5000)]),
        ("瓦片三千 木料四千 工钱五千", [("瓦片", 3000), ("木料", 4000), ("工钱", 5000)]),
        ("瓦片 三千 木料 四千 工钱 五千", [("瓦片", 3000), ("木料", 4000), ("工钱", 5000)]),
        ("瓦片：3000、木料：4000", [("瓦片", 3000), ("木料", 4000)]),
        ("水泥、沙石 3000，人工 2000", [("水泥、沙石", 3000), ("人工", 2000)]),
        ("水泥 50 袋 3000 沙 2 车 800", [("水泥 50 袋", 3000), ("沙 2 车", 800)]),
        ("教材3本90 书包2个160", [("教材3本", 90), ("书包2个", 160)]),
        ("水泥 520 000 人工 300", [("水泥", 520_000), ("人工", 300)]),
        ("水管100米 800，弯头 60", [("水管100米", 800), ("弯头", 60)]),
        ("6米大棚膜2000，12米大棚膜3000", [("6米大棚膜", 2000), ("12米大棚膜", 3000)]),
        ("水泥2000，3个人工3000", [("水泥", 2000), ("3个人工", 3000)]),
        ("水泥2000，100块砖3000", [("水泥", 2000), ("100块砖", 3000)]),
        ("水泥2000+人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("水泥2000和人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("水泥和沙石2000，和平小学课桌3000", [("水泥和沙石", 2000), ("和平小学课桌", 3000)]),
        ("水泥2000。人工3000。", [("水泥", 2000), ("人工", 3000)]),
        ("水泥1。5万。人工3000", [("水泥", 15_000), ("人工", 3000)]),
        ("1）水泥2000，2）人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("1、水泥2000，2、人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("1. 水泥2000\n2. 人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("一、水泥两千；二、人工三千", [("水泥", 2000), ("人工", 3000)]),
        ("①水泥2000②人工3000", [("水泥", 2000), ("人工", 3000)]),
        ("1.5米宽薄膜2000，人工3000", [("1.5米宽薄膜", 2000), ("人工", 3000)]),
    ],
)
def test_several_things_may_stand_on_one_line(text, lines):
    reading = read(BUDGET, text, target=TARGET)
    assert reading.so_far == [{"item": item, "amount_fen": yuan * 100} for item, yuan in lines]


@pytest.mark.parametrize(
    "text",
    [
        "水泥 50 袋 3000",
        "水泥50袋 3000",
        "425水泥 3000",
        "PVC110管 3000",
        "镀锌8号丝 3000",
        "复合肥15-15-15 3000",
        "老百姓活动室 3000",
        "买三轮车 3000",
        "第12个棚 3000",
        "水管 100米 3000",
        "请5人做工 3000",
    ],
)
def test_a_number_may_belong_to_the_thing(text):
    (only,) = read(BUDGET, text, target=TARGET).so_far
    assert only["amount_fen"] == 3000_00


@pytest.mark.parametrize(
    "text",
    [
        "水泥425 2000，人工 3000",
        "水泥50袋 每袋40 2000，人工3000",
        "水泥2000，300",
        "水泥2000人工5000",
        "水泥2000元人工 5000",
        "瓦片三千木料四千",
        "砖2000块运费500",
        "钢管 20 300 50",
        "手机4 3000",
    ],
)
def test_an_item_that_holds_an_amount_is_refused(text):
    assert code_of(BUDGET, text, target=TARGET) == "several"
    assert code_of(BUDGET, text, target=5000_00) == "several"


def test_a_very_long_line_is_soon_refused():
    assert code_of(BUDGET, "啊1袋 " * 500 + "5", target=TARGET) == "item_too_long"
    assert code_of(BUDGET, "啊 1 " * 500, target=TARGET) == "item_too_long"
    assert code_of(BUDGET, "啊 1 " * 13, target=TARGET) == "too_many"
    assert code_of(BUDGET, "1 " * 1000, target=TARGET) == "item_too_long"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("水泥", "no_amount"),
        ("52万水泥", "no_amount"),
        ("水泥来", "no_amount"),
        ("", "no_amount"),
        ("\n", "no_amount"),
        ("52万", "no_item"),
        ("：52万", "no_item"),
        ("50 3000元", "no_item"),
        ("水泥 三四万", "vague"),
        ("水泥三四万", "vague"),
        ("水泥几万", "vague"),
        ("水泥大概3万", "vague"),
        ("水泥 3-5万", "vague"),
        ("水泥 -5万", "not_positive"),
        ("水泥-5万", "not_positive"),
        ("水泥 0元", "not_positive"),
        ("水泥 0.001元", "too_precise"),
        ("水泥 101万", "over_total"),
        ("水泥 9999亿", "over_total"),
        ("很" * 31 + " 1万", "item_too_long"),
        ("很" * 200 + " 1万", "item_too_long"),
        ("完成", "sum_differs"),
    ],
)
def test_lines_refused(text, code):
    assert code_of(BUDGET, text, target=TARGET) == code


def test_a_line_too_much_keeps_the_earlier_ones():
    so_far = [line("水泥", 60)]
    kept = {"lines": so_far, "target": TARGET, "left": 40 * WAN, "count": 1, "words": ""}
    assert read(BUDGET, "人工 41万", so_far, target=TARGET) == Rejected("over_total", {**kept, "amount": 41 * WAN})
    assert read(BUDGET, "人工 20万\n运费 21万", so_far, target=TARGET) == Rejected(
        "over_total", {**kept, "count": 2, "amount": 41 * WAN}
    )
    assert read(BUDGET, "完成", so_far, target=TARGET) == Rejected("sum_differs", kept)
    assert so_far == [line("水泥", 60)]


def test_the_last_line_can_be_taken_back():
    so_far = [line("水泥", 60), line("人工", 30)]
    assert read(BUDGET, "删掉", so_far, target=TARGET).so_far == so_far[:1]
    assert read(BUDGET, "删掉", None, target=TARGET) == Partial([], {"lines": [], "target": TARGET, "left": TARGET})
    assert read(BUDGET, "删掉", so_far, target=60 * WAN) == Accepted(so_far[:1])


def test_twelve_lines_at_most():
    twelve = [line(f"第{n}项", 1) for n in range(12)]
    full = {"lines": twelve, "target": TARGET, "left": 88 * WAN, "count": 1, "words": "", "most": 12}
    assert read(BUDGET, "又一项 1万", twelve, target=TARGET) == Rejected("too_many", full)
    assert read(BUDGET, "又一项 1万", twelve[:11], target=12 * WAN) == Accepted([*twelve[:11], line("又一项", 1)])
    assert fault(BUDGET, [*twelve, line("又一项", 1)], target=13 * WAN) == "too_many"


def test_stored_lines_must_still_add_up():
    lines = [line("水泥", 60), line("人工", 40)]
    assert fault(BUDGET, lines, target=TARGET) is None
    assert BUDGET.check(lines, asking(target=90 * WAN)) == Rejected(
        "sum_differs", {"lines": lines, "target": 90 * WAN, "left": -10 * WAN, "count": 1, "words": ""}
    )
    for stored in ([], None, [{"item": "水泥"}], [{"item": "水泥", "amount_fen": -5}], [{"item": 1, "amount_fen": 5}]):
        assert fault(BUDGET, stored, target=TARGET) == "sum_differs"
    assert fault(BUDGET, lines) == "sum_differs"


def test_the_target_may_have_another_name():
    assert read(BudgetLines(total_step="goal"), "水泥 60万", goal=60 * WAN) == Accepted([line("水泥", 60)])


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_lines_that_add_up_are_accepted_with_the_last(amounts):
    so_far, target = None, sum(amounts)
    for amount in amounts[:-1]:
        so_far = read(BUDGET, f"材料 {hanzi_money(amount)}", so_far, target=target).so_far
    last = read(BUDGET, f"材料{hanzi_money(amounts[-1])}", so_far, target=target)
    assert [each["amount_fen"] for each in last.value] == amounts

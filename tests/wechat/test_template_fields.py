"""Words made to fit the fields of WeChat's templates: whatever comes out, the simulator takes."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.push.cards import UnknownCard, fill, load_cards
from bot.simulator.fields import SHAPES, fits
from bot.wechat.template_fields import BadField, fit_field

KINDS = sorted([*SHAPES, "novelty"])
WORDS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="修路捐款0123456789.¥元,-:年月日 aZ号\n\x0b😀", max_size=40),
    st.from_regex(r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d\d)?", fullmatch=True),
)


@given(kind=st.sampled_from(KINDS), words=WORDS)
@example(kind="time", words="2026年2月30日 10:00")
@example(kind="thing", words="😀" * 11)
@example(kind="amount", words="¥1,234,567,890.50")
def test_what_fits_is_what_wechat_takes(kind: str, words: str) -> None:
    fitted = None
    with suppress(BadField):
        fitted = fit_field(f"{kind}3", words)
    assert fitted is None or (fits(f"{kind}3", fitted) and fit_field(f"{kind}3", fitted) == fitted)


@pytest.mark.parametrize(
    ("field", "words", "fitted"),
    [
        ("thing1", "苗寨修路", "苗寨修路"),
        ("thing1", "给橘园盖大棚，\n防冻，两个孩子上学的钱就有了", "给橘园盖大棚， 防冻，两个孩子上学的钱…"),
        ("thing1", "😀" * 11, "😀" * 9 + "…"),
        ("phrase2", "等县里复核了", "等县里复核"),
        ("phrase2", "办好了！", "办好了"),
        ("amount2", "¥1,234.50", "¥1234.50"),
        ("amount2", "￥300000", "¥300000"),
        ("character_string2", "3912 号", "3912"),
        ("time4", "2026年11月24日 15:01", "2026年11月24日 15:01"),
        ("time3", "2026年11月24日", "2026年11月24日 23:59"),
        ("date3", "2026年11月24日", "2026年11月24日"),
        ("number4", "140,000", "140000"),
        ("name1", "王小明3", "王小明"),
    ],
)
def test_words_are_cut_and_cleaned(field: str, words: str, fitted: str) -> None:
    assert fit_field(field, words) == fitted


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("thing1", " \n\x0b"),
        ("phrase2", "第3步"),
        ("amount2", "一千元"),
        ("amount2", "12345678901"),
        ("time4", "明天"),
        ("time4", "2026年2月30日 10:00"),
        ("character_string2", "A" * 33),
        ("character_string2", "取货码"),
    ],
)
def test_what_cannot_fit_is_refused_by_name_and_not_quoted(field: str, words: str) -> None:
    with pytest.raises(BadField) as refused:
        fit_field(field, words)
    assert str(refused.value) == field


def test_a_card_is_filled_line_by_line() -> None:
    card = load_cards({"progress": "tP"})["progress"]
    written = "matter: 求助 12 号\n\n  state：办好了  \nnote: 县里已经看过：没有问题\n"
    assert fill(card, written, "2026年11月24日 15:01") == {
        "thing1": "求助 12 号",
        "phrase2": "办好了",
        "thing3": "县里已经看过：没有问题",
        "time4": "2026年11月24日 15:01",
    }
    assert fill(card, written + "time: 2026年1月2日 3:04", "2026年11月24日 15:01")["time4"] == "2026年1月2日 3:04"


@pytest.mark.parametrize("written", ["matter: 求助\nstate: 办好了", "matter: 求助\nstate:\nnote: 好", "求助 12 号"])
def test_a_card_with_a_line_missing_is_refused(written: str) -> None:
    with pytest.raises(BadField):
        fill(load_cards()["progress"], written, "2026年11月24日 15:01")


def test_a_setting_may_only_name_cards_there_are() -> None:
    with pytest.raises(UnknownCard, match="progres"):
        load_cards({"progres": "tP"})

"""Numbers in every writing people use: read exactly, or refused for what they are."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import Unread, digits, fold, hanzi, hanzi_money, ordinal, read, read_integer, read_out
from tests.harness.words.formal_numerals import formal

VAGUE_WORDS = ("大概", "大约", "约", "左右", "好几", "几", "多", "来", "到")
ONE_YI_AND_MORE = 10**12


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("300000", 300_000),
        ("300,000", 300_000),
        ("３００，０００", 300_000),
        ("300 000", 300_000),
        (" 1,234,567 ", 1_234_567),
        ("30万", 300_000),
        ("30 万", 300_000),
        ("30w", 300_000),
        ("30W", 300_000),
        ("３０万", 300_000),
        ("３０Ｗ", 300_000),
        ("三十万", 300_000),
        ("叁拾万", 300_000),
        ("参拾萬", 300_000),
        ("三十点五万", 305_000),
        ("30.5万", 305_000),
        ("30点5万", 305_000),
        ("30。5万", 305_000),
        ("卅万", 300_000),
        ("廿三", 23),
        ("3十万", 300_000),
        ("一百零五", 105),
        ("一百〇五", 105),
        ("一百五", 150),
        ("一百一十五", 115),
        ("一百十五", 115),
        ("5k", 5000),
        ("1.5K", 1500),
        ("三点五千", 3500),
        ("俩万", 20_000),
        ("仨", 3),
        ("十二", 12),
        ("十", 10),
        ("百万", 1_000_000),
        ("两千", 2000),
        ("两百五", 250),
        ("三千六", 3600),
        ("一千零六", 1006),
        ("一千零六十", 1060),
        ("2万5", 25_000),
        ("两万五", 25_000),
        ("三十万五", 305_000),
        ("30万5千", 305_000),
        ("两万零五", 20_005),
        ("2万零50", 20_050),
        ("一万五百", 10_500),
        ("壹拾万零柒仟", 107_000),
        ("一亿", 100_000_000),
        ("1.5亿", 150_000_000),
        ("一亿五", 150_000_000),
        ("1亿2000万", 120_000_000),
        ("一亿零二千", 100_002_000),
        ("一万二千亿", 1_200_000_000_000),
        ("1.5万亿", 1_500_000_000_000),
        ("二〇二六", 2026),
        ("一三八", 138),
        ("二零", 20),
        ("零", 0),
        ("0", 0),
        ("007", 7),
        ("零点五", Fraction(1, 2)),
        ("0.001", Fraction(1, 1000)),
        ("三点一四", Fraction(314, 100)),
        ("两点五", Fraction(5, 2)),
        ("-1", -1),
        ("−1", -1),
        ("－1", -1),
        ("负一百", -100),
        ("负三点五万", -35_000),
        ("三十。", 30),
        ("2️⃣", 2),
    ],
)
def test_reads_exactly(text, number):
    assert read(text, VAGUE_WORDS) == number


@pytest.mark.parametrize(
    "text",
    [
        "三十多万", "30多万", "几万", "几十万", "好几万", "十几", "二十几", "三四万", "三五百", "一两千",
        "三四", "十三四", "一百三四十", "一万零三四百", "十来万", "三十万左右", "大概30万", "大约三十万",
        "约三十万", "大概几万", "3到4万", "3-4万", "３～４万", "30-50", "一二三万", "两两",
        "百八十", "百二十", "百十", "百五", "千八百", "千儿八百", "万八千", "万儿八千", "百8十", "百八十万",
    ],
)  # fmt: skip
def test_an_estimate_is_vague(text):
    assert read(text, VAGUE_WORDS) is Unread.VAGUE


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "3 5", "9" * 61,
        "你好", "很多", "万", "元", "-", "--1", "1,5", "30,00", "1.2.3", ".5", "1e5", "0x10", "½", "٣", "+5",
        "三十万元", "2026-12-1", "3五万", "三5", "三百两", "大概", "几", "一亿二千", "一亿五百", "一百五万",
        "一百五点三", "1.5万五百", "一万零五千", "一百零二十", "一百百", "五十百", "十万万", "零万", "1万2万",
    ],
)  # fmt: skip
def test_what_is_no_number_or_could_be_two_is_refused(text):
    assert read(text, VAGUE_WORDS) is Unread.NOT_A_NUMBER


def test_estimates_by_words_need_the_words():
    assert read("三十多万") is Unread.NOT_A_NUMBER
    assert read("三四万") is Unread.VAGUE


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2), ("２", 2), ("二", 2), ("两个", 2), ("第二个", 2), ("第2", 2), ("第 2 个", 2), ("2.", 2), ("2、", 2),
        ("2。", 2), ("②", 2), ("⑵", 2), ("(2)", 2), ("（2）", 2), ("选2", 2), ("选第二项", 2), ("2号", 2), ("2️⃣", 2),
        ("0", 0), ("零", 0), ("十二", 12), ("廿三", 23), ("99", 99), ("九十九", 99),
    ],
)  # fmt: skip
def test_ordinals(text, number):
    assert ordinal(text) == number


@pytest.mark.parametrize(
    "text", ["", "2 3", "100", "一百", "-1", "2.5", "三四", "第", "号", "二楼", "1,2", "第几个", "菜单"]
)
def test_what_picks_no_line(text):
    assert ordinal(text) is None


def test_whole_numbers_only():
    assert read_integer("三十万") == 300_000
    assert [read_integer(text) for text in ("-1", "1.5", "三四", "好")] == [None] * 4


def test_digits_one_by_one():
    assert digits(fold("二〇二六")) == "2026"
    assert digits("0１") is None
    assert digits(fold("0１")) == "01"
    assert digits("十") is None
    assert digits("") is None


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"), (2, "二"), (10, "十"), (12, "十二"), (20, "二十"), (22, "二十二"), (105, "一百零五"),
        (110, "一百一十"), (200, "两百"), (250, "两百五十"), (1010, "一千零一十"), (2000, "两千"),
        (10_050, "一万零五十"), (20_000, "两万"), (22_000, "两万两千"), (100_000, "十万"), (220_000, "二十二万"),
        (1_020_000, "一百零二万"), (10**8, "一亿"), (10**8 + 5, "一亿零五"), (10**9, "十亿"), (-5, "负五"),
    ],
)  # fmt: skip
def test_writes_as_people_do(number, words):
    assert hanzi(number) == words


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元"), (1, "一分"), (50, "五角"), (100, "一元"), (200, "两元"), (305, "三元零五分"), (350, "三元五角"),
        (352, "三元五角二分"), (1_005_000, "一万零五十元"), (30_000_000, "三十万元"), (100_000_000, "一百万元"),
    ],
)  # fmt: skip
def test_writes_money_as_people_do(fen, words):
    assert hanzi_money(fen) == words


def test_money_is_never_negative():
    with pytest.raises(ValueError, match="never negative"):
        hanzi_money(-1)


def decimal_text(number: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    return format(number.normalize(), "f")


@given(st.integers(0, ONE_YI_AND_MORE))
def test_every_way_to_write_a_whole_number_reads_back(number):
    for text in (str(number), f"{number:,}", hanzi(number), formal(hanzi(number))):
        assert read(text) == number


@given(st.integers(1, 10**9))
def test_decimals_of_wan_and_yi_read_back(number):
    assert read(decimal_text(Decimal(number) / 10_000) + "万") == number
    assert read(decimal_text(Decimal(number) / 10_000) + "w") == number
    assert read(decimal_text(Decimal(number) / 10**8) + "亿") == number


@given(st.integers(1, 99_999), st.sampled_from(VAGUE_WORDS))
def test_a_word_of_doubt_makes_any_number_vague(number, word):
    assert read(f"{hanzi(number)}{word}", VAGUE_WORDS) is Unread.VAGUE


@given(st.text(alphabet="0123456789.,零一二两三五九十百千万亿廿点负- 多几", max_size=14))
def test_reads_or_refuses_any_jumble(text):
    number = read(text, VAGUE_WORDS)
    assert isinstance(number, Fraction | Unread)
    whole = read_integer(text)
    assert whole is None or (number == whole and read(hanzi(whole)) == whole)


@given(st.text())
def test_never_raises(text):
    assert isinstance(read(text, VAGUE_WORDS), Fraction | Unread)
    chosen = ordinal(text)
    assert chosen is None or 0 <= chosen <= 99


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("幺三八〇〇", "13800"),
        ("１３８ ００", "138 00"),
        ("四三一一二四X", "431124x"),
        ("号码是一三", "号码是13"),
        ("", ""),
    ],
)
def test_figures_read_out_become_digits(text, figures):
    assert read_out(text) == figures

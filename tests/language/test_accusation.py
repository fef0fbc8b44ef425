"""What accuses an officer or a thing here of fraud, and what only asks about it."""

import pytest

from bot.words.lexicon import load_lexicon
from flows.language.accusation import Accusation, find_accusation

WORDS = load_lexicon().danger

ACCUSES = [
    ("信息员收我钱了", None),
    ("村干部要好处费", None),
    ("村长问我要了两百块钱", None),
    ("信息员拿了我家的红包", None),
    ("他逼我给钱", None),
    ("逼我交钱", None),
    ("我被骗了", None),
    ("我被他们骗了五百", None),
    ("骗我的钱", None),
    ("有人冒充我", None),
    ("這是騙錢的，6號是假的", 6),
    ("6号是假的", 6),
    ("六号是骗人的", 6),
    ("12号求助是骗捐", 12),
    ("敲诈勒索", None),
    ("信息员扣了我两百块钱", None),
    ("信息员多扣了我两百块钱", None),
    ("信息员扣了我两次钱", None),
    ("村长用微信收了我五百块", None),
    ("我不会用，被他们骗了五百", None),
    ("信息员收了我的钱，没有记录", None),
]
ACCUSES_NOBODY = [
    "是不是骗子",
    "是骗人的吗",
    "你们收钱吗",
    "信息员收钱吗？",
    "工作人员上门要多少钱",
    "会不会被骗",
    "怕被骗",
    "没有骗人",
    "6号",
    "捐6号",
    "我要收据",
    "信息员什么时候来",
    "信息员收了我的材料",
    "我收到钱了",
    "钱收到了",
    "他们家要东西",
    "你好",
    "我怕钱被贪污",
    "钱会不会被克扣",
    "现在骗捐的太多了",
    "网上诈捐太多了我不放心",
    "以前被人骗了钱，不敢捐",
    "微信扣了我两次钱",
    "银行扣我两遍钱",
    "捐重了，扣了我两次钱",
    "重复扣了我50块",
    "刚才扣了我一百块，没显示",
    "平台扣了我的钱，捐款记录里没有",
    "你们收了我的钱怎么没记录",
]


@pytest.mark.parametrize(("text", "number"), ACCUSES)
def test_an_accusation_is_heard_with_the_number_of_the_appeal(text: str, number: int | None) -> None:
    found = find_accusation(text, WORDS)
    assert found is not None
    assert found.number == number


def test_an_accusation_is_bare_where_it_says_nothing_of_what_is_wrong() -> None:
    assert find_accusation("4号求助是假的", WORDS) == Accusation(4, bare=True)
    assert find_accusation("6号是骗子", WORDS) == Accusation(6, bare=True)
    assert find_accusation("4号是假的，他家没有病人", WORDS) == Accusation(4)
    assert find_accusation("我被骗了", WORDS) == Accusation()


@pytest.mark.parametrize(
    ("text", "accuses"),
    [("举报村长", True), ("我要举报 王二狗", True), ("举报怎么弄", False), ("举报电话是多少", False), ("村长", False)],
)
def test_a_word_for_reporting_makes_what_follows_an_accusation(text: str, accuses: bool) -> None:
    assert (find_accusation(text, WORDS, ["举报", "我要举报"]) is not None) is accuses


@pytest.mark.parametrize("text", ACCUSES_NOBODY)
def test_a_question_a_fear_or_a_denial_accuses_nobody(text: str) -> None:
    assert find_accusation(text, WORDS) is None

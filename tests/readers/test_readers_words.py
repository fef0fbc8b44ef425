"""Text, choices, photos and links."""

import pytest

from flows.readers import Choice, Photo, Text, Url
from flows.readers.base import Accepted, Partial, Rejected
from models.people.message import Kind, Message
from tests.harness.words.reading import WORLD, asking, code_of, fault, message, read, value_of

STORY = Text(min=10, max=30, many=True)


def test_text_is_kept_as_written_without_what_cannot_be_seen():
    assert value_of(Text(), " 苗寨\u200b修路，\x00Ａ ") == "苗寨修路，Ａ"
    assert read(STORY, "一行\r\n两行").so_far == "一行\n两行"


def test_a_name_or_title_is_one_line_so_that_it_passes_for_no_line_of_ours():
    assert value_of(Text(), "苗寨修路\n县里核实过 ，现在：正在募捐") == "苗寨修路 县里核实过 ，现在：正在募捐"


PUBLIC = Text(min=4, max=200, public=True)


@pytest.mark.parametrize(
    "words",
    [
        "薄膜打13812345678",
        "电话138-1234-5678",
        "电话 138 12 34 56 78",
        "电话：138.1234.5678",
        "打一三八一二三四五六七八找我",
        "打幺三八一二三四五六七八",
        "打１３８１２３４５６７８",
        "身份证431124 19010101 0031",
        "身份证43112419010101002X",
        "卡号6222 0212 3456 7890 123",
        "卡号6222-0200-0000-0007",
        "卡号6222021234567890",
        "电话138，1234，5678",
        "电话138(1234)5678",
        "电话138——1234——5678",
        "电话138\n1234\n5678",
        "电话1 3 8 1 2 3 4 5 6 7 8",
        "电话1380013 8000",
        "电话8613812345678",
        "电话+86 138-1234-5678",
        "身份证4311-2419-0101-0100-3X",
    ],
)
def test_public_words_hold_no_number_to_reach_or_rob_somebody_by(words):
    assert code_of(PUBLIC, words) == "private_number"
    assert fault(PUBLIC, words) == "private_number"
    assert value_of(Text(min=4, max=200), words)


@pytest.mark.parametrize(
    "words",
    [
        "2026年11月24日修路",
        "要 12,000 斤，3 到 5 天",
        "第138号农户1380元",
        "一九九八年发大水",
        "每年收入 12000 15000 18000 元",
        "我2021.10.01-2022.09.30 住院",
        "2019-2020-2021-2022年受灾",
        "亩产 1200-1500-1800-2100 斤",
        "每年 1500 1800 220 元",
        "三个孩子18，16，15岁",
        "一年120000 150000 180000元",
    ],
)
def test_other_numbers_may_stand_in_public_words(words):
    assert value_of(PUBLIC, words) == words


def test_text_is_counted_in_characters():
    reader = Text(min=4, max=6)
    assert read(reader, "修路") == Rejected("too_short", {"length": 2, "min": 4, "max": 6, "missing": 2})
    assert read(reader, "苗寨修路通车啦") == Rejected("too_long", {"length": 7, "min": 4, "max": 6, "missing": 0})
    assert value_of(reader, "苗寨修路通车") == "苗寨修路通车"
    assert code_of(Text(), "\u200b \ufeff") == "too_short"


def test_optional_text_can_be_skipped():
    assert read(Text(optional=True), "跳过。") == Accepted(None)
    assert code_of(Text(), "跳过") == "no_words"
    assert fault(Text(optional=True), None) is None
    assert fault(Text(), None) == "too_short"


@pytest.mark.parametrize(
    "text",
    ["确认", "“确认”", "不改", "完成", "没有", "4", "④", "四", "第二个", "0.5", "13912345678", "三十", "😀", "……", "-"],
)
def test_a_number_or_a_word_of_ours_is_no_text(text):
    assert code_of(Text(min=2), text) == "no_words"
    assert fault(Text(), text) == "no_words"


def test_a_story_takes_no_bare_numbers_and_no_word_of_ours():
    kept = {"length": 7, "min": 10, "max": 30, "missing": 3}
    assert read(STORY, "确认", "我们村在山里，") == Rejected("no_words", kept)
    assert code_of(STORY, "2") == "no_words"
    assert read(STORY, "我家5口人", "4").so_far == "4\n我家5口人"


@pytest.mark.parametrize("text", ["五金店", "八角", "好", "A4纸", "2号仓库的门", "确认书", "一家人"])
def test_letters_with_a_number_are_text(text):
    assert value_of(Text(), text) == text


def test_a_name_is_kept_without_the_punctuation_around_it():
    name = Text(min=2, max=20, name=True)
    for typed in ("王秀兰。", "，王秀兰！", " 王秀兰 ", "“王秀兰”", "“王秀兰。”"):
        assert value_of(name, typed) == "王秀兰"
    assert value_of(name, "脐橙（早熟）") == "脐橙（早熟）"
    assert value_of(name, "阿依·木果") == "阿依·木果"
    assert code_of(name, "王。") == "too_short"
    assert value_of(Text(), "开春没钱买种子。") == "开春没钱买种子。"
    assert read(name, message(Kind.VOICE, text="王秀兰。")) == Accepted("王秀兰")


def test_people_have_no_digits_in_their_names():
    person = Text(min=2, max=20, name=True, digits=False)
    assert code_of(person, "王秀兰1") == "has_digits"
    assert code_of(person, "王秀兰 13912345678") == "has_digits"
    assert value_of(Text(min=2, name=True), "小王2") == "小王2"


def test_a_story_is_gathered_until_it_is_finished():
    first = read(STORY, "我们村在山里，")
    assert first == Partial("我们村在山里，", {"length": 7, "min": 10, "max": 30, "missing": 3})
    assert code_of(STORY, "完成", first.so_far) == "too_short"
    second = read(STORY, "没有路。", first.so_far)
    assert second.so_far == "我们村在山里，\n没有路。"
    assert read(STORY, "发完了", second.so_far) == Accepted("我们村在山里，\n没有路。")
    assert STORY.facts(asking(second.so_far))["length"] == 12


def test_what_would_make_a_story_too_long_is_left_out():
    assert read(STORY, "长" * 31) == Rejected("too_long", {"length": 31, "min": 10, "max": 30, "missing": 0})
    assert code_of(STORY, "长" * 20, "已经有的十几个字的故事") == "too_long"


def test_an_optional_story_can_be_skipped_or_ended():
    reader = Text(min=2, many=True, optional=True)
    assert read(reader, "没有") == Accepted(None)
    assert read(reader, "没有", "有一段") == Accepted("有一段")
    assert (STORY.speaks, Text().speaks) == (("more",), ())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1", "red"), ("①", "red"), ("2", "green"), ("２", "green"), ("二", "green"), ("第二个", "green"),
        ("绿色", "green"), ("绿。", "green"), ("蓝色", "blue"),
    ],
)  # fmt: skip
def test_a_choice_by_number_label_or_synonym(text, key):
    assert value_of(Choice("colour"), text) == key
    assert Choice("colour").exact(text, asking()) == key


@pytest.mark.parametrize("text", ["", "0", "4", "-1", "黄色", "红绿", "1.5"])
def test_what_is_no_choice(text):
    assert code_of(Choice("colour"), text) == "not_a_choice"


def test_a_choice_may_show_only_some_keys_in_its_own_order():
    reader = Choice("colour", "blue", "red")
    assert reader.facts(asking()) == {"options": [(1, "蓝色"), (2, "红色")]}
    assert value_of(reader, "1") == "blue"
    assert code_of(reader, "绿色") == "not_a_choice"
    assert fault(reader, "green") == "not_a_choice"
    assert fault(reader, "red") is None
    assert reader.shown("red", WORLD) == "红色"
    assert reader == Choice("colour", "blue", "red") != Choice("colour")


def photo(name: str) -> Message:
    return message(Kind.IMAGE, media_id=name, pic_url=f"https://pics.example/{name}")


def kept(*names: str) -> list[dict[str, str]]:
    return [{"media_id": name, "pic_url": f"https://pics.example/{name}"} for name in names]


def test_photos_are_gathered_until_the_word():
    reader = Photo(max=3)
    assert read(reader, photo("a")) == Partial(kept("a"), {"count": 1, "min": 1, "max": 3})
    assert read(reader, photo("a"), kept("a")) == Partial(kept("a"), {"count": 1, "min": 1, "max": 3})
    assert read(reader, photo("b"), kept("a")).so_far == kept("a", "b")
    assert read(reader, "完成", kept("a", "b")) == Accepted(kept("a", "b"))


def test_the_last_possible_photo_finishes():
    assert read(Photo(max=2), photo("b"), kept("a")) == Accepted(kept("a", "b"))
    assert read(Photo(max=1), photo("b"), kept("x", "y")) == Accepted(kept("x"))


def test_photos_refused():
    assert read(Photo(), "完成") == Rejected("none_yet", {"count": 0, "min": 1, "max": 9})
    assert code_of(Photo(min=2), "完成", kept("a")) == "none_yet"
    assert read(Photo(), "我不会发", kept("a")) == Rejected("not_photo", {"count": 1, "min": 1, "max": 9})
    assert code_of(Photo(), "跳过") == "not_photo"
    assert code_of(Photo(), message(Kind.VIDEO, media_id="v")) == "not_photo"
    assert code_of(Photo(), message(Kind.VOICE, media_id="v")) == "not_photo"


def test_photos_may_be_none_where_none_are_needed():
    assert read(Photo(min=0), "没有") == Accepted([])
    assert read(Photo(min=0), "完成") == Accepted([])
    assert "none_yet" not in Photo(min=0).codes


def test_photos_are_not_changed_where_they_are_kept():
    so_far = kept("a")
    read(Photo(), photo("b"), so_far)
    assert so_far == kept("a")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://shop.example/item?id=1&x=%E6%A9%99#top", "https://shop.example/item?id=1&x=%E6%A9%99#top"),
        (" https://a.b-c.example.cn/ ", "https://a.b-c.example.cn/"),
        ("https://shop.example:443/", "https://shop.example:443/"),
        ("HTTPS://Shop.Example/A", "HTTPS://Shop.Example/A"),
        ("https://xn--fiqs8s.example/", "https://xn--fiqs8s.example/"),
        ("【好橙子】 https://m.shop.example/h.abc123 点开看看", "https://m.shop.example/h.abc123"),
    ],
)
def test_links(text, link):
    assert value_of(Url(), text) == link


@pytest.mark.parametrize("text", ["http://shop.example/", "ftp://shop.example/a", "weixin://shop.example"])
def test_only_https(text):
    assert code_of(Url(), text) == "not_https"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我的店",
        "www.shop.example",
        "javascript:alert(1)",
        "https://",
        "https://shop",
        "https://localhost/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://[::1]/",
        "https://[::1",
        "https://user:pass@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example:8443/",
        "https://shop.example:99999/",
        "https://-shop.example/",
        "https://shop..example/",
        "https://商店.example/",
        "https://shop.example/橙子",
        'https://shop.example/"onload=x',
        "https://shop.example/<script>",
        "https://a.example https://b.example",
        "https://shop.example/" + "a" * 500,
        "https://" + "a." * 150 + "example/",
    ],
)
def test_what_is_no_public_link(text):
    assert code_of(Url(), text) == "not_url"


def test_a_shared_link_message_counts():
    reading = read(Url(), message(Kind.LINK, title="橙子", url="https://shop.example/1"))
    assert reading == Accepted("https://shop.example/1")
    assert fault(Url(), "http://shop.example/") == "not_https"

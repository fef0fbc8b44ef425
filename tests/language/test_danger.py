"""What people write of suicide and danger, and what only sounds like it."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.lexicon import load_lexicon
from flows.language.danger import Danger, find_danger

WORDS = load_lexicon().danger
ROOT = Path(__file__).parents[2]
PHRASES = tomllib.loads((Path(__file__).parent / "danger_phrases.toml").read_text("utf-8"))


@pytest.mark.parametrize("text", PHRASES["self"])
def test_this_person_is_in_danger(text: str) -> None:
    assert find_danger(text, WORDS) is Danger.SELF


@pytest.mark.parametrize("text", PHRASES["now"])
def test_life_is_in_danger_now(text: str) -> None:
    assert find_danger(text, WORDS) is Danger.NOW


@pytest.mark.parametrize("text", PHRASES["mention"])
def test_the_danger_is_anothers_or_of_the_past(text: str) -> None:
    assert find_danger(text, WORDS) is Danger.MENTION


@pytest.mark.parametrize("text", PHRASES["none"])
def test_there_is_no_danger(text: str) -> None:
    assert find_danger(text, WORDS) is None


def test_the_lists_are_long_enough() -> None:
    assert min(len(PHRASES["self"] + PHRASES["now"]), len(PHRASES["none"] + PHRASES["mention"])) >= 60


FILLER = st.sampled_from(
    [
        "",
        "唉",
        "你好",
        "今天下雨",
        "我是种地的",
        "真的",
        "家里没钱",
        "在吗",
        "谢谢你们",
        "我",
        "都三点了",
        "hello",
        "😭",
    ]
)
BREAK = st.sampled_from(["，", "。", "！", "\n", "  ", "…", ", "])
OUTRIGHT = [text for text in PHRASES["self"] if " " not in text]


@given(st.lists(FILLER, max_size=4), st.sampled_from(OUTRIGHT), st.lists(FILLER, max_size=4), BREAK)
def test_a_phrase_is_found_among_other_words(before: list[str], phrase: str, after: list[str], between: str) -> None:
    assert find_danger(between.join([*before, phrase, *after]), WORDS) is Danger.SELF


@given(st.text(alphabet="我他不想活死了自杀没的，。救命打跳楼孩子说 \n", max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert find_danger(text, WORDS) in (*Danger, None)


def test_nothing_that_the_transcripts_say_is_danger() -> None:
    said = [
        line[2:]
        for chat in sorted((ROOT / "tests/transcripts").glob("*.chat"))
        if chat.stem not in ("danger", "report")
        for line in chat.read_text("utf-8").splitlines()
        if line.startswith("> ")
    ]
    assert len(said) > 500
    assert [line for line in said if find_danger(line, WORDS)] == []


def test_no_text_of_the_scenes_and_of_the_demo_is_danger() -> None:
    files = [*(ROOT / "tests/scenes").glob("*.py"), *(ROOT / "config/demo").glob("*.toml")]
    texts = [text for file in files for text in re.findall(r'"([^"\n]*[一-鿿][^"\n]*)"', file.read_text("utf-8"))]
    assert len(texts) > 100
    assert [text for text in texts if find_danger(text, WORDS)] == []


@pytest.mark.parametrize(
    "text", ["我 不想 活了", "活着 没 意思 了", "我不想😭活了", "快 救命", "他 要 打死 我", "我 不 想 活 了 ok"]
)
def test_spaces_and_emoji_between_words_hide_nothing(text: str) -> None:
    assert find_danger(text, WORDS) in (Danger.SELF, Danger.NOW)


def test_no_repeated_group_reads_a_text_in_two_ways() -> None:
    """Else a text of thirty such words is tried in a thousand million ways, and nobody else is answered meanwhile."""
    patterns = [pattern.pattern for pattern in WORDS.found.values()]
    groups = [group for pattern in patterns for group in re.findall(r"\(\?:([^()]*)\)[*+]", pattern)]
    assert len(groups) > 5
    for group in groups:
        read = [word for each in group.split("|") for word in with_and_without(each)]
        several = re.compile(f"(?:{'|'.join(read)}){{2,}}")
        assert [word for word in read if several.fullmatch(word)] == []


def with_and_without(word: str) -> list[str]:
    """Both words that an optional character makes."""
    found = re.search(r"(.)\?", word)
    if found is None:
        return [word]
    return [each for kept in ("", found[1]) for each in with_and_without(word.replace(found[0], kept, 1))]


class Counted:
    """A pattern that counts the characters that it is given to read."""

    def __init__(self, pattern: re.Pattern[str], read: list[int]) -> None:
        self.pattern, self.read = pattern, read

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> Any:
            if name != "match":  # which reads at one place alone
                self.read.append(max(len(each) for each in given if isinstance(each, str)))
            return getattr(self.pattern, name)(*given)

        return call


@pytest.mark.parametrize("phrase", ["他自杀", "不想死", "不会想死", "没打我，", "听说着火了，", "不抑郁", "他抑郁"])
def test_a_long_text_is_read_a_few_times_and_not_once_for_each_phrase(phrase: str) -> None:
    text, read = phrase * 2_000, list[int]()
    words = replace(WORDS)
    for name in ("own", "told", "lost"):
        words.__dict__[name] = Counted(getattr(WORDS, name), read)
    words.__dict__["found"] = {name: Counted(pattern, read) for name, pattern in WORDS.found.items()}
    assert find_danger(text, words) in (None, Danger.MENTION)
    assert sum(read) < 1_000 * len(text)

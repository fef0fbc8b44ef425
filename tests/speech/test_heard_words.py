"""What a recogniser returns is words that can be read back, or is said to be none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.words import LONGEST, NoWords, read_words


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("捐五十块。", "捐五十块。"),
        ("<|zh|><|NEUTRAL|><|Speech|><|woitn|>捐五十块", "捐五十块"),
        (" 我要\n众筹😊 ", "我要 众筹"),
        ("我要三十万", "我要三十万"),
        ("300000", "300000"),
        ("我叫Tom", "我叫Tom"),
        ("听 my house 坏了 please help us all", None),
        ("〇𠮷", "〇𠮷"),
        ("看\u200b求助", "看求助"),
    ],
)
def test_words_are_cleaned(returned: str, words: str | None) -> None:
    if words is None:
        with pytest.raises(NoWords, match="language"):
            read_words(returned)
    else:
        assert read_words(returned) == words


@pytest.mark.parametrize("returned", ["", " \n", "……", "😊", "<|nospeech|>", "。" * 30, "啊" * (LONGEST + 1)])
def test_noise_is_unclear(returned: str) -> None:
    with pytest.raises(NoWords, match="unclear"):
        read_words(returned)


@pytest.mark.parametrize("returned", ["hello", "Спасибо", "ありがとうございます", "안녕하세요"])
def test_another_language_is_said_to_be_one(returned: str) -> None:
    with pytest.raises(NoWords, match="language"):
        read_words(returned)


@given(st.text(max_size=LONGEST + 50))
def test_whatever_comes_is_one_line_or_no_words(returned: str) -> None:
    try:
        words = read_words(returned)
    except NoWords:
        return
    assert 0 < len(words) <= LONGEST
    assert read_words(words) == words
    assert words.splitlines() == [words]

"""Judge what a recogniser returned: words that can be read back to the person, or why not."""

import re
import unicodedata

from flows.language.wording import clean

# A minute holds some 300 characters; more than this is a recogniser that repeats itself.
LONGEST = 360
# FunASR's SenseVoice may leave its marks of language, mood and noise in the text: <|zh|>, <|HAPPY|>.
_MARKS = re.compile(r"<\|[^|<>]{0,40}\|>")
_CHARACTER = re.compile(r"[\u3007\u3400-\u9fff\U00020000-\U0003ffff]")
_OTHER_WORD = re.compile(rf"(?:(?!{_CHARACTER.pattern})[^\W\d_])+")


class NoWords(Exception):
    """The text is none that could be done. ``why``: unclear or language."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_words(text: str) -> str:
    """Return the words in one line. Raises NoWords for noise, and for what is mostly not Chinese."""
    unmarked = _MARKS.sub("", text)
    plain = "".join(ch for ch in unmarked if unicodedata.category(ch) != "So")  # emoji, which stand for moods
    words = " ".join(clean(plain).split())
    if len(words) > LONGEST or not any(ch.isalnum() for ch in words):
        raise NoWords("unclear")
    # A character is about as much as a word of letters: a foreign name in a Chinese sentence is no other language.
    if len(_OTHER_WORD.findall(words)) > len(_CHARACTER.findall(words)):
        raise NoWords("language")
    return words

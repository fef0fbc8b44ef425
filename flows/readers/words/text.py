"""Read free text: a title, a name, a story told in several messages."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Partial, Reading, Rejected
from flows.readers.numbers.private_numbers import holds_private_number
from flows.readers.words_reader import WORDS_WANTED, WordsReader

# Words that steer a conversation, and so are no answer.
_STEERING = ("confirm", "keep", "finish", "undo", "skip")
_EDGE = " \t\n.。,，!！?？;；:：、~～…"
# So many characters hold more than a name or a title.
_STORY = 100
_QUOTES = ("“”", '""', "「」", "‘’", "''")


@dataclass(frozen=True)
class Text(WordsReader):
    """Value: the cleaned text, ``min`` to ``max`` characters; None where ``optional`` and skipped.

    ``many``: messages are put together, a line each, until the word ``finish``;
    the ``more`` macro gets ``length``, ``min``, ``max`` and ``missing``.
    ``name``: it is a name; punctuation around it, which speech recognition adds, is removed.
    ``digits``: digits are allowed. People's names have none.
    ``public``: everybody will read it; a further code, private_number, rejects phone, ID and bank numbers.
    Codes: not_text, not_heard, no_words (no letter, a bare number, or a steering word such as 确认),
    too_short, too_long, without ``digits`` has_digits; with ``length``, ``min``, ``max``, ``missing``.
    A message that would make the text too long is rejected; the text before it stays.
    """

    free: ClassVar[bool] = True

    min: int = 1
    max: int = 500
    many: bool = False
    optional: bool = False
    name: bool = False
    digits: bool = True
    public: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        has_digits = () if self.digits else ("has_digits",)
        private = ("private_number",) if self.public else ()
        return (*WORDS_WANTED, "no_words", "too_short", "too_long", *has_digits, *private)

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("more",) if self.many else ()

    @property
    def is_story(self) -> bool:
        return self.many or self.max >= _STORY

    def read_words(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        before = asking.so_far or ""
        skipped = self.optional and lexicon.means("skip", text)
        if skipped and not before:
            return Accepted(None)
        if not self.many:
            # One line: a second one could be mistaken for a line of the account's.
            line = " ".join(clean(text).split())
            return self._whole(_without_edges(line) if self.name else line, asking)
        if skipped or lexicon.means("finish", text):
            return self._whole(before, asking)
        if _says_nothing(clean(text), lexicon):
            return Rejected("no_words", self._values(len(before)))
        # Checked before it is added: it could not be removed from the text again.
        if self.public and holds_private_number(text):
            return Rejected("private_number", self._values(len(before)))
        return self._gather(f"{before}\n{clean(text)}".strip())

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if value is None and self.optional:
            return None
        text = value if isinstance(value, str) else ""
        code = self._fault(text, asking.world)
        return Rejected(code, self._values(len(text))) if code else None

    def facts(self, asking: Asking) -> dict[str, Any]:
        return self._values(len(asking.so_far or ""))

    def _fault(self, text: str, world: World) -> str | None:
        if text and _says_nothing(text, world.lexicon):
            return "no_words"
        if len(text) < self.min:
            return "too_short"
        if len(text) > self.max:
            return "too_long"
        if not self.digits and any(character.isdigit() for character in text):
            return "has_digits"
        return "private_number" if self.public and holds_private_number(text) else None

    def _whole(self, text: str, asking: Asking) -> Reading:
        return self.check(text, asking) or Accepted(text)

    def _gather(self, text: str) -> Reading:
        if len(text) > self.max:
            return Rejected("too_long", self._values(len(text)))
        return Partial(text, self._values(len(text)))

    def _values(self, length: int) -> dict[str, Any]:
        return {"length": length, "min": self.min, "max": self.max, "missing": max(0, self.min - length)}


def _says_nothing(text: str, lexicon: Lexicon) -> bool:
    """Tell whether the text is no answer: a number meant for an older list, a steering word, or no letter at all."""
    if any(lexicon.means(name, text) for name in _STEERING) or numerals.ordinal(text) is not None:
        return True
    return not any(letter.isalpha() for letter in text) or isinstance(numerals.read(text), Fraction)


def _without_edges(text: str) -> str:
    text = text.strip(_EDGE)
    quoted = len(text) > 2 and text[0] + text[-1] in _QUOTES
    return text[1:-1].strip(_EDGE) if quoted else text

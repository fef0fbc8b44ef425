"""Provide the base of all readers of words: typed text and recognised speech are alike, all else is rejected."""

from flows.language.wording import clean
from flows.readers.base import Asking, Reader, Reading, Rejected
from models.people.message import Kind, Message

WORDS_WANTED = ("not_text", "not_heard")
"""Reject codes: the message is of another kind; or it is a voice that WeChat could not recognise."""


class WordsReader(Reader):
    """A subclass reads the words in ``read_words`` and adds its codes to ``WORDS_WANTED``."""

    @property
    def codes(self) -> tuple[str, ...]:
        return WORDS_WANTED

    def read(self, message: Message, asking: Asking) -> Reading:
        if message.kind not in (Kind.TEXT, Kind.VOICE):
            return Rejected("not_text")
        if message.kind is Kind.VOICE and not clean(message.text):
            return Rejected("not_heard")
        return self.read_words(message.text, asking)

    def read_words(self, text: str, asking: Asking) -> Reading:
        raise NotImplementedError

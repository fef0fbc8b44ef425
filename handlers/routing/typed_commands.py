"""Match typed words to commands; one table serves matching, menus, permissions and tests.

The words are in config/keywords.toml under the command's name. Only a numbered
line on the screen or the menu leads to a command without words.
"""

import re
from collections.abc import Mapping

from rapidfuzz import fuzz, process

from flows.language.lexicon import Lexicon
from flows.language.numerals import read_integer
from flows.language.wording import plain
from handlers.routing.command import Command, Takes

# A number with a thousands separator (1,500) is an amount and no appeal's number.
_DIGITS = r"[0-9]++(?!,[0-9]{3}(?![0-9]))"
_HEAD_NUMBER = re.compile(
    rf"\s*(?:no\.?|#|第)?\s*({_DIGITS}|[零〇一二三四五六七八九十百千万两]+)\s*(?:号|#)?\s*(.*)", re.DOTALL
)
# It is surely a number: with 号 behind it, or in digits that stand alone.
_NAMED = rf"(?:no\.?|#|第)?\s*(?:{_DIGITS}|[零〇一二三四五六七八九十百千万两]+)\s*[号#]"
_SURELY = re.compile(rf"\s*(?:{_NAMED}|{_DIGITS}(?=$|[\s,:;、]))")
# Separators that people put between a number and their words.
_BETWEEN = " ,:;、"  # folded: the full-width ones are these too
# Above any row's id, and within the database's integers.
_HIGHEST_NUMBER = 10**15
# Work numbers and codes, folded.
_CODE = re.compile("[0-9a-z][0-9a-z-]{0,23}")
_LONGEST_GUESS = 8
_CLOSE_ENOUGH = 60


class TypedCommands:
    def __init__(self, table: Mapping[str, Command], lexicon: Lexicon) -> None:
        self.table = dict(table)
        self.lexicon = lexicon
        # In the order of config/keywords.toml, not of the table: the first of two equally close words is guessed, and
        # staff's help lists their words in this order.
        self._by_word = {word: name for name, words in lexicon.words.items() if name in table for word in words}
        self._by_first: dict[str, list[str]] = {}
        """First character -> the words that begin with it, the longest first."""
        for word in sorted(self._by_word, key=len, reverse=True):
            self._by_first.setdefault(word[0], []).append(word)

    def match(self, text: str) -> tuple[Command, list[str]] | None:
        """Return the command that the text is, with its arguments; None when it is none."""
        wanted = plain(text)
        for word in self._by_first.get(wanted[:1], ()):
            if wanted.startswith(word):
                command = self.table[self._by_word[word]]
                arguments = self._arguments(command, wanted[len(word) :])
                if arguments is not None:
                    return command, arguments
        return None

    def is_said(self, name: str) -> bool:
        """Tell whether the command has a word of its own; one without may need arguments of a numbered line."""
        return name in self._by_word.values()

    def command_of(self, word: str) -> str:
        """Return the name of the command that the word stands for."""
        return self._by_word[word]

    def said_by(self, role: str) -> list[str]:
        """Name the commands of this staff role that have a word of their own, in the order of their words."""
        names = dict.fromkeys(self._by_word.values())
        return [name for name in names if role in (self.table[name].staff or ())]

    def closest(self, text: str) -> str | None:
        """Return the closest word that may be suggested, only to ask back; None where none is close."""
        wanted = plain(text)
        if not 2 <= len(wanted) <= _LONGEST_GUESS:
            return None
        words = [word for word, name in self._by_word.items() if self.table[name].guess and not self.table[name].staff]
        found = process.extractOne(wanted, words, scorer=fuzz.ratio, score_cutoff=_CLOSE_ENOUGH)
        return str(found[0]) if found else None

    def _arguments(self, command: Command, rest: str) -> list[str] | None:
        """Read the arguments after the word; None when they do not fit the command."""
        takes = command.takes
        match takes:
            case Takes.GIFT_TO:
                return self._gift_to(rest)
            case _ if not rest.strip():
                return []
            case Takes.NOTHING:
                return None
            case Takes.WORDS:
                return [rest.strip()] if rest[0].isspace() else None
            case Takes.GIFT:
                to = self.lexicon.words["pledge_to"][0]
                said = rest.strip()
                # 1,500 begins with digits but with no appeal's number: the command asks back, so it must match.
                return [said] if said[0].isdigit() or head_number(said.removeprefix(to)) else None
        if takes in (Takes.CODE, Takes.CODE_AND_WORDS):
            return _code(rest, takes)
        if takes is Takes.CODES:
            return _codes(rest)
        if takes in (Takes.MATTER, Takes.MATTER_AND_WORDS):
            return self._matter(rest, takes, command)
        if takes is Takes.MATTER_OR_WORDS:
            return self._matter(rest, Takes.MATTER, command) or ([rest.strip()] if rest[0].isspace() else None)
        head = head_number(rest)
        if head is None or (head[1] and takes is Takes.NUMBER):
            return None
        if takes is Takes.NUMBERED_AND_WORDS and not _SURELY.match(rest):
            return None
        return [str(head[0]), *filter(None, [head[1]])]

    def _matter(self, rest: str, takes: Takes, command: Command) -> list[str] | None:
        """Read a reference (``appeal:12``, ``case:7``), and the words after it."""
        said, subject = rest.strip(), command.unmarked
        marks = [(mark, name) for name in command.matters for mark in self.lexicon.words[name]]
        for mark, name in sorted(marks, key=lambda one: -len(one[0])):
            if said.startswith(mark):
                said, subject = said.removeprefix(mark).lstrip(_BETWEEN), name
                break
        head = head_number(said)
        if head is None or (head[1] and takes is Takes.MATTER):
            return None
        return [f"{subject}:{head[0]}", *filter(None, [head[1]])]

    def _gift_to(self, rest: str) -> list[str] | None:
        for word in sorted(self.lexicon.words["pledge"], key=len, reverse=True):
            before, found, amount = rest.partition(word)
            head = head_number(before)
            if found and head and not head[1]:
                return [f"{head[0]} {amount}".strip()]
        return None


def _code(rest: str, takes: Takes) -> list[str] | None:
    if takes is Takes.CODE:
        whole = "".join(rest.split()).strip(_BETWEEN)
        return [whole] if _CODE.fullmatch(whole) else None
    said = rest.strip(_BETWEEN)
    head = _CODE.match(said)
    return [head[0], *filter(None, [said[head.end() :].strip(_BETWEEN)])] if head else None


def _codes(rest: str) -> list[str] | None:
    """Read codes; what is no code fits no command that takes some."""
    said = [each for each in re.split(rf"[{_BETWEEN}\s;,/]+", rest) if each]
    return [" ".join(said)] if said and all(_CODE.fullmatch(each) for each in said) else None


def head_number(text: str) -> tuple[int, str] | None:
    """Read the number at the beginning of a folded text (4, 4号, 第四号), and the rest; None without a number."""
    head = _HEAD_NUMBER.fullmatch(text)
    number = read_integer(head[1]) if head else None
    if head is None or number is None or number >= _HIGHEST_NUMBER:
        return None
    return number, head[2].strip(_BETWEEN)

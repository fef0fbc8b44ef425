"""Read a person's name, also out of a sentence (我叫王桂兰), and never cut a name without asking."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flows.language.lexicon import Lexicon
from flows.language.wording import simplified
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from flows.readers.words.text import Text

_IN_BRACKETS = re.compile(r"\s*[(（\[【][^)）\]】]*[)）\]】]?")
_HAN = "[\u3400-\u4dbf\u4e00-\u9fff〇]"
# The dots of names, which an identity card prints as ·; a full stop is another sign.
_DOTS = re.compile(rf"(?<={_HAN})\s*[·•‧・･∙⋅.．]\s*(?={_HAN})")
_DOT = "·"
_BREAKS = re.compile("[,，、;；。!！?？~～]+")
_AFTER_LEAD = " :：—-"
_SURNAME_THEN_NAME = re.compile(rf"姓(?!名)\s*({_HAN}{{1,2}}?)[\s,，]*(?:名字|名|叫)+\s*({_HAN}{{1,2}})")
_LONGEST_USUAL = 4


@dataclass(frozen=True)
class PersonName(Text):
    """Value: the name as on the identity card, without the words around it and without spaces between characters.

    What stands alone is taken as it is; so is a usual name after words that only introduce one (我叫, 姓名：). Where
    anything else was left out, or the words look like no name, it is asked back (macro ``which``) and not recorded.
    """

    min: int = 2
    max: int = 20
    name: bool = True
    digits: bool = False

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("which",)

    def _whole(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        if any(word in text for word in lexicon.words["never_in_names"]) and not _without_leads(text, lexicon)[1]:
            return Rejected("no_words", self._values(len(text)))
        names, is_sure = _names(text, lexicon)
        faults = [self.check(name, asking) for name in names]
        valid = [name for name, fault in zip(names, faults, strict=True) if fault is None]
        if not valid:
            return faults[0] or Rejected("too_short", self._values(0))
        return Accepted(valid[0]) if is_sure else Offer(tuple((name, name) for name in valid))


@dataclass(frozen=True)
class DisplayName(Text):
    """Value: what a donor wants to be called, without words that only introduce it (我叫小雨)."""

    min: int = 1
    max: int = 12
    name: bool = True
    public: bool = True

    def _whole(self, text: str, asking: Asking) -> Reading:
        return super()._whole(_without_leads(text, asking.world.lexicon)[0] or text, asking)


def _names(text: str, lexicon: Lexicon) -> tuple[list[str], bool]:
    """Return the names that the words may mean, likeliest first, and whether it is surely the first."""
    dotted = _DOTS.sub(_DOT, _IN_BRACKETS.sub("", text).strip())
    if parts := _SURNAME_THEN_NAME.search(dotted):
        return [parts[1] + parts[2]], False
    part, is_part = _introduced(dotted, lexicon)
    said, has_lead = _without_leads(part, lexicon)
    if has_lead:
        said = _without(said, lexicon.words["name_tails"], str.endswith, str.removesuffix)
    joined = _joined(said, lexicon)
    shorter = [name for name in (_shorter(joined[0], lexicon),) if name]
    is_plain = len(joined) == 1 and not shorter and not is_part and not _is_doubtful(joined[0], lexicon)
    return [*shorter, *joined], is_plain and (not has_lead or _is_usual(joined[0], lexicon))


def _introduced(text: str, lexicon: Lexicon) -> tuple[str, bool]:
    """Return the part of a sentence that introduces a name, else its first; and whether another part was left out."""
    parts = [part for part in map(str.strip, _BREAKS.split(text)) if _without_leads(part, lexicon)[0]]
    led = [part for part in parts if _without_leads(part, lexicon)[1]]
    return next(iter(led or parts), text), len(parts) > 1


def _without_leads(text: str, lexicon: Lexicon) -> tuple[str, bool]:
    rest = text
    while (shorter := _without(rest, lexicon.words["leads_to_name"], str.startswith, str.removeprefix)) != rest:
        if shorter.startswith(_DOT):  # the first part of a name with a dot, not words before it
            break
        rest = shorter.lstrip(_AFTER_LEAD)
    return rest, rest != text


def _joined(said: str, lexicon: Lexicon) -> list[str]:
    """Join what was typed with spaces (王 桂 兰); two long pieces may be the two parts of a minority's name."""
    pieces = said.split()
    kept = [piece for piece in pieces if piece not in lexicon.words["beside_name"]] or pieces
    if not all(re.fullmatch(f"{_HAN}+", piece) for piece in kept):
        return [" ".join(kept)]
    whole = "".join(kept)
    is_long = len(kept) == 2 and all(len(piece) > 1 for piece in kept) and not _is_usual(whole, lexicon)
    return [_DOT.join(kept), whole] if is_long else [whole]


def _shorter(name: str, lexicon: Lexicon) -> str:
    """Return what may be the name in 叫王桂兰 or 王桂兰女士; "" where nothing stands around a usual name."""
    inner = _without(name, lexicon.words["may_lead_to_name"], str.startswith, str.removeprefix)
    inner = _without(inner, lexicon.words["titles"], str.endswith, str.removesuffix)
    return inner if inner != name and _is_usual(inner, lexicon) else ""


def _is_usual(name: str, lexicon: Lexicon) -> bool:
    """Tell a name of two to four characters after a common surname, or one with a dot."""
    if _DOT in name:
        return all(re.fullmatch(f"{_HAN}+", part) for part in name.split(_DOT))
    is_short = re.fullmatch(f"{_HAN}{{2,{_LONGEST_USUAL}}}", name) is not None
    surname = max(
        (word for word in lexicon.words["surnames"] if simplified(name).startswith(word)), key=len, default=""
    )
    return is_short and bool(surname) and len(surname) < len(name)


def _is_doubtful(name: str, lexicon: Lexicon) -> bool:
    """Tell what may be a remark (不想说), a way to call somebody (王大妈, 老王), or more than a name."""
    called = name.endswith(lexicon.words["titles"]) or (
        len(name) == 2 and name[0] in lexicon.words["nicknames"] and name[1] in lexicon.words["surnames"]
    )
    is_long = len(name) > _LONGEST_USUAL and _DOT not in name and name.startswith(lexicon.words["surnames"])
    return called or is_long or any(word in name for word in lexicon.words["seldom_in_names"])


def _without(
    text: str, words: Iterable[str], stands: Callable[[str, str], bool], remove: Callable[[str, str], str]
) -> str:
    """Remove the longest of the words from one end of the text."""
    return remove(text, max((word for word in words if stands(text, word)), key=len, default=""))

"""Read numbers as people write them, exactly or not at all, and write numbers in everyday 汉字.

Digits, full-width digits, 汉字, 大写 and mixtures of them are treated alike: they
are folded to one set of characters, checked for estimates (三四万), and added up
as fractions. No float is ever made; a text that could mean two numbers is refused.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import Enum
from fractions import Fraction
from functools import lru_cache

from flows.language.wording import SAME_TEXT, clean, plain


class Unread(Enum):
    """Why a text gave no number: it is an estimate, or no number at all."""

    VAGUE = "vague"
    NOT_A_NUMBER = "not_a_number"


Parse = Callable[[str], Fraction | Unread]

# A longer text is not meant as a number; the limit also keeps every reading fast.
LONGEST = 60

_FIGURES = "零一二三四五六七八九"
# The signs of which a folded number consists, beside ASCII figures.
FIGURES, UNITS = f"{_FIGURES}两", "十百千万"
_VARIANTS = {
    "零": "〇○",
    "一": "壹",
    "二": "贰貳弍",
    "两": "兩俩",
    "三": "叁參参仨",
    "四": "肆",
    "五": "伍",
    "六": "陆陸",
    "七": "柒",
    "八": "捌",
    "九": "玖",
    "十": "拾",
    "二十": "廿卄",
    "三十": "卅",
    "四十": "卌",
    "百": "佰",
    "千": "仟",
    "万": "萬w",
    "亿": "億",
    "点": "點",
    "-": "负負−–—",
    "": "\ufe0f\u20e3",  # what turns a digit into a keycap emoji
}
_FOLDED = str.maketrans({variant: kept for kept, variants in _VARIANTS.items() for variant in variants})
_AS_DIGITS = str.maketrans({**{figure: str(n) for n, figure in enumerate(_FIGURES)}, "两": "2", "点": "."})
# In a long number that is read out digit by digit, one is also called 幺.
_READ_OUT = str.maketrans({**{figure: str(n) for n, figure in enumerate(_FIGURES)}, "两": "2", "幺": "1"})
_CLOSING = " .。,!?;:、~\"'”’」】])"
_BIG_UNITS = (("亿", 10**8), ("万", 10**4))
_SMALL_UNITS = {"千": 1000, "百": 100, "十": 10, "": 1}

_NUMERIC = re.compile(r"[0-9零一二三四五六七八九两十百千万亿点., 。]+")
_RANGE = re.compile(rf"{_NUMERIC.pattern}[-~]{_NUMERIC.pattern}")
_RUN = re.compile(r"(?<![零一二三四五六七八九两点.])[零一二三四五六七八九两]{2,}")
_MIXED_RUN = re.compile(r"[0-9][一二三四五六七八九两]|[一二三四五六七八九两][0-9]")
# 两 only counts hundreds and more, or stands alone: 三百两 is silver, not 320.
_STRAY_LIANG = re.compile(r".+两(?![百千万亿点.])|^两(?![百千万亿点.]|$)")
# 百八十 and 千八百 say a round size; 百万 is exact.
_ROUND = re.compile("[百千][一二三四五六七八九两十百1-9]|万[二三四五六七八九两2-9]")
_THOUSANDS = re.compile("(?<=[0-9])k(?![a-z0-9])")
# 千儿八百
_ER = re.compile("(?<=[百千万])儿(?=[一二三四五六七八九两十百千])")
_DECIMAL_UNITS = re.compile(r"([0-9]+\.[0-9]+)([千百])")
_PLAIN_DIGITS = re.compile(r"[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+")
_SECTION = re.compile(r"(?:0?[1-9]?[千百十])+(?:0?[1-9])?")
_PLACE = re.compile(r"(0?)(?:([1-9]?)([千百十])|([1-9]))")
_ORDINAL = re.compile(r"[选選]?第?(.+?)[个個号號项条种]?")


@lru_cache(maxsize=SAME_TEXT)
def fold(text: str) -> str:
    """Fold the text to the one set of characters in which numbers are read.

    Full-width, enclosed, traditional and 大写 forms become 0-9, 零-九, 十百千万亿, and so do 30w, 5k, 俩 and 仨;
    spaces stay only between two digits; punctuation at the end is removed.
    """
    folded = unicodedata.normalize("NFKC", clean(text)).lower().translate(_FOLDED)
    folded = re.sub(r"\s+", " ", folded).strip().rstrip(_CLOSING)
    folded = _ER.sub("", _THOUSANDS.sub("千", folded))
    return re.sub(r"(?<![0-9]) | (?![0-9])", "", folded)


def read(text: str, vague_words: Iterable[str] = ()) -> Fraction | Unread:
    """Read the text as a number, which may be negative. ``vague_words``: words that make a number an estimate."""
    return unless_vague(fold(text), parse, vague_words)


def unless_vague(folded: str, reading: Parse, vague_words: Iterable[str]) -> Fraction | Unread:
    """Return what ``reading`` finds; VAGUE where it finds a number only without the vague words (三十多万, 几万)."""
    if len(folded) > LONGEST:
        return Unread.NOT_A_NUMBER
    found = reading(folded)
    longest_first = sorted(vague_words, key=len, reverse=True)
    if found is not Unread.NOT_A_NUMBER or not longest_first:
        return found
    vague = re.compile("|".join(map(re.escape, longest_first)))
    without, with_one = vague.sub("", folded), vague.sub("一", folded)
    is_number = without and any(reading(text) is not Unread.NOT_A_NUMBER for text in (without, with_one))
    return Unread.VAGUE if is_number else found


def parse(folded: str) -> Fraction | Unread:
    """Read a folded text of at most LONGEST characters as a number."""
    unsigned = folded.removeprefix("-")
    if _RANGE.fullmatch(unsigned):
        return Unread.VAGUE
    if not _NUMERIC.fullmatch(unsigned) or _MIXED_RUN.search(unsigned):
        return Unread.NOT_A_NUMBER
    if _is_estimate(unsigned):
        return Unread.VAGUE
    return _exact(unsigned, -1 if folded.startswith("-") else 1)


def digits(folded: str) -> str | None:
    """Convert a folded text of digits alone to ASCII: 二零二六 is 2026. None: it has other characters."""
    ascii_digits = folded.translate(_AS_DIGITS)
    return ascii_digits if re.fullmatch("[0-9]+", ascii_digits) else None


def read_out(text: str) -> str:
    """Fold the text and convert digits to ASCII, as ID and phone numbers are read out: 幺三八 is 138."""
    return fold(text).translate(_READ_OUT)


def read_integer(text: str) -> int | None:
    """Read the text as a whole number, 0 or more; None where it is none."""
    number = read(text)
    if isinstance(number, Unread) or number.denominator != 1 or number < 0:
        return None
    return int(number)


def ordinal(text: str) -> int | None:
    """Read the number by which a person picks a line on the screen: 2, ②, 二, 第二个, 选2, 2号. Only 0 to 99."""
    match = _ORDINAL.fullmatch(fold(plain(text)))
    number = read_integer(match[1]) if match else None
    return number if number is not None and number <= 99 else None


def hanzi(number: int) -> str:
    """Write a number as people do: 12 is 十二, 2000 is 两千, 10050 is 一万零五十."""
    if number < 0:
        return "负" + hanzi(-number)
    spelled = re.sub("^一十", "十", _spell(number))
    return re.sub("二(?=千)|(?<![十百千零])二(?=[万亿])|^二(?=百)", "两", spelled)


def hanzi_money(fen: int) -> str:
    """Write an amount in fen as people do: 一百万元, 三元五角, 三元零五分. Raises ValueError below zero."""
    if fen < 0:
        raise ValueError("an amount of money is never negative")
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    words = ("两" if yuan == 2 else hanzi(yuan)) + "元" if yuan else ""
    if jiao:
        words += _FIGURES[jiao] + "角"
    elif yuan and cents:
        words += "零"
    if cents:
        words += _FIGURES[cents] + "分"
    return words or "零元"


def _is_estimate(unsigned: str) -> bool:
    """Tell an estimate by two digits side by side (三四万, 十三四) or by a unit without its digit (百八十).

    Not 二零, nor three or more alone (一三八).
    """
    if _ROUND.match(unsigned):
        return True
    for run in _RUN.finditer(unsigned):
        figures = run.group().lstrip("零")
        alone = run.start() == 0 and unsigned[run.end() : run.end() + 1] in ("", "点", ".")
        if len(figures) > 1 and "零" not in figures and not (alone and len(figures) > 2):
            return True
    return False


def _exact(unsigned: str, sign: int) -> Fraction | Unread:
    if _STRAY_LIANG.search(unsigned):
        return Unread.NOT_A_NUMBER
    # A Chinese keyboard types 。 for the decimal point; a space groups thousands as a comma does.
    text = re.sub(r"(?<=[0-9])。(?=[0-9])", ".", unsigned).translate(_AS_DIGITS).replace(" ", ",")
    number = _sum(text, _BIG_UNITS)
    return Unread.NOT_A_NUMBER if number is None else sign * number


def _sum(text: str, units: tuple[tuple[str, int], ...], *, ends: bool = True) -> Fraction | None:
    """Add up digits and units, split at the largest of ``units`` that occurs. None: malformed.

    ``ends``: nothing follows, so the last digit may count the next lower unit (两万五, 一百五).
    """
    if not units:
        return _below_wan(text, ends)
    (unit, size), smaller = units[0], units[1:]
    head, found, tail = text.partition(unit)
    if not found:
        return _sum(text, smaller, ends=ends)
    high = _sum(head, smaller, ends=False)
    if not high or not tail:
        return high * size if high else None
    low = _tail(tail, high, size, smaller, ends)
    return None if low is None else high * size + low


def _tail(tail: str, high: Fraction, size: int, smaller: tuple[tuple[str, int], ...], ends: bool) -> Fraction | None:
    """Read what follows ``high`` of a unit of this size. None: malformed or ambiguous."""
    if high.denominator != 1:
        return None
    if ends and re.fullmatch("[1-9]", tail):
        return Fraction(int(tail) * size, 10)
    after_gap = tail.startswith("0")
    low = _sum(tail.removeprefix("0"), smaller, ends=ends)
    if low is None or low >= size:
        return None
    if after_gap:
        return low if low * 10 < size or high % 10 == 0 else None
    # 一亿二千 leaves out either 零 or 万, and it is unknown which; so does 2万5亿.
    return low if len(tail) > 1 and all(unit in tail for unit, _ in smaller) else None


def _below_wan(text: str, ends: bool) -> Fraction | None:
    if decimal := _DECIMAL_UNITS.fullmatch(text):
        return Fraction(decimal[1]) * _SMALL_UNITS[decimal[2]]
    whole, point, places = text.partition(".")
    if point and not re.fullmatch("[0-9]+", places):
        return None
    if _PLAIN_DIGITS.fullmatch(whole):
        number: int | None = int(whole.replace(",", ""))
    else:
        number = _section(whole, shorthand=ends and not point)
    return None if number is None else number + Fraction(int(places or 0), 10 ** len(places))


def _section(text: str, *, shorthand: bool) -> int | None:
    """Read 千, 百, 十 and a digit in falling order: 3千6, 1百05, 百2十. ``shorthand``: 一百五 may mean 150."""
    if not _SECTION.fullmatch(text):
        return None
    total, last = 0, 10_000
    for gap, coefficient, unit, figure in _PLACE.findall(text):
        size = _SMALL_UNITS[unit]
        missing = unit in ("千", "百") and not coefficient and total > 0
        if size >= last or missing or (gap and (size * 10 == last or total == 0)):
            return None
        if figure and not gap and last > 10:
            if not shorthand:
                return None
            size = last // 10
        total += int(coefficient or figure or 1) * size
        last = size
    return total


def _spell(number: int) -> str:
    for unit, size in (*_BIG_UNITS, *_SMALL_UNITS.items()):
        if unit and number >= size:
            high, low = divmod(number, size)
            gap = "零" if low * 10 < size else ""
            return _spell(high) + unit + (gap + _spell(low) if low else "")
    return _FIGURES[number]

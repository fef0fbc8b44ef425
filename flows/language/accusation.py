"""Tell whether a text accuses an officer of taking money, or says that a thing on the platform is a fraud.

Pure: the phrases are in config/danger.toml, beside those of danger. Questions and denials accuse nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.language.danger import DangerWords
from flows.language.numerals import read_integer
from flows.language.wording import plain, simplified


@dataclass(frozen=True, slots=True)
class Accusation:
    """``number``: that of the appeal which is named, if any. ``bare``: the text says only that it is a fraud."""

    number: int | None = None
    bare: bool = False


def find_accusation(text: str, words: DangerWords, report: Sequence[str] = ()) -> Accusation | None:
    """Return the accusation that the text is; None where it is none.

    ``report``: words after which anything is one (举报村长).
    """
    folded = words.without_dialect(plain(simplified(text)).replace(" ", ""))
    found = words.found
    begins = any(folded.startswith(word) for word in report) and not found["how"].search(folded)
    accuses = found["accuses"].search(folded)
    if not (begins or accuses) or found["asks"].search(folded):
        return None
    named = found["named"].search(folded)
    if named is None:
        return Accusation()
    # The two overlap: the phrase of a fraud begins with the end of the number (6号求助是假的).
    said = {place for match in (named, accuses) if match for place in range(*match.span())}
    return Accusation(read_integer(named[1]), bare=len(folded) == len(said))

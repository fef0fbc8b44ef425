"""Read a gift's public code as people type it: with small letters, spaces, full width, and wrong characters."""

from dataclasses import dataclass

from flows.language.wording import plain
from models.core.codes import ALPHABET
from models.giving.pledge import CODE_LENGTH

# Separators that people put between the parts of a code.
_BETWEEN = set("-_.·•—–/\\,，、。:：")
# The most characters that the reply repeats.
_LONGEST = 24


@dataclass(frozen=True, slots=True)
class GiftCode:
    """``read``: the normalised code. ``odd``: characters in it that no code has, such as 0 and O, 1, I and L."""

    read: str
    odd: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Tell whether it has the form of a code, and so may be looked up."""
        return len(self.read) == CODE_LENGTH and not self.odd


def read_code(text: str) -> GiftCode:
    signs = [sign for sign in plain(text).upper() if not sign.isspace() and sign not in _BETWEEN]
    read = "".join(signs)[:_LONGEST]
    return GiftCode(read, tuple(dict.fromkeys(sign for sign in read if sign not in ALPHABET)))

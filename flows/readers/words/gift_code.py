"""A gift's public code as people type it: small letters, spaces, full width, and signs that no code has."""

from dataclasses import dataclass

from flows.language.wording import plain
from models.core.codes import ALPHABET
from models.giving.pledge import CODE_LENGTH

# What people put between the parts of a code that they copy or read out.
_BETWEEN = set("-_.·•—–/\\,，、。:：")
# No more of it is said back to whoever typed it.
_LONGEST = 24


@dataclass(frozen=True, slots=True)
class GiftCode:
    """``read``: what was made of it. ``odd``: signs in it that no code has, such as 0 and O, 1, I and L."""

    read: str
    odd: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Could it be one? Then it is worth looking up."""
        return len(self.read) == CODE_LENGTH and not self.odd


def read_code(text: str) -> GiftCode:
    signs = [sign for sign in plain(text).upper() if not sign.isspace() and sign not in _BETWEEN]
    read = "".join(signs)[:_LONGEST]
    return GiftCode(read, tuple(dict.fromkeys(sign for sign in read if sign not in ALPHABET)))

"""Mask in public words the names of the people around an appeal, and what looks like a phone, an ID or a card number.

The flows refuse numbers, and an officer has read the words; this is the last gate before everybody, and masks what both
let through. Masked are, with spaces and dots between the signs too: the names of all people of the household, without
the surname as well where two signs are left; of the appeal's payees, who are often kin; of officers who are kin of the
household or belong to it; and of the officer who vouched. A name of one sign alone is none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.disbursements.payee import Payee
from models.people.family_member import names_of
from models.people.user import User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff

_MASK = "*"
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_BETWEEN = r"[\s·•・.．]*"
# A mobile number, or fifteen to nineteen digits: an ID number (perhaps with X) or a bank card. Spaces and dashes count.
_NUMBERS = re.compile(r"(?<![0-9])(?:1[3-9][0-9](?:[ -]?[0-9]{4}){2}|[0-9](?:[ -]?[0-9]){13,17}[ -]?[0-9Xx])(?![0-9])")


@dataclass(frozen=True, slots=True)
class Screen:
    """Masks words. ``pattern``: finds the names; None where no name is known."""

    pattern: re.Pattern[str] | None

    def mask(self, text: str) -> str:
        text = _NUMBERS.sub(_masked, text)
        return self.pattern.sub(_masked, text) if self.pattern else text

    def sentences(self, *texts: str) -> list[str]:
        """List the sentences of these texts in which something is masked."""
        parts = [each.strip() for text in texts for each in _SENTENCE.findall(text)]
        return [each for each in dict.fromkeys(parts) if self.mask(each) != each]


def screen_for(db: Session, appeal: Appeal) -> Screen:
    """Make the screen for an appeal's public words."""
    # Who speaks for an organisation is of another household than the one that asks.
    theirs = or_(User.household_id == appeal.household_id, User.id == appeal.owner_id)
    people = db.execute(select(User.name, User.id_number).where(theirs)).all()
    payees = db.scalars(select(Payee.name).where(Payee.appeal_id == appeal.id)).all()
    kin = {*conflicts_with(db, appeal.household_id, [each.id_number for each in people]), appeal.endorsed_by} - {None}
    officers = db.scalars(select(Staff.name).where(Staff.id.in_(kin))).all()
    household = [*(each.name for each in people), *names_of(db, appeal.household_id)]
    given = [name[1:] for name in household if name and len(name) > 2]
    return Screen(pattern_of([*household, *payees, *officers, *given]))


def pattern_of(names: Iterable[str | None]) -> re.Pattern[str] | None:
    """Build a pattern of all names, the longest first, so that a whole name goes before its part."""
    signs = {re.sub(_BETWEEN, "", name) for name in names if name}
    wanted = sorted((each for each in signs if len(each) > 1), key=lambda each: (-len(each), each))
    if not wanted:
        return None
    return re.compile("|".join(_BETWEEN.join(map(re.escape, each)) for each in wanted), re.IGNORECASE)


def _masked(found: re.Match[str]) -> str:
    return _MASK * len(found[0])

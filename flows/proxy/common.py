"""Shared checks of the proxy flows: the officer who writes, and the resident they may act for."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.language import numerals
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader
from models.core.state_machine import By, NotYours
from models.people.user import User
from models.proxy.act import search_resident
from models.proxy.mandate import Mandate, NoMandate, get_mandate
from models.staff.member import Staff, find_staff

OFFICERS = frozenset({By.VILLAGE, By.TOWNSHIP})


@dataclass(frozen=True)
class Figures(WordsReader):
    """Value: exactly ``length`` figures as typed or read out; with ``x`` the last may be X. Code: not_figures.

    Never shown again: the figures prove a consent or an identity.
    """

    length: int = 6
    x: bool = False

    free: ClassVar[bool] = False

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_figures")

    def read_words(self, text: str, asking: Asking) -> Reading:
        given = re.sub(r"[\s\-.。,，]", "", numerals.read_out(text))
        for word in asking.world.lexicon.words["letter_x"] if self.x else ():
            given = re.sub(f"{re.escape(word)}$", "X", given)
        return self.check(given.upper(), asking) or Accepted(given.upper())

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        last = "[0-9X]" if self.x else "[0-9]"
        good = isinstance(value, str) and re.fullmatch(f"[0-9]{{{self.length - 1}}}{last}", value)
        return None if good else Rejected("not_figures", {"length": self.length})

    def shown(self, value: Any, world: World) -> Any:
        return "*" * self.length

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {"length": self.length}


def officer(turn: TurnContext) -> Staff:
    """Find the officer who writes; looked up at each step, because a draft outlives an appointment. Raises NotYours."""
    staff = find_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now)
    if staff is None or staff.role not in OFFICERS:
        raise NotYours
    return staff


def for_officers(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    officer(turn)
    return given


def lock_mandate(turn: TurnContext, number: int, scope: str = "appeal") -> tuple[Staff, Mandate, User]:
    """Get the officer, a live mandate of this scope (locked) and its resident. Raises NotYours or NoMandate."""
    staff = officer(turn)
    mandate = get_mandate(turn.db, number, staff.id, scope, turn.world.now)
    user = turn.db.get_one(User, mandate.user_id)
    if user.state != "active" or not staff.covers(user.region_code or ""):
        raise NoMandate
    return staff, mandate, user


def answered_resident(turn: TurnContext, draft: Draft) -> User | None:
    """Find the resident by the answered ID number, once per answer (kept in ``given``); None before the answer.

    Raises TooManyNumbersTyped, NobodyHere or OwnPeople.
    """
    number = draft.answers.get("id_number")
    if number is None:
        return None
    known = turn.db.get(User, draft.given["owner"]) if "owner" in draft.given else None
    if known and known.id_number == number:
        return known
    draft.given.pop("owner", None)
    draft.given.pop("for", None)
    user = search_resident(turn.db, officer(turn), number, turn.world.now)
    draft.given |= {"owner": user.id, "for": user.masked_name}
    return user

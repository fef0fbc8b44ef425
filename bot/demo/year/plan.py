"""Draw the demo's year from its seed: who lives in the county, who gives, when they come, what is asked for."""

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from stdnum.cn import ric

from bot.words.lexicon import CONFIG
from models.appeals.appeal import Appeal

Row = dict[str, Any]
FILE = CONFIG / "demo" / "year.toml"
# Before the last days all households have come, but for a tenth, whose cases are under way when the year ends.
_SETTLED_BEFORE = 20


@dataclass(frozen=True)
class Household:
    """``fate`` is what the county will find: sound, not_in_need, objected, unlisted, false.

    ``asking`` is what becomes of its appeal: passed, sent_back, refused, withdrawn, or unloved, to which few give; and
    of those that come late in the year: saves, whose owner has not asked for the money when it ends, began, who has
    spent the first line of the budget, and owes, who has not handed in the receipts.
    """

    serial: int
    name: str
    id_number: str
    phone: str
    town: int
    arrives: datetime
    fate: str
    asking: str
    want: Row

    @property
    def openid(self) -> str:
        return f"oYearHousehold{self.serial:014}"


@dataclass(frozen=True)
class Donor:
    serial: int
    name: str
    arrives: datetime

    @property
    def openid(self) -> str:
        return f"oYearDonor{self.serial:018}"


@dataclass
class Plan:
    """``begin`` and ``end`` of the year. ``gifts``: when each is given, in order. ``lot``: for what is drawn later."""

    words: Row
    begin: datetime
    end: datetime
    lot: Random
    households: list[Household] = field(default_factory=list)
    donors: list[Donor] = field(default_factory=list)
    gifts: list[datetime] = field(default_factory=list)


def read_words() -> Row:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def draw_plan(words: Row) -> Plan:
    """Draw the plan. ``words``: of ``read_words``; ``days``, ``households``, ``donors`` and ``gifts`` say how much."""
    end = words["end"]["at"]
    plan = Plan(words, end - timedelta(days=words["days"]), end, Random(words["seed"]))  # noqa: S311 - not a secret
    plan.households = [_household(plan, serial) for serial in range(words["households"])]
    plan.donors = [_donor(plan, serial) for serial in range(words["donors"])]
    first = plan.begin + (plan.end - plan.begin) / 9
    plan.gifts = sorted(_waking_hour(plan, first, plan.end) for _ in range(words["gifts"]))
    return plan


def crowdfund_of(plan: Plan, appeal: Appeal) -> Row:
    """Return the words of the village's appeal."""
    return next(row for row in plan.words["crowdfunds"] if row["title"] == appeal.title)


def number_of(county: str, serial: int) -> str:
    """Return a valid ID number of nobody: born in 1902, and none that ends with an X."""
    place = serial * 2
    while True:
        digits = f"{county[:6]}{date(1902, 1, 1) + timedelta(days=place // 400):%Y%m%d}{place % 400 + 100:03}"
        check = ric.calc_check_digit(digits + "0")
        if check != "X":
            return digits + check
        place += 1


def _household(plan: Plan, serial: int) -> Household:
    words, lot = plan.words, plan.lot
    early = words["households"] - words["households"] // 10
    late = serial >= early
    begin = plan.end - timedelta(days=_SETTLED_BEFORE / 2) if late else plan.begin + timedelta(days=1)
    share = 0 if late else serial / early
    arrives = begin + timedelta(days=share * max(words["days"] - _SETTLED_BEFORE, 1))
    return Household(
        serial=serial,
        name=lot.choice(words["names"]["family"]) + lot.choice(words["names"]["given"]),
        id_number=number_of(words["county"]["code"], serial),
        phone=f"138001{serial:05}",
        town=serial % len(words["towns"]),
        arrives=_waking_hour(plan, arrives, arrives + timedelta(days=4)),
        fate="false" if serial == _FALSE else _FATES.get(serial % 16, "sound"),
        asking=_UNFINISHED.get(serial) or _ASKING.get(serial % 13, "passed"),
        want=words["wants"][serial % len(words["wants"])],
    )


# The household whose appeal is a fraud.
_FALSE = 4
_FATES = {3: "not_in_need", 7: "objected", 10: "unlisted"}
_ASKING = {2: "sent_back", 5: "refused", 8: "withdrawn", 11: "unloved"}
# Of eighty, these come in September.
_UNFINISHED = {61: "saves", 62: "owes", 64: "began"}


def _donor(plan: Plan, serial: int) -> Donor:
    names = plan.words["names"]["donor"]
    name = names[serial % len(names)] + (str(serial // len(names) + 1) if serial >= len(names) else "")
    begin = plan.begin + timedelta(days=8)
    # Half of them are there early.
    share = (serial / plan.words["donors"]) ** 2
    return Donor(serial, name, _waking_hour(plan, begin, begin + (plan.end - begin) * max(share, 0.05) * 0.9))


def _waking_hour(plan: Plan, begin: datetime, end: datetime) -> datetime:
    """Draw a time between the two, from eight in the morning to nine in the evening in China."""
    day = begin + (end - begin) * plan.lot.random()
    found = day.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(seconds=plan.lot.randrange(13 * 3600))
    return min(found, plan.end - timedelta(minutes=30))

"""Play the demo's year: let time pass from one happening to the next, and everybody do their part."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from heapq import merge
from pathlib import Path

from bot.demo.year.county import found_county
from bot.demo.year.givers import Givers
from bot.demo.year.house import House
from bot.demo.year.officers import Officers
from bot.demo.year.owners import Owners
from bot.demo.year.plan import Plan, Row
from models.core.calendar import CHINA

Happening = tuple[datetime, Callable[[], None]]
# When in the day the officers work through their queues, and households and donors see to their own things.
_OFFICE, _EVENING = 10, 19
# The small world's gifts are of the last weeks, and on the same bills: those are compared when both are there (grow).
_BILLS_TOGETHER = timedelta(days=60)


def play_year(house: House, plan: Plan, charities: dict[str, Row], at: Path, tell: Callable[[str], None]) -> None:
    """Play it to its end. ``at``: a folder for what is imported; ``tell`` hears once a month how far it is."""
    seats = found_county(house, plan, charities, at)
    owners = Owners(house, plan)
    givers = Givers(house, plan, owners.households)
    officers = Officers(house, plan, seats, plan.households)
    arrivals: list[Happening] = [(one.arrives, partial(owners.arrive, one)) for one in plan.households]
    arrivals += [(donor.arrives, partial(givers.arrive, donor)) for donor in plan.donors]
    gifts: list[Happening] = [(when, givers.give) for when in plan.gifts]
    days: list[Happening] = [(max(plan.end - _BILLS_TOGETHER, plan.begin), house.leave_bills)]
    pools = (
        (plan.begin + timedelta(days=row["start"]), partial(officers.open_pool, row)) for row in plan.words["pools"]
    )
    days += [pool for pool in pools if pool[0] < plan.end]
    day = plan.begin.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while day + timedelta(days=1) <= plan.end:
        days.append((day + timedelta(hours=_OFFICE), officers.work))
        days.append((day + timedelta(hours=_EVENING), owners.live_a_day))
        days.append((day + timedelta(hours=_EVENING, minutes=30), givers.live_a_day))
        day += timedelta(days=1)
    month = ""
    for when, happen in merge(*(sorted(each, key=_when) for each in (arrivals, gifts, days)), key=_when):
        if (now := f"{when.astimezone(CHINA):%Y-%m}") != month:
            month = now
            tell(month)
        house.live_until(when)
        happen()
    house.live_until(plan.end - timedelta(minutes=10))


def _when(happening: Happening) -> datetime:
    return happening[0]

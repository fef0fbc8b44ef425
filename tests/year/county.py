"""A county of the demo's year (bot.demo.year.plan), whose people live by what their phones show them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import TypeVar

from bot.demo.year.county import Seat
from bot.demo.year.plan import Household as Drawn
from bot.demo.year.plan import Plan
from tests.year.habits import habits_of
from tests.year.hands import SURE, Hands
from tests.year.people import Donor, Household, Officer, Person
from tests.year.phone import Phone
from tests.year.screen import Screen, words_of
from tests.year.weather import RoughHouse

Kind = TypeVar("Kind", bound=Person)

# What an officer finds in a house.
_FOUND = {"people": "4", "findings": "三间土房，西屋漏雨，老人有病常年吃药，靠两亩地和打零工过日子。"}
# A villager's, often old, on a phone that they were given; a donor's.
_UNSURE, _QUICK = Hands(slips=0.04, leaves=0.01), Hands(slips=0.02, leaves=0.005)
# What a donor gives to one appeal, in yuan.
_GIFT = 1_200


class County:
    def __init__(self, house: RoughHouse, plan: Plan, seats: Iterable[Seat]) -> None:
        self.house, self.plan = house, plan
        self.officers = [
            self._person(Officer, "officer", seat.phone.openid, "", seat.phone.place, _FOUND, SURE) for seat in seats
        ]
        self.households = [self._household(one) for one in plan.households]
        self.donors = [
            self._person(Donor, "donor", one.openid, one.name, "", _giver(one.name), _QUICK) for one in plan.donors
        ]

    def live_a_day(self) -> None:
        """Let a day pass: officers work first, then donors give, then households read their news."""
        self.house.begin_a_day()
        with self._ringing():
            self.house.live_until(self.house.clock() + timedelta(days=1))
        for officer in self.officers:
            officer.live_a_day()
        for donor in self.donors:
            donor.give(_GIFT)
        with self._ringing():
            self.house.work()
        for household in self.households:
            household.live_a_day()

    @contextmanager
    def _ringing(self) -> Iterator[None]:
        """Show people what the account sends by itself meanwhile; nobody says anything then."""
        chat = self.house.simulator.chat
        before = chat.newer_than(0)["version"]
        yield
        phones = {one.phone.openid: one.phone for one in [*self.officers, *self.donors, *self.households]}
        for entry in chat.newer_than(before)["entries"]:
            if entry["by"] == "account":
                phones[entry["openid"]].ring(Screen(words_of(entry["content"])))

    def _household(self, one: Drawn) -> Household:
        budget: list[tuple[str, int]] = one.want["budget"]
        facts = {
            "name": one.name,
            "id_number": one.id_number,
            "phone": one.phone,
            "role": "我家有困难",
            "title": one.want["title"],
            "category": one.want["category"],
            "target": str(sum(yuan for _, yuan in budget)),
            "budget": "，".join(f"{item} {yuan}" for item, yuan in budget),
            "story": one.want["story"],
            "days": "75天",
            "shop": "渭源县城农资店",
            "bank": "农业银行渭源县支行",
            "account": f"62284800000000{one.serial:05}",
            "last_places": one.id_number[-6:],
        }
        where = self.plan.words["towns"][one.town]["label"]
        return self._person(Household, "household", one.openid, one.name, where, facts, _UNSURE)

    def _person(
        self, kind: type[Kind], who: str, openid: str, name: str, where: str, facts: dict[str, str], hands: Hands
    ) -> Kind:
        lot = Random(f"{self.plan.words['seed']} {openid}")
        phone = Phone(self.house.simulator, self.house.app, openid, where, lot)
        return kind(name, phone, habits_of(who), lot, facts, hands)


def _giver(name: str) -> dict[str, str]:
    return {"nickname": name, "role": "我想帮助别人"}

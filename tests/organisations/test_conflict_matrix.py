"""Who may not decide on what an organisation asks for and sells: every role by every thing."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session as Database

from models.appeals.beneficiary import answer
from models.core.audit_trail import record_reading
from models.goods.review import approve
from models.goods.rules import STRICT
from models.market.listing import Listing
from models.market.submission import NewListing, submit_listing
from models.market.suspension import check_may_judge
from models.organisations.organisation import Organisation
from models.people.user import User
from models.staff.conflict_of_interest import record_conflict
from models.staff.file_access import record_file_access
from models.staff.member import Staff
from models.staff.task import conflict_in, find_task
from models.staff.turn import HasConflict
from tests.harness.stage import Stage
from tests.scenes.cooperative import COUNTY, VILLAGE, Cooperative
from tests.scenes.market import JIN
from tests.scenes.organisations import ask_in_its_name

THINGS = ("listing", "price", "after_sale", "orders", "appeal")
# Role -> the things on which whoever has it decides nothing; a seat of the village, only of a village's committee.
BARRED: Mapping[str, tuple[str, ...]] = {
    "of_the_village": THINGS,
    "of_the_township": (),
    "of_the_county": (),
    "speaks_for_it": THINGS,
    "kin_of_who_speaks": THINGS,
    "spoke_before": THINGS,
    "is_helped": THINGS,
    "said_no": (),
    "kin_of_the_buyer": ("after_sale",),
}


class World:
    """An organisation that sells and asks, and a seat for every role."""

    def __init__(self, stage: Stage, kind: str) -> None:
        self.scene = Cooperative(stage, kind=kind)
        for name in ("helped", "declined"):
            self.scene.people[name] = stage.register(f"o-{name}", "resident", VILLAGE)
        self.appeal = ask_in_its_name(stage, self.scene.number)
        self.scene.people["relative"] = stage.register("o-relative", "resident")
        self.listing = self.scene.sell_in_its_name()
        self.scene.pass_on()
        seats = {
            "of_the_village": ("o-village", "village", VILLAGE),
            "of_the_township": ("o-township", "township", "431124101000"),
            "of_the_county": ("o-other", "county", COUNTY),
            "speaks_for_it": ("o-next", "county", COUNTY),
            "kin_of_who_speaks": ("o-kin", "county", COUNTY),
            "spoke_before": ("o-seller", "county", COUNTY),
            "is_helped": ("o-helped", "county", COUNTY),
            "said_no": ("o-declined", "county", COUNTY),
            "kin_of_the_buyer": ("o-buyers", "county", COUNTY),
        }
        self.seats = {
            role: stage.appoint(*seat, work_no=f"N{number:04}") for number, (role, seat) in enumerate(seats.items())
        }
        with self.scene.session() as db:
            for role, kin in (("kin_of_who_speaks", "next"), ("kin_of_the_buyer", "relative")):
                number = db.get_one(User, self.scene.people[kin]).id_number
                record_conflict(db, db.get_one(Staff, self.seats[role]), "kin", number or "", stage.clock())
            for who, said in (("helped", "agreed"), ("declined", "declined")):
                answer(db, db.get_one(User, self.scene.people[who]), self.appeal, said, stage.clock())

    def make(self, thing: str) -> int:
        """Make the thing on which is decided; returns its number."""
        if thing in ("listing", "price"):
            return self._submit(looked_at=thing == "price")
        if thing == "after_sale":
            return self._complain()
        return self.appeal if thing == "appeal" else self.listing

    def _submit(self, *, looked_at: bool) -> int:
        now = self.scene.stage.clock()
        wanted = NewListing(str(uuid4()), "handicraft", "竹篮", "piece", 6_000, 4, None, None)
        with self.scene.session() as db:
            organisation = db.get_one(Organisation, self.scene.number)
            owner = db.get_one(User, self.scene.people["next"])
            number = submit_listing(db, wanted, owner, now, organisation=organisation).id
            listing = db.get_one(Listing, number)
            listing.dear = looked_at
            if looked_at:
                staff = db.get_one(Staff, self.seats["of_the_township"])
                task = find_task(db, "listing", number)
                assert task
                task.role, task.assignee = "township", staff.id
                record_file_access(db, staff, "listing", number, owner.id, now)
                name = staff.actor.name
                record_reading(db, at=now, actor=name, subject="listing", subject_id=number, purpose="pictures")
                approve(db, staff, "listing", number, STRICT, now)
        return number

    def _complain(self) -> int:
        self.scene.people["buyer"] = self.scene.people["relative"]
        order = self.scene.order(self.listing, JIN)
        self.scene.accept(order, by="next")
        self.scene.send(order, by="next")
        self.scene.got(order)
        self.scene.complain(order)
        self.scene.stage.clock.move(timedelta(days=3))
        self.scene.sweep()
        return self.scene.after_sale(order).id


def is_barred(db: Database, seat: Staff, thing: str, number: int) -> bool:
    if thing == "orders":  # the county cancels them where it stops the seller
        try:
            check_may_judge(db, seat, number, "suspended")
        except HasConflict:
            return True
        except Exception:  # of any other kind: it is not a conflict that keeps this seat from it
            return False
        return False
    subject = "listing" if thing == "price" else thing
    task = find_task(db, subject, number)
    assert task
    assert thing != "price" or task.step == "listing_price"
    return conflict_in(db, seat, task) is not None


@pytest.mark.sampled(4)
@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("kind", ["village_committee", "cooperative"])
def test_who_may_not_decide(database_url: str, kind: str, thing: str) -> None:
    stage = Stage(database_url)
    world = World(stage, kind)
    number = world.make(thing)
    with world.scene.session() as db:
        found = {role: is_barred(db, db.get_one(Staff, seat), thing, number) for role, seat in world.seats.items()}
    wanted = {role: thing in things for role, things in BARRED.items()}
    if kind == "cooperative":
        wanted["of_the_village"] = False
    # Whoever looked at the land does not look at the price.
    wanted["of_the_township"] |= thing == "price"
    assert found == wanted
    stage.close()

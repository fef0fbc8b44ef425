"""Found the county of the demo's year, as an operator does: its regions, charity, staff and registry."""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from bot.demo.seed_charities import Charities
from bot.demo.year.house import House
from bot.demo.year.phone import Phone
from bot.demo.year.plan import Plan, Row, number_of
from bot.places.load import DEMO_VILLAGES, DIVISIONS, load_regions, read_regions
from bot.registry.csv_file import CsvFile
from bot.registry.load import Load
from bot.registry.rows import COLUMNS
from models.core.calendar import CHINA
from models.staff.member import Appointment, Staff, appoint

# The tables whose numbers people type. Those of the year begin here, so that the small world beside it has the small
# ones, which the README and docs/demo.md name.
NUMBERED = (
    *("appeals", "verifications", "updates", "disbursements", "receipts", "inquiries", "broadcasts", "revisions"),
    *("offers", "goods_requests", "matches", "rounds", "points", "listings", "goods_thanks", "matching_pools"),
    *("tickets", "gift_messages", "suspense_items", "refund_runs", "discrepancies"),
)
FIRST_NUMBER = 1001
# After the households'.
_STAFF_SERIALS = 5_000


@dataclass(frozen=True)
class Seat:
    """A member of staff: the row's number, and the phone."""

    id: int
    role: str
    phone: Phone


def found_county(house: House, plan: Plan, charities: dict[str, Row], at: Path) -> dict[int, Seat]:
    """Found it and return its seats by their numbers. ``at``: a folder for the registry's file."""
    database, now = house.turns.database, house.clock()
    load_regions(database, [*read_regions(DIVISIONS), *read_regions(DEMO_VILLAGES)])
    with Session(database) as db, db.begin():
        _number_from(db.connection(), FIRST_NUMBER)
        founded = Charities(db, plan.end.astimezone(CHINA).date())
        for key, row in charities.items():
            founded.register(key, row, now)
            founded.file(key, _from_now(row["filings"][0], plan), now)
    _import_registry(house, plan, at)
    return {seat.id: seat for seat in _appoint(house, plan, founded.numbers)}


def open_small_numbers(house: House) -> None:
    """Let the small world, which is played next, have the numbers from 1 on."""
    with house.turns.database.begin() as connection:
        _number_from(connection, 1)


def close_small_numbers(house: House) -> None:
    """Go on after the highest number; where there is none, from 1 on."""
    with house.turns.database.begin() as connection:
        for table in NUMBERED:
            highest = f"SELECT setval('{table}_id_seq', coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}"  # noqa: S608
            connection.execute(text(highest))


def _number_from(connection: Connection, first: int) -> None:
    for table in NUMBERED:
        connection.execute(text(f"ALTER SEQUENCE {table}_id_seq RESTART WITH {first}"))


def _from_now(filing: Row, plan: Plan) -> Row:
    """Let the filing be valid for the whole year, and for as long as the small world wants it."""
    return {**filing, "from_days_ago": max(plan.words["days"], filing["from_days_ago"])}


def _import_registry(house: House, plan: Plan, at: Path) -> None:
    """Import the county's list: everybody but who is unlisted."""
    county, file = plan.words["county"], at / "registry.csv"
    day: date = (plan.begin - timedelta(days=9)).astimezone(CHINA).date()
    with file.open("w", encoding="utf-8", newline="") as sheet:
        rows = csv.writer(sheet)
        rows.writerow(COLUMNS)
        for one in plan.households:
            if one.fate != "unlisted":
                status = county["statuses"][one.serial % len(county["statuses"])]
                town = plan.words["towns"][one.town]["code"]
                rows.writerow((one.id_number, one.name, town, status, county["registry"], day))
    with CsvFile(file, COLUMNS) as sheet_:
        load = Load(house.turns.database, house.clock(), on_bad=lambda *_: None, after=lambda: None)
        counts = load.run(sheet_.rows())
    if counts.bad:
        raise ValueError(f"the year's registry has bad rows: {counts.bad}")


def _appoint(house: House, plan: Plan, charities: dict[str, int]) -> list[Seat]:
    words = plan.words
    wanted = [
        (role, words["county"]["code"], work_no, words["towns"][0]["label"])
        for role, work_no in words["staff"]["county"]
    ]
    for number, town in enumerate(words["towns"], 1):
        wanted += [(role, town["code"], no.format(town=number), town["label"]) for role, no in words["staff"]["towns"]]
    seats = []
    for serial, (role, region, work_no, place) in enumerate(wanted):
        openid = f"oYearStaff{work_no:0>18}"
        name = plan.lot.choice(words["names"]["family"]) + plan.lot.choice(words["names"]["given"])
        charity = charities[words["county"]["charity"]] if role == "fund_holder" else None
        phone = Phone(house, words["scripts"], openid, place, Random(openid))  # noqa: S311 - its pictures
        phone.meet(name)
        id_number = number_of(words["county"]["code"], _STAFF_SERIALS + serial)
        new = Appointment(work_no, house.account, openid, role, region, name, id_number, charity)
        with Session(house.turns.database) as db, db.begin():
            appoint(db.connection(), new, house.clock())
            seat = db.scalars(select(Staff.id).where(Staff.work_no == work_no)).one()
        seats.append(Seat(seat, role, phone))
    return seats

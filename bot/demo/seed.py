"""Fill an empty database with the demo's small invented world (config/demo), as a history.

Everything is played in the order and at the times it would have happened,
through the models' own functions, so that every rule is applied and the audit
trail reads like a real one.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, and_, func, inspect, not_, or_, select, update
from sqlalchemy.orm import Session

from bot.books.sealing import seal_all
from bot.demo.seed_cases import Cases, Happening, Row
from bot.demo.seed_charities import Charities
from bot.demo.seed_gifts import Gifts
from bot.demo.seed_goods import Goods
from bot.demo.seed_handover import Handover
from bot.demo.seed_orders import Orders
from bot.demo.seed_organisations import Organisations
from bot.demo.seed_pages import Pages
from bot.demo.seed_pictures import picture
from bot.demo.seed_proxy import Proxies
from bot.places.load import DEMO_VILLAGES, DIVISIONS, load_regions, read_regions
from bot.words.lexicon import load_lexicon
from flows.language.norms import signs
from models.appeals.appeal import Appeal
from models.appeals.flag import flag_earlier, flag_words
from models.appeals.review import approve, freeze_by_county, send_back
from models.appeals.submission import NewAppeal, family_of, submit
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.core.state_machine import Actor
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import Registration, User, grant_consent, register
from models.staff.conflict_of_interest import record_conflict
from models.staff.identity import identify, unidentified_seats
from models.staff.member import Appointment, Staff, appoint
from models.staff.task import find_task
from models.verification.case import begin_case

FOLDER = Path(__file__).parents[2] / "config" / "demo"
# Older notifications count as read.
_NEWS_IS_NEW = timedelta(days=2)
_CONSENTS = {"resident": ("account", "identity"), "donor": ("account",)}


class NotOurs(Exception):
    """The database holds people whom the seed did not write; the message says how many."""


@dataclass(frozen=True)
class Seeded:
    """What the seed wrote. ``people`` can be picked in the simulator (bot.simulator.options.Person, as JSON objects).

    ``tags``: openid -> resident, donor or staff, for the same people. ``written`` is
    False when a user was registered already, and so nothing was changed.
    """

    people: list[Row]
    tags: dict[str, str]
    written: bool


def seed(database: Engine, account: str, now: datetime) -> Seeded:
    """Load the regions, then the whole data set in one transaction; ``account``: the account's original id (gh_…).

    A data set that an earlier version wrote keeps its history; its charity is named, its officers are identified.
    """
    world = _world()
    people, tags = _people(world["people"])
    with Session(database) as db:
        written = db.scalar(select(User.id).limit(1)) is None
    if written:
        load_regions(database, [*read_regions(DIVISIONS), *read_regions(DEMO_VILLAGES)])
        play_world(database, account, now)
    else:
        with Session(database) as db, db.begin():
            Charities(db, now.astimezone(CHINA).date()).name_first(world["charities"]["charities"], now)
            numbers = {row["work_no"]: row["id_number"] for row in world["people"]["staff"].values()}
            for seat in unidentified_seats(db):
                if seat.work_no in numbers:
                    identify(db, seat, numbers[seat.work_no], now)
    return Seeded(people, tags, written)


def play_world(database: Engine, account: str, now: datetime) -> None:
    """Play the whole data set at once and seal it; the year's people (bot.demo.year) may be there already."""
    with Session(database) as db, db.begin():
        _History(db, account, now).play(_world())
    seal_all(database)


def read_for_the_year(db: Session) -> None:
    """Mark as read the notifications that wait for the year's people, to whom the simulator cannot deliver."""
    people, _ = _people(_world()["people"])
    absent = select(Conversation.id).where(Conversation.openid.not_in([one["openid"] for one in people]))
    waits = Notification.conversation_id.in_(absent) & (Notification.state == "owed")
    db.execute(update(Notification).where(waits).values(read_at=Notification.created_at, state="read", channel="reply"))


def sub_merchants() -> dict[str, str]:
    """Return under which numbers sellers of the data set are paid, and the names for the pay sheet."""
    return {row["number"]: row["name"] for row in _world()["market"]["sub_merchants"]}


def refuse_strangers(database: Engine, account: str) -> None:
    """Raise NotOurs if a user, a conversation or a member of staff is not of the data set."""
    if not inspect(database).has_table(User.__tablename__):
        return
    rows = [row for group in ("residents", "donors", "staff") for row in _world()["people"][group].values()]
    openids = [row["openid"] for row in rows if "openid" in row]
    hashes = [
        one for row in rows if "id_number" in row for one in keyring().lookup_hashes(row["id_number"], "id_number")
    ]
    written = and_(Conversation.account == account, Conversation.openid.in_(openids))
    known = or_(
        User.id.in_(select(Conversation.user_id).where(written, Conversation.user_id.is_not(None))),
        func.coalesce(User.id_hash, "").in_(hashes),
    )
    appointed = and_(Staff.account == account, Staff.openid.in_(openids))
    with Session(database) as db:
        found = {
            word: db.scalar(select(func.count()).select_from(table).where(not_(ours))) or 0
            for word, table, ours in (
                ("users", User, known),
                ("conversations", Conversation, written),
                ("members of staff", Staff, appointed),
            )
        }
    if strange := ", ".join(f"{count} {word}" for word, count in found.items() if count):
        raise NotOurs(f"the database holds what the data set did not write: {strange}")


def _world() -> dict[str, Any]:
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.toml")}


def _people(groups: dict[str, dict[str, Row]]) -> tuple[list[Row], dict[str, str]]:
    people: list[Row] = []
    tags: dict[str, str] = {}
    for group, tag in (("residents", "resident"), ("donors", "donor"), ("staff", "staff")):
        for row in groups[group].values():
            if "note" in row:
                name = row.get("display_name") or row["name"]
                people.append({**_some(row, "openid", "note", "gloss"), "name": name, "following": True})
                tags[row["openid"]] = tag
    return people, tags


class _History:
    """Play the history. ``users``, ``staff`` and ``appeals``: what exists so far, by key or number in the files."""

    def __init__(self, db: Session, account: str, now: datetime) -> None:
        self.db, self.account, self.now = db, account, now
        self.users: dict[str, User] = {}
        self.staff: dict[str, Staff] = {}
        self.appeals: dict[int, Appeal] = {}
        self.lexicon = load_lexicon()
        self.people: dict[str, int] = {}
        self.cases = Cases(db, self.lexicon, self.users, self.staff, self.people)
        self.proxies = Proxies(db, self.staff, self.people)
        self.organisations = Organisations(db, self.users, self.staff, self.people, self.appeals, now)
        self.gifts = Gifts(db, self.users, self.appeals)
        self.goods = Goods(db, self.lexicon, self.users, self.people, now)
        self.pages = Pages(db, self.appeals, self.staff, self.goods.made)
        self.orders = Orders(db, self.lexicon, self.users, self.people, self.goods.made)
        self.handover = Handover(db, self.staff, self.people, self.goods.made, self.lexicon.goods)
        self.charities = Charities(db, now.astimezone(CHINA).date())

    def play(self, world: dict[str, Any]) -> None:
        happenings: list[Happening] = [
            *self.charities.happenings(world["charities"]["charities"]),
            *self._arrivals(world["people"], world["registry"]),
            *self.cases.happenings(world["cases"], world["people"]["residents"]),
            *self.organisations.happenings(world["organisations"]["organisations"]),
            *self._appeals(world["appeals"]["appeals"]),
            *self.goods.happenings(world["goods"], world["market"]["listings"]),
            *self.orders.happenings(world["market"]),
            *self.pages.happenings(world["appeals"]["appeals"], world["market"]["listings"]),
            *self.handover.happenings(world["goods"]),
        ]
        for days_ago, happen in sorted(happenings, key=lambda happening: -happening[0]):
            happen(self.now - timedelta(days=days_ago))
        old = Notification.created_at < self.now - _NEWS_IS_NEW
        old &= Notification.conversation_id.in_(self.people.values())
        self.db.execute(
            update(Notification).where(old).values(read_at=Notification.created_at, state="read", channel="reply")
        )

    def _arrivals(self, groups: dict[str, Any], registry: Row) -> Iterator[Happening]:
        residents = groups["residents"]
        for key, entry in registry["entries"].items():
            listed = {"source": registry["source"], **entry}
            yield registry["days_ago"], partial(self.cases.list_in_registry, listed, residents[key])
        for key, row in groups["staff"].items():
            yield row["days_ago"], partial(self.appoint, key, row)
        for row in groups["conflicts"]:
            yield row["days_ago"], partial(self.declare, row, residents[row["resident"]])
        for role in ("resident", "donor"):
            for key, row in groups[f"{role}s"].items():
                yield row["days_ago"], partial(self.register, role, key, row)

    def _appeals(self, rows: list[Row]) -> Iterator[Happening]:
        for serial, row in enumerate(rows, 1):
            yield row["days_ago"], partial(self.submit, serial, row)
            for move in row.get("moves", ()):
                yield move["days_ago"], partial(self.move, serial, move)
            yield from self.gifts.happenings(serial, row.get("pledges", []))

    def appoint(self, key: str, row: Row, when: datetime) -> None:
        wanted = Appointment(
            account=self.account,
            region_code=row["region"],
            charity_id=self.charities.numbers[row["charity"]] if "charity" in row else None,
            **_some(row, "work_no", "openid", "role", "name", "id_number"),
        )
        appoint(self.db.connection(), wanted, when)
        self.staff[key] = self.db.scalars(select(Staff).where(Staff.work_no == row["work_no"])).one()
        self._follow(key, row, None, when)

    def declare(self, row: Row, resident: Row, when: datetime) -> None:
        record_conflict(self.db, self.staff[row["staff"]], row["kind"], resident["id_number"], when)

    def register(self, role: str, key: str, row: Row, when: datetime) -> None:
        officer = self.staff.get(row.get("by", ""))
        identity = {name: row.get(name) for name in ("display_name", "name", "id_number", "phone")}
        wanted = Registration(
            draft_id=f"demo-{role}-{key}",
            role=role,
            consents=_CONSENTS[role],
            region_code=row.get("region"),
            registered_by=officer.id if officer else None,
            **identity,
        )
        user = self.users[key] = register(self.db, wanted, when)
        if officer:
            self.proxies.registered(row["by"], user, when)
        else:
            self._follow(key, row, user.id, when)
        if role == "resident":
            begin_case(self.db, user, officer.actor if officer else Actor.owner(user.id), when)

    def _follow(self, key: str, row: Row, user_id: int | None, when: datetime) -> None:
        """Let a person follow the account. Keys of staff get an @, since a resident may have the same key."""
        person = Conversation(
            account=self.account, openid=row["openid"], user_id=user_id, session="", created_at=when, touched_at=when
        )
        self.db.add(person)
        self.db.flush()
        self.people[key if user_id else f"@{key}"] = person.id

    def submit(self, serial: int, row: Row, when: datetime) -> None:
        owner = self.users[row["owner"]]
        asker = self.organisations.asker(row["in_name_of"]) if "in_name_of" in row else family_of(owner)
        wanted = NewAppeal(
            draft_id=f"demo-appeal-{serial}",
            region_code=asker.home,
            story=row["story"].strip(),
            target_fen=sum(fen for _, fen in row["budget"]),
            budget=[(item, fen) for item, fen in row["budget"]],
            minimum_fen=row.get("minimum_fen"),
            **_some(row, "kind", "category", "title", "collect_days"),
        )
        by = row.get("by")
        actor = self.staff[by].actor if by else None
        appeal = self.appeals[serial] = submit(self.db, wanted, owner, when, actor, asker)
        if by:
            self.proxies.asked(by, owner, appeal, when)
        else:
            grant_consent(self.db, owner.id, "publish", when)
        sender = self.people[f"@{by}" if by else row["owner"]]
        picture(self.db, "appeal", appeal.id, sender, when)
        flag_words(self.db, appeal.id, signs(appeal.title, appeal.story, wanted.budget, self.lexicon), when)
        flag_earlier(self.db, appeal, when)

    def move(self, serial: int, row: Row, when: datetime) -> None:
        number, officer = self.appeals[serial].id, self.staff[row["by"]]
        task = find_task(self.db, "appeal", number)
        if "step" in row and (task is None or task.step != row["step"]):
            return
        match row["does"]:
            case "approve":
                approve(self.db, officer, number, when)
            case "send_back":
                send_back(self.db, officer, number, row["reasons"], when)
            case "stop":
                freeze_by_county(self.db, officer, number, row["reasons"][0], when)


def _some(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}

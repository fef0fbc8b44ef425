"""A world in which everything has its greatest length, and people who answer everything wrongly first."""

from datetime import date, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, literal, select, update
from sqlalchemy.orm import Session as Database

from bot.places.load import DEMO_VILLAGES, DIVISIONS, load_regions, read_regions
from bot.turn import Turns
from bot.wechat.codec import REPLY_BYTES
from flows.catalogue import FLOWS
from flows.engine.position import cursor
from flows.engine.session import loads
from flows.outreach.update import LONGEST_UPDATE
from models.appeals.appeal import MACHINE, Appeal
from models.appeals.flag import raise_flag
from models.appeals.publication import publish
from models.appeals.submission import NewAppeal, submit
from models.core.database import connect
from models.core.money import LARGEST
from models.core.state_machine import Actor, By
from models.giving.pledge import make_pledge
from models.goods.submission import NewOffer, NewRequest
from models.market.submission import NewListing
from models.notifications.broadcast import begin_broadcast
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.organisations.charity import LONGEST_CERTIFICATE, LONGEST_NAME, add_charity
from models.organisations.filing import LONGEST_NUMBER, LONGEST_WORDS, add_filing
from models.outreach.update import MACHINE as UPDATES
from models.outreach.update import update_waiting
from models.outreach.update_review import backers_of
from models.outreach.update_review import submit as submit_update
from models.people.conversation import Conversation
from models.people.message import Message, MessageKind, Point
from models.people.photo import Photo
from models.people.user import Registration, User, register
from models.places.region import Region
from models.staff.member import Staff
from models.staff.task import close_task
from models.support.desk import LONGEST_ANSWER
from models.support.introduction import request_introduction
from models.support.reported_thing import get_thing
from models.support.reporting import NewReport, file_report
from models.support.ticket import add_message, open_ticket
from models.verification.case import Verification
from tests.harness.platform import wechat
from tests.harness.stage import Stage, id_number
from tests.scenes.cases import REASONS, Longest
from tests.scenes.goods import asked, given, sold
from tests.scenes.money.charities import DAYS

# A character of four bytes: it is Chinese, and the longest there is.
WIDE = "𠮷"


TITLE, ITEM, STORY = WIDE * 30, WIDE * 30, WIDE * 800


TARGET = LARGEST


LINES = 12


SEVERAL = 6


ANSWER = "好" * LONGEST_ANSWER


STAFF = ("village", "township", "county", "fund_holder")


PEOPLE = ("stranger", "newcomer", "resident", "other", "donor", *STAFF)


class World:
    """A stage on which everything has its greatest length, and one person of each kind."""

    def __init__(self, url: str) -> None:
        database = connect(url)
        load_regions(database, [*read_regions(DIVISIONS), *read_regions(DEMO_VILLAGES)])
        database.dispose()
        self.stage = Stage(url)
        self.turns: Turns = self.stage.app.extensions["bangfu"]["turns"]
        self.lexicon = self.turns.lexicon
        self.ids = count(1)
        self.now = self.stage.clock()
        self.people = {name: self.stage.person(f"o-{name}") for name in PEOPLE}
        with Database(self.stage.database) as db, db.begin():
            longest = func.length(Region.full_name).desc()
            townships = (
                select(Region)
                .where(Region.level == 3, func.length(Region.name) <= 15)
                .order_by(longest, Region.code)
                .limit(1)
            )
            self.home = db.scalars(townships).one()
            db.expunge(self.home)
            self._residents_and_donors(db)
            self._staff(db)
            self._things(db)
            self._tickets(db)
            self._cases(db)
            self._told(db)
            self._reports(db)

    def _residents_and_donors(self, db: Database) -> None:
        for serial, (name, role) in enumerate([("resident", "resident"), ("other", "resident"), ("donor", "donor")], 3):
            who = Registration(f"longest-{name}", role, ("account",), display_name=WIDE * 12)
            if role == "resident":
                who = Registration(
                    f"longest-{name}",
                    role,
                    ("account",),
                    name=WIDE * 20,
                    id_number=id_number(serial),
                    phone="13800000000",
                    region_code=self.home.code,
                )
            user = register(db, who, self.now)
            db.execute(update(Conversation).where(Conversation.id == self.people[name]).values(user_id=user.id))

    def _charity(self, db: Database) -> int:
        """Of this place, so that it is the one that collects there."""
        code, numbers = "53360000500000007W", ("9" * LONGEST_CERTIFICATE, "A" * LONGEST_NUMBER)
        charity = add_charity(db, WIDE * LONGEST_NAME, code, numbers[0], self.home.code, self.now)
        words = (WIDE * LONGEST_WORDS, WIDE * LONGEST_WORDS)
        add_filing(db, charity.id, numbers[1], *words, DAYS, self.now)
        return charity.id

    def _staff(self, db: Database) -> None:
        charity = self._charity(db)
        for role in STAFF:
            db.add(
                Staff(
                    work_no=f"{role:0>20}",
                    account=wechat.ACCOUNT,
                    openid=f"o-{role}",
                    role=role,
                    region_code=self.home.code,
                    charity_id=charity if role == "fund_holder" else None,
                    name=WIDE * 20,
                    id_hash=f"{role:0>64}",
                    active_from=self.now,
                )
            )

    def user(self, db: Database, name: str) -> User:
        user_id = db.get_one(Conversation, self.people[name]).user_id
        return db.get_one(User, user_id)

    def _things(self, db: Database) -> None:
        resident, other, donor = (self.user(db, name) for name in ("resident", "other", "donor"))
        officer = db.scalars(select(Staff).where(Staff.role == "village")).one()
        categories = [key for key, _ in self.lexicon.options("appeal_category")]
        for serial in range(SEVERAL):
            for owner in (resident, other):
                appeal = submit(db, self._appeal(f"{owner.id}-{serial}", categories[serial]), owner, self.now)
                self._mark(db, appeal.id)
                if serial == 0:
                    continue
                MACHINE.move(db, appeal, "village_review", officer.actor, self.now)
                MACHINE.move(db, appeal, "endorsed", officer.actor, self.now)
                appeal.endorsed_by, appeal.endorsed_at = officer.id, self.now
                MACHINE.move(db, appeal, "county_review", Actor(By.COUNTY, "staff:0"), self.now)
                MACHINE.move(db, appeal, "fund_holder_filed", Actor(By.FUND_HOLDER, "staff:0"), self.now)
                publish(db, appeal, self.now)
                make_pledge(db, f"pledge-{appeal.id}", appeal, donor, LARGEST - 100, anonymous=True, now=self.now)
                self._notify(db, appeal, officer)
                if serial > 1:
                    words, person = WIDE * LONGEST_UPDATE, self.people["resident"]
                    submit_update(db, appeal, f"thanks-{appeal.id}", words, [], person, self.now, "thanks")
            best_before = date(2027, 12, 31)
            wanted = NewOffer(
                f"o-{serial}", "household", ITEM, "jin", 999_999_999, "good", best_before, "post", self.home.code
            )
            given(db, wanted, donor, self.now)
            for owner in (resident, other):
                reason = WIDE * 200
                # A household has one request of a sort: each is of another thing, whose name is as long.
                thing = chr(ord(WIDE) + serial) * len(ITEM)
                request = NewRequest(
                    f"r-{owner.id}-{serial}", "household", thing, "jin", 99_999_999, reason, self.home.code
                )
                asked(db, request, owner, self.now)
                url = f"https://shop.example/{'a' * 479}" if serial % 2 else None
                listing = NewListing(
                    f"l-{owner.id}-{serial}", "produce", ITEM, "jin", LARGEST - 1, 99_999_999, best_before, url
                )
                sold(db, listing, owner, self.now)

    def _notify(self, db: Database, appeal: Appeal, officer: Staff) -> None:
        """What became of it: one that everybody reads and that goes out, and one that an officer has yet to read."""
        for serial in range(2):
            words = WIDE * LONGEST_UPDATE
            submit_update(db, appeal, f"told-{appeal.id}-{serial}", words, [], self.people["resident"], self.now)
            waiting = update_waiting(db, appeal.id)
            if serial == 0 and waiting:
                UPDATES.move(db, waiting, "published", officer.actor, self.now)
                waiting.decided_at = self.now
                close_task(db, "update", waiting.id, self.now, officer)
                facts = {"number": appeal.id, "title": TITLE, "words": words}
                begin_broadcast(db, backers_of(appeal), facts, f"update:{waiting.id}", self.now, by=officer.id)

    def _mark(self, db: Database, appeal: int) -> None:
        """Pictures, and more flags than are shown."""
        for name in "一二三四":
            raise_flag(db, appeal, "over_price", f"{name}{ITEM[1:]}", self.now, LARGEST)
        picture = {"media_id": "m", "pic_url": "", "state": "kept", "created_at": self.now}
        db.add(Photo(subject="appeal", subject_id=appeal, **picture))

    def _appeal(self, serial: str, category: str) -> NewAppeal:
        part = TARGET // LINES - 1
        budget = [(ITEM, part)] * (LINES - 1)
        return NewAppeal(
            draft_id=f"longest-{serial}",
            kind="crowdfund",
            category=category,
            title=TITLE,
            story=STORY,
            region_code=self.home.code,
            target_fen=TARGET,
            deadline=self.now + timedelta(days=60),
            budget=[*budget, (ITEM, TARGET - part * (LINES - 1))],
            minimum_fen=TARGET - 1,
        )

    def _cases(self, db: Database) -> None:
        staff = {each.role: each for each in db.scalars(select(Staff))}
        neighbours = [
            Registration(
                f"longest-neighbour-{serial}",
                "resident",
                ("account",),
                name=WIDE * 20,
                id_number=id_number(500 + serial),
                phone="13800000000",
                region_code=self.home.code,
            )
            for serial in range(SEVERAL + 2)
        ]
        users = [
            self.user(db, "resident"),
            self.user(db, "other"),
            *(register(db, who, self.now) for who in neighbours),
        ]
        longest = Longest(db, users, staff, WIDE * 300, self.now)
        longest.object(self.people["stranger"], self.people["newcomer"])
        self.to_visit, self.on_notice = longest.cases[2].id, longest.cases[3].id

    def _told(self, db: Database) -> None:
        """Word of everything to its owner, which has not gone out for all the reasons that there can be at once."""
        appeals = select(literal("appeal"), Appeal.id, Conversation.id)
        cases = select(literal("case"), Verification.id, Conversation.id)
        rows: Any = [
            *db.execute(appeals.join(Conversation, Conversation.user_id == Appeal.owner_id)),
            *db.execute(cases.join(Conversation, Conversation.user_id == Verification.user_id)),
        ]
        for subject, number, conversation in rows:
            for again in range(5):
                facts = {"number": number, "title": TITLE, "state": "endorsed"}
                key = f"told:{subject}:{number}:{again}"
                notify(db, conversation, "proxy_acted", facts, key, self.now, about=(subject, number))
        reason = "template_failed+window_used_up+no_template+no_consent+refused_45015+quota_45009"
        db.execute(update(Notification).where(Notification.subject.is_not(None)).values(state="sending", reason=reason))

    def _tickets(self, db: Database) -> None:
        ticket = open_ticket(db, self.people["stranger"], self.home.code, "flow:pledge:999999", self.now)
        add_message(db, ticket.id, "person", WIDE * 1000, self.now)
        add_message(db, ticket.id, "person", "<" * 1000, self.now)
        ticket = open_ticket(db, self.people["donor"], self.home.code, "request:1", self.now)
        for _ in range(150):
            add_message(db, ticket.id, "person", "[image]", self.now)
        add_message(db, ticket.id, "person", f"[location] {WIDE * 500}", self.now)
        for number in (1, 3):
            request_introduction(db, number, self.people["other"], self.now)

    def _reports(self, db: Database) -> None:
        """Of an appeal whose payouts they hold, each by somebody of another circle, and with photos."""
        for serial, name in enumerate(("stranger", "newcomer", "other", "donor")):
            new = NewReport(f"report-{serial}", self.people[name], "child", WIDE * 300, [])
            file_report(db, get_thing(db, "appeal", 3, None), new, self.now)
            picture = {"media_id": "m", "pic_url": "", "state": "kept", "created_at": self.now}
            db.add_all(Photo(subject="report", subject_id=serial + 1, **picture) for _ in range(5))

    def owe_news(self, db: Database, name: str) -> None:
        """One more notice of each kind, the longest there can be."""
        conversation = self.people[name]
        appeal = {"number": 999_999, "title": TITLE, "state": "fund_holder_filed"}
        money = {"amount_fen": LARGEST, "gifts": 999_999, "raised_fen": LARGEST, "paid_fen": 0, "target_fen": LARGEST}
        seat = {"work_no": "9" * 20, "role": "fund_holder", "place": self.home.full_name}
        values: dict[str, dict[str, Any]] = {
            "ticket_answered": {"number": 999_999, "words": ANSWER},
            "pledged": {**appeal, **money, "name": WIDE * 12},
            "appeal_moved": {**appeal, "state": "returned", "reasons": list(self.lexicon.choices["return_reason"])},
            "proxied_appeal_moved": {
                **appeal,
                "state": "returned",
                "reasons": list(self.lexicon.choices["return_reason"]),
            },
            "revision_decided": {
                **appeal,
                "approved": False,
                "reasons": list(self.lexicon.choices["revision_reason"]),
            },
            "appeal_opened": appeal,
            "introduction": {"kind": "request", "number": 999_999, "name": ITEM},
            "staff_bound": seat,
            "staff_confirmed": {**seat, "until": "2026-12-31"},
            "staff_moved": {**seat, "state": "revoked", "reason": "misconduct"},
            "handed_over": {**seat, "count": 999_999},
            "task_assigned": {"subject": "case", "number": 999_999, "yours": True, "due": "2026-12-31"},
            "case_moved": {
                "number": 999_999,
                "state": "rejected",
                "reasons": REASONS,
                "registry": "match",
                "due": "2026-12-31",
                "until": "2026-12-31",
                "expires": "2026-12-31",
            },
            "proxy_acted": {"subject": "appeal", "number": 999_999, "title": TITLE, "work_no": "9" * 20},
            "proxy_denied": {"subject": "appeal", "number": 999_999, "work_no": "9" * 20},
            "card_issued": {"from": "2026-12-31"},
            "report_decided": {"about": "update", "thing": 999_999, "outcome": "taken_down"},
            "taken_down": {"about": "update", "number": 999_999},
            "erasure_put_off": {
                "holds": [{"kind": "appeal", "name": "999999", "title": TITLE, "state": "funding"}] * 5
            },
            "export_ready": {"number": 999_999, "until": "2026-12-31T15:59:59+00:00"},
            "paper_erasure_moved": {
                **{"number": 999_999, "what": "put_off"},
                "holds": [{"kind": "appeal", "name": "999999", "title": TITLE, "state": "funding"}] * 5,
            },
            "phone_changed": {"tail": "0000"},
            "number_claim_decided": {
                "released": False,
                "registered": False,
                "reasons": list(self.lexicon.choices["claim_reason"]),
                "until": None,
            },
            "organisation_decided": {
                "name": "道" * 40,
                "what": "returned",
                "reasons": list(self.lexicon.choices["organisation_reason"]),
                "until": "2026-12-31",
                "today": "2026-12-31",
            },
            "term_ends": {"name": "道" * 40, "what": "over", "until": "2026-12-31"},
            "organisation_sales": {
                **{"name": "道" * 40, "what": "taken_over"},
                **dict.fromkeys(("listings", "orders", "waiting"), 999_999),
            },
            "beneficiary_asked": {"number": 999_999, "title": TITLE, "name": "道" * 40},
            "home_moved": {"home": "维" * 30, "made": True},
            "number_released": {"frozen": [999_999] * 5, "cancelled": [999_999] * 5},
            "household_changed": {
                **{"what": "one_family", "self": False},
                **{"frozen": [999_999] * 8, "cancelled": [999_999] * 8},
            },
            "name_decided": {
                "approved": False,
                "reasons": list(self.lexicon.choices["name_reason"]),
                "work_no": "9" * 20,
            },
            "payee_recorded": {"number": 999_999, "tail": None, "made": False},
            "consent_withdrawn": {
                "purposes": ["publish", "voice"],
                "cancelled": [999_999] * 5,
                "hidden": [999_999] * 5,
            },
            "consent_revoked": {"ends": [999_999] * 5, "until": "2026-12-31T15:59:59+00:00"},
            "consent_kept": {"number": 999_999},
            "collecting_ended": {"number": 999_999, "title": TITLE},
            "card_bound": {"on": "2026-12-31", "work_no": "9" * 20},
            "proxy_own_card": {"subject": "appeal", "number": 999_999, "work_no": "9" * 20},
            "card_void": {"name": f"{WIDE}{'*' * 19}"},
            "code_void": {},
            "sheet_lost": {"name": f"{WIDE}{'*' * 19}"},
            "case_ends_soon": {"number": 999_999, "expires": "2026-12-31"},
            "objection_decided": {"number": 999_999, "upheld": True},
            "task_overdue": {"subject": "appeal", "number": 999_999, "step": "sample", "yours": True},
        }
        for template, facts in values.items():
            notify(db, conversation, template, facts, f"{template}:{conversation}:{next(self.ids)}", self.now)

    def say(self, name: str, words: str, kind: MessageKind = MessageKind.TEXT) -> str:
        """The whole reply as the turn makes it, before anything could be cut off."""
        message = Message(
            kind,
            wechat.ACCOUNT,
            f"o-{name}",
            1_763_950_000,
            msg_id=str(next(self.ids)),
            text=words if kind is MessageKind.TEXT else "",
            media_id="m" if kind is MessageKind.IMAGE else "",
            pic_url="http://127.0.0.1/p.jpg" if kind is MessageKind.IMAGE else "",
            point=Point(25.6, 111.6, words) if kind is MessageKind.LOCATION else None,
        )
        reply = self.turns.take(message)
        assert reply
        assert "小毛病" not in reply, words
        assert len(reply.encode()) <= REPLY_BYTES, f"{name}: {words[:40]}: {len(reply.encode())} bytes\n{reply}"
        return reply

    def options(self, name: str) -> list[tuple[int, list[str]]]:
        """What the numbers mean that stand on the person's screen."""
        with Database(self.stage.database) as db:
            session = loads(db.get_one(Conversation, self.people[name]).session)
        return [(option.number, option.do) for option in session.screen.options] if session.screen else []


PHOTO, FINISH = MessageKind.IMAGE, "finish"


PART = TARGET // 100 // LINES


# Step -> the longest answers to it. Every other step takes the first of its choices; places are where all live.
LONGEST: dict[str, list[str | MessageKind]] = {
    "name": [WIDE * 20],
    "id_number": [id_number(999)],
    "phone": ["13800000000"],
    "display_name": [WIDE * 12],
    "title": [TITLE],
    "category": ["8"],
    "target": [str(TARGET // 100)],
    "budget": [*[f"{ITEM} {PART}"] * (LINES - 1), f"{ITEM} {TARGET // 100 - PART * (LINES - 1)}"],
    "story": [WIDE * 400, WIDE * 399, FINISH],
    "photos": [PHOTO, FINISH],
    "deadline": ["120天后"],
    "minimum": [str(TARGET // 100 - 1)],
    "item": [ITEM],
    "unit": ["8"],
    "weight": ["100斤"],
    "condition": ["2"],
    "reason": [WIDE * 200],
    "price": ["99999.99"],
    "ripeness": ["2"],
    "harvest_date": ["30天后"],
    "sold_where": ["2"],
    "shop_url": [f"https://shop.example/{'a' * 400}"],
    "amount": ["999999.99"],
    "people": ["30"],
    "findings": [WIDE * 300],
    "words": [WIDE * LONGEST_UPDATE],
}


# What each question is asked and told before it gets its answer: every kind of wrong answer, three in a row.
ASTRAY: list[str | MessageKind] = ["help", WIDE * 900, "城关镇", "9" * 15, "几百", "-1", "0.001", PHOTO]


def question(world: World, name: str) -> str | None:
    """The step that the person is asked now; None on the review, or out of every flow."""
    with Database(world.stage.database) as db:
        draft = loads(db.get_one(Conversation, world.people[name]).session).draft
    if draft is None:
        return None
    step = cursor(next(flow for flow in FLOWS if flow.name == draft.flow), draft)
    return step.name if step else None


def tell_the_bot(world: World, name: str, what: str | MessageKind) -> str:
    if isinstance(what, MessageKind):
        return world.say(name, world.home.full_name, what)
    words = world.lexicon.words[what][0] if what in (FINISH, "help", "back") else what
    return world.say(name, words)

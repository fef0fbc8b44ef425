"""An appeal's money on the stage: gifts that have come and reached the bank, and requests at any step of their way."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, BudgetLine, get_appeal
from models.books import violations
from models.core.audit_trail import record_reading
from models.core.state_machine import SYSTEM
from models.disbursements.approval import NewDisbursement, pass_on, request
from models.disbursements.budget import line_of
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import WAITING_PERIOD, Payee, payees_of
from models.disbursements.payee_change import set_payee
from models.disbursements.payout import pay
from models.giving.pledge import Pledge
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.money import gift_postings
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.gifts import give

COUNTY = "431124000000"
_serial = count(1)
SEATS = {
    "endorser": ("village", DAOXIAN_MEIHUA),
    "township": ("township", DAOXIAN_MEIHUA),
    "caller": ("township", DAOXIAN_MEIHUA),
    "county": ("county", COUNTY),
    "holder": ("fund_holder", COUNTY),
}


def people(stage: Stage) -> dict[str, int]:
    """Name -> staff id, whose WeChat is ``o-<name>``."""
    return {name: stage.appoint(f"o-{name}", *seat, f"N-{name.upper()}") for name, seat in SEATS.items()}


@contextmanager
def at(stage: Stage) -> Iterator[Database]:
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        yield db


def give_many(db: Database, appeal: Appeal, donor_id: int, how_many: int, fen: int, stage: Stage) -> None:
    """So many gifts at once, in rows; their trail is left out, so that check-books is not asked about them."""
    now = stage.clock()
    same = {"appeal_id": appeal.id, "donor_id": donor_id, "anonymous": False, "created_at": now, "state": "committed"}
    amounts = [fen + n % 7 for n in range(how_many)]
    rows = [{**same, "draft_id": f"m{n}", "code": f"M{n:09d}", "amount_fen": each} for n, each in enumerate(amounts)]
    db.execute(insert(Pledge), rows)
    gift_postings.payment_received(db, appeal.id, sum(amounts), "gift:many", now)


def funded(stage: Stage, *gifts: int, holder: int, settled: bool = True) -> int:
    """An appeal that is funded by these gifts, whose money has reached the fund holder's bank; the appeal's number."""
    number = stage.open_appeal(target_fen=max(sum(gifts), 100))
    for fen in gifts:
        give(stage, number, fen, f"o-giver-{number}")
    _end_funding(stage, number)
    with at(stage) as db:
        if settled and gifts:
            staff = db.get_one(Staff, holder)
            enter(db, staff, f"s{number}", BankTransfer("settlement", sum(gifts), f"BANK{number:06d}"), stage.clock())
    return number


def owner_of(db: Database, appeal: Appeal) -> User:
    return db.get_one(User, appeal.owner_id)


def fixed(stage: Stage, number: int, kind: str = "shop", replaces: int | None = None) -> int:
    """A payee of the appeal, from now on."""
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        old = db.get_one(Payee, replaces) if replaces else None
        words = ("道县五金店", "农业银行 6228480000000000011")
        payee = set_payee(db, appeal, owner_of(db, appeal), f"p{next(_serial)}", kind, *words, stage.clock(), old)
        return payee.id


def asked(stage: Stage, number: int, fen: int, *, line: int | None = None) -> int:
    """What its owner asks for, with a picture; to the payee there is."""
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        first = select(BudgetLine.id).where(BudgetLine.appeal_id == number).order_by(BudgetLine.id)
        found = line_of(db, number, line or db.scalars(first).first() or 0)
        conversation = db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)).one()
        serial = next(_serial)
        pictures = [{"media_id": f"use-{serial}", "pic_url": f"http://127.0.0.1/u{serial}.jpg"}]
        wanted = NewDisbursement(f"use-{serial}", fen, pictures, conversation)
        payee = payees_of(db, number)[0]
        return request(db, appeal, found, payee, owner_of(db, appeal), wanted, stage.clock())[0].id


def pictures_arrive(stage: Stage, state: str = "kept") -> None:
    """Whatever pictures were owed have been fetched, or are lost."""
    with at(stage) as db:
        db.execute(update(Photo).where(Photo.state == "owed").values(state=state))


def seen(stage: Stage, number: int, staff_id: int) -> None:
    """The pictures of the request have arrived, and this member of staff has opened them."""
    pictures_arrive(stage)
    with at(stage) as db:
        who, now = f"staff:{staff_id}", stage.clock()
        record_reading(db, at=now, actor=who, subject="disbursement", subject_id=number, purpose="pictures")


def passed(stage: Stage, number: int, *names: str, staff: dict[str, int]) -> None:
    for name in names:
        seen(stage, number, staff[name])
        with at(stage) as db:
            pass_on(db, db.get_one(Staff, staff[name]), number, stage.clock())


def paid(stage: Stage, number: int, staff: dict[str, int], reference: str | None = None) -> None:
    seen(stage, number, staff["holder"])
    with at(stage) as db:
        pay(db, db.get_one(Staff, staff["holder"]), number, reference or f"T{number:08d}", stage.clock())


def authorised(stage: Stage, *gifts: int, fen: int, staff: dict[str, int]) -> tuple[int, int]:
    """(appeal, request), which only the transfer is missing of, to a payee that has stood still long enough."""
    number = funded(stage, *gifts, holder=staff["holder"])
    fixed(stage, number)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, number, fen)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    return number, use


def used(stage: Stage, number: int, fen: int, staff: dict[str, int]) -> int:
    """So much of it reaches the bank, and is paid out; the request."""
    with at(stage) as db:
        named = f"USED{next(_serial):06d}"
        enter(db, db.get_one(Staff, staff["holder"]), named, BankTransfer("settlement", fen, named), stage.clock())
    fixed(stage, number)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, number, fen)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    paid(stage, use, staff)
    return use


def state(stage: Stage, number: int) -> str:
    with at(stage) as db:
        return db.get_one(Disbursement, number).state


def wrong(stage: Stage) -> set[str]:
    """What check-books finds; nobody fetches bills here."""
    with stage.database.connect() as connection:
        return {found.code for found in violations(connection, stage.clock()) if found.subject != "bill_day"}


def collected(stage: Stage, *gifts: int) -> None:
    """The newest appeal is funded by these gifts, one of each donor's; the money is with the channel."""
    with at(stage) as db:
        number = db.scalars(select(Appeal.id).order_by(Appeal.id.desc())).first() or 0
    for fen in gifts:
        give(stage, number, fen, f"o-giver-{next(_serial)}")
    _end_funding(stage, number)


def _end_funding(stage: Stage, number: int) -> None:
    """Reached by its gifts it is funded already."""
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        if appeal.state == "funding":
            APPEALS.move(db, appeal, "funded", SYSTEM, stage.clock())

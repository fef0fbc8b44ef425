"""A fund holder's bank entries, past the chat: money has come to the channel, is settled, and is reversed."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.staff.member import Staff
from models.treasury.bank_entry import BankEntry, BankTransfer, enter
from models.treasury.reversal import reverse_bank_entry
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import at
from tests.scenes.money.gifts import give

COUNTY, ELSEWHERE = "431124000000", "430524000000"
GIVEN = 50_000


def prepared(url: str) -> Stage:
    """So much is with the channel; two are of the charity that took it in, and one of another."""
    stage = Stage(url)
    for name, county in (("HOLDER", COUNTY), ("SECOND", COUNTY), ("ELSEWHERE", ELSEWHERE)):
        stage.appoint(f"o-{name}", "fund_holder", county, name)
    give(stage, stage.open_appeal(target_fen=GIVEN * 2), GIVEN)
    return stage


def who(db: Database, work_no: str = "HOLDER") -> Staff:
    return db.scalars(select(Staff).where(Staff.work_no == work_no)).one()


def entered(stage: Stage, transfer: BankTransfer, work_no: str = "HOLDER", draft: str = "") -> int:
    """The entry's number. Without a ``draft``, each is a draft of its own."""
    with at(stage) as db:
        serial = draft or f"{transfer.reference}-{db.scalar(select(func.count(BankEntry.id)))}"
        return enter(db, who(db, work_no), serial, transfer, stage.clock()).id


def settled(stage: Stage, fen: int, fee: int, reference: str, work_no: str = "HOLDER", draft: str = "") -> int:
    return entered(stage, BankTransfer("settlement", fen, reference, fee), work_no, draft)


def undone(stage: Stage, number: int, why: str = "amount_wrong", work_no: str = "HOLDER") -> None:
    with at(stage) as db:
        reverse_bank_entry(db, who(db, work_no), number, why, stage.clock())

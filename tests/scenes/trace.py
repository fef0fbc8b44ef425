"""A gift's whole way on the stage, every step of it by the rules that make it: given, spent in part, and the rest."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.disbursements.confirmation import answer
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import WAITING_PERIOD
from models.giving.pledge import Pledge
from models.people.user import User
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.stage import Stage
from tests.scenes.money import disbursements, gifts

GIFT, OTHER, SPENT = 12_300, 70_700, 30_000
# What belongs to a person, and must stand nowhere: the stage's own names, numbers, phones, and the payee's.
SECRETS = ("李老师", "王秀兰", "周建国", "13800000000", "道县五金店", "6228480000000000011", "农业银行")
OPENIDS = ("o-li", "o-other", "o-owner", "o-holder", "o-endorser")


@dataclass(frozen=True)
class Way:
    """``gift`` is li's, ``use`` the payment; codes of both gifts."""

    appeal: int
    gift: int
    use: int
    code: str
    other: str


def code_of(stage: Stage, pledge: int) -> str:
    with Database(stage.database) as db:
        return db.get_one(Pledge, pledge).code


def walked(stage: Stage) -> Way:
    """Two gifts fund an appeal, reach the bank, and half of both is paid to a shop."""
    staff = disbursements.people(stage)
    appeal = stage.open_appeal(target_fen=GIFT + OTHER)
    gift = gifts.give(stage, appeal, GIFT, "o-li")
    other = gifts.give(stage, appeal, OTHER, "o-other", anonymous=True)
    with disbursements.at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        enter(db, holder, "s1", BankTransfer("settlement", GIFT + OTHER, "BANK000001"), stage.clock())
    disbursements.fixed(stage, appeal)
    stage.clock.move(WAITING_PERIOD)
    use = disbursements.asked(stage, appeal, SPENT)
    disbursements.passed(stage, use, "endorser", "township", "holder", staff=staff)
    disbursements.paid(stage, use, staff)
    stage.seal()
    return Way(appeal, gift, use, code_of(stage, gift), code_of(stage, other))


def received(stage: Stage, way: Way) -> None:
    """The family says so."""
    with disbursements.at(stage) as db:
        owner = db.get_one(User, db.get_one(Appeal, way.appeal).owner_id)
        answer(db, owner, db.get_one(Disbursement, way.use).code, "received", stage.clock())


def secrets(stage: Stage) -> list[str]:
    """SECRETS, and every number by which somebody could be found."""
    with Database(stage.database) as db:
        users = db.scalars(select(User)).all()
        numbers = [user.id_number for user in users if user.id_number]
    return [*SECRETS, *OPENIDS, *numbers]


def page(stage: Stage, path: str, status: int = 200) -> str:
    answer = stage.client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def flat(html: str) -> str:
    """What a person reads of a page, on one line."""
    body = html.partition("<main>")[2]
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", body, flags=re.DOTALL).split())


def yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02}" if fen % 100 else f"¥{fen // 100:,}"

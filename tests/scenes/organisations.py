"""Organisations on the stage: confirmed by a county, and asking in their own name."""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.cn import uscc

from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal, get_appeal
from models.appeals.publication import publish as publish_appeal
from models.appeals.submission import Asker, NewAppeal, submit
from models.core.state_machine import Actor, By
from models.organisations.application import NewOrganisation, ask_to_speak, register
from models.organisations.organisation import MACHINE, SUBJECT, Organisation
from models.organisations.representative import Representative, proposed_for, take_office
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.task import close_task
from tests.harness.stage import Stage

COUNTY = Actor(By.COUNTY, "staff:0")
TARGET = 100_000_000


def credit_code(serial: int) -> str:
    """A valid code of nobody's: of a village committee in 道县."""
    base = f"54431124ME{serial:07}"
    return base + uscc.calc_check_digit(base)


def confirm(
    stage: Stage, openid: str, region: str, kind: str = "village_committee", years: int = 2, *, letter: bool = True
) -> int:
    """Register an organisation for this resident, who speaks for it from now on; returns its number.

    ``letter``: with a picture of it, which is still to be fetched.
    """
    conversation, now = stage.person(openid), stage.clock()
    with Session(stage.database) as db, db.begin():
        serial = len(db.scalars(select(Organisation.id)).all())
        wanted = NewOrganisation(
            draft_id=f"stage-organisation-{serial}",
            kind=kind,
            name=f"道县第{serial + 1}{'村柑橘合作社' if kind == 'cooperative' else '村村民委员会'}",
            credit_code=credit_code(serial),
            region_code=region,
            until=now.date() + timedelta(days=365 * years),
            photos=[{"media_id": f"letter-{serial}", "pic_url": ""}] if letter else [],
        )
        user = db.get_one(User, db.get_one(Conversation, conversation).user_id)
        made, _ = register(db, wanted, user, conversation, now)
        close_task(db, SUBJECT, made.id, now)
        made.confirmed_at = now
        MACHINE.move(db, made, "confirmed", COUNTY, now)
        person = db.scalars(select(Representative).where(Representative.organisation_id == made.id)).one()
        take_office(db, person, made, COUNTY, now)
        return made.id


def ask_in_its_name(stage: Stage, number: int, days: int = 60) -> int:
    """Hand in the organisation's crowdfunding; returns the appeal's number."""
    now = stage.clock()
    with Session(stage.database) as db, db.begin():
        organisation = db.get_one(Organisation, number)
        speaks = select(Representative.user_id).where(
            Representative.organisation_id == number, Representative.state == "in_office"
        )
        owner = db.get_one(User, db.scalars(speaks).one())
        wanted = NewAppeal(
            draft_id=f"stage-road-{number}-{len(db.scalars(select(Appeal.id)).all())}",
            kind="crowdfund",
            category="public_works",
            title="修一条通村的路",
            story="我们村一百多户人家，只有一条土路通到镇上，下雨天孩子上学要走两个钟头，橘子也运不出去，病人抬不出去。",
            region_code=organisation.region_code,
            target_fen=TARGET,
            deadline=now + timedelta(days=days),
            budget=[("水泥沙石", TARGET)],
        )
        asker = Asker(organisation.household_id, organisation.region_code)
        return submit(db, wanted, owner, now, asker=asker).id


def set_until(stage: Stage, number: int, day: date) -> None:
    """Let the term of who speaks for it end on this day."""
    with Session(stage.database) as db, db.begin():
        theirs = (Representative.organisation_id == number) & (Representative.state == "in_office")
        db.scalars(select(Representative).where(theirs)).one().until = day


def succeed(stage: Stage, number: int, openid: str) -> None:
    """Let another resident speak for the organisation, as the county decided."""
    conversation, now = stage.person(openid), stage.clock()
    with Session(stage.database) as db, db.begin():
        user = db.get_one(User, db.get_one(Conversation, conversation).user_id)
        until = now.date() + timedelta(days=365)
        organisation, _ = ask_to_speak(db, number, f"stage-next-{number}", user, until, [], conversation, now)
        close_task(db, SUBJECT, number, now)
        person = proposed_for(db, number)
        assert person
        take_office(db, person, organisation, COUNTY, now)


def publish(stage: Stage, number: int) -> None:
    """Let the appeal pass all reviews and collect."""
    now = stage.clock()
    with Session(stage.database) as db, db.begin():
        appeal = get_appeal(db, number, lock=True)
        close_task(db, "appeal", number, now)
        officers = (("village_review", By.VILLAGE), ("endorsed", By.VILLAGE), ("county_review", By.COUNTY))
        for state, by in (*officers, ("fund_holder_filed", By.FUND_HOLDER)):
            APPEALS.move(db, appeal, state, Actor(by, "staff:0"), now)
        publish_appeal(db, appeal, now)

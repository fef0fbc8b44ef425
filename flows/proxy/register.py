"""代办: an officer registers a resident without a phone; the signed consent comes before any personal data."""

from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.language.numerals import ordinal
from flows.proxy.common import for_officers, officer
from flows.readers import IdNumber, PersonName, Phone, Photo, Place
from flows.readers.base import Accepted, Asking, Reading
from models.core.audit_trail import record
from models.people.photo import attach_photos
from models.people.user import Registration, User, register
from models.places.region import Region
from models.proxy.act import OutsideSeat, check_newcomer, check_no_conflict, record_proxy_act
from models.proxy.card import issue_card
from models.proxy.mandate import SheetLost, grant_mandate, live_mandate
from models.staff.member import Staff
from models.verification.case import begin_case

CONSENTS = ("account", "identity")


@dataclass(frozen=True)
class PhoneOrNone(Phone):
    """A phone number, or the answer 1 for a resident without a phone (value None)."""

    optional: bool = True

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(None) if ordinal(text) == 1 else super().read_words(text, asking)

    def shown(self, value: Any, world: World) -> Any:
        return None if value is None else super().shown(value, world)


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Refuse as soon as the ID number or the home is answered; a number is checked, and counted, once for each answer.

    Raises OutsideSeat, or as ``check_newcomer`` does.
    """
    staff, answers = officer(turn), draft.answers
    said = answers.get("id_number")
    if said is not None and draft.given.get("typed") != said:
        draft.given.pop("typed", None)
        check_newcomer(turn.db, staff, said, turn.world.now)
        draft.given["typed"] = said
    if "home" in answers:
        _check_home(turn, staff, answers["home"]["code"])


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, answers, now = officer(turn), draft.answers, turn.world.now
    check_no_conflict(turn.db, staff, answers["id_number"])
    _check_home(turn, staff, answers["home"]["code"])
    wanted = Registration(
        draft_id=draft.id,
        role="resident",
        consents=CONSENTS,
        name=answers["name"],
        id_number=answers["id_number"],
        phone=answers["phone"],
        region_code=answers["home"]["code"],
        registered_by=staff.id,
    )
    user = register(turn.db, wanted, now)
    _by_mandate(turn, draft, staff, user)
    case = begin_case(turn.db, user, staff.actor, now)
    card = issue_card(turn.db, user, staff, now)
    turn.jobs += [("check_registry", case.id), ("make_card_code", card.id)]
    facts = {"name": user.masked_name, "case": case.id, "link": turn.world.link("card", f"card:{card.id}")}
    return Answer([Say("flows/proxy/proxy_register/done", None, facts)])


def _by_mandate(turn: TurnContext, draft: Draft, staff: Staff, user: User) -> None:
    """Grant a mandate for this registration by its signed sheet, and record the consents. Raises SheetLost."""
    now = turn.world.now
    mandate = grant_mandate(turn.db, staff.id, user.id, "sheet", "register", draft.id, now)
    photos = attach_photos(turn.db, "mandate", mandate.id, turn.person.conversation_id, draft.answers["sheet"], now)
    turn.jobs += [("fetch_photo", photo) for photo in photos]
    if live_mandate(turn.db, user.id, staff.id, "register", now) is None:
        raise SheetLost
    record(
        turn.db,
        at=now,
        actor=staff.actor.name,
        action="consented",
        subject="mandate",
        subject_id=mandate.id,
        detail=",".join(CONSENTS),
    )
    record_proxy_act(turn.db, mandate, staff, "user", user.id, "", now)


def _check_home(turn: TurnContext, staff: Staff, region_code: str) -> None:
    if not staff.covers(region_code):
        raise OutsideSeat(region=turn.db.get_one(Region, staff.region_code).full_name)


proxy_register = Flow(
    "proxy_register",
    room="proxy",
    steps=(
        Step("sheet", Photo(max=3, min=1)),
        Step("name", PersonName()),
        Step("id_number", IdNumber()),
        Step("phone", PhoneOrNone()),
        Step("home", Place(level="township")),
    ),
    done=done,
    admit=for_officers,
    check_answers=check_answers,
)

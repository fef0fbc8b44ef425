"""走访: an officer records a visit to a household on the spot."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import Region as Named
from flows.readers import Choice, Count, Here, Photo, Text
from flows.readers.words.place_names import is_surely_meant
from flows.staff.recusal import recuse_and_answer
from models.core.state_machine import WrongState
from models.people.photo import attach_photos
from models.places.region import LEVELS, Region, county_of, covers, level_of, township_of
from models.staff.member import Staff, find_staff
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from models.verification.case import Verification, lock_case
from models.verification.decisions import demand_visit_task, move_after_visit
from models.verification.visit import OtherCounty, VisitOver, VisitReport, find_visit, record_visit

MOST_PEOPLE = 30
# The questions that config/assessment.toml scores, in the order they are asked.
QUESTIONS = ("workers", "main_income", "income", "house", "illness", "schooling")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the officer whose task the visit is. ``given``: ``case``, its number.

    Raises NoSuchCase, OutsideRegion, NotYourTurn, WrongState, HasConflict, or VisitOver for a person not on the staff.
    """
    case = lock_case(turn.db, given["case"])
    staff = _staff(turn)
    if staff is None:
        raise VisitOver(number=case.id)
    demand_visit_task(turn.db, case, staff)
    return {"case": case.id}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Refuse the wrong county as soon as the place is answered. Raises OtherCounty."""
    if "place" in draft.answers:
        case = turn.db.get_one(Verification, draft.given["case"])
        place_flags(turn, case.region_code, draft.answers["place"]["label"])


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Compute the score of the answers (config/assessment.toml)."""
    return {"score": turn.world.lexicon.scale.score(draft.answers)}


def done(turn: TurnContext, draft: Draft) -> Answer:
    case = lock_case(turn.db, draft.given["case"])
    staff = _staff(turn)
    visit = find_visit(turn.db, draft.id)
    if visit is None:
        if staff is None:
            raise VisitOver(number=case.id)
        try:
            demand_visit_task(turn.db, case, staff)
        except (NotYourTurn, OutsideRegion, WrongState):
            raise VisitOver(number=case.id) from None
        except HasConflict:
            recused = recuse_and_answer(turn, staff, "case", case.id)
            if recused is None:
                raise
            return recused
        visit = record_visit(turn.db, case, staff, _report(turn, draft, case), turn.world.now)
        photos = attach_photos(
            turn.db, "visit", visit.id, turn.person.conversation_id, draft.answers["photos"], turn.world.now
        )
        turn.jobs += [("fetch_photo", photo) for photo in photos]
        move_after_visit(turn.db, case, staff, visit, turn.world.now)
    outcome = {"number": case.id, "score": visit.score, "supports": visit.supports, "until": case.notice_until}
    return Answer([Say("flows/verification/visit/done", None, outcome)])


def place_flags(turn: TurnContext, region_code: str, label: str) -> list[str]:
    """Flag the officer's location: ``other_township`` of the county, or ``unlabelled`` if it names no township.

    Raises OtherCounty if the label surely names a place outside the household's county.
    """
    county = county_of(region_code)
    found = [region.today for region in turn.world.find_regions(label)] if label else []
    near = [region for region in found if covers(county, region.code)]
    if not near:
        named = next((each for each in found if not covers(each.code, county) and _is_named(each, label, turn)), None)
        if named:
            home = turn.db.get_one(Region, county).full_name
            raise OtherCounty(named=named.full_name, county=home)
    townships = [region.code for region in near if LEVELS.index(level_of(region.code)) >= LEVELS.index("township")]
    if not townships:
        return ["unlabelled"]
    return [] if township_of(region_code) in map(township_of, townships) else ["other_township"]


def _is_named(region: Named, label: str, turn: TurnContext) -> bool:
    """Tell whether the label has the region's whole name: a street or park may share half of a distant city's name."""
    return region.name in label and is_surely_meant(region, label, turn.world)


def _report(turn: TurnContext, draft: Draft, case: Verification) -> VisitReport:
    answers = draft.answers
    return VisitReport(
        draft_id=draft.id,
        place=answers["place"],
        assessment={name: answers[name] for name in ("people", *QUESTIONS)},
        findings=answers["findings"],
        score=turn.world.lexicon.scale.score(answers),
        supports=answers["in_need"] == "yes",
        flags=place_flags(turn, case.region_code, answers["place"]["label"]),
    )


def _staff(turn: TurnContext) -> Staff | None:
    return find_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now)


visit = Flow(
    "visit",
    room="verification",
    steps=(
        Step("photos", Photo(max=9, min=1)),
        Step("place", Here()),
        Step("people", Count(max=MOST_PEOPLE)),
        *(Step(name, Choice(f"assess_{name}")) for name in QUESTIONS),
        Step("findings", Text(min=10, max=300)),
        Step("in_need", Choice("in_need")),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)

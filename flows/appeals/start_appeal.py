"""求助 and 众筹: a household writes an appeal and submits it for review.

An officer may write it by mandate (``given``: ``mandate``, and ``for``, the resident's masked name), and who speaks for
an organisation in its name (``organisation``, and ``in_name_of``, what it is called). With ``fixes`` in
``given`` it corrects an earlier appeal (flows/appeals/correct_appeal.py), with ``reopens`` it hands in again one that
ended (flows/appeals/reopen_appeal.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flows.appeals import correct_appeal, reopen_appeal
from flows.appeals.flagging import flag_appeal
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.proxy.common import lock_mandate
from flows.readers import BudgetLines, Choice, LastDay, Money, Photo, Place, SaidChoice, Text
from flows.readers.base import Asking, Rejected
from models.appeals.appeal import Appeal
from models.appeals.submission import Asker, NewAppeal, ReferredElsewhere, check_category_free, family_of, submit
from models.core.calendar import CHINA, LAST_SECOND
from models.core.money import CROWDFUND_MINIMUM, LARGEST, YUAN, least_minimum
from models.organisations.organisation import get_organisation
from models.organisations.representative import check_in_office, check_may_ask_for
from models.people.user import User, get_resident, grant_consent
from models.proxy.act import record_proxy_act
from models.staff.task import find_task
from models.verification.case import PROMISED
from models.verification.eligibility import check_may_appeal

# The programme promises a review within so many days.
REVIEW_DAYS = 15


@dataclass(frozen=True)
class Target(Money):
    """Money in fen whose least amount depends on the kind of appeal; adds the fact ``kind``."""

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return Money(min=_least(asking)).check(value, asking)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), "min": _least(asking), "kind": asking.answers.get("kind")}


def _least(asking: Asking) -> int:
    return CROWDFUND_MINIMUM if asking.answers.get("kind") == "crowdfund" else YUAN


@dataclass(frozen=True)
class Minimum(Money):
    """Money in fen below the target and not below the least allowed minimum; adds the fact ``target``."""

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return Money(min=least_minimum(_target(asking)), max=_target(asking) - 1).check(value, asking)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), "min": least_minimum(_target(asking)), "target": _target(asking)}


def _target(asking: Asking) -> int:
    """Return the last answered target in fen; it may be missing while the target is asked again."""
    return int(asking.answers.get("target", CROWDFUND_MINIMUM))


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a resident whose household may ask for help, or an officer with a mandate.

    Raises NotRegistered, ResidentsOnly, CaseRevoked or RejectedLately; in an organisation's name
    NoSuchOrganisation, OrganisationNotConfirmed or TermOver; by mandate NotYours or NoMandate; for a
    correction or a reopening as correct_appeal.admit and reopen_appeal.admit.
    """
    if "mandate" in given and "reopens" not in given:
        _, _, owner = lock_mandate(turn, given["mandate"])
        check_may_appeal(turn.db, owner.household_id)
        return {**given, "for": owner.masked_name}
    if "fixes" in given:
        return correct_appeal.admit(turn, given)
    if "reopens" in given:
        return reopen_appeal.admit(turn, given)
    word = turn.world.lexicon.words[f"start_{given['kind']}"][0]
    owner = get_resident(turn.db, turn.person.user_id, then=word)
    if "organisation" in given:
        organisation = get_organisation(turn.db, given["organisation"])
        check_may_ask_for(turn.db, organisation, owner.id)
        return {**given, "in_name_of": organisation.name}
    check_may_appeal(turn.db, owner.household_id)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Refuse a taken category as soon as it is answered, before the other questions.

    Raises OnePerCategory, or ReferredElsewhere where an ill person goes to a platform for that.
    """
    answers = draft.answers
    if answers.get("category") == "medical" and answers.get("referral") == "elsewhere":
        raise ReferredElsewhere
    if "fixes" in draft.given:
        return
    if "category" in answers and "target" not in answers and draft.editing is None:
        check_category_free(turn.db, _asker(turn, draft), answers["category"], turn.world.now)


def done(turn: TurnContext, draft: Draft) -> Answer:
    now = turn.world.now
    if "fixes" in draft.given:
        appeal = correct_appeal.done(turn, draft, _appeal(draft))
        flag_appeal(turn, appeal)
        return correct_appeal.corrected_answer(draft, _outcome(turn, appeal))
    if "mandate" in draft.given:
        staff, mandate, owner = lock_mandate(turn, draft.given["mandate"])
        appeal = submit(turn.db, _appeal(draft), owner, now, staff.actor)
        record_proxy_act(turn.db, mandate, staff, "appeal", appeal.id, appeal.title, now)
    else:
        owner = _owner(turn, draft)
        appeal = submit(turn.db, _appeal(draft), owner, now, asker=_named(turn, draft))
        grant_consent(turn.db, owner.id, "publish", now)
    photos = reopen_appeal.attach_pictures(turn, appeal, draft.answers["photos"])
    turn.jobs += [("fetch_photo", photo) for photo in photos]
    flag_appeal(turn, appeal)
    names = {"whose": draft.given.get("for"), "in_name_of": draft.given.get("in_name_of")}
    return Answer([Say("flows/appeals/start_appeal/done", None, {**_outcome(turn, appeal), **names})])


def _owner(turn: TurnContext, draft: Draft) -> User:
    if "mandate" in draft.given:
        return lock_mandate(turn, draft.given["mandate"])[2]
    return get_resident(turn.db, turn.person.user_id)


def _asker(turn: TurnContext, draft: Draft) -> Asker:
    """Return who asks: the organisation in whose name it is written, or the owner's family. Raises TermOver."""
    return _named(turn, draft) or family_of(_owner(turn, draft))


def _named(turn: TurnContext, draft: Draft) -> Asker | None:
    """Return the organisation in whose name it is written; None without. Raises TermOver."""
    if "organisation" not in draft.given:
        return None
    organisation = get_organisation(turn.db, draft.given["organisation"])
    check_in_office(turn.db, organisation.household_id, turn.person.user_id)
    return Asker(organisation.household_id, organisation.region_code)


def _appeal(draft: Draft) -> NewAppeal:
    answers = draft.answers
    return NewAppeal(
        draft_id=draft.id,
        kind=answers["kind"],
        category=answers["category"],
        title=answers["title"],
        story=answers["story"],
        region_code=answers["place"]["code"],
        target_fen=answers["target"],
        budget=[(line["item"], line["amount_fen"]) for line in answers["budget"]],
        minimum_fen=_minimum(answers),
        reopens_id=draft.given.get("reopens"),
        **_last_day(answers["deadline"]),
    )


def _last_day(answer: int | str) -> dict[str, Any]:
    """Return the days from publication, or the last second of the chosen date in China."""
    if isinstance(answer, int):
        return {"collect_days": answer}
    return {"deadline": datetime.combine(date.fromisoformat(answer), LAST_SECOND, CHINA)}


def _minimum(answers: Mapping[str, Any]) -> int | None:
    """Return the minimum in fen, or None; ignores answers to questions that no longer apply."""
    if answers["kind"] != "crowdfund" or answers["shortfall"] == "all_back":
        return None
    return least_minimum(answers["target"]) if answers["shortfall"] == "half" else int(answers["minimum"])


def _outcome(turn: TurnContext, appeal: Appeal) -> dict[str, Any]:
    """Return the facts for the last message. ``waits``: it has no officer until the household is verified."""
    waits = find_task(turn.db, "appeal", appeal.id) is None
    return {"number": appeal.id, "title": appeal.title, "kind": appeal.kind, "days": REVIEW_DAYS, "waits": waits}


start_appeal = Flow(
    "start_appeal",
    room="appeals",
    steps=(
        Step("title", Text(min=4, max=30, name=True, public=True)),
        Step("category", SaidChoice("appeal_category")),
        Step("referral", Choice("medical_referral"), when=lambda answers: answers.get("category") == "medical"),
        # Answered by the command that began it. An owner for whom the least target is too much goes one step back here.
        Step("kind", Choice("appeal_kind")),
        Step("target", Target(min=YUAN)),
        Step("budget", BudgetLines(total_step="target")),
        Step("story", Text(min=50, max=800, many=True, public=True)),
        Step("photos", Photo(max=9, min=1)),
        Step("place", Place(level="township")),
        Step("deadline", LastDay("collect_days", least=7, most=180, checking=PROMISED.days + REVIEW_DAYS)),
        Step("shortfall", Choice("shortfall"), when=lambda answers: answers.get("kind") == "crowdfund"),
        Step("minimum", Minimum(min=YUAN, max=LARGEST), when=lambda answers: answers.get("shortfall") == "own"),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)

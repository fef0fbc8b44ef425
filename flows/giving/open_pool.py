"""开配捐: a fund holder opens a sponsor's matching pool; its terms never change, and 配捐到账 enters its money."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Choice, Count, Day, Money, Place, Text
from flows.readers.base import Asking, Rejected
from flows.staff.fund_holder import holder
from models.core.calendar import CHINA, LAST_SECOND
from models.giving.pool import LONGEST_SPONSOR
from models.giving.pool_terms import PoolTerms, check_scope, open_pool

LONGEST_DAYS = 366


def is_for_one(answers: Mapping[str, Any]) -> bool:
    return answers.get("scope") == "one"


def is_for_many(answers: Mapping[str, Any]) -> bool:
    return answers.get("scope") == "around"


def within_cap(value: int, asking: Asking) -> Rejected | None:
    cap = asking.answers.get("cap")
    return Rejected("above_cap", {"cap": cap}) if cap is not None and value > cap else None


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit fund holders. Raises NotOnTheStaff."""
    holder(turn)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the scope as soon as it is answered. Raises NotForAppeal, PlaceElsewhere or PoolEnds."""
    appeal, region = _scope(draft.answers)
    until = _until(draft.answers) if "until" in draft.answers else None
    check_scope(turn.db, holder(turn), appeal, region, turn.world.now, until)


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers = draft.answers
    appeal, region = _scope(answers)
    terms = PoolTerms(
        draft_id=draft.id,
        sponsor=answers["sponsor"],
        appeal_id=appeal,
        category=answers["category"] if is_for_many(answers) else None,
        region_code=region,
        cap_fen=answers["cap"],
        per_donor_fen=answers["per_donor"],
        per_appeal_fen=answers["per_appeal"] if is_for_many(answers) else answers["cap"],
        open_until=_until(answers),
    )
    pool = open_pool(turn.db, holder(turn), terms, turn.world.now)
    facts = {"number": pool.id, "sponsor": pool.sponsor, "cap_fen": pool.cap_fen}
    options = [Option(1, "", ["command", "fund_pool", str(pool.id)])]
    return Answer([Say("flows/giving/open_pool/done", None, facts)], options)


def _scope(answers: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Return (appeal, None), (None, region), or both None before the answer."""
    if is_for_one(answers):
        return answers.get("appeal"), None
    place = answers.get("place")
    return None, place["code"] if place and is_for_many(answers) else None


def _until(answers: Mapping[str, Any]) -> datetime:
    return datetime.combine(date.fromisoformat(answers["until"]), LAST_SECOND, CHINA)


open_pool_flow = Flow(
    "open_pool",
    room="giving",
    steps=(
        Step("sponsor", Text(min=2, max=LONGEST_SPONSOR, name=True, public=True)),
        Step("scope", Choice("pool_scope")),
        Step("appeal", Count(max=10**9), when=is_for_one),
        Step("category", Choice("appeal_category"), when=is_for_many),
        Step("place", Place(level="county"), when=is_for_many),
        Step("cap", Money(min=100)),
        Step("per_donor", Money(min=100), check=within_cap, codes=("above_cap",)),
        Step("per_appeal", Money(min=100), check=within_cap, codes=("above_cap",), when=is_for_many),
        Step("until", Day(earliest=1, latest=LONGEST_DAYS)),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)

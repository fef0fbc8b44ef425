"""只要一部分: ask a household how much it wants of what a round proposes to it."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.goods.wanted import wanted_facts
from flows.proxy.common import lock_mandate
from flows.readers import Count, Weight
from flows.readers.numbers.bounded import Bounded
from models.core.measures import JIN
from models.goods.matches import answers
from models.goods.matches.answers import check_part
from models.goods.matches.by_mandate import want_for
from models.goods.matches.holding import NotThatMany
from models.proxy.mandate import GOODS

PIECES = Count()
GRAMS = Weight(bare=JIN)


def part_flow(unit: str) -> str:
    """Name the conversation for goods that are counted in this unit."""
    return "take_weight" if unit == "jin" else "take_part"


def part_reader(unit: str) -> Bounded:
    """Return the reader of a part in this unit."""
    return GRAMS if unit == "jin" else PIECES


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``match``, its number; ``mandate``, where an officer answers for its household.

    Raises NoSuchThing, MatchMoved or CannotPart, and of an officer NotYours or NoMandate.
    """
    held = check_part(turn.db, household_of(turn, given), given["match"])
    facts = {"item": held.request.item, "offered": held.offer.item, "unit": held.offer.unit}
    return {**given, **facts, "most": held.match.quantity, "least": held.least}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises NotThatMany before the review, and what ``admit`` does."""
    held = check_part(turn.db, household_of(turn, draft.given), draft.given["match"])
    part, most, least = draft.answers.get("part"), held.match.quantity, held.least
    if part is not None and not least <= part <= most:
        raise NotThatMany(most=most, smallest=least, unit=held.offer.unit)


def done(turn: TurnContext, draft: Draft) -> Answer:
    part, number, now = draft.answers["part"], draft.given["match"], turn.world.now
    if "mandate" in draft.given:
        staff, mandate, user = lock_mandate(turn, draft.given["mandate"], GOODS)
        held = want_for(turn.db, staff, mandate, number, part, now)
        options = [Option(1, "", ["command", "proxy_goods_of", str(mandate.id)])]
        name = user.masked_name
    else:
        held = answers.want(turn.db, turn.person.user_id, number, part, now)
        options = [Option(1, "", ["command", "leave_goods", str(held.match.id)])]
        name = None
    return Answer([Say(f"flows/goods/{draft.flow}/done", None, {**wanted_facts(held), "name": name})], options)


def household_of(turn: TurnContext, given: Mapping[str, Any]) -> int | None:
    """Return the user whose answer it is: the person's own, or the resident's for whom an officer speaks by mandate."""
    if "mandate" not in given:
        return turn.person.user_id
    return lock_mandate(turn, given["mandate"], GOODS)[2].id


def _flow(name: str, reader: Bounded) -> Flow:
    return Flow(
        name,
        room="goods",
        steps=(Step("part", reader),),
        done=done,
        admit=admit,
        check_answers=check_answers,
    )


take_part = _flow("take_part", PIECES)
take_weight = _flow("take_weight", GRAMS)

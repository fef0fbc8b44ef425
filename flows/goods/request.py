"""求物: ask a household for a request for goods that they lack."""

from datetime import date
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.goods.mending import with_round
from flows.goods.quantity import amount, amount_of, quantity, unit
from flows.language.sorts import sort_of
from flows.readers import NeedBy, Text
from flows.readers.numbers.need_by import ANY_DAY
from flows.readers.numbers.weight import TONNE
from flows.readers.words.goods_category import BetterCategory, GoodsCategory, category_in, misfits
from flows.readers.words.goods_name import GoodsName, accepted, name_of, named
from models.goods.ending import hold_to_mend
from models.goods.exchange import GoodsRequest
from models.goods.one_request import Need, check_one_request
from models.goods.submission import NewRequest, make_request, mend_request
from models.people import user
from models.staff.task import find_task

# Days: a need further off is asked for when it comes nearer.
LONGEST_NEED = 400


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    user.get_resident(turn.db, turn.person.user_id, then=turn.world.lexicon.words["start_request"][0])
    return with_round(turn, "request", given)


def answers_of(turn: TurnContext, request: GoodsRequest) -> dict[str, Any]:
    """Return the answers that a request was made of, to be mended."""
    return {
        "category": request.category,
        "item": named(request.item, turn.world.lexicon),
        # Its category was settled then.
        "fits": request.category,
        "unit": request.unit,
        **amount_of(request.unit, request.quantity),
        "need_by": request.need_by.isoformat() if request.need_by else ANY_DAY,
        "reason": request.reason,
    }


def check_alike(turn: TurnContext, draft: Draft) -> None:
    """Check, as soon as it is known what is asked for, that the household does not wait for it already.

    Raises RequestedAlready.
    """
    answers = draft.answers
    item, category = answers.get("item"), category_in(answers)
    if not isinstance(item, dict) or category is None or (misfits(answers) and "fits" not in answers):
        return
    owner = user.get_resident(turn.db, turn.person.user_id)
    called = sort_of(category, name_of(item), turn.world.lexicon) or name_of(item)
    check_one_request(turn.db, Need(owner.household_id, category, called), owner.id, draft.given.get("mends"))


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers = draft.answers
    owner = user.get_resident(turn.db, turn.person.user_id)
    assert owner.region_code is not None  # noqa: S101 - residents register with their home
    item, category = name_of(answers["item"]), category_in(answers)
    wanted = NewRequest(
        draft_id=draft.id,
        category=category,
        item=item,
        unit=answers["unit"],
        quantity=quantity(answers),
        reason=answers["reason"],
        region_code=owner.region_code,
        sort=sort_of(category, item, turn.world.lexicon),
        need_by=None if answers["need_by"] == ANY_DAY else date.fromisoformat(answers["need_by"]),
    )
    if "mends" in draft.given:
        request = hold_to_mend(turn.db, owner.id, "request", draft.given["mends"], draft.given["round"])
        mend_request(turn.db, request, wanted, turn.world.now)
    else:
        request = make_request(turn.db, wanted, owner, turn.world.now)
    label = turn.world.lexicon.label("goods_category", request.category)
    options = [Option(1, "", ["command", "browse_offers", label])]
    waits = find_task(turn.db, "request", request.id) is None
    values = {"number": request.id, "item": request.item, "waits": waits}
    return Answer([Say("flows/goods/request_goods/done", None, values)], options)


def with_named_item(answers: dict[str, Any]) -> dict[str, Any]:
    """Migrate a draft of version 1, in which ``item`` was the plain name."""
    return {**answers, "item": {"name": answers["item"]}} if "item" in answers else answers


request_goods = Flow(
    "request_goods",
    room="goods",
    version=2,
    migrations={1: with_named_item},
    steps=(
        Step("category", GoodsCategory()),
        Step("item", GoodsName(min=1, max=30), check=accepted, codes=("not_accepted",)),
        Step("fits", BetterCategory(), when=misfits),
        unit(),
        # At most what a household uses itself, not what a trader sells.
        *amount(most_grams=TONNE // 2, most_pieces=200),
        Step("need_by", NeedBy("need_by", latest=LONGEST_NEED)),
        Step("reason", Text(min=10, max=200)),
    ),
    done=done,
    check_answers=check_alike,
    admit=admit,
)

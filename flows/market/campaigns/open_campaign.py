"""开认购: ask an officer of the county what is called for; the review shows the price beside the usual ones there."""

from datetime import date
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.market.list_produce import HIGHEST_PRICE
from flows.readers import Choice, Day, Price, Weight
from flows.readers.base import Asking, Rejected
from models.core.measures import JIN
from models.market.campaigns.opening import NewCampaign, OnSale, on_sale, submit_campaign
from models.market.campaigns.refusals import NobodySells
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.staff.task import has_no_holder
from models.staff.turn import demand_identified

# Long enough for a season's orders, short enough that the price still holds.
LONGEST_DAYS = 180
NOT_WHOLE = "not_whole_jin"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff or NotIdentified."""
    demand_identified(_officer(turn))
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises NobodySells as soon as the crop is said."""
    if "crop" in draft.answers:
        _on_sale(turn, draft)


def review_facts(turn: TurnContext, draft: Draft) -> dict[str, Any]:
    """State the usual prices there, and what the growers have."""
    there = _on_sale(turn, draft)
    low, high = there.usual or (None, None)
    return {"low": low, "high": high, "households": there.households, "grams": there.grams}


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers = draft.answers
    wanted = NewCampaign(
        draft_id=draft.id,
        crop=answers["crop"],
        price_fen=answers["price"],
        least_grams=answers["least"],
        last_day=date.fromisoformat(answers["last_day"]),
    )
    campaign = submit_campaign(turn.db, _officer(turn), wanted, turn.world.lexicon.market, turn.world.now)
    alone = has_no_holder(turn.db, "campaign", campaign.id)
    return Answer([Say("flows/market/open_campaign/done", None, {"number": campaign.id, "alone": alone})])


def in_jin(value: Any, _asking: Asking) -> Rejected | None:
    """Reject what is not whole 斤."""
    return Rejected(NOT_WHOLE) if value % JIN else None


def _on_sale(turn: TurnContext, draft: Draft) -> OnSale:
    county, crop = _officer(turn).region_code, draft.answers["crop"]
    there = on_sale(turn.db, county, crop, turn.world.lexicon.market)
    if there is None:
        raise NobodySells(crop=crop)
    return there


def _officer(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, ("county",))


open_campaign = Flow(
    "open_campaign",
    room="market",
    steps=(
        Step("crop", Choice("campaign_crop")),
        Step("price", Price(max=HIGHEST_PRICE, unit="jin")),
        Step("least", Weight(), check=in_jin, codes=(NOT_WHOLE,)),
        Step("last_day", Day(earliest=1, latest=LONGEST_DAYS)),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)

"""认购, 订: ask a buyer how much they pledge and where it goes; ask a grower how much they give at most."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.market.campaigns.open_campaign import NOT_WHOLE, in_jin
from flows.market.orders.buy import is_fresh
from flows.readers import PersonName, Phone, Place, Text, Weight
from flows.readers.numbers.credit_code import CreditCode
from flows.readers.numbers.weight import TONNE
from models.core.measures import JIN
from models.market.campaigns.campaign import CampaignGrower
from models.market.campaigns.growers import find_supply, join, lock_open
from models.market.campaigns.pledging import (
    Firm,
    NewPledge,
    check_amount,
    check_firm_free,
    check_pledgeable,
    pledge,
)
from models.market.campaigns.refusals import CannotJoin
from models.market.campaigns.views import show
from models.people.user import get_resident, get_user

AMOUNT = Weight(bare=JIN, max=1_000 * TONNE)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``campaign``, its number, and ``said``, to repeat after registering.

    Raises NotRegistered, and as ``check_pledgeable`` does.
    """
    buyer = get_user(turn.db, turn.person.user_id, then=given["said"])
    check_pledgeable(turn.db, given["campaign"], buyer, turn.world.now)
    shown = show(turn.db, given["campaign"], turn.world.now)
    facts = {"crop": shown.crop, "place": shown.place, "price_fen": shown.price_fen, "least": shown.least}
    return {"campaign": shown.number, "last_day": shown.last_day.isoformat(), **facts}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises before more is asked what ``done`` would."""
    buyer = get_user(turn.db, turn.person.user_id)
    check_pledgeable(turn.db, draft.given["campaign"], buyer, turn.world.now)
    if "amount" in draft.answers:
        check_amount(draft.answers["amount"], by_firm=draft.flow == pledge_firm.name)
    if "credit_code" in draft.answers:
        check_firm_free(turn.db, draft.given["campaign"], draft.answers["credit_code"], buyer.id)


def review_facts(_turn: TurnContext, draft: Draft) -> dict[str, Any]:
    grams = draft.answers["amount"]
    return {"amount": grams, "total_fen": draft.given["price_fen"] * grams // JIN}


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers, number = draft.answers, draft.given["campaign"]
    wanted = NewPledge(
        draft_id=draft.id,
        campaign_id=number,
        grams=answers["amount"],
        firm=Firm(answers["firm"], answers["credit_code"]) if draft.flow == pledge_firm.name else None,
        recipient=answers["recipient"],
        phone=answers["phone"],
        region_code=answers["place"]["code"],
        address=answers["street"],
    )
    pledged = pledge(turn.db, wanted, get_user(turn.db, turn.person.user_id), turn.world.now)
    options = [Option(1, "", ["command", "campaigns", str(number)])]
    options.append(Option(2, "", ["command", "take_back_pledge", str(number)]))
    values = {"number": number, "grams": pledged.grams, "last_day": draft.given["last_day"]}
    return Answer([Say(f"flows/market/{draft.flow}/done", None, values)], options)


def admit_grower(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``campaign``. Raises NotRegistered, ResidentsOnly, NoSuchCampaign, CampaignOver or CannotJoin."""
    grower = get_resident(turn.db, turn.person.user_id)
    campaign = lock_open(turn.db, given["campaign"], turn.world.now)
    listing = find_supply(turn.db, campaign, grower.id)
    if listing is None:
        raise CannotJoin(number=campaign.id, crop=campaign.crop)
    return {"campaign": campaign.id, "name": listing.name, "available": listing.available}


def grower_done(turn: TurnContext, draft: Draft) -> Answer:
    return joined_answer(take_in(turn, draft.given["campaign"], draft.answers["amount"]))


def take_in(turn: TurnContext, number: int, most_grams: int | None = None) -> CampaignGrower:
    """Let the person supply a campaign. Raises as ``models.market.campaigns.growers.join`` does."""
    grower = get_resident(turn.db, turn.person.user_id)
    campaign = lock_open(turn.db, number, turn.world.now)
    listing = find_supply(turn.db, campaign, grower.id)
    if listing is None:
        raise CannotJoin(number=number, crop=campaign.crop)
    return join(
        turn.db,
        grower,
        number,
        turn.world.now,
        fresh=is_fresh(turn.world.lexicon, listing.kind, listing.name),
        most_grams=most_grams,
    )


def joined_answer(row: CampaignGrower) -> Answer:
    """Say what the grower has joined with, and what they may do about it."""
    number = str(row.campaign_id)
    does = (["supply_most", number], ["leave_campaign", number], ["campaigns", number])
    options = [Option(line, "", ["command", *do]) for line, do in enumerate(does, 1)]
    values = {"number": row.campaign_id, "most": row.most_grams}
    return Answer([Say("flows/market/supply_most/done", None, values)], options)


_WHERE = (
    Step("amount", AMOUNT, check=in_jin, codes=(NOT_WHOLE,)),
    Step("place", Place()),
    Step("street", Text(min=3, max=60)),
    Step("recipient", PersonName()),
    Step("phone", Phone()),
)
pledge_person = Flow(
    "pledge_person",
    room="market",
    steps=_WHERE,
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)
pledge_firm = Flow(
    "pledge_firm",
    room="market",
    steps=(Step("firm", Text(min=4, max=30)), Step("credit_code", CreditCode()), *_WHERE),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)
supply_most = Flow(
    "supply_most",
    room="market",
    steps=(Step("amount", AMOUNT, check=in_jin, codes=(NOT_WHOLE,)),),
    done=grower_done,
    admit=admit_grower,
)

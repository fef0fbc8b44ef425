"""送物: ask a donor for an offer of goods that they no longer need and that can still be used."""

from datetime import date
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.goods.mending import keep_photos, with_round
from flows.goods.quantity import amount, amount_of, quantity, smallest, smallest_of, smallest_part, unit
from flows.language.sorts import sort_of
from flows.readers import Choice, Day, Photo, Place
from flows.readers.numbers.weight import TONNE
from flows.readers.words.goods_category import BetterCategory, GoodsCategory, category_in, misfits
from flows.readers.words.goods_name import GoodsName, accepted, is_edible, name_of, named, new_enough
from models.goods.ending import hold_to_mend
from models.goods.exchange import Offer
from models.goods.submission import NewOffer, make_offer, mend_offer
from models.people import photo, user
from models.places.region import Region

# Food has to travel and still be good when it arrives.
DAYS_STILL_GOOD = 30
MOST_PHOTOS = 6


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    user.get_user(turn.db, turn.person.user_id, then=turn.world.lexicon.words["start_offer"][0])
    return with_round(turn, "offer", given)


def answers_of(turn: TurnContext, offer: Offer) -> dict[str, Any]:
    """Return the answers that an offer was made of, to be mended."""
    region = turn.db.get_one(Region, offer.region_code)
    answers = {
        "category": offer.category,
        "item": named(offer.item, turn.world.lexicon),
        # Its category was settled then.
        "fits": offer.category,
        "unit": offer.unit,
        **amount_of(offer.unit, offer.available),
        "smallest": smallest_of(offer.smallest, offer.initial),
        "condition": offer.condition,
        "handover": offer.handover,
        "photos": photo.pictures_of(turn.db, "offer", offer.id),
        "place": {"code": region.code, "name": region.full_name, "latitude": None, "longitude": None, "detail": ""},
    }
    return answers | ({"best_before": offer.best_before.isoformat()} if offer.best_before else {})


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers = draft.answers
    donor = user.get_user(turn.db, turn.person.user_id)
    item, category = name_of(answers["item"]), category_in(answers)
    wanted = NewOffer(
        draft_id=draft.id,
        category=category,
        item=item,
        unit=answers["unit"],
        quantity=quantity(answers),
        condition=answers["condition"],
        best_before=date.fromisoformat(answers["best_before"]) if is_edible(answers) else None,
        handover=answers["handover"],
        region_code=answers["place"]["code"],
        sort=sort_of(category, item, turn.world.lexicon),
        smallest=smallest(answers),
    )
    rules, now, mended = turn.world.lexicon.goods, turn.world.now, "mends" in draft.given
    if mended:
        offer = hold_to_mend(turn.db, donor.id, "offer", draft.given["mends"], draft.given["round"])
        mend_offer(turn.db, offer, wanted, now, rules)
    else:
        offer = make_offer(turn.db, wanted, donor, now, rules)
    keep_photos(turn, "offer", offer.id, answers["photos"], mended=mended)
    label = turn.world.lexicon.label("goods_category", offer.category)
    options = [Option(1, "", ["command", "browse_requests", label])]
    values = {
        "number": offer.id,
        "item": offer.item,
        "handover": offer.handover,
        "public": offer.looked_at is not None,
    }
    return Answer([Say("flows/goods/offer_goods/done", None, values)], options)


def without_item(answers: dict[str, Any]) -> dict[str, Any]:
    """Migrate a draft from version 1, which did not tell from the name whether it is food: ask for the name again."""
    return {name: value for name, value in answers.items() if name != "item"}


def without_fetching(answers: dict[str, Any]) -> dict[str, Any]:
    """Migrate a draft from version 2, in which ``pickup`` meant that the household fetches it: ask again."""
    return {name: value for name, value in answers.items() if (name, value) != ("handover", "pickup")}


offer_goods = Flow(
    "offer_goods",
    room="goods",
    version=3,
    migrations={1: without_item, 2: without_fetching},
    steps=(
        Step("category", GoodsCategory()),
        Step("item", GoodsName(min=1, max=30), check=accepted, codes=("not_accepted",)),
        Step("fits", BetterCategory(), when=misfits),
        unit(),
        *amount(most_grams=20 * TONNE, most_pieces=100_000),
        smallest_part(),
        Step("condition", Choice("condition"), check=new_enough, codes=("must_be_new",)),
        Step("best_before", Day(earliest=DAYS_STILL_GOOD), when=is_edible),
        Step("handover", Choice("handover")),
        Step("photos", Photo(max=MOST_PHOTOS, min=1)),
        Step("place", Place(level="county")),
    ),
    done=done,
    admit=admit,
)

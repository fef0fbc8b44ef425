"""上架: ask a seller for a listing of what the household grows or makes, sold here or through a shop elsewhere.

Of what grows on land it asks for how much land: that caps what the household may list (models.market.statement).
Who speaks for an organisation lists in its name (``organisation`` in ``given``, and ``in_name_of``, what it is called).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.goods.mending import keep_photos, with_round
from flows.goods.quantity import amount, amount_of, by_count, quantity, unit
from flows.readers import Choice, Day, Photo, Plot, Price, Text, Url, Weight
from flows.readers.numbers.weight import TONNE
from flows.readers.words.goods_name import accepted
from models.core.measures import JIN
from models.core.money import YUAN
from models.goods.ending import hold_to_mend
from models.market import seller as sellers
from models.market.listing import Listing
from models.market.rules import WITHOUT_LAND
from models.market.statement import find_statement
from models.market.submission import NewListing, mend_listing, submit_listing
from models.organisations.organisation import get_organisation, organisation_of
from models.organisations.representative import check_may_sell_for
from models.people import photo, user
from models.staff.task import find_task

HIGHEST_PRICE = 100_000 * YUAN
# The next harvest is at most a year away; a tree that was planted today sells nothing yet.
LAST_HARVEST = 366
MOST_PHOTOS = 6


def is_produce(answers: Mapping[str, Any]) -> bool:
    return answers.get("kind") == "produce"


def needs_land(answers: Mapping[str, Any]) -> bool:
    return is_produce(answers) and answers.get("crop_group") not in (None, *WITHOUT_LAND)


def is_packed(answers: Mapping[str, Any]) -> bool:
    return needs_land(answers) and by_count(answers)


def is_growing(answers: Mapping[str, Any]) -> bool:
    return is_produce(answers) and answers.get("ripeness") == "growing"


def in_a_shop(answers: Mapping[str, Any]) -> bool:
    return answers.get("sold_where") == "shop"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a resident. Raises NotRegistered or ResidentsOnly.

    In an organisation's name it raises as ``check_may_sell_for`` does; of a listing that is mended as ``with_round``.
    """
    seller = user.get_resident(turn.db, turn.person.user_id, then=turn.world.lexicon.words["start_listing"][0])
    if "organisation" in given:
        organisation = get_organisation(turn.db, given["organisation"])
        check_may_sell_for(turn.db, organisation, seller.id)
        return {**given, "in_name_of": organisation.name}
    given = with_round(turn, "listing", given)
    if "mends" in given:
        mended = turn.db.get_one(Listing, given["mends"])
        named = organisation_of(turn.db, mended.household_id)
        return {**given, "in_name_of": named.name} if named else given
    return given


def answers_of(turn: TurnContext, listing: Listing) -> dict[str, Any]:
    """Return the answers that a listing was made of, to be mended."""
    growing = listing.harvest_date is not None and listing.harvest_date > turn.world.today
    answers: dict[str, Any] = {
        "kind": listing.kind,
        "name": listing.name,
        "unit": listing.unit,
        "price": listing.price_fen,
        **amount_of(listing.unit, listing.available),
        "sold_where": "shop" if listing.shop_url else "here",
        "photos": photo.pictures_of(turn.db, "listing", listing.id),
    }
    if listing.kind == "produce":
        answers["ripeness"] = "growing" if growing else "ripe"
    answers |= _land_of(turn, listing)
    if growing and listing.harvest_date:
        answers["harvest_date"] = listing.harvest_date.isoformat()
    return answers | ({"shop_url": listing.shop_url} if listing.shop_url else {})


def _land_of(turn: TurnContext, listing: Listing) -> dict[str, Any]:
    """Return the answers about the land of a listing; none where it needs none."""
    crop = turn.world.lexicon.market.crop(listing.crop)
    stated = find_statement(turn.db, listing.household_id, listing.crop, listing.season)
    if crop is None or stated is None:
        return {}
    packed = {} if listing.unit == "jin" else {"each_weight": listing.grams_each}
    return {"crop_group": crop.group, "plot": stated.plot, **packed}


def _wanted(turn: TurnContext, draft: Draft) -> NewListing:
    answers = draft.answers
    land = needs_land(answers)
    crop = turn.world.lexicon.market.crop_of(answers["crop_group"], answers["name"]) if land else None
    return NewListing(
        draft_id=draft.id,
        kind=answers["kind"],
        name=answers["name"],
        unit=answers["unit"],
        price_fen=answers["price"],
        stock=quantity(answers),
        harvest_date=date.fromisoformat(answers["harvest_date"]) if is_growing(answers) else None,
        shop_url=answers["shop_url"] if in_a_shop(answers) else None,
        crop=crop.code if crop else None,
        plot=answers["plot"] if land else None,
        grams_each=answers["each_weight"] if is_packed(answers) else None,
    )


def done(turn: TurnContext, draft: Draft) -> Answer:
    db, now, rules = turn.db, turn.world.now, turn.world.lexicon.market
    seller = user.get_resident(db, turn.person.user_id)
    wanted, pictures = _wanted(turn, draft), draft.answers["photos"]
    mended, reviewed = "mends" in draft.given, True
    if mended:
        listing = hold_to_mend(db, seller.id, "listing", draft.given["mends"], draft.given["round"])
        same = photo.pictures_of(db, "listing", listing.id) == pictures
        reviewed = mend_listing(db, listing, wanted, now, rules, same_photos=same)
    else:
        number = draft.given.get("organisation")
        named = get_organisation(db, number) if number else None
        listing = submit_listing(db, wanted, seller, now, rules, organisation=named)
    if reviewed:
        keep_photos(turn, "listing", listing.id, pictures, mended=mended)
    options = [Option(1, "", ["command", "view_listing", str(listing.id)])]
    values = {"number": listing.id, "name": listing.name, "waits": find_task(db, "listing", listing.id) is None}
    values |= {"reviewed": reviewed, "endorsed": sellers.is_endorsed(db, listing.household_id), "dear": listing.dear}
    values |= {"stopped": sellers.is_suspended(db, listing.household_id)}
    values |= {"in_name_of": draft.given.get("in_name_of")}
    return Answer([Say("flows/market/list_produce/done", None, values)], options)


list_produce = Flow(
    "list_produce",
    room="market",
    steps=(
        Step("kind", Choice("produce_kind")),
        Step("name", Text(min=2, max=30, name=True, public=True), check=accepted, codes=("not_accepted",)),
        Step("crop_group", Choice("crop_group"), when=is_produce),
        unit(),
        Step("price", Price(max=HIGHEST_PRICE)),
        *amount(most_grams=1000 * TONNE, most_pieces=100_000),
        Step("each_weight", Weight(max=TONNE, bare=JIN), when=is_packed),
        Step("plot", Plot(), when=needs_land),
        Step("ripeness", Choice("ripeness"), when=is_produce),
        Step("harvest_date", Day(earliest=1, latest=LAST_HARVEST), when=is_growing),
        Step("sold_where", Choice("sold_where")),
        Step("shop_url", Url(), when=in_a_shop),
        Step("photos", Photo(max=MOST_PHOTOS, min=1)),
    ),
    done=done,
    admit=admit,
)

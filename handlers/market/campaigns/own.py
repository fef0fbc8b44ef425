"""认购, 订: everybody sees the campaigns; buyers pledge or take back, growers join or leave."""

from flows.engine.flow import Answer
from flows.engine.session import Option
from flows.market.campaigns.take_part import AMOUNT, joined_answer, take_in
from flows.readers.base import Accepted, Asking
from handlers.market.orders.buying import where_to
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from models.core.measures import JIN
from models.market.campaigns import views
from models.market.campaigns.growers import leave
from models.market.campaigns.pledging import check_amount, firm_of, take_back
from models.people.user import get_user

Ways = dict[str, list[str]]


def campaigns(talk: Talk, number: str = "", words: str = "") -> Answer:
    """认购: list those that are open; 认购 3 shows one; 认购 3 20斤 begins to pledge.

    Raises NoSuchCampaign, and as ``begin_pledge`` does.
    """
    if not number:
        return open_campaigns(talk)
    return begin_pledge(talk, number, words) if words else _page(talk, int(number))


def open_campaigns(talk: Talk, after: str = "") -> Answer:
    """List the open campaigns, the newest first. Also the next page's line leads here."""
    found = views.list_open(talk.turn.db, talk.world.now, int(after) if after else None)
    lines = list(enumerate(found.items, 1))
    options = [Option(line, "", ["command", "campaigns", str(shown.number)]) for line, shown in lines]
    turn = ["open_campaigns", str(found.after)] if found.after else None
    values = {"lines": lines, "labels": labels(talk.world.lexicon, "campaign_crop")}
    return one_page(talk, "replies/market/campaign_open", values, options, turn)


def begin_pledge(talk: Talk, number: str, words: str = "", firm: str = "") -> Answer:
    """Begin to pledge; ``firm``: for a firm. What the person wrote before stands in the review.

    Raises NotRegistered, NoSuchCampaign, CampaignOver, SuppliesIt or TooMuchForOne.
    """
    lexicon = talk.world.lexicon
    word = lexicon.words["order_tonnes" if firm else "campaigns"][0]
    said = " ".join(filter(None, (word, number, words)))
    reading = AMOUNT.read_words(words, Asking(talk.world)) if words else None
    answers = {**where_to(talk), **_firm(talk, firm)}
    if isinstance(reading, Accepted) and not int(reading.value) % JIN:
        check_amount(int(reading.value), by_firm=bool(firm))
        answers["amount"] = reading.value
    return talk.start("pledge_firm" if firm else "pledge_person", {"campaign": int(number), "said": said}, **answers)


def order_tonnes(talk: Talk, words: str = "") -> Answer:
    """订 5吨: begin to pledge for a firm, where one campaign is open; else ask which. 订 3 5吨 names one.

    Raises as ``begin_pledge`` does.
    """
    head, _, rest = words.partition(" ")
    if head.isdecimal() and rest:
        return begin_pledge(talk, head, rest.strip(), "firm")
    found = views.list_open(talk.turn.db, talk.world.now)
    if len(found.items) == 1:
        return begin_pledge(talk, str(found.items[0].number), words, "firm")
    lines = list(enumerate(found.items, 1))
    options = [Option(n, "", ["command", "begin_pledge", str(one.number), words, "firm"]) for n, one in lines]
    values = {"lines": lines, "labels": labels(talk.world.lexicon, "campaign_crop"), "words": words}
    return one_page(talk, "replies/market/campaign_which", values, options, None)


def take_back_pledge(talk: Talk, number: str, sure: str = "") -> Answer:
    """Take back what the person pledged, once they are sure. Raises NoSuchCampaign, CampaignOver or NotPartOf."""
    if not sure:
        return _sure(talk, number, "take_back_pledge", "take_back")
    take_back(talk.turn.db, _person(talk), int(number), talk.world.now)
    return _page(talk, int(number))


def join_campaign(talk: Talk, number: str) -> Answer:
    """Supply it with all the person has. Raises NoSuchCampaign, CampaignOver, CannotJoin or SuppliesIt."""
    return joined_answer(take_in(talk.turn, int(number)))


def supply_most(talk: Talk, number: str) -> Answer:
    """Ask how much the grower gives at most. Raises as the flow's ``admit`` does."""
    return talk.start("supply_most", {"campaign": int(number)})


def leave_campaign(talk: Talk, number: str, sure: str = "") -> Answer:
    """Supply it no more, once the grower is sure. Raises NoSuchCampaign, CampaignOver or NotPartOf."""
    if not sure:
        return _sure(talk, number, "leave_campaign", "leave")
    leave(talk.turn.db, _person(talk), int(number), talk.world.now)
    return _page(talk, int(number))


def campaign_parts(talk: Talk, number: str, page: str = "0") -> Answer:
    """Show what each grower got, without names. Only numbered lines lead here. Raises NoSuchCampaign."""
    shown = views.show(talk.turn.db, int(number), talk.world.now)
    parts = views.parts_of(talk.turn.db, int(number), int(page))
    turn = ["campaign_parts", number, str(parts.after)] if parts.after else None
    back = [Option(1, "", ["command", "campaigns", number])]
    return one_page(talk, "replies/market/campaign_parts", {"shown": shown, "parts": parts.items}, back, turn)


def _page(talk: Talk, number: int) -> Answer:
    shown = views.show(talk.turn.db, number, talk.world.now)
    own = views.own_part(talk.turn.db, number, talk.turn.person.user_id, talk.world.now)
    values = {"shown": shown, "own": own, "labels": labels(talk.world.lexicon, "campaign_crop")}
    return with_ways("replies/market/campaign_one", values, _ways(shown, own))


def _ways(shown: views.Shown, own: views.OwnPart) -> Ways:
    """Offer what is left to this reader."""
    number = str(shown.number)
    if shown.takes:
        if own.side == "grower":
            return {"most": ["command", "supply_most", number], "leave": ["command", "leave_campaign", number]}
        if own.side == "buyer":
            return {
                "change": ["command", "begin_pledge", number],
                "take_back": ["command", "take_back_pledge", number],
            }
        joins = {"join": ["command", "join_campaign", number]} if own.side == "may_join" else {}
        return {
            **joins,
            "pledge": ["command", "begin_pledge", number],
            "firm": ["command", "begin_pledge", number, "", "firm"],
        }
    may_leave = shown.state in ("open", "reached") and own.side == "grower"
    leaves = {"leave": ["command", "leave_campaign", number]} if may_leave else {}
    parts = {"parts": ["command", "campaign_parts", number]} if shown.given else {}
    orders = {"orders": ["command", "orders"]} if own.given else {}
    return {**leaves, **orders, **parts}


def _sure(talk: Talk, number: str, command: str, asks: str) -> Answer:
    shown = views.show(talk.turn.db, int(number), talk.world.now)
    ways = {"yes": ["command", command, number, "sure"], "keep": ["command", "campaigns", number]}
    return with_ways("replies/market/campaign_sure", {"shown": shown, "asks": asks}, ways)


def _firm(talk: Talk, firm: str) -> dict[str, object]:
    """Return what is known of the person's firm, which is asked once."""
    known = firm_of(talk.turn.db, talk.turn.person.user_id) if firm else None
    if known is None:
        return {}
    code = {"credit_code": known.credit_code} if known.credit_code else {}
    return {"firm": known.name, "phone": known.phone, **code}


def _person(talk: Talk) -> int:
    return get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["campaigns"][0]).id

"""Show people their own data, appeals, requests, offers and gifts, with the state of each."""

from typing import Any

from flows.engine.draft_choices import list_drafts
from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers import Phone
from handlers.giving.pledge import unpaid_link
from handlers.public.catalogue import APPEALS, MARKET, OFFERS, REQUESTS, CatalogueView
from handlers.routing.answers import one_page
from handlers.routing.talk import Talk
from models.appeals.reopening import reopenable_appeals
from models.donors.recurring_gift import live_of
from models.giving.pledge import UNPAID, Pledge
from models.goods.matches.views import count_under_way, own_lines, waiting_offers
from models.people.user import NotRegistered, User, get_user
from models.places.region import Region
from models.public.catalogue import own_pledges

# Things of each kind; more would not fit into one message.
MOST_SHOWN = 3
# Links to pay at, which are long.
MOST_LINKS = 2


def register(talk: Talk, then: str = "") -> Answer:
    """Start the registration. ``then``: the words to continue with afterwards."""
    return talk.start("register", {"then": then})


def mine(talk: Talk) -> Answer:
    """List everything of the person under one numbering, unfinished drafts last."""
    user = _known(talk)
    if user is None:
        return list_drafts(talk.session)
    options: list[Option] = []
    goods = _goods(talk, user, options)
    views = {"appeals": APPEALS, "requests": REQUESTS, "offers": OFFERS, "market": MARKET}
    sections = {name: _section(talk, view, user, options) for name, view in views.items()}
    reopens = len(options) + 1 if reopenable_appeals(talk.turn.db, user, 1) else None
    options += [Option(reopens, "", ["command", "reopen"])] if reopens else []
    recurring_gifts = []
    live = live_of(talk.turn.db, user)
    for gift, appeal in live[-MOST_SHOWN:]:
        options.append(Option(len(options) + 1, "", ["command", "view_recurring_gift", str(appeal.id)]))
        recurring_gifts.append((len(options), gift, appeal))
    drafts = []
    for draft in talk.session.drafts:
        options.append(Option(len(options) + 1, "", ["resume", draft.id]))
        drafts.append((len(options), {"flow": draft.flow, "given": draft.given}))
    values = {
        "who": _who(talk, user),
        "goods": goods,
        "sections": sections,
        "reopens": reopens,
        "recurring_gifts": recurring_gifts,
        "recurring_gifts_left": len(live) - len(recurring_gifts),
        "drafts": drafts,
        "now": talk.world.now,
    }
    return Answer([Say("replies/people/mine", None, values)], options)


def my_pledges(talk: Talk, after: str = "") -> Answer:
    """List the person's pledges, newest first; each number leads to its appeal."""
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_pledges"][0])
    page = own_pledges(talk.turn.db, user.id, int(after) if after else None)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", APPEALS.command, str(pledge.appeal)]) for n, pledge in lines]
    unpaid = [pledge for pledge in page.items if pledge.state in UNPAID]
    links = {pledge.number: unpaid_link(talk, talk.turn.db.get_one(Pledge, pledge.number)) for pledge in unpaid}
    dropped = list(enumerate(unpaid[:MOST_LINKS], len(options) + 1))
    options += [Option(n, "", ["command", "let_go", pledge.code]) for n, pledge in dropped]
    shown = [number for number, link in links.items() if link][:MOST_LINKS]
    values = {
        "lines": lines,
        "pay": {number: links[number] for number in shown},
        "payable": [number for number, link in links.items() if link],
        "dropped": dropped,
        "collects": talk.world.collects,
    }
    turn = ["my_pledges", str(page.after)] if page.after else None
    return one_page(talk, "replies/people/my_pledges", values, options, turn)


def _known(talk: Talk) -> User | None:
    """Return the registered person; None for an unregistered one with drafts. Raises NotRegistered without drafts."""
    try:
        return get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["mine"][0])
    except NotRegistered:
        if talk.session.drafts:
            return None
        raise


def _section(talk: Talk, view: CatalogueView, user: User, options: list[Option]) -> list[tuple[int, Any]]:
    """List the newest things of one kind with their numbers on the screen, which are added to ``options``."""
    lines = []
    for item in view.catalogue.own(talk.turn.db, user.id, MOST_SHOWN):
        options.append(Option(len(options) + 1, "", ["command", view.command, str(item.number)]))
        lines.append((len(options), item))
    return lines


def _goods(talk: Talk, user: User, options: list[Option]) -> dict[str, Any]:
    """List where goods from hand to hand stand: the household's own, and what waits for a donor."""
    db = talk.turn.db

    def add(*command: str) -> int:
        options.append(Option(len(options) + 1, "", ["command", *command]))
        return len(options)

    coming = own_lines(db, user.id, "household", most=MOST_SHOWN)
    lines = [(add("view_match", str(line.number)), line) for line in coming.items]
    more = add("my_goods") if coming.after else None
    waiting = waiting_offers(db, user.id)
    offers = [(add("will_send", f"offer:{each.offer}"), each) for each in waiting[:MOST_SHOWN]]
    to_send, under_way = count_under_way(db, user.id)
    left = sum(each.households for each in waiting[MOST_SHOWN:])
    parcels = add("my_parcels") if to_send or under_way or left else None
    counts = {"to_send": to_send, "under_way": under_way, "left": left}
    return {"lines": lines, "more": more, "offers": offers, "parcels": parcels, **counts}


def _who(talk: Talk, user: User) -> dict[str, Any]:
    """Describe the person, with name and phone masked, since others may see the screen."""
    region = talk.turn.db.get(Region, user.region_code) if user.region_code else None
    return {
        "role": user.role,
        "name": user.masked_name or user.display_name,
        "phone": Phone().shown(user.phone, talk.world) if user.phone else None,
        "home": region.full_name if region else None,
    }

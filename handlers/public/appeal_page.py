"""网页 and 撤下网页: owners look at their appeal's public page, agree to it and close it; others get its address."""

from sqlalchemy import select

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import ask_which_appeal, with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal
from models.appeals.correction import own_appeal
from models.core.state_machine import Actor
from models.people.user import User, get_resident
from models.public import appeal_page
from models.public.appeal_page import AppealPage, NoPage, check_can_have_page, find_page, has_looked, is_agreed, is_open

# The most appeals that are listed to choose from.
MOST = 5


def page_link(talk: Talk, number: int) -> str:
    """Return the address of the appeal's page while it is open; else nothing."""
    return talk.world.link("appeal", str(number)) if is_open(talk.turn.db, number, talk.world.now) else ""


def page(talk: Talk, number: str = "") -> Answer:
    """网页 <号>: say where one's own appeal's page stands and what comes next; to others, its address.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, PageNotNow or NoPage.
    """
    if number and (link := page_link(talk, int(number))) and not _is_own(talk, int(number)):
        poster = {"poster": ["command", "poster", number]}
        return with_ways("replies/public/page_of_another", {"number": int(number), "link": link}, poster)
    user = _resident(talk)
    if not number:
        found = _of_owner(talk, user)
        if len(found) != 1:
            return ask_which_appeal("replies/public/which_page", found, "appeal_page")
        number = str(found[0].id)
    if not _is_own(talk, int(number)):
        raise NoPage(number=int(number))
    return _standing(talk, own_appeal(talk.turn.db, user, int(number)))


def agree(talk: Talk, number: str = "") -> Answer:
    """Open the page, by a numbered line; the words alone say where one's page stands.

    Raises what ``page`` does, and LookFirst.
    """
    if not number:
        return page(talk)
    appeal = own_appeal(talk.turn.db, _resident(talk), int(number))
    appeal_page.agree(talk.turn.db, appeal.id, Actor.owner(appeal.owner_id), talk.world.now)
    return _standing(talk, appeal, agreed=True)


def close(talk: Talk, number: str = "") -> Answer:
    """撤下网页 <号>: close the page at once; without a number ask which, unless one alone is open.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal or NoPage.
    """
    user, db = _resident(talk), talk.turn.db
    if not number:
        found = _agreed_of(talk, user)
        if len(found) > 1:
            return ask_which_appeal("replies/public/which_page_to_close", found, "close_page")
        if not found:
            raise NoPage(number=None)
        number = str(found[0].id)
    appeal = own_appeal(db, user, int(number))
    appeal_page.close(db, appeal.id, Actor.owner(user.id), talk.world.now)
    again = {"again": ["command", "appeal_page", str(appeal.id)], "mine": ["command", "mine"]}
    return with_ways("replies/public/page_closed", {"number": appeal.id, "title": appeal.title}, again)


def own_open_pages(talk: Talk) -> list[Appeal]:
    """List the person's newest appeals whose page is open."""
    user = talk.turn.db.get(User, talk.turn.person.user_id) if talk.turn.person.user_id else None
    return [appeal for appeal in _agreed_of(talk, user) if page_link(talk, appeal.id)] if user else []


def _standing(talk: Talk, appeal: Appeal, *, agreed: bool = False) -> Answer:
    """Offer what the page's owner may do with it now. Raises PageNotNow."""
    db, now, number = talk.turn.db, talk.world.now, str(appeal.id)
    found, values = find_page(db, appeal.id), {"number": appeal.id, "title": appeal.title}
    if is_agreed(found) and (link := page_link(talk, appeal.id)):
        ways = {"poster": ["command", "poster", number], "close": ["command", "close_page", number]}
        ways["appeal"] = ["command", "view_appeal", number]
        return with_ways("replies/public/page_open", {**values, "link": link, "agreed": agreed}, ways)
    check_can_have_page(db, appeal, now)
    preview = talk.world.link("preview", f"appeal:{number}")
    if not has_looked(found, now):
        looked = {"looked": ["command", "appeal_page", number], "appeal": ["command", "view_appeal", number]}
        return with_ways("replies/public/page_to_look_at", {**values, "link": preview}, looked)
    ways = {"agree": ["command", "agree_to_page", number], "not_now": ["command", "view_appeal", number]}
    answer = with_ways("replies/public/page_to_agree_to", {**values, "link": preview}, ways)
    # The line's own words do what its number does.
    said = talk.world.lexicon.words["agree_to_page"]
    answer.options += [Option(1, word, ["command", "agree_to_page", number]) for word in said]
    return answer


def _of_owner(talk: Talk, user: User) -> list[Appeal]:
    """List the person's newest appeals that may have a page, or have one."""
    mine = select(Appeal).outerjoin(AppealPage).join(User, User.id == Appeal.owner_id).where(Appeal.owner_id == user.id)
    there = appeal_page.may_have_page(talk.world.now) | AppealPage.agreed_at.is_not(None)
    return list(talk.turn.db.scalars(mine.where(there).order_by(Appeal.id.desc()).limit(MOST)))


def _agreed_of(talk: Talk, user: User) -> list[Appeal]:
    """List those of them to whose page they agreed, open or not."""
    return [appeal for appeal in _of_owner(talk, user) if is_agreed(find_page(talk.turn.db, appeal.id))]


def _is_own(talk: Talk, number: int) -> bool:
    user_id = talk.turn.person.user_id
    return talk.turn.db.scalar(select(Appeal.id).where(Appeal.id == number, Appeal.owner_id == user_id)) is not None


def _resident(talk: Talk) -> User:
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["appeal_page"][0])

"""海报: send an appeal's picture to be shown to others, and open the appeal whose code was scanned."""

from flows.engine.flow import Answer
from handlers.public.appeal_page import own_open_pages, page_link
from handlers.public.catalogue import ways_to_give
from handlers.routing.answers import ask_which_appeal, with_ways
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from models.public.appeal_code import count_scan, scans_of
from models.public.appeal_page import is_open
from models.public.follow_up import NoPoster, ask_for_card, ask_for_poster


def poster(talk: Talk, number: str = "") -> Answer:
    """海报 <号>: send its poster. Without a number ask for which of one's own, unless one alone is open.

    Raises NoPoster or TooManyPosters.
    """
    if not number:
        found = own_open_pages(talk)
        if len(found) > 1:
            return ask_which_appeal("replies/public/which_poster", found, "poster")
        if not found:
            raise NoPoster(number=None)
        number = str(found[0].id)
    link = page_link(talk, int(number))
    if not link:
        raise NoPoster(number=int(number))
    db, now = talk.turn.db, talk.world.now
    follow_up = ask_for_poster(db, int(number), talk.turn.person.conversation_id, now)
    talk.turn.jobs.append(("send_follow_up", follow_up))
    values = {"number": int(number), "sheet": f"{link}/poster", "scans": scans_of(db, int(number))}
    ways = {**ways_to_give(talk, number), "appeal": ["command", "view_appeal", number]}
    return with_ways("replies/public/poster", values, ways)


def scanned(talk: Talk, number: str) -> Answer:
    """Open the appeal whose code was scanned, and count the scan. Only a scanned code leads here.

    A code whose scene is no number is none of ours: it opens the list.
    """
    if not number.isdecimal():
        return run_command(talk, "browse_appeals", [])
    db, now = talk.turn.db, talk.world.now
    if is_open(db, int(number), now):
        count_scan(db, int(number), now, follows=talk.message.event == "subscribe")
    return run_command(talk, "view_appeal", [number])


def follow_with_card(talk: Talk, number: int) -> None:
    """Let the appeal's card follow the reply; its page is open."""
    asked = ask_for_card(talk.turn.db, number, talk.turn.person.conversation_id, talk.world.now)
    if asked:
        talk.turn.jobs.append(("send_follow_up", asked))

"""月捐, 停月捐: a donor sets up a recurring gift, lists, pays, skips or stops it."""

from flows.engine.flow import Answer, Say
from handlers.giving.pledge import begin_gift
from handlers.public.catalogue import ways_to_give
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import get_appeal
from models.donors import recurring_gift as rules
from models.donors.recurring_gift import NotCollecting, RecurringGift
from models.people.user import User, get_user
from models.staff.member import find_staff

COMMAND = "recurring_gift"


def recurring_gift(talk: Talk, said: str = "") -> Answer:
    """月捐 <number> <amount>: set up a recurring gift. Without words, list one's own, or show the only one."""
    if said:
        return begin_gift(talk, COMMAND, said)
    live = rules.live_of(talk.turn.db, _donor(talk))
    return view_recurring_gift(talk, str(live[0][1].id)) if len(live) == 1 else _list(talk, "view_recurring_gift")


def view_recurring_gift(talk: Talk, number: str) -> Answer:
    """Show the donor's recurring gift for an appeal. Raises NotRegistered or NoSuchRecurringGift."""
    gift = rules.get_live(talk.turn.db, _donor(talk), int(number))
    ways = {"pay": "pay_recurring_gift", "stop": "stop_recurring_gift", "look": "view_appeal"}
    appeal = get_appeal(talk.turn.db, gift.appeal_id)
    paid = rules.is_paid(talk.turn.db, gift)
    if paid or not ways_to_give(talk, number):
        del ways["pay"]
    values = {**_facts(talk, gift), "state": appeal.state, "anonymous": gift.anonymous, "paid": paid}
    return with_ways(
        "replies/donors/recurring_gift", values, {way: ["command", name, number] for way, name in ways.items()}
    )


def pay_recurring_gift(talk: Talk, number: str) -> Answer:
    """Give the link to the page that pays this month's gift.

    Raises NotCollecting, NotRegistered, and what models.donors.recurring_gift.pay does.
    """
    db, person, now = talk.turn.db, talk.turn.person, talk.world.now
    if not talk.world.collects:
        raise NotCollecting(number=int(number))
    by_staff = find_staff(db, person.account, person.openid, now) is not None
    pledge = rules.pay(db, _donor(talk), int(number), now, by_staff=by_staff)
    appeal = get_appeal(db, pledge.appeal_id)
    values = {
        "number": appeal.id,
        "title": appeal.title,
        "amount_fen": pledge.amount_fen,
        "code": pledge.code,
        "pay": talk.world.link("pay", f"pledge:{pledge.id}"),
        "pay_by": pledge.pay_by,
    }
    return Answer([Say("replies/donors/recurring_gift_pay", None, values)])


def skip_recurring_gift(talk: Talk, number: str) -> Answer:
    """Confirm that this month is skipped, and give the next reminder. Changes nothing: an unpaid gift costs nothing.

    Raises NotRegistered or NoSuchRecurringGift.
    """
    gift = rules.get_live(talk.turn.db, _donor(talk), int(number))
    return Answer([Say("replies/donors/recurring_gift_skipped", None, _facts(talk, gift))])


def stop_recurring_gift(talk: Talk, number: str = "") -> Answer:
    """停月捐 <number>: stop a recurring gift without asking back, because it is easily set up again.

    Without a number, stop the only one, or ask which. Raises NotRegistered or NoSuchRecurringGift.
    """
    donor = _donor(talk)
    if not number:
        live = rules.live_of(talk.turn.db, donor)
        if len(live) != 1:
            return _list(talk, "stop_recurring_gift")
        number = str(live[0][1].id)
    gift = rules.stop(talk.turn.db, donor, int(number), talk.world.now)
    values = {**_facts(talk, gift), "open": bool(ways_to_give(talk, number))}
    return Answer([Say("replies/donors/recurring_gift_stopped", None, values)])


def _list(talk: Talk, command: str) -> Answer:
    live, stopping = rules.live_of(talk.turn.db, _donor(talk)), command == "stop_recurring_gift"
    return ask_which("replies/donors/recurring_gifts", live, lambda each: [command, str(each[1].id)], stopping=stopping)


def _donor(talk: Talk) -> User:
    return get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words[COMMAND][0])


def _facts(talk: Talk, gift: RecurringGift) -> dict[str, object]:
    appeal = get_appeal(talk.turn.db, gift.appeal_id)
    return {
        "number": appeal.id,
        "title": appeal.title,
        "amount_fen": gift.amount_fen,
        "day": gift.day,
        "next": gift.next_at,
        "deadline": appeal.deadline,
    }

"""Subscription notices: the way to the page that asks for consent, and what came of WeChat's popup there.

WeChat's events about it are kept and never answered.
"""

import structlog

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat
from models.notifications import subscription
from models.notifications.outbox import hold_unsent, wake

log = structlog.get_logger()

POPUP, CHANGE = "subscribe_msg_popup_event", "subscribe_msg_change_event"


def page(talk: Talk) -> Answer:
    """Whoever wants to be asked is asked at once, whatever they said before."""
    db, person, templates = talk.desk.db, talk.desk.person.conversation_id, talk.world.subscriptions
    wanted = subscription.lacking(db, person, templates, staff=find_seat(talk) is not None)
    link = talk.world.link("subscribe", "") if wanted else ""
    if link:
        subscription.note_asked(db, person, wanted, talk.world.now)
    return Answer([Say("replies/notifications/subscribe", None, {"link": link, "set_up": bool(templates.ids)})])


def heard(talk: Talk) -> None:
    """A popup's or a change's event. A yes in a popup opens a way to the person, so what waited for one goes out."""
    db, person, now = talk.desk.db, talk.desk.person.conversation_id, talk.world.now
    templates, popup = talk.world.subscriptions, talk.message.event == POPUP
    choices = _choices(talk)
    opened = popup and any(said == "accept" and templates.card_of(theirs) for theirs, said in choices.items())
    if opened:
        hold_unsent(db, person)
    for template_id, status in choices.items():
        card = templates.card_of(template_id)
        if card is None:
            log.warning("consent.unknown_template", conversation=person)
            continue
        match status:
            case "accept" if popup:
                subscription.accept(db, person, template_id, for_good=card in templates.for_good)
            case "accept":
                subscription.allow_again(db, person, template_id)
            case "reject" if popup:
                subscription.refuse(db, person, template_id, now)
            case "reject":
                subscription.take_back(db, person, template_id, now)
            case _:  # what WeChat itself kept from them ("ban", "filter") is no answer of theirs
                log.info("consent.no_answer", conversation=person, card=card)
    if opened:
        db.flush()
        wake(db, person, now)


def _choices(talk: Talk) -> dict[str, str]:
    """Template id -> what was chosen; bot.wechat.parse has made one list of WeChat's several forms."""
    rows = [(item.get("TemplateId"), item.get("SubscribeStatusString")) for item in talk.message.details["List"]]
    return {theirs: status for theirs, status in rows if isinstance(theirs, str) and isinstance(status, str)}

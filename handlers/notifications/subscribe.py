"""Lead people to the page that asks for consent to subscription notices, and record the result of WeChat's popup.

WeChat's events about it are recorded and get no answer.
"""

import structlog

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat
from models.notifications import subscription
from models.notifications.outbox import lock_unsent, wake_waiting

log = structlog.get_logger()

POPUP, CHANGE = "subscribe_msg_popup_event", "subscribe_msg_change_event"


def link_to_page(talk: Talk) -> Answer:
    """Give the link to the page at once, because the person asked for it, whatever they chose before."""
    db, person, templates = talk.turn.db, talk.turn.person.conversation_id, talk.world.subscriptions
    wanted = subscription.templates_to_ask_for(db, person, templates, staff=find_seat(talk) is not None)
    link = talk.world.link("subscribe", "") if wanted else ""
    if link:
        subscription.note_asked(db, person, wanted, talk.world.now)
    return Answer([Say("replies/notifications/subscribe", None, {"link": link, "set_up": bool(templates.ids)})])


def record_choices(talk: Talk) -> None:
    """Record the choices of a popup's or a settings change's event; a yes in a popup releases what waited for one."""
    db, person, now = talk.turn.db, talk.turn.person.conversation_id, talk.world.now
    templates, popup = talk.world.subscriptions, talk.message.event == POPUP
    choices = _choices(talk)
    opened = popup and any(said == "accept" and templates.card_of(theirs) for theirs, said in choices.items())
    if opened:
        lock_unsent(db, person)
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
            case _:  # "ban" and "filter" are decisions of WeChat's, not answers of the person's
                log.info("consent.no_answer", conversation=person, card=card)
    if opened:
        db.flush()
        wake_waiting(db, person, now)


def _choices(talk: Talk) -> dict[str, str]:
    """Map template ids to choices; bot.wechat.parse has made one list of WeChat's several forms."""
    rows = [(item.get("TemplateId"), item.get("SubscribeStatusString")) for item in talk.message.details["List"]]
    return {theirs: status for theirs, status in rows if isinstance(theirs, str) and isinstance(status, str)}

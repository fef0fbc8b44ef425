"""Take in WeChat's delivery reports of pushes. They are no act of the person's and get no answer."""

from handlers.routing.talk import Talk
from models.notifications.delivery_report import SUCCESS, record_report
from models.notifications.outbox import refuse_people

# doc/offiaccount/Message_Management/Template_Message_Interface.html
TEMPLATE = "templatesendjobfinish"
# doc/service/guide/product/subscription_messages/push.md
SUBSCRIPTION = "subscribe_msg_sent_event"
_BLOCKED = "failed:user block"
# The API's code for a person who refuses the account's messages.
_REFUSES = 48002


def template_sent(talk: Talk) -> None:
    """Record a template message's report; a person who has blocked the account gets nothing until they act again."""
    status = _text(talk.message.details.get("Status"))
    record_report(talk.turn.db, talk.message.account, talk.message.msg_id, status, talk.world.now)
    if status == _BLOCKED:
        refuse_people(talk.turn.db, {talk.turn.person.conversation_id: _REFUSES})


def subscription_sent(talk: Talk) -> None:
    db, account, now = talk.turn.db, talk.message.account, talk.world.now
    for receipt in talk.message.details["List"]:
        number, code = _text(receipt.get("MsgID")), _text(receipt.get("ErrorCode"))
        if number:
            record_report(db, account, number, SUCCESS if code == "0" else f"failed:{code}", now)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

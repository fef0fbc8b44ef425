"""Reading back to a resident what somebody else did in their name, one thing at a time, each with a yes and a no."""

from typing import Any

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from models.proxy.act import MOST_LINES, ReadBack, read_back, unanswered

STORY_BEGINS = 120


def next_question(db: Session, user_id: int) -> Answer | None:
    """The oldest that waits for their word; None when nothing does."""
    waiting = unanswered(db, user_id)
    if not waiting:
        return None
    act = read_back(db, waiting[0])
    options = [
        Option(1, "", ["command", "confirm_act", str(act.number)]),
        Option(2, "", ["command", "deny_act", str(act.number)]),
    ]
    return Answer([Say("replies/proxy/act", None, {"act": told(act), "left": len(waiting) - 1})], options)


def told(act: ReadBack) -> dict[str, Any]:
    """What the words need: of an appeal what was asked for, of a registration who was registered, both masked."""
    facts: dict[str, Any] = {"subject": act.subject, "at": act.at, "role": act.role, "work_no": act.work_no}
    facts |= {"kind": act.kind, "place": act.place}
    if act.appeal:
        facts |= {
            "number": act.appeal.id,
            "title": act.appeal.title,
            "target_fen": act.appeal.target_fen,
            "minimum_fen": act.appeal.minimum_fen,
            "crowdfund": act.appeal.kind == "crowdfund",
            "story": act.appeal.story[:STORY_BEGINS],
            "cut": len(act.appeal.story) > STORY_BEGINS,
            "budget": act.budget[:MOST_LINES],
            "lines": len(act.budget),
            "deadline": act.appeal.deadline,
        }
    if act.user:
        number, phone = act.user.id_number or "", act.user.phone
        facts |= {"name": act.user.masked_name, "id_tail": number[-4:], "phone_tail": phone[-4:] if phone else None}
    return facts

"""Reading back to a resident what somebody else did in their name, one thing at a time, each with a yes and a no."""

from typing import Any

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from models.proxy.act import ReadBack, read_back, unanswered


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
    """What the words need, with what was done itself (models.proxy.act.ACTS)."""
    facts = {"subject": act.subject, "at": act.at, "role": act.role, "work_no": act.work_no}
    return {**facts, "kind": act.kind, "place": act.place, **act.facts}

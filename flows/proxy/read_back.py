"""Read proxy acts back to the resident, one at a time, each with a choice to confirm or deny."""

from typing import Any

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from models.proxy.act import ReadBack, read_back, unanswered_acts


def next_question(db: Session, user_id: int) -> Answer | None:
    """Ask about the resident's oldest unanswered act; None when there is none."""
    waiting = unanswered_acts(db, user_id)
    if not waiting:
        return None
    act = read_back(db, waiting[0])
    options = [
        Option(1, "", ["command", "confirm_act", str(act.number)]),
        Option(2, "", ["command", "deny_act", str(act.number)]),
    ]
    return Answer([Say("replies/proxy/act", None, {"act": act_facts(act), "left": len(waiting) - 1})], options)


def act_facts(act: ReadBack) -> dict[str, Any]:
    """Collect the facts of an act for the templates, with those of its subject (models.proxy.act.ACTS)."""
    facts = {"subject": act.subject, "at": act.at, "role": act.role, "work_no": act.work_no}
    return {**facts, "kind": act.kind, "place": act.place, **act.facts}

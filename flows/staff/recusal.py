"""Tell an officer with a conflict of interest that the task went to another officer, or waits for one."""

from flows.engine.flow import Answer, Say
from flows.engine.turn import TurnContext
from models.staff.member import Staff
from models.staff.task import has_no_holder
from models.staff.turn import recuse_if_conflicted


def recuse_and_answer(turn: TurnContext, staff: Staff, subject: str, number: int) -> Answer | None:
    """Recuse the officer and answer so; None where there is no conflict.

    An answer, not a refusal, which would roll the recusal back.
    """
    reason = recuse_if_conflicted(turn.db, staff, subject, number, turn.world.now)
    if reason is None:
        return None
    facts = {"subject": subject, "id": number, "reason": reason, "short": has_no_holder(turn.db, subject, number)}
    return Answer([Say("replies/staff/recused", None, facts)], outcome="recused")

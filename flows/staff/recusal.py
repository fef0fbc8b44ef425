"""What somebody is told who has a part in what they were to do: it has found somebody else, or waits for one."""

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Say
from models.staff.member import Staff
from models.staff.task import is_short, step_aside


def stepped_aside(desk: Desk, staff: Staff, subject: str, number: int) -> Answer | None:
    """None for who has no part in it. An answer and no refusal: that they stepped aside is kept."""
    reason = step_aside(desk.db, staff, subject, number, desk.world.now)
    if reason is None:
        return None
    facts = {"subject": subject, "id": number, "reason": reason, "short": is_short(desk.db, subject, number)}
    return Answer([Say("replies/staff/recused", None, facts)], outcome="recused")

"""Declare the notifications to staff about their seats and tasks."""

from datetime import timedelta
from typing import Any

from models.notifications.kinds import TODO, Kind, Standing, to_staff

# The kinds that are marked as read when the officer opens the queue.
QUEUE_KINDS = ("task_new", "objection_made", "person_in_danger", "ticket_waiting")


def join_tasks(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Join notifications of new tasks: add up the counts, keep the earliest due date."""
    return {**now, "count": before["count"] + now["count"], "due": min(before["due"], now["due"])}


KINDS: dict[str, Kind] = {
    "handed_over": to_staff(),
    "staff_bound": Kind(Standing.WORK, "progress", brief=True),
    "staff_confirmed": to_staff(),
    "staff_moved": to_staff(),
    "task_assigned": Kind(Standing.WORK, "task"),
    "task_new": Kind(Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks),
    "task_overdue": Kind(Standing.WORK, "task"),
}

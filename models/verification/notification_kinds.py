"""The kinds of notifications about verification cases and objections."""

from datetime import timedelta

from models.notifications.kinds import TODO, Kind, Standing, legal
from models.staff.notification_kinds import join_tasks

KINDS: dict[str, Kind] = {
    "case_ends_soon": legal(),
    "case_moved": legal(),
    "objection_decided": legal(),
    "objection_made": Kind(Standing.WORK, "task", offers=(TODO,), running=timedelta(hours=1), join=join_tasks),
}

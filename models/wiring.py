"""What follows from what across the rooms: every hook and registry of a lower room, and what upper rooms put there.

A function here runs in the transaction of whoever calls its hook, under the locks that are held there.
"""

from models.appeals import appeal, by_mandate, household, submission
from models.donors import message
from models.giving import funding, pledge, refund_run
from models.notification_kinds import declare_kinds
from models.notifications import broadcast
from models.outreach import audience, broadcasts
from models.proxy import act, mandate
from models.staff import task
from models.verification import case, decisions


def wire() -> None:
    """Connect them all, where a program starts; again is none the more."""
    # What people may be told, room by room.
    declare_kinds()

    # A household's case is decided.
    decisions.on_verified.connect(household.open_waiting)
    decisions.on_suspended.connect(household.freeze_live)
    decisions.on_turned_down.connect(household.cancel_reviewed)

    # An appeal ends, and a gift comes to nothing.
    submission.on_last_day.connect(funding.end_day)
    appeal.on_ended.connect(refund_run.give_back)
    pledge.on_void.connect(message.let_go)

    # Who has no say in a thing.
    task.CONFLICTS.connect(mandate.ACTED, mandate.acted_for)

    # What officers do by mandate: how its owner hears it, and what their no undoes.
    act.ACTS.connect("user", act.Act(act.read_registration, case.withdraw))
    act.ACTS.connect("appeal", act.Act(by_mandate.read_back, by_mandate.undo))

    # Whom a broadcast goes to, and who hears that it is done.
    broadcast.AUDIENCES.connect("backers", audience.next_backers)
    broadcast.AUDIENCES.connect("donors_of", audience.next_donors)
    broadcast.anybody_gave.connect(audience.anybody_gave)
    broadcast.on_done.connect(broadcasts.tell_done)

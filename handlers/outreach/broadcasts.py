"""群发, 群发进度, 停发: staff begin an emergency call, see the progress of broadcasts, and stop one."""

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.notifications.broadcast import LIVE, Broadcast, stop_sending
from models.outreach.broadcasts import check_stop, find_broadcast, progress_of, recent_broadcasts


def call(talk: Talk, number: str = "") -> Answer:
    """群发 <号>: start an emergency call for an appeal; without a number, explain how."""
    if not number:
        return Answer([Say("replies/outreach/which_emergency_call")])
    return talk.start("emergency_call", {"calls_for": int(number)})


def broadcast_progress(talk: Talk, number: str = "") -> Answer:
    """群发进度 <号>: show a broadcast's progress; without a number, list one's own and the region's latest.

    Raises NoSuchBroadcast.
    """
    db, staff = talk.turn.db, staff_of(talk)
    if number:
        return _show(talk, find_broadcast(db, staff, int(number)))
    found = recent_broadcasts(db, staff)
    if len(found) == 1:
        return _show(talk, found[0])
    ways = {str(one.id): ["command", "broadcast_progress", str(one.id)] for one in found}
    return with_ways("replies/outreach/broadcasts", {"lines": [progress_of(db, one) for one in found]}, ways)


def stop_broadcast(talk: Talk, number: str = "") -> Answer:
    """停发 <号>: stop a broadcast without asking back, because it reaches more people every second.

    Raises NoSuchBroadcast or NotYoursToStop.
    """
    if not number:
        return broadcast_progress(talk)
    db, staff = talk.turn.db, staff_of(talk)
    broadcast = find_broadcast(db, staff, int(number), lock=True)
    check_stop(db, staff, broadcast)
    if broadcast.state != "stopped":
        stop_sending(db, broadcast, staff.actor.name, talk.world.now)
    return Answer([Say("replies/outreach/broadcast_stopped", None, {"item": progress_of(db, broadcast)})])


def _show(talk: Talk, broadcast: Broadcast) -> Answer:
    number = str(broadcast.id)
    ways = {"again": ["command", "broadcast_progress", number]}
    if broadcast.state in LIVE:
        ways["stop"] = ["command", "stop_broadcast", number]
    return with_ways("replies/outreach/broadcast", {"item": progress_of(talk.turn.db, broadcast)}, ways)

"""发布: an officer reviews an update or thanks, sees how many donors it reaches, and confirms its publication."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from models.appeals.appeal import Appeal
from models.core.state_machine import By
from models.outreach.audience import count_people
from models.outreach.update import Update
from models.outreach.update_review import backers_of, check_decidable
from models.outreach.update_review import publish as publish_update
from models.people.photo import pictures_of
from models.staff.directory import demand_staff
from models.staff.member import Staff

PUBLISHERS = (By.VILLAGE, By.TOWNSHIP, By.COUNTY)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``update``, its number. Raises what ``done`` would, before it is shown for confirmation."""
    _, appeal = check_decidable(turn.db, _officer(turn), given["update"])
    return {"update": given["update"], "appeal": appeal.id, "title": appeal.title}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the update's words and pictures, whether it still waits, and how many people would be notified now."""
    update = turn.db.get_one(Update, draft.given["update"])
    people = count_people(turn.db, backers_of(turn.db.get_one(Appeal, update.appeal_id), update.kind))
    pictures = len(pictures_of(turn.db, "update", update.id))
    link = turn.world.link("pictures", f"appeal:{update.appeal_id}") if pictures else ""
    facts = {"kind": update.kind, "words": update.words, "waits": update.state == "submitted"}
    return {**facts, "people": people, "pictures": pictures, "link": link}


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff = _officer(turn)
    appeal, broadcast = publish_update(turn.db, staff, draft.given["update"], turn.world.now)
    turn.jobs.append(("fan_out", broadcast.id))
    kind = turn.db.get_one(Update, draft.given["update"]).kind
    people = count_people(turn.db, backers_of(appeal, kind))
    pictures = len(pictures_of(turn.db, "update", draft.given["update"]))
    values = {"number": appeal.id, "kind": kind, "broadcast": broadcast.id, "people": people, "pictures": pictures}
    return Answer([Say("flows/outreach/publish/done", None, values)])


def _officer(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, PUBLISHERS)


publish = Flow("publish", room="outreach", steps=(), done=done, admit=admit, review_facts=review_facts)

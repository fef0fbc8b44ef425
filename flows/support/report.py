"""举报: a person says what is wrong with a thing of the service, with a few words and photos."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, Photo, Text
from models.support.reported_thing import ReportedThing, get_thing
from models.support.reporting import NewReport, check_may_report, file_report, promise

LONGEST = 300
MOST_PHOTOS = 5


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit everyone, registered or not. ``given``: ``about`` and ``number`` of the thing.

    Raises NothingToReport, OwnThing, ReportedAlready or ReportedTooOften.
    """
    thing = _thing(turn, given)
    check_may_report(turn.db, thing, turn.person.conversation_id, turn.world.now)
    return {"about": thing.about, "number": thing.number, "name": thing.name}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    thing, answers = _thing(turn, draft.given), draft.answers
    words, person = answers["words"] or "", turn.person.conversation_id
    new = NewReport(draft.id, person, answers["kind"], words, answers["photos"])
    county, due = promise(turn.db, thing, new.kind, person, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in file_report(turn.db, thing, new, turn.world.now)]
    values = {**draft.given, "county": county, "due": due}
    return Answer([Say("flows/support/report/done", None, values)])


def _thing(turn: TurnContext, given: dict[str, Any]) -> ReportedThing:
    return get_thing(turn.db, given["about"], given["number"], turn.person.user_id)


report = Flow(
    "report",
    room="support",
    steps=(
        Step("kind", Choice("report_kind")),
        Step("words", Text(min=2, max=LONGEST, optional=True)),
        Step("photos", Photo(max=MOST_PHOTOS, min=0)),
    ),
    done=done,
    admit=admit,
)

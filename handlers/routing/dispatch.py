"""Run a command or a confirmed draft: check the permission, run it in a savepoint, answer refusals in words."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext

import structlog

from flows.engine.flow import Answer, Say
from flows.engine.session import Draft, Option
from handlers.routing import menu
from handlers.routing.command import Command
from handlers.routing.talk import Talk
from handlers.staff.seat import explain_no_seat
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.people.erased_phone import tries_from_phone
from models.staff.member import find_staff

# So many refused commands of one person are recorded in a day; one more link says that there were others. Whoever
# follows the account could else grow the trail, which nothing is ever taken out of, as fast as they can type.
MOST_REFUSED = 20
_COMMAND = "command"

log = structlog.get_logger()


def run_command(talk: Talk, name: str, arguments: list[str]) -> Answer:
    """Run a command. A staff command of a person without the role is answered like an unknown word, and recorded.

    Whose seat is over or not confirmed yet is told so, and what the seat had on the screen goes.
    """
    command = talk.commands.table.get(name)
    if command is None:
        return Answer([Say("replies/routing/stale")], outcome="stale")
    if not may_run(talk, command):
        return explain_no_seat(talk) or menu.not_understood(talk)
    try:
        with nullcontext() if command.only_reads else talk.turn.atomic():
            answer = command.run(talk, *arguments)
    except Refusal as refusal:
        return _refused(refusal, to_staff=bool(command.staff))
    answer.outcome = name if answer.outcome == "answered" else answer.outcome
    return answer


def may_run(talk: Talk, command: Command) -> bool:
    """Tell whether the person has the role that the command asks for; the attempt of one without it is recorded.

    Of more than MOST_REFUSED in a day, the trail keeps that there were more, and the log each of them.
    """
    if command.staff is None:
        return True
    person = talk.turn.person
    staff = find_staff(talk.turn.db, person.account, person.openid, talk.world.now)
    if staff and staff.role in command.staff:
        return True
    _record_refused(talk, command, f"staff:{staff.id}" if staff else f"conversation:{person.conversation_id}")
    return False


def _record_refused(talk: Talk, command: Command, actor: str) -> None:
    db, now, conversation = talk.turn.db, talk.world.now, talk.turn.person.conversation_id
    earlier = tries_from_phone(db, _COMMAND, conversation, now)
    if earlier > MOST_REFUSED:
        log.info("command.refused", conversation=conversation, command=command.name)
        return
    action, detail = ("command_refused", command.name) if earlier < MOST_REFUSED else ("more_refused", None)
    record(db, at=now, actor=actor, action=action, subject=_COMMAND, subject_id=conversation, detail=detail)


def _refused(refusal: Refusal, *, to_staff: bool = False) -> Answer:
    """Answer a refusal. ``to_staff``: a staff command was refused, so the words may point to the queue."""
    options = [Option(number, "", ["command", *way]) for number, way in enumerate(refusal.ways, 1)]
    values = {**refusal.values, "to_staff": to_staff}
    return Answer([Say("replies/refusals", refusal.code, {"v": values})], options, refusal.code)


def aside(talk: Talk, answer_it: Callable[[Talk], Answer]) -> Answer:
    """Answer something else while a draft is open: park it, and say how to go on with it, unless a number does."""
    parked = talk.engine.park(talk.session)
    answer = answer_it(talk)
    offered = parked and any(option.do == ["resume", parked.id] for option in answer.options)
    if parked and parked in talk.session.drafts and talk.session.focus is None and parked.begun and not offered:
        answer.says.append(
            Say("flows/engine/drafts", "parked_note", {"v": {"flow": parked.flow, "given": parked.given}})
        )
    return answer


def finish(talk: Talk, answer: Answer) -> Answer:
    """Complete the engine's answer: run ``done`` for a confirmed draft, else ``check_answers``, which may refuse."""
    return _finish(talk, answer.confirmed) if answer.confirmed else _check_answers(talk, answer)


def _check_answers(talk: Talk, answer: Answer) -> Answer:
    draft = talk.session.draft
    flow = talk.engine.flows[draft.flow] if draft else None
    if draft is None or flow is None or flow.check_answers is None:
        return answer
    try:
        flow.check_answers(talk.turn, draft)
    except Refusal as refusal:
        if refusal.final:
            talk.session.drop(draft)
            return _refused(refusal)
        return talk.engine.refused(talk.session, draft, refusal, talk.world)
    return answer


def _finish(talk: Talk, draft: Draft) -> Answer:
    flow = talk.engine.flows[draft.flow]
    try:
        with talk.turn.atomic():
            answer = flow.done(talk.turn, draft)
    except Refusal as refusal:
        if refusal.final:
            talk.session.drop(draft)
            return _refused(refusal)
        return talk.engine.refused(talk.session, draft, refusal, talk.world)
    talk.session.drop(draft)
    answer.outcome, answer.flow, answer.step = "done", draft.flow, "done"
    return answer


def add_review_facts(talk: Talk, answer: Answer) -> Answer:
    """Add the facts of the flow's ``review_facts`` to a review that the answer shows."""
    draft = talk.session.draft
    flow = talk.engine.flows[draft.flow] if draft else None
    if flow is None or draft is None or flow.review_facts is None:
        return answer
    facts: Mapping[str, object] | None = None
    for index, say in enumerate(answer.says):
        if say.template == flow.words("review"):
            facts = facts if facts is not None else flow.review_facts(talk.turn, draft)
            answer.says[index] = Say(say.template, say.macro, {"v": {**say.values["v"], "facts": facts}})
    return answer

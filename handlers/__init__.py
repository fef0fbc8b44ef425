"""What kind of message is it, and who continues it?"""

from collections.abc import Callable
from dataclasses import replace

from flows.engine.draft_choices import list_dropped
from flows.engine.engine import Engine
from flows.engine.flow import Answer, Say
from flows.engine.position import cursor
from flows.engine.session import Screen, Session
from flows.engine.turn import TurnContext
from handlers.notifications import push_replies
from handlers.rights import export
from handlers.routing import events, media, text
from handlers.routing.dispatch import add_review_facts
from handlers.routing.owned_kinds import OWNED_KINDS
from handlers.routing.subject_actions import SUBJECT_ACTIONS
from handlers.routing.talk import Talk
from handlers.routing.typed_commands import TypedCommands
from handlers.staff.subject_actions import actions_for
from models.people.message import Message, MessageKind

FRESH_START = Say("replies/routing/fresh_start")
HANDLERS: dict[MessageKind, Callable[[Talk], Answer]] = {
    MessageKind.TEXT: text.handle,
    MessageKind.IMAGE: media.handle,
    MessageKind.VOICE: media.handle,
    MessageKind.VIDEO: media.handle,
    MessageKind.SHORT_VIDEO: media.handle,
    MessageKind.LOCATION: media.handle,
    MessageKind.LINK: media.handle,
    MessageKind.EVENT: events.handle,
    MessageKind.UNKNOWN: media.handle,
}


class Router:
    """Everything the program can answer: the flows and the commands."""

    def __init__(self, engine: Engine, commands: TypedCommands) -> None:
        self.engine = engine
        self.commands = commands

    def begin_afresh(self, turn: TurnContext) -> Answer:
        """Answer a person whose session was set aside, and stop all their waiting requests."""
        return Answer([*export.stop_unseen(turn), FRESH_START], outcome="set_aside")

    def route(self, turn: TurnContext, session: Session, message: Message) -> Answer:
        """Changes the session in place and says what to reply; runs inside the turn's transaction."""
        talk = Talk(turn, session, message, self.engine, self.commands, SUBJECT_ACTIONS, OWNED_KINDS)
        dropped = session.age(turn.world.now)
        stopped = export.stop(turn, session, message)
        push_replies.put_on_screen(talk)
        self.engine.migrate_drafts(session)
        spoken = message.kind is MessageKind.VOICE and message.text
        handler = text.handle if spoken else HANDLERS[message.kind]
        answer = add_review_facts(talk, handler(talk))
        if answer.says:
            session.shown = turn.world.now.timestamp()
            session.screen = _screen(session.screen, answer, int(session.shown))
            answer.says += list_dropped(dropped)
        else:
            session.drafts[:0] = dropped  # none is dropped unsaid: the next turn that says something says this, too
        answer.says = export.tell_stopped(stopped, answer.says)
        session.stoppable = turn.stoppable or session.stoppable
        self._mark(session, answer)
        return answer

    def look(self, turn: TurnContext, reference: str) -> Answer:
        """Show a file to staff as 看 does, outside of any conversation: nothing of it stays on anybody's screen.

        Records the access; raises the refusal of its room."""
        message = Message(MessageKind.TEXT, turn.person.account, turn.person.openid, int(turn.world.now.timestamp()))
        talk = Talk(turn, Session(), message, self.engine, self.commands, SUBJECT_ACTIONS, OWNED_KINDS)
        actions, number = actions_for(talk, reference)
        return actions.show_file(talk, number)

    def _mark(self, session: Session, answer: Answer) -> None:
        """Where the conversation stands now; a flow that has just been finished has said so itself."""
        draft = session.draft
        if draft is None or answer.flow:
            return
        step = cursor(self.engine.flows[draft.flow], draft)
        answer.flow, answer.step = draft.flow, step.name if step else "review"


def _screen(before: Screen | None, answer: Answer, now: int) -> Screen | None:
    """Put the answer's choices on the screen, in the place of what stood there or after it."""
    if not answer.keeps_screen:
        return Screen(answer.options, now) if answer.options else None
    if before is None:  # what is added to nothing does not become what stands: the next of its kind replaces it
        return Screen(answer.options, now, added=len(answer.options)) if answer.options else None
    if not answer.options:
        return replace(before, at=now)
    return Screen([*before.standing, *answer.options], now, before.lines, len(answer.options))

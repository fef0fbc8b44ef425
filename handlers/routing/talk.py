"""Give handlers one turn's conversation: the message, the session, the flows and the commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from flows.engine.engine import Engine
from flows.engine.flow import Answer
from flows.engine.session import Session
from flows.engine.turn import TurnContext
from flows.engine.world import World
from handlers.routing.typed_commands import TypedCommands
from models.people.message import Message

if TYPE_CHECKING:
    from handlers.people.own_things import OwnedKind
    from handlers.staff.subject_actions import SubjectActions

# Namespace of draft ids, which are derived from the message that began the draft.
_DRAFTS = UUID("6c0b4c3e-5d0e-4a34-9f3a-2f7d5d0a9b11")


@dataclass(slots=True)
class Talk:
    turn: TurnContext
    session: Session
    message: Message
    engine: Engine
    commands: TypedCommands
    actions: "Mapping[str, SubjectActions]"
    owned: "Mapping[str, OwnedKind]"

    @property
    def world(self) -> World:
        return self.turn.world

    def start(self, flow_name: str, given: dict[str, Any] | None = None, **answers: Any) -> Answer:
        """Begin a flow. Raises the refusal of the flow's ``admit``."""
        flow = self.engine.flows[flow_name]
        given = given or {}
        if flow.admit:
            given = flow.admit(self.turn, given)
        draft_id = str(uuid5(_DRAFTS, self.message.key))
        return self.engine.start(self.session, flow, draft_id, given, answers, self.world)

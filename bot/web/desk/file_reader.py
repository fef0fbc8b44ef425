"""Read a file as the chat shows it (看), in words, for a page: its numbered decisions stay in the chat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.places.lookup import find_places, get_place
from bot.words.render import Renderer
from flows.engine.flow import Answer, Say
from flows.engine.turn import Person, TurnContext
from flows.engine.world import World
from flows.language.lexicon import Lexicon
from models.people.conversation import Conversation
from models.staff.member import SAME_WECHAT, Staff

_BELOW = Say("shared/desk/kinds", "below")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """``galleries``: the things whose pictures the file links to (``appeal:12``), in the order of the file."""

    words: str
    galleries: Sequence[str]


@dataclass(frozen=True, slots=True)
class FileReader:
    """``look``: a turn's context and a reference -> the chat's answer; it records the access, or raises Refusal."""

    renderer: Renderer
    lexicon: Lexicon
    look: Callable[[TurnContext, str], Answer]
    collects: bool

    def read(self, db: Session, staff: Staff, reference: str, now: datetime) -> ReadFile:
        """Open the file for this seat, in the caller's transaction."""
        galleries: list[str] = []

        def link(kind: str, what: str) -> str:
            if kind != "pictures":
                return ""
            galleries.append(what)
            return self.renderer.say(_BELOW)

        found = select(Conversation).join(Staff, SAME_WECHAT).where(Staff.id == staff.id)
        conversation = db.scalars(found).one()
        person = Person(conversation.id, conversation.account, conversation.openid, conversation.user_id)
        world = World(
            now,
            self.lexicon,
            lambda text: find_places(db, text, near=staff.region_code),
            link,
            lambda code: get_place(db, code),
            collects=self.collects,
        )
        turn = TurnContext(db.connection(), person, world)
        answer = self.look(turn, reference)
        turn.flush()
        return ReadFile(self.renderer.render(map(_without_ways, answer.says)), list(dict.fromkeys(galleries)))


def _without_ways(say: Say) -> Say:
    return replace(say, values={**say.values, "ways": []}) if "ways" in say.values else say

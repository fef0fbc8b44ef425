"""Lead a person through a flow. Pure: what it knows of the world comes in with each call.

The session handed in is this turn's own copy and is changed in place. The next
question is always derived: the step being edited, else the first applicable
step without an answer, else the review. So back, edit, resume and a new
version of a flow need no bookkeeping.
"""

from collections.abc import Iterable
from typing import Any

from flows.engine.draft_choices import ask_to_drop, list_drafts, offer_earlier, offer_ways_out
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.position import Position, cursor, draft_say, live_answers
from flows.engine.session import MOST_DRAFTS, Draft, Session
from flows.engine.world import World
from flows.language.numerals import ordinal
from flows.language.wording import plain
from flows.readers.base import Accepted, Asking, Offer, Partial, Reading, Rejected
from models.core.refusal import Refusal
from models.people.message import Message

MISSES_BEFORE_HELP = 3


class Engine:
    def __init__(self, flows: Iterable[Flow]) -> None:
        self.flows: dict[str, Flow] = {flow.name: flow for flow in flows}

    # Loading

    def migrate_drafts(self, session: Session) -> None:
        """Migrate drafts of older versions to today's flows; drop a draft whose flow no longer exists."""
        for draft in list(session.drafts):
            flow = self.flows.get(draft.flow)
            if flow is None:
                session.drop(draft)
                continue
            while draft.version < flow.version:
                migrate = flow.migrations.get(draft.version)
                if migrate:
                    draft.answers = migrate(dict(draft.answers))
                draft.version += 1

    # Starting, leaving, coming back

    def start(
        self, session: Session, flow: Flow, draft_id: str, given: dict[str, Any], answers: dict[str, Any], world: World
    ) -> Answer:
        """Begin a flow; an unfinished draft about the same thing is offered back first."""
        same = [d for d in session.drafts if d.flow == flow.name and (flow.single or d.given == given)]
        earlier = same[0] if same else None
        if earlier and flow.single:
            earlier.given |= {name: value for name, value in given.items() if value}
            return self.resume(session, world, earlier.id)
        if earlier and earlier.begun:
            session.focus = None
            return offer_earlier(earlier)
        if earlier:
            session.drop(earlier)
        if len(session.drafts) >= MOST_DRAFTS:
            return list_drafts(session, "too_many")
        now = int(world.now.timestamp())
        draft = Draft(draft_id, flow.name, flow.version, now, now, given=given, again=list(given.get("again", [])))
        session.drafts.append(draft)
        session.focus = draft.id
        for name, value in answers.items():
            step = flow.step(name)
            if step and step.judge(value, Asking(world, draft.answers)) is None:
                draft.answers[name] = draft.preset[name] = value
        return self.ask(session, draft, world)

    def resume(self, session: Session, world: World, draft_id: str | None = None) -> Answer:
        """Go on with a draft: the one named, the one in focus, or the only one; else ask which."""
        draft = session.find(draft_id) if draft_id else session.draft
        if draft is None and len(session.drafts) == 1:
            draft = session.drafts[0]
        if draft is None:
            return list_drafts(session)
        session.focus = draft.id
        draft.misses = 0
        answer = self.ask(session, draft, world)
        answer.outcome = "resumed"
        return answer

    def park(self, session: Session) -> Draft | None:
        """Take the draft out of focus; everything in it stays."""
        draft = session.draft
        session.focus = None
        return draft

    # Words that work inside every flow

    def back(self, session: Session, draft: Draft, world: World) -> Answer:
        """Return to the question before this one; its old answer stays until a new one is given."""
        flow = self.flows[draft.flow]
        live = live_answers(flow, draft)
        current = cursor(flow, draft)
        before = flow.steps if current is None else flow.steps[: flow.steps.index(current)]
        earlier = [step for step in before if step.name in live]
        if not earlier:
            answer = self.ask(session, draft, world)
            answer.says.insert(0, draft_say(draft, "flows/engine/drafts", "first_step"))
            return answer
        draft.editing = earlier[-1].name
        draft.offered = []
        draft.misses = 0
        return self.ask(session, draft, world)

    def help(self, session: Session, draft: Draft, world: World) -> Answer:
        """Explain the current question with an example, and ask it again."""
        at = self._position(draft, world)
        step = at.cursor
        answer = self.ask(session, draft, world)
        if step:
            answer.says.insert(0, at.say(step, "help"))
        answer.outcome = "helped"
        return answer

    # What a number on the screen can mean to the engine

    def carry_out(self, session: Session, verb: list[str], world: World) -> Answer:
        """Carry out a screen's choice: resume, fresh, drop, ask_to_drop, park, example."""
        match verb:
            case ["resume", draft_id] if session.find(draft_id):
                return self.resume(session, world, draft_id)
            case ["fresh", draft_id] if draft := session.find(draft_id):
                draft.answers, draft.so_far, draft.offered, draft.editing = dict(draft.preset), {}, [], None
                draft.again = list(draft.given.get("again", []))
                return self.resume(session, world, draft_id)
            case ["drop", draft_id] if draft := session.find(draft_id):
                session.drop(draft)
                return Answer([draft_say(draft, "flows/engine/drafts", "dropped")], outcome="dropped")
            case ["ask_to_drop"] if draft := session.draft:
                return ask_to_drop(draft)
            case ["park"] if draft := self.park(session):
                return Answer([draft_say(draft, "flows/engine/drafts", "parked")], outcome="parked")
            case ["example"] if draft := session.draft:
                return self.help(session, draft, world)
        return Answer([Say("replies/routing/stale", None, {})], outcome="stale")

    # Reading

    def takes_any_words(self, session: Session) -> bool:
        """Tell whether the current question takes any words of the person (``Reader.free``)."""
        step = self._step(session)
        return step is not None and step.reader.free

    def takes_story(self, session: Session) -> bool:
        """Tell whether the current question asks to tell something, and not only for a name or a title."""
        step = self._step(session)
        return step is not None and step.reader.is_story

    def _step(self, session: Session) -> Step | None:
        draft = session.draft
        return cursor(self.flows[draft.flow], draft) if draft else None

    def shows_choice(self, session: Session, text: str, world: World) -> bool:
        """Tell whether the text is exactly one of the choices that the draft in focus shows."""
        draft = session.draft
        if draft is None:
            return False
        flow = self.flows[draft.flow]
        step = cursor(flow, draft)
        number = ordinal(text)
        if step is None:
            meant = number is not None or world.lexicon.means(flow.confirm, text)
            return meant or _line(text, world, len(live_answers(flow, draft))) is not None
        if draft.offered:
            return number is not None and 1 <= number <= len(draft.offered)
        return step.reader.exact(text, Position(flow, draft, world).asking(step)) is not None

    def read_message(self, session: Session, draft: Draft, message: Message, world: World) -> Answer:
        """Let the draft in focus read a message: as the answer to its question, or as a word on its review."""
        at = self._position(draft, world)
        draft.touched = int(world.now.timestamp())
        step = at.cursor
        if step is None:
            return self._read_on_review(session, at, message)
        if at.may_keep(step) and world.lexicon.means("keep", message.text):
            _settle(draft, step)
            return self.ask(session, draft, world)
        reading = _read(at, step, message)
        match reading:
            case Accepted(value):
                return self._accept(session, at, step, value)
            case Partial(so_far, values):
                draft.so_far[step.name] = so_far
                draft.misses = 0
                return Answer([at.say(step, "more", values)], outcome="more")
            case Offer(options):
                draft.offered = [[label, value] for label, value in options]
                return Answer([at.which(step)], outcome="which")
            case Rejected(code, values):
                return self._count_miss(at, at.say(step, code, values), code)

    def _accept(self, session: Session, at: Position, step: Step, value: Any) -> Answer:
        draft = at.draft
        draft.answers[step.name] = value
        draft.so_far.pop(step.name, None)
        _settle(draft, step)
        draft.misses = 0
        answer = self.ask(session, draft, at.world)
        if answer.outcome != "reviewing":
            answer.says.insert(0, at.echo(step, value))
        return answer

    def _read_on_review(self, session: Session, at: Position, message: Message) -> Answer:
        draft, world = at.draft, at.world
        if world.lexicon.means(at.flow.confirm, message.text):
            recheck = self.ask(session, draft, world)
            if recheck.outcome == "reviewing":
                recheck.confirmed = draft
            return recheck
        live = at.live
        steps = [step for step in at.flow.steps if step.name in live]
        number = _line(message.text, world, len(steps))
        if number is not None:
            draft.editing = steps[number - 1].name
            return self.ask(session, draft, world)
        hint = draft_say(draft, "flows/engine/drafts", "review_hint", {"most": len(steps), "confirm": at.flow.confirm})
        return self._count_miss(at, hint, "review_hint")

    def _count_miss(self, at: Position, say: Say, code: str) -> Answer:
        """Count a wrong answer; the third in a row offers the four ways out.

        A question with numbered choices is asked again then, and the ways out are numbered after its choices.
        """
        draft = at.draft
        draft.misses += 1
        if draft.misses < MISSES_BEFORE_HELP:
            return Answer([say], outcome=code, tries=draft.misses)
        tries, draft.misses = draft.misses, 0
        says = at.question().says if at.choices else [say]
        return offer_ways_out(draft, says, at.choices, tries)

    # Asking

    def ask(self, session: Session, draft: Draft, world: World) -> Answer:
        """Ask the current question, or show the review; an answer that is no longer valid is asked anew."""
        draft.touched = int(world.now.timestamp())
        return self._position(draft, world).question()

    def refused(self, session: Session, draft: Draft, refusal: Refusal, world: World) -> Answer:
        """Say why ``done`` or ``check_answers`` refused, and return to the refused step, or else stay on the review."""
        says = [Say("replies/refusals", refusal.code, {"v": refusal.values})]
        if refusal.step and refusal.step in draft.answers:
            # The old answer would be refused again, so it must not be offered to be kept.
            del draft.answers[refusal.step]
            draft.editing = refusal.step
            says += self.ask(session, draft, world).says
        return Answer(says, outcome=refusal.code)

    def _position(self, draft: Draft, world: World) -> Position:
        return Position(self.flows[draft.flow], draft, world)


def _settle(draft: Draft, step: Step) -> None:
    """Note that the step has its answer, an old or a new one."""
    draft.editing = None
    draft.again = [name for name in draft.again if name != step.name]


def _line(text: str, world: World, most: int) -> int | None:
    """Read the number of a review's line, alone or after a word for changing (改 3); None where there is none."""
    said = plain(text)
    word = max((word for word in world.lexicon.words["fix"] if said.startswith(word)), key=len, default="")
    number = ordinal(said.removeprefix(word))
    return number if number is not None and 1 <= number <= most else None


def _is_yes(text: str, world: World) -> bool:
    return world.lexicon.pick("only_offer", text) == "yes" or world.lexicon.means("confirm", text)


def _read(at: Position, step: Step, message: Message) -> Reading:
    draft, asking = at.draft, at.asking(step)
    number = ordinal(message.text)
    # A single offer is asked as a yes-or-no question.
    if len(draft.offered) == 1 and _is_yes(message.text, at.world):
        number = 1
    if draft.offered and number is not None and 1 <= number <= len(draft.offered):
        reading: Reading = Accepted(draft.offered[number - 1][1])
    else:
        reading = step.reader.read(message, asking)
    if not isinstance(reading, Rejected):
        draft.offered = []
    if isinstance(reading, Accepted):
        return step.judge(reading.value, asking) or reading
    return reading

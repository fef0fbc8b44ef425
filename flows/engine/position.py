"""Derive a draft's position in its flow, and the words for it; neither is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.world import World
from flows.readers.base import Asking


def draft_say(draft: Draft, template: str, macro: str, values: Mapping[str, Any] | None = None) -> Say:
    """Say something about a draft; the template gets its ``flow`` and ``given``."""
    return Say(template, macro, {"v": {"flow": draft.flow, "given": draft.given, **(values or {})}})


def live_answers(flow: Flow, draft: Draft) -> dict[str, Any]:
    """Return the answers that count: those of steps that apply, given the answers before them."""
    live: dict[str, Any] = {}
    for step in flow.steps:
        if step.name in draft.answers and step.applies(live):
            live[step.name] = draft.answers[step.name]
    return live


def cursor(flow: Flow, draft: Draft) -> Step | None:
    """Return the step to ask now; None when only the review is left."""
    live = live_answers(flow, draft)
    for name in filter(None, (draft.editing, *draft.again)):
        edited = flow.step(name)
        if edited and edited.applies(live):
            return edited
    return next((step for step in flow.steps if step.name not in live and step.applies(live)), None)


@dataclass(frozen=True, slots=True)
class Position:
    flow: Flow
    draft: Draft
    world: World

    @property
    def live(self) -> dict[str, Any]:
        return live_answers(self.flow, self.draft)

    @property
    def cursor(self) -> Step | None:
        return cursor(self.flow, self.draft)

    def asking(self, step: Step) -> Asking:
        return Asking(self.world, self.live, self.draft.so_far.get(step.name))

    def may_keep(self, step: Step) -> bool:
        """Tell whether an edited step has an old answer that is still valid, and no unfinished new one to lose."""
        draft = self.draft
        asked_again = step.name in (draft.editing, *draft.again)
        if not asked_again or step.name not in draft.answers or draft.so_far.get(step.name):
            return False
        return step.judge(draft.answers[step.name], self.asking(step)) is None

    @property
    def choices(self) -> int:
        """Count the numbered lines that the current question or the review shows."""
        step = self.cursor
        if step is None:
            return len(self.live)
        return len(self.draft.offered or step.reader.facts(self.asking(step)).get("options", ()))

    # Words

    def question(self) -> Answer:
        """Ask the current question, or show the review; an answer that is no longer valid is asked anew."""
        step = self.cursor
        if step is None:
            return self._review()
        if self.draft.offered:
            return Answer([self.which(step)], outcome="which")
        says = [self.say(step, "ask")]
        if self.may_keep(step):
            says.append(draft_say(self.draft, "flows/engine/drafts", "keep_hint"))
        return Answer(says, outcome="asked")

    def _review(self) -> Answer:
        live, review = self.live, self.flow.words("review")
        steps = [step for step in self.flow.steps if step.name in live]
        for step in steps:
            rejected = step.judge(live[step.name], Asking(self.world, live))
            if rejected:
                self.draft.editing = step.name
                says = [self.say(step, rejected.code, rejected.values), self.say(step, "ask")]
                return Answer(says, outcome=rejected.code)
        lines = [self.echo(step, live[step.name], line=number) for number, step in enumerate(steps, 1)]
        head, foot = (draft_say(self.draft, review, part) for part in ("head", "foot"))
        return Answer([head, *lines, foot], outcome="reviewing")

    def echo(self, step: Step, value: Any, **more: Any) -> Say:
        """Repeat an answer as it was understood."""
        shown = None if value is None else step.reader.shown(value, self.world)
        return self.say(step, "echo", {"value": shown, **more})

    def which(self, step: Step) -> Say:
        numbered = [(number, label) for number, (label, _) in enumerate(self.draft.offered, 1)]
        return self.say(step, "which", {"offered": numbered, "meant": [value for _, value in self.draft.offered]})

    def say(self, step: Step, macro: str, values: Mapping[str, Any] | None = None) -> Say:
        """Say one macro of the step's template, with the bounds and options of its reader."""
        old = self.draft.answers.get(step.name)
        said = step.reader.shown(old, self.world) if old is not None and macro == "ask" else None
        facts = step.reader.facts(self.asking(step))
        return draft_say(self.draft, self.flow.words(step.name), macro, {"said": said, **facts, **(values or {})})

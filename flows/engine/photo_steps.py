"""Give a draft photos before, or after, its own question asks for them."""

from typing import Any

from flows.engine.flow import Flow, Step
from flows.engine.position import live_answers
from flows.engine.session import Draft
from flows.readers import Photo


def photo_step(flow: Flow, draft: Draft) -> Step | None:
    """Return the draft's question that takes photos; None where it has none, or none yet."""
    live = live_answers(flow, draft)
    return next((step for step in flow.steps if isinstance(step.reader, Photo) and step.applies(live)), None)


def add_photos(draft: Draft, step: Step, pictures: list[dict[str, str]]) -> list[dict[str, str]]:
    """Add pictures to those of the step, up to its most; an answered step is asked again, with all of them.

    Returns the pictures that found no room.
    """
    assert isinstance(step.reader, Photo)  # noqa: S101 - photo_step returns no other
    there: list[Any] = list(draft.so_far.get(step.name) or draft.answers.get(step.name) or [])
    known = {picture["media_id"] for picture in there}
    there += [picture for picture in pictures if picture["media_id"] not in known]
    draft.so_far[step.name] = there[: step.reader.max]
    draft.misses = 0
    if step.name in draft.answers:
        draft.editing, draft.offered = step.name, []
    return there[step.reader.max :]

"""Offer numbered choices about drafts: to go on with one, to begin it anew, to drop it."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from flows.engine.position import draft_say
from flows.engine.session import Draft, Option, Session

_WORDS = "flows/engine/drafts"


def list_drafts(session: Session, macro: str = "list") -> Answer:
    """List the unfinished drafts, to pick one to go on with."""
    if not session.drafts:
        return Answer([Say(_WORDS, "no_drafts", {"v": {}})], outcome="no_draft")
    lines = [{"number": n, "flow": draft.flow, "given": draft.given} for n, draft in enumerate(session.drafts, 1)]
    options = [Option(n, "", ["resume", draft.id]) for n, draft in enumerate(session.drafts, 1)]
    return Answer([Say(_WORDS, macro, {"v": {"drafts": lines}})], options, outcome="listed_drafts")


def list_dropped(drafts: Sequence[Draft]) -> list[Say]:
    """Name the begun drafts among those that were dropped as too old; nothing without any."""
    begun = [{"flow": draft.flow, "given": draft.given} for draft in drafts if draft.begun]
    return [Say(_WORDS, "put_away", {"v": {"drafts": begun}})] if begun else []


def offer_earlier(draft: Draft) -> Answer:
    """Offer an unfinished draft about the same thing, before a new one is begun."""
    options = [Option(1, "", ["resume", draft.id]), Option(2, "", ["fresh", draft.id])]
    return Answer([draft_say(draft, _WORDS, "earlier")], options, outcome="offered_earlier")


def ask_to_drop(draft: Draft) -> Answer:
    """Ask before a draft is dropped (取消), so that typed answers are not lost by mistake."""
    options = [Option(1, "", ["drop", draft.id]), Option(2, "", ["park"]), Option(3, "", ["resume", draft.id])]
    return Answer([draft_say(draft, _WORDS, "drop")], options, outcome="asked_to_drop")


def ask_to_restart(draft: Draft) -> Answer:
    options = [Option(1, "", ["fresh", draft.id]), Option(2, "", ["resume", draft.id])]
    return Answer([draft_say(draft, _WORDS, "restart")], options, outcome="asked_to_restart")


def offer_ways_out(draft: Draft, says: Sequence[Say], after: int, tries: int) -> Answer:
    """Offer the four ways out of a question that was answered wrongly several times, after ``says``.

    ``after``: the highest number that the question itself shows; the ways out are numbered from the next one on.
    """
    ways = [["example"], ["park"], ["human"]]
    options = [Option(number, "", way) for number, way in enumerate(ways, after + 1)]
    options.append(Option(0, "", ["ask_to_drop"]))
    ways_out = draft_say(draft, _WORDS, "stuck", {"first": after + 1})
    return Answer([*says, ways_out], options, outcome="stuck", tries=tries)

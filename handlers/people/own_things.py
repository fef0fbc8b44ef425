"""改, 撤回, 下架, 送完了, 收到了, 卖完了: owners end or change what is theirs, by number, or chosen from a list.

A room declares what these words do to its things as an ``OwnedKind``; handlers.routing.owned_kinds collects them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import ask_which, one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, parse_reference

# Word -> the kind of thing that its bare number is of. In this order a thing's own page offers them.
WORDS: Mapping[str, str] = {
    "got_it": "request",
    "gave_all": "offer",
    "sold_out": "listing",
    "fix": "appeal",
    "withdraw": "appeal",
    "take_off": "listing",
}
# Things on one page of a list.
_MOST = 7
# Of one kind, so many things are listed; and so many where the word applies to none.
_MOST_OF_KIND = 50
_MOST_OTHERS = 2


class OwnThing(NamedTuple):
    """One of the person's own things, as the columns of ``OwnedKind.of_owner`` name it."""

    subject: str
    number: int
    title: str
    state: str

    @property
    def reference(self) -> str:
        return f"{self.subject}:{self.number}"


@dataclass(frozen=True, slots=True)
class Act:
    """What a word does to things in these ``states``. ``asks``: ``run`` itself asks before anything is done."""

    states: Collection[str]
    run: Callable[[Talk, int], Answer]
    asks: bool = False


@dataclass(frozen=True, slots=True)
class OwnedKind:
    """A kind of thing that people own. ``of_owner`` selects a user's: the columns ``id``, ``title`` and ``state``.

    ``otherwise`` (talk, word, number, words) answers or refuses where the word does nothing to the thing of this
    number, which is another person's or in another state; None leaves a thing of the person's to the common answer.
    ``named_by_number``: people call it by its number, so that a bare number may be of it.
    """

    subject: str
    of_owner: Callable[[int], Select[*tuple[Any, ...]]]
    acts: Mapping[str, Act]
    otherwise: Callable[[Talk, str, int, str], Answer | None]
    named_by_number: bool = True

    def applies(self, word: str, state: str) -> bool:
        return word in self.acts and state in self.acts[word].states

    def words_for(self, state: str) -> list[str]:
        """List the words that apply to a thing in this state; 下架 is left out, which means what 撤回 does."""
        return [word for word in WORDS if word != "take_off" and self.applies(word, state)]

    def in_states(self, db: Session, user_id: int, states: Collection[str]) -> list[OwnThing]:
        """List the user's things in these states, the newest first."""
        own = self.of_owner(user_id).subquery()
        found = select(own).where(own.c.state.in_(states)).order_by(own.c.id.desc()).limit(_MOST_OF_KIND)
        return [OwnThing(self.subject, *row) for row in db.execute(found).all()]

    def numbered(self, db: Session, user_id: int, number: int) -> list[OwnThing]:
        """List the user's thing of this number, if there is one."""
        own = self.of_owner(user_id).subquery()
        return [OwnThing(self.subject, *row) for row in db.execute(select(own).where(own.c.id == number)).all()]


def ways_of_owner(talk: Talk, subject: str, number: int, state: str) -> dict[str, list[str]]:
    """Offer what the thing's owner may do with it now."""
    return {word: ["command", word, f"{subject}:{number}"] for word in talk.owned[subject].words_for(state)}


def use_word(word: str, talk: Talk, reference: str = "", words: str = "") -> Answer:
    """Do what the word says to the person's thing. Without a number list those to which it applies now.

    With one such thing, ask whether it is meant. Raises as the kind's ``otherwise`` does.
    """
    if not reference:
        return ask(talk, word, _applicable(talk, word))
    marked, number = _parse(reference)
    subject = marked or WORDS[word]
    # Officers say these words of other people's things: their bare numbers are of one kind alone.
    other = [] if marked or find_seat(talk) else [kind.subject for kind in talk.owned.values() if kind.named_by_number]
    kinds = list(dict.fromkeys((subject, *other)))
    own = _numbered(talk, kinds, number)
    fits = [thing for thing in own if talk.owned[thing.subject].applies(word, thing.state)]
    if fits and fits[0].subject == subject:
        return talk.owned[subject].acts[word].run(talk, number)
    if fits:
        return ask(talk, word, fits)
    kind = talk.owned[own[0].subject if own else subject]
    return kind.otherwise(talk, word, number, words) or _not_now(talk, word, own[0])


def ask(talk: Talk, word: str, things: Sequence[OwnThing], page: int = 0) -> Answer:
    """Ask which of these is meant; of one, whether it is; of none, show what else can be said of what there is."""
    if not things:
        return _nothing(talk, word)
    if len(things) == 1:
        return _confirm(talk, word, things[0])
    page = page if page * _MOST < len(things) else 0  # some may have ended since the page before was shown
    shown = things[page * _MOST : (page + 1) * _MOST]
    lines = list(enumerate(shown, 1))
    options = [Option(line, "", ["command", word, thing.reference]) for line, thing in lines]
    turn = ["more_own", word, str(page + 1)] if len(things) > (page + 1) * _MOST else None
    return one_page(talk, "replies/people/which_own", {"said": word, "lines": lines}, options, turn)


def more_own(talk: Talk, word: str, page: str) -> Answer:
    """Show another page of the list. Only a numbered line leads here."""
    return ask(talk, word, _applicable(talk, word), int(page))


def _applicable(talk: Talk, word: str) -> list[OwnThing]:
    user_id, db = talk.turn.person.user_id, talk.turn.db
    kinds = [kind for kind in talk.owned.values() if word in kind.acts] if user_id else []
    return [thing for kind in kinds for thing in kind.in_states(db, user_id or 0, kind.acts[word].states)]


def _numbered(talk: Talk, kinds: Sequence[str], number: int) -> list[OwnThing]:
    user_id = talk.turn.person.user_id
    if user_id is None:
        return []
    return [thing for name in kinds for thing in talk.owned[name].numbered(talk.turn.db, user_id, number)]


def _confirm(talk: Talk, word: str, thing: OwnThing) -> Answer:
    act = talk.owned[thing.subject].acts[word]
    if act.asks:
        return act.run(talk, thing.number)
    ways = {"yes": ["command", word, thing.reference], "no": ["command", "mine"]}
    return with_ways("replies/people/confirm_own", {"said": word, "thing": thing}, ways)


def other_words(talk: Talk, word: str, reference: str) -> Answer:
    """Say which words apply to the person's thing instead. Only a numbered line leads here."""
    subject, number = parse_reference(reference)
    found = _numbered(talk, [subject], number)
    return _not_now(talk, word, found[0]) if found else _nothing(talk, word)


def _not_now(talk: Talk, word: str, thing: OwnThing) -> Answer:
    """Say where the thing stands, and which words apply to it now."""
    ways = ways_of_owner(talk, thing.subject, thing.number, thing.state)
    return with_ways("replies/people/not_now", {"said": word, "thing": thing}, ways)


def _nothing(talk: Talk, word: str) -> Answer:
    """Say that the word applies to nothing of theirs, and list what other words do apply to."""
    user_id, db = talk.turn.person.user_id, talk.turn.db
    things = []
    for kind in talk.owned.values() if user_id else ():
        states = {state for act in kind.acts.values() for state in act.states}
        things += [
            (thing, kind.words_for(thing.state)) for thing in kind.in_states(db, user_id or 0, states)[:_MOST_OTHERS]
        ]
    return ask_which("replies/people/none_own", things, lambda one: ["other_words", word, one[0].reference], said=word)


def _parse(reference: str) -> tuple[str, int]:
    """Split a reference; of a bare number, typed or on an older screen, the kind is not known."""
    return parse_reference(reference if ":" in reference else f":{reference}")

"""Review requests, offers and listings: an officer approves each before it becomes public.

Each kind declares itself as a ``Reviewed`` (models.wiring). What was returned or changed is reviewed again, in another
round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.hooks import Registry
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine, WrongState
from models.core.subject import Subject
from models.goods.exchange import NoSuchThing
from models.goods.matches import leaving
from models.goods.rules import STRICT, GoodsRules
from models.notifications.notify import notify_user
from models.staff.decision import Decision, decide, passed_by
from models.staff.member import Staff, seats_of_users
from models.staff.pictures_opened import demand_opened
from models.staff.task import Matter, close_task, find_task, open_task
from models.staff.turn import HasConflict, demand_no_conflict, demand_region, demand_task
from models.verification.case import NotVerified, check_verified, is_suspended

KINDS = ("request", "offer", "listing")
# Why another officer reviews an officer's own things.
OWN = "own_goods"
# Why another officer than the one of the step before does the next.
DECIDED = "decided_before"
# The step of what the county took down and its owner mended.
AGAIN = "goods_again"
# States in which nothing is left to hand out.
ALL_GONE = ("exhausted", "sold_out")
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A kind of thing that officers review. ``approval_states``: what approval leads through; the last is public.

    ``taken_down``: the state to which an officer takes it down. ``of_household``: only a verified household's is
    reviewed. ``matter`` is its place and household, ``step`` the work on its first task, ``describe`` the facts that
    its file shows. ``needs_reason``: approval in a step needs a reason. ``prepare`` is called before it is submitted,
    ``on_public`` when it becomes public. ``waits``: nobody reviews it for now. ``then`` records an officer's approval
    in a step, and returns the step of another officer that follows, or None.
    """

    subject: Subject
    approval_states: tuple[str, ...]
    taken_down: str
    of_household: bool
    matter: Callable[[Session, Any], Matter]
    step: Callable[[Session, Any], str]
    describe: Callable[[Any], dict[str, Any]]
    needs_reason: Callable[[Any, str, GoodsRules], bool]
    prepare: Callable[[Session, Any], None]
    on_public: Callable[[Session, Any, datetime, GoodsRules], None]
    waits: Callable[[Session, Any], bool] = lambda _db, _thing: False
    then: Callable[[Session, Any, str, Staff, datetime], str | None] = lambda _db, _thing, _step, _staff, _now: None

    @property
    def public(self) -> str:
        return self.approval_states[-1]

    @property
    def public_states(self) -> tuple[str, ...]:
        """The public states from which the system submits it for another review."""
        return tuple(source for (source, to), by in self.machine.moves.items() if to == "submitted" and By.SYSTEM in by)

    @property
    def machine(self) -> Machine:
        assert self.subject.machine is not None  # noqa: S101 - what is reviewed has states
        return self.subject.machine


REVIEWED: Registry[Reviewed] = Registry("goods.review.REVIEWED", KINDS)


class NeedsReason(Refusal):
    """The listing ``number`` leads to a shop that is not on the list: approval needs a reason."""

    code = "needs_reason"


def submit(db: Session, kind: Reviewed, thing: Any, actor: Actor, now: datetime, detail: str | None = None) -> None:
    """Submit a thing, for the first time or again: only its owner and officers see it until it is approved."""
    again = thing.state != "draft"
    kind.prepare(db, thing)
    close_task(db, kind.subject.name, thing.id, now)
    kind.machine.move(db, thing, "submitted", actor, now, detail)
    thing.looked_at = None
    thing.round += 1 if again else 0
    db.flush()
    open_review(db, kind, thing, now)


def open_review(db: Session, kind: Reviewed, thing: Any, now: datetime) -> None:
    """Open the review task. The things of a household that is not verified yet, or is suspended, wait for that, without
    a deadline.

    Locks the household's cases, as decisions on them lock its things after them.
    """
    matter = kind.matter(db, thing)
    if kind.of_household:
        try:
            check_verified(db, matter.household_id, now)
        except NotVerified:
            return
        if is_suspended(db, matter.household_id):
            return  # the county decides on that first, whatever its owner mends meanwhile
    if kind.waits(db, thing):
        return
    step = AGAIN if _county_took_down(db, matter) else kind.step(db, thing)
    _open_step(db, thing, matter, step, now, {})


def _open_step(db: Session, thing: Any, matter: Matter, step: str, now: datetime, barred: Mapping[int, str]) -> None:
    own = dict.fromkeys(seats_of_users(db, [thing.owner_id]), OWN)
    open_task(db, matter, step, now, {**barred, **own})


def _county_took_down(db: Session, matter: Matter) -> bool:
    """Tell whether the county took it down and nobody approved it since: then the county reviews it again."""
    its_own = (Decision.subject == matter.subject) & (Decision.subject_id == matter.number)
    decided = select(Decision).where(its_own, Decision.verdict.in_(("pass", "freeze")))
    newest = db.scalar(decided.order_by(Decision.id.desc()).limit(1))
    return newest is not None and (newest.verdict, newest.role) == ("freeze", By.COUNTY)


def review_earlier(db: Session, now: datetime) -> int:
    """Submit for review what became public before reviews began; it is hidden until approved. Returns how many.

    Takes one batch of each kind, and skips what another transaction has locked.
    """
    count = 0
    for kind in REVIEWED.values():
        table = kind.subject.table
        unseen = (
            select(table)
            .where(table.state.in_(kind.public_states), table.looked_at.is_(None))
            .order_by(table.id)
            .limit(_BATCH)
        )
        for thing in db.scalars(unseen.with_for_update(skip_locked=True)).all():
            submit(db, kind, thing, SYSTEM, now, "earlier")
            notify_owner(db, kind, thing, now, ("earlier",))
            count += 1
    return count


def hold(db: Session, kind: Reviewed, number: int, *, lock: bool = True) -> Any:
    """Lock the row, and before it what its matches hold, and return it. Raises NoSuchThing."""
    if lock:
        leaving.lock_first(db, kind.subject.name, number)
    thing = db.get(kind.subject.table, number, with_for_update=lock, populate_existing=lock)
    if thing is None:
        raise NoSuchThing(what=kind.subject.name, number=number)
    return thing


def check_decidable(db: Session, staff: Staff, name: str, number: int) -> Any:
    """Lock and return the thing for the officer whose turn it is.

    Raises NoSuchThing, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    kind = REVIEWED[name]
    thing = hold(db, kind, number)
    demand_task(db, staff, kind.matter(db, thing), thing.state)
    return thing


def demand_pictures_opened(db: Session, staff: Staff, name: str, number: int) -> None:
    """Check that this officer has opened the photos since it was submitted. Raises PicturesNotOpened."""
    submitted = AuditEvent.to_state == "submitted"
    demand_opened(db, staff, name, number, changes=submitted, photos=REVIEWED[name].subject.photos)


def approve(
    db: Session, staff: Staff, name: str, number: int, rules: GoodsRules, now: datetime, reasons: Sequence[str] = ()
) -> Any:
    """Approve it, which makes it public, or has another officer look next; notify its owner of what is public.

    Raises NotVerified, PicturesNotOpened, NeedsReason, DecidedBefore, or as ``check_decidable`` does.
    """
    kind = REVIEWED[name]
    if kind.of_household:
        # Cases are locked before things; whose it is never changes.
        found = db.get(kind.subject.table, number)
        check_verified(db, kind.matter(db, found).household_id if found else None, now)
    thing = check_decidable(db, staff, name, number)
    demand_pictures_opened(db, staff, name, number)
    step, matter = step_of_task(db, name, number), kind.matter(db, thing)
    if kind.needs_reason(thing, step, rules) and not reasons:
        raise NeedsReason(number=number)
    decide(db, matter, thing.round, staff, "pass", now, reasons)
    close_task(db, name, number, now, staff)
    following = kind.then(db, thing, step, staff, now)
    if following:
        barred = dict.fromkeys(passed_by(db, matter, thing.round), DECIDED)
        _open_step(db, thing, matter, following, now, barred)
        return thing
    publish(db, kind, thing, staff.actor, now, rules)
    notify_owner(db, kind, thing, now)
    return thing


def step_of_task(db: Session, name: str, number: int) -> str:
    """Return the step of its open task; empty where it has none."""
    task = find_task(db, name, number)
    return task.step if task else ""


def publish(db: Session, kind: Reviewed, thing: Any, actor: Actor, now: datetime, rules: GoodsRules = STRICT) -> None:
    """Make it public: ``actor`` approves, the system publishes, and ends it where nothing is left of it."""
    for state, by in zip(kind.approval_states, (actor, SYSTEM), strict=False):
        kind.machine.move(db, thing, state, by, now)
    gone = next((to for source, to in kind.machine.moves if source == kind.public and to in ALL_GONE), None)
    if gone and thing.available == 0:
        kind.machine.move(db, thing, gone, SYSTEM, now)
    thing.looked_at, thing.renewed_at, thing.asked_at = now, None, None
    db.flush()
    kind.on_public(db, thing, now, rules)


def return_or_reject(
    db: Session, staff: Staff, name: str, number: int, verdict: str, reasons: Sequence[str], now: datetime
) -> Any:
    """Return it to its owner, who may change it (``return``), or reject it (``reject``).

    Raises as ``check_decidable`` does.
    """
    kind, thing = REVIEWED[name], check_decidable(db, staff, name, number)
    decide(db, kind.matter(db, thing), thing.round, staff, verdict, now, reasons)
    close_task(db, name, number, now, staff)
    kind.machine.move(db, thing, {"return": "returned", "reject": "rejected"}[verdict], staff.actor, now)
    leaving.follow(db, name, number, thing.state, now, by_owner=False)
    db.flush()
    notify_owner(db, kind, thing, now, reasons)
    return thing


def check_may_take_down(db: Session, staff: Staff, name: str, number: int, *, lock: bool = True) -> Any:
    """Return what an officer of the place may take down. ``lock``: its row, as whoever takes it down has to.

    Raises NoSuchThing, OutsideRegion, NotIdentified, HasConflict or WrongState.
    """
    kind = REVIEWED[name]
    thing = hold(db, kind, number, lock=lock)
    matter = kind.matter(db, thing)
    demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    if staff.id in seats_of_users(db, [thing.owner_id]):
        raise HasConflict(subject=name, number=number, reason=OWN)
    kind.machine.check(thing.state, kind.taken_down, staff.actor)
    if thing.looked_at is None:
        raise WrongState(subject=name, state=thing.state, wanted=kind.taken_down)
    return thing


def take_down(db: Session, staff: Staff, name: str, number: int, reasons: Sequence[str], now: datetime) -> Any:
    """Take down a public thing; its owner may change and resubmit it. Raises as ``check_may_take_down`` does."""
    kind, thing = REVIEWED[name], check_may_take_down(db, staff, name, number)
    decide(db, kind.matter(db, thing), thing.round, staff, "freeze", now, reasons)
    kind.machine.move(db, thing, kind.taken_down, staff.actor, now)
    leaving.follow(db, name, number, thing.state, now, by_owner=False)
    thing.looked_at = None
    db.flush()
    notify_owner(db, kind, thing, now, reasons)
    return thing


def notify_owner(db: Session, kind: Reviewed, thing: Any, now: datetime, reasons: Sequence[str] = ()) -> None:
    """Notify its owner of its state, and of the reasons."""
    name = kind.subject.name
    facts = {"subject": name, "number": thing.id, "item": thing.title, "state": thing.state, "reasons": list(reasons)}
    key = f"goods_moved:{name}:{thing.id}:{thing.round}:{thing.state}"
    notify_user(db, thing.owner_id, "goods_moved", facts, key, now, about=(name, thing.id))


def reasons_of(db: Session, name: str, number: int) -> list[str]:
    """Return the codes of the newest decision's reasons."""
    its_own = (Decision.subject == name) & (Decision.subject_id == number)
    newest = db.scalar(select(Decision.reasons).where(its_own).order_by(Decision.id.desc()).limit(1))
    return newest.split(",") if newest else []

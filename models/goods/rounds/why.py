"""Say of a round what its household reads (its place and why), what everybody reads, and what officers read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.review import REVIEWED
from models.goods.rounds.round import ROUND, Candidate, Round
from models.goods.rounds.rule import BAND_POINTS, FIRST_COME, HELPED_POINTS, ties_of
from models.staff.file_access import may_read_as_authority, record_file_access
from models.staff.member import Staff, seats_of_users

PAGE = 100
# As many of an officer's lines as a message holds.
OFFICERS_PAGE = 8


@dataclass(frozen=True, slots=True)
class Why:
    """A household's own row of a round: ``place`` of ``of`` that could be given something, and what put it there.

    ``need``: the band of its need, from 1 to 5; ``waited`` in days; ``due``: points for a near day; ``helped``: how
    often in twelve months, as far as it counts. ``given`` in the offer's ``unit``. ``barred``: why it could get
    nothing, or None. ``fair``: by the rule, else who came first.
    """

    round_id: int
    request: int
    item: str
    offered: str
    unit: str
    key: str
    place: int
    of: int
    served: int
    need: int
    waited: int
    due: int
    helped: int
    near: int
    given: int
    barred: str | None
    fair: bool
    drawn_at: datetime


def why_of(db: Session, request: int, user_id: int | None) -> Why | None:
    """Return the newest drawn round's row of the user's own request; None before its first. Raises NoSuchThing."""
    asked = db.get(GoodsRequest, request)
    if asked is None or asked.owner_id != user_id:
        raise NoSuchThing(what="request", number=request)
    newest = (
        select(Candidate, Round, Offer)
        .join(Round, Round.id == Candidate.round_id)
        .join(Offer, Offer.id == Round.offer_id)
        .where(Candidate.request_id == request)
        .order_by(Candidate.id.desc())
        .limit(1)
    )
    found = db.execute(newest).first()
    if found is None:
        return None
    row, round_, offer = found
    counted = select(func.count(), func.count().filter(Candidate.given > 0)).where(
        Candidate.round_id == round_.id, Candidate.barred.is_(None)
    )
    of, served = db.execute(counted).one()
    assert round_.drawn_at is not None  # noqa: S101 - candidates are kept by the draw
    return Why(
        round_id=round_.id,
        request=request,
        item=asked.item,
        offered=offer.item,
        unit=offer.unit,
        key=row.key,
        place=row.place,
        of=of,
        served=served,
        need=row.need // BAND_POINTS,
        waited=row.waited,
        due=row.due,
        helped=row.helped // HELPED_POINTS,
        near=row.near,
        given=row.given,
        barred=row.barred,
        fair=round_.rule != FIRST_COME,
        drawn_at=round_.drawn_at,
    )


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A row that everybody may read. ``tie``: its place, by goods not collected, among those of one score, from 0."""

    place: int
    key: str
    need: int
    waited: int
    due: int
    helped: int
    near: int
    score: int
    tie: int
    lot: str
    given: int


@dataclass(frozen=True, slots=True)
class PublicRound:
    """A round as everybody may read it. ``seed``: None until it is drawn. ``candidates`` and ``barred`` are counts.

    ``after``: the place after which the next page begins, or None.
    """

    number: int
    state: str
    rule: int
    seed_hash: str
    seed: str | None
    opens_at: datetime
    closes_at: datetime
    drawn_at: datetime | None
    category: str
    unit: str
    there: int | None
    candidates: int
    barred: int
    rows: Sequence[PublicRow]
    after: int | None


def public_round(db: Session, number: int, after: int = 0, most: int = PAGE) -> PublicRound | None:
    """Return a page of a round's rows, those behind place ``after``; None where there is no such round."""
    found = db.execute(select(Round, Offer).join(Offer, Offer.id == Round.offer_id).where(Round.id == number)).first()
    if found is None:
        return None
    round_, offer = found
    drawn = round_.state == "drawn"
    counted = select(func.count().filter(Candidate.barred.is_(None)), func.count(Candidate.barred))
    candidates, barred = db.execute(counted.where(Candidate.round_id == number)).one()
    shown, ties = _page(db, number, after, most)
    return PublicRound(
        number=number,
        state=round_.state,
        rule=round_.rule,
        seed_hash=round_.seed_hash,
        seed=round_.seed if drawn else None,
        opens_at=round_.opens_at,
        closes_at=round_.closes_at,
        drawn_at=round_.drawn_at,
        category=offer.category,
        unit=offer.unit,
        there=round_.there,
        candidates=candidates,
        barred=barred,
        rows=[_public(row, tie) for row, tie in zip(shown, ties, strict=True)],
        after=shown[-1].place if shown and shown[-1].place < candidates else None,
    )


def _page(db: Session, number: int, after: int, most: int) -> tuple[list[Candidate], list[int]]:
    """Return a page's rows and their ties, which are counted from the first row of the same score."""
    theirs = select(Candidate).where(Candidate.round_id == number, Candidate.barred.is_(None)).order_by(Candidate.place)
    shown = list(db.scalars(theirs.where(Candidate.place > after).limit(most)))
    if not shown:
        return [], []
    same = theirs.where(Candidate.score == shown[0].score, Candidate.place <= after)
    whole = [*db.scalars(same), *shown]
    return shown, ties_of([(each.score, each.missed) for each in whole])[len(whole) - len(shown) :]


def _public(row: Candidate, tie: int) -> PublicRow:
    names = ("place", "key", "need", "waited", "due", "helped", "near", "score", "lot", "given")
    return PublicRow(tie=tie, **{name: getattr(row, name) for name in names})


@dataclass(frozen=True, slots=True)
class OfficersRow:
    """A row as officers of the place read it: with its request's number, and why it could get nothing."""

    request: int
    place: int
    score: int
    waited: int
    given: int
    barred: str | None


@dataclass(frozen=True, slots=True)
class OfficersRound:
    """The newest round of an offer as officers read it; ``number`` is None where there was none.

    ``after``: the place after which the next page begins, or None.
    """

    number: int | None
    state: str
    closes_at: datetime | None
    there: int | None
    unit: str
    rows: Sequence[OfficersRow]
    after: int | None


def rounds_for_officer(db: Session, staff: Staff, offer_id: int, after: int, now: datetime) -> OfficersRound:
    """Return a page of an offer's newest round to an officer of its place; the reading is recorded.

    Raises NoSuchThing to whoever may not read the offer's file, and to its donor.
    """
    offer = db.get(Offer, offer_id)
    readable = offer is not None and may_read_as_authority(db, staff, REVIEWED["offer"].matter(db, offer))
    if offer is None or not readable or staff.id in seats_of_users(db, [offer.donor_id]):
        raise NoSuchThing(what="offer", number=offer_id)
    newest = select(Round).where(Round.offer_id == offer_id).order_by(Round.id.desc()).limit(1)
    round_ = db.scalar(newest)
    if round_ is None:
        return OfficersRound(None, "", None, None, offer.unit, (), None)
    record_file_access(db, staff, ROUND.name, round_.id, None, now)
    theirs = select(Candidate).where(Candidate.round_id == round_.id, Candidate.place > after)
    found = db.scalars(theirs.order_by(Candidate.place).limit(OFFICERS_PAGE + 1)).all()
    shown = found[:OFFICERS_PAGE]
    names = ("place", "score", "waited", "given", "barred")
    return OfficersRound(
        number=round_.id,
        state=round_.state,
        closes_at=round_.closes_at,
        there=round_.there,
        unit=offer.unit,
        rows=[OfficersRow(row.request_id, **{name: getattr(row, name) for name in names}) for row in shown],
        after=shown[-1].place if len(found) > OFFICERS_PAGE else None,
    )

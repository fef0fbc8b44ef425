"""Hand out what lies at a handover point: by the six digits to whoever brings them, or by an officer's word."""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record, tries_today
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import WrongState
from models.goods.exchange import NoSuchThing, Offer
from models.goods.matches.holding import CODE_PURPOSE, collect
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import Match
from models.goods.points.arrival import demand_point
from models.goods.points.call_back import call_by_sample
from models.goods.points.collection_card import live_card_of, printers_of, void_card
from models.goods.points.point import Point
from models.goods.rules import GoodsRules
from models.proxy.mandate import acted_for
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, all_seats_of
from models.staff.turn import demand_identified
from models.verification.case import is_suspended, is_verified, lock_cases

# Wrong digits of a keeper in a day.
MOST_TRIES = 5


class TooManyWrongDigits(Refusal):
    """The keeper typed wrong digits ``most`` times today; until tomorrow none are looked at."""

    code = "too_many_wrong_digits"


class NotToOwnKin(Refusal):
    """Who would hand it out is of the household, or its kin."""

    code = "not_to_own_kin"
    final = True


class HouseholdMayNotCollect(Refusal):
    """The household is not verified now, or suspended. Nothing says which: the keeper need not know."""

    code = "household_may_not_collect"
    final = True


class PastBestBefore(Refusal):
    """The food's last ``day`` has passed."""

    code = "past_best_before"
    final = True


class KnowsTheDigits(Refusal):
    """The person would have handed it out without anybody else: an officer by their word, a keeper by digits they read.

    They keep the point, printed the household's card or answered for it, under this seat or another.
    """

    code = "knows_the_digits"
    final = True


class NoPhotoYet(Refusal):
    """Nothing is handed out without a photo of it."""

    code = "no_photo_yet"
    step = "photos"


@dataclass(frozen=True, slots=True)
class Lying:
    """What is about to be handed out. ``mark``: the keyed hash of its digits, by which it is the same later."""

    match: int
    item: str
    quantity: int
    unit: str
    mark: str


def find_by_digits(db: Session, keeper: Staff, digits: str, now: datetime) -> Lying | None:
    """Find what lies at the keeper's own point under these digits, and check that it may be handed out.

    None: nothing does; the try is recorded and counted, so it is no refusal, which would roll the record back.
    Raises NoPointKept, TooManyWrongDigits, KnowsTheDigits, or as ``check_may_hand_out``.
    """
    point = demand_point(db, keeper)
    if wrong_digits_today(db, keeper, now) >= MOST_TRIES:
        raise TooManyWrongDigits(most=MOST_TRIES)
    hashes = keyring().lookup_hashes(digits, CODE_PURPOSE)
    there = (Match.point_id == point.id) & (Match.state == "at_point")
    match = db.scalar(select(Match).where(there, Match.code_hash.in_(hashes)))
    if match is None:
        record(db, at=now, actor=keeper.actor.name, action="code_refused", subject=CODE_PURPOSE, subject_id=keeper.id)
        db.flush()
        return None
    offer = db.get_one(Offer, match.offer_id)
    _check_printed_no_card(db, match, keeper)
    check_may_hand_out(db, match, offer, keeper, now)
    return Lying(match.id, offer.item, match.quantity, offer.unit, match.code_hash or "")


def wrong_digits_today(db: Session, keeper: Staff, now: datetime) -> int:
    """Count the wrong digits that this person typed today, in any of their seats."""
    return tries_today(db, CODE_PURPOSE, all_seats_of(db, [keeper.id]), now)


def check_may_hand_out(db: Session, match: Match, offer: Offer, staff: Staff, now: datetime) -> None:
    """Check what may have changed since it was proposed.

    Raises NotToOwnKin, HouseholdMayNotCollect or PastBestBefore.
    """
    demand_identified(staff)
    if staff.id in conflicts_with(db, match.household_id):
        raise NotToOwnKin
    if is_suspended(db, match.household_id) or not is_verified(db, match.household_id, now):
        raise HouseholdMayNotCollect
    if offer.best_before is not None and offer.best_before < now.astimezone(CHINA).date():
        raise PastBestBefore(day=offer.best_before)


def hand_out(
    db: Session, keeper: Staff, number: int, mark: str, pictures: list[dict[str, str]], now: datetime, rules: GoodsRules
) -> Held:
    """Note that the keeper handed it out to who brought its digits. ``mark``: as ``find_by_digits`` gave it.

    The caller attaches the pictures. Raises as ``find_by_digits``, NoPhotoYet, or WrongState where it was handed out,
    moved or taken back meanwhile.
    """
    point = demand_point(db, keeper)
    held = _lock(db, number)
    if held.match.state != "at_point" or held.match.point_id != point.id:
        raise WrongState(subject="match", state=held.match.state, wanted="collected")
    if held.match.code_hash is None or not hmac.compare_digest(held.match.code_hash, mark):
        raise WrongState(subject="match", state=held.match.state, wanted="collected")
    _check_printed_no_card(db, held.match, keeper)
    proof = "card" if live_card_of(db, number) else "code"
    return _hand_over(db, held, proof, keeper, pictures, now, rules)


def barred_from_word(db: Session, match: Match) -> set[int]:
    """Return every seat of those by whose word alone it is not handed out.

    They keep the point, printed a card of it, or answered for the household by its mandate: else one person could ask,
    say yes and take it.
    """
    keeper, answered = db.get_one(Point, match.point_id).keeper_id, acted_for(db, "match", match.id, match.household_id)
    return all_seats_of(db, {keeper, *printers_of(db, match.id), *answered})


def check_may_give_word(db: Session, by: Staff, number: int, now: datetime) -> Lying:
    """Check that the officer may hand it out by their word, to a household they know.

    Raises NoSuchThing, WrongState, KnowsTheDigits, or as ``check_may_hand_out``.
    """
    match = db.get(Match, number)
    if match is None or not by.covers(db.get_one(Point, match.point_id).region_code):
        raise NoSuchThing(what="parcel", number=number)
    if match.state != "at_point":
        raise WrongState(subject="match", state=match.state, wanted="collected")
    if by.id in barred_from_word(db, match):
        raise KnowsTheDigits
    offer = db.get_one(Offer, match.offer_id)
    check_may_hand_out(db, match, offer, by, now)
    return Lying(match.id, offer.item, match.quantity, offer.unit, match.code_hash or "")


def hand_out_by_word(
    db: Session, by: Staff, number: int, pictures: list[dict[str, str]], now: datetime, rules: GoodsRules
) -> Held:
    """Note that an officer handed it out to a household they know, without its digits.

    Raises as ``check_may_give_word``, or NoPhotoYet.
    """
    held = _lock(db, number)
    check_may_give_word(db, by, number, now)
    return _hand_over(db, held, "officer", by, pictures, now, rules)


def _check_printed_no_card(db: Session, match: Match, keeper: Staff) -> None:
    if keeper.id in all_seats_of(db, printers_of(db, match.id)):
        raise KnowsTheDigits


def _hand_over(
    db: Session, held: Held, proof: str, staff: Staff, pictures: list[dict[str, str]], now: datetime, rules: GoodsRules
) -> Held:
    check_may_hand_out(db, held.match, held.offer, staff, now)
    if not pictures:
        raise NoPhotoYet
    collect(db, held, proof, staff.actor, staff.id, now)
    void_card(db, held.match.id, now)
    call_by_sample(db, held.match, now, rules)
    return held


def _lock(db: Session, number: int) -> Held:
    """Lock the household's cases, then the match. Raises NoSuchThing."""
    found = db.get(Match, number)
    if found is None:
        raise NoSuchThing(what="parcel", number=number)
    lock_cases(db, found.household_id)
    return lock_match(db, number)

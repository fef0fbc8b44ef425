"""Who knows a household's digits from its card hands nothing out by them, under whichever seat."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from models.goods.matches.by_mandate import want_for
from models.goods.points.collection_card import CollectionCard
from models.goods.points.opening import CannotKeep, ask_other_keeper
from models.goods.points.point import Point
from models.proxy.mandate import grant_mandate
from models.staff.member import Staff
from models.verification.case import Verification
from tests.scenes.handing_out import collect
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of nine, that lie at the point for a household; its keeper is the village officer too."""
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    number = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(number, "at_point")
    handover.stage.appoint("o-officer", "village")
    with handover.session() as db:
        keeper = db.get_one(Staff, handover.keeper)
        theirs = {"id_number": keeper.id_number, "id_hash": keeper.id_hash}
        db.execute(update(Staff).where(Staff.openid == "o-officer").values(theirs))
    return number


def printed(handover: Handover, match: int, *, void: bool = False) -> None:
    """The officer has printed the household's card."""
    now = handover.stage.clock()
    with handover.session() as db:
        by = db.scalars(select(Staff.id).where(Staff.openid == "o-officer")).one()
        db.add(CollectionCard(match_id=match, printed_by=by, printed_at=now, void_at=now if void else None))


@pytest.mark.parametrize("void", [False, True], ids=["their card is good", "another was printed after it"])
def test_a_keeper_who_printed_the_card_under_another_seat_hands_nothing_out(
    handover: Handover, match: int, *, void: bool
) -> None:
    printed(handover, match, void=void)
    assert "不能由您" in collect(handover, handover.digits(match))
    assert handover.state_of(match) == "at_point"


def test_a_card_printed_while_the_keeper_takes_the_photo_counts(handover: Handover, match: int) -> None:
    assert "请先拍" in handover.say("keeper", f"领走 {handover.digits(match)}")
    printed(handover, match)
    assert "领走了" not in collect(handover, handover.digits(match))
    assert handover.state_of(match) == "at_point"


def test_who_said_yes_for_a_household_does_not_hand_out_by_their_word_too(handover: Handover) -> None:
    """One person would ask, say yes and take it; another officer's word is good."""
    handover.open_point()
    match = handover.match(
        handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang"), told=False)
    )
    for name in ("o-officer", "o-other"):
        handover.stage.appoint(name, "village")
    now = handover.stage.clock()
    with handover.session() as db:
        officer = db.scalars(select(Staff).where(Staff.openid == "o-officer")).one()
        mandate = grant_mandate(db, officer.id, handover.people["wang"], "code", "goods", "m", now)
        want_for(db, officer, mandate, match, None, now)
    handover.advance(match, "at_point")
    assert "不能由您一个人来发" in handover.choose("officer", "give_word", str(match))
    assert "请先拍" in handover.choose("other", "give_word", str(match))


def test_without_a_card_who_has_both_seats_is_a_keeper_as_others_are(handover: Handover, match: int) -> None:
    assert "领走了" in collect(handover, handover.digits(match))


def test_a_household_with_a_suspended_case_collects_nothing_by_a_verified_one(handover: Handover, match: int) -> None:
    """One of its members is verified, and another's case is suspended."""
    now = handover.stage.clock()
    with handover.session() as db:
        case = db.scalars(select(Verification).where(Verification.state == "verified").limit(1)).one()
        copied = {column.name: getattr(case, column.name) for column in Verification.__table__.columns}
        for own in ("id", "id_number", "id_hash"):
            copied.pop(own, None)
        db.add(
            Verification(
                **{
                    **copied,
                    "user_id": handover.people["qin"],
                    "state": "suspended",
                    "expires_at": now + timedelta(days=90),
                }
            )
        )
    assert "现在还不能发给这户人家" in collect(handover, handover.digits(match))
    assert handover.state_of(match) == "at_point"


def test_a_point_is_not_passed_on_to_who_opened_it(handover: Handover, match: int) -> None:
    """An officer does not come to keep their own point by way of a friend."""
    handover.stage.appoint("o-own", "keeper")
    with handover.session() as db:
        officer = db.scalars(select(Staff).where(Staff.openid == "o-officer")).one()
        own = db.scalars(select(Staff).where(Staff.openid == "o-own")).one()
        friend = db.get_one(Staff, handover.keeper)
        # The officer's number is their own again.
        other = {"id_number": own.id_number, "id_hash": own.id_hash}
        db.execute(update(Staff).where(Staff.id == officer.id).values(other))
        db.execute(update(Point).values(opened_by=officer.id))
        db.flush()
        with pytest.raises(CannotKeep) as refused:
            ask_other_keeper(db, friend, handover.point, own.work_no, handover.stage.clock())
        assert refused.value.values["why"] == "yourself"

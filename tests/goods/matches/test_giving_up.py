"""A donor does not choose who takes by turning households away until the right one comes."""

from dataclasses import replace

from sqlalchemy import select

from models.core.audit_trail import AuditEvent
from models.goods.exchange import Offer
from models.goods.rules import STRICT
from models.goods.submission import is_known_giver, submit_offer
from models.staff.decision import Decision
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


def wanted(handover: Handover, offer: int, name: str) -> int:
    """A household says yes to one of it."""
    match = handover.match(offer, handover.ask(handover.resident(name), told=False), 1)
    handover.advance(match, "recipient_ok")
    return match


def refuse(handover: Handover, match: int) -> str:
    return handover.choose("qin", "will_not_send", f"match:{match}")


def state_of_offer(handover: Handover, offer: int) -> str:
    with handover.session() as db:
        return db.get_one(Offer, offer).state


def test_who_turns_three_households_away_is_given_no_fourth(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    for number in range(STRICT.donor_refusals - 1):
        assert "还挂着" in refuse(handover, wanted(handover, offer, f"wang{number}"))
    last, waits = wanted(handover, offer, "last"), wanted(handover, offer, "waits")
    answered = refuse(handover, last)
    assert "先收起来了" in answered
    assert "过期收起来了" in answered  # told by itself, beside the answer
    assert state_of_offer(handover, offer) == "expired"
    # Who had been asked meanwhile waits for nothing of it.
    assert handover.state_of(waits) == "cancelled"
    with handover.session() as db:
        told = (AuditEvent.subject == "offer") & (AuditEvent.to_state == "expired")
        assert db.scalars(select(AuditEvent.detail).where(told)).one() == "turned_away"


def test_who_sends_to_as_many_as_they_turn_away_goes_on(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    for number in range(STRICT.donor_refusals):
        handover.advance(wanted(handover, offer, f"got{number}"), "donor_ok")
    for number in range(STRICT.donor_refusals):
        assert "还挂着" in refuse(handover, wanted(handover, offer, f"wang{number}"))
    assert state_of_offer(handover, offer) == "available"
    assert "先收起来了" in refuse(handover, wanted(handover, offer, "more"))


def test_households_that_say_no_are_not_the_donors_doing(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    for number in range(STRICT.donor_refusals + 1):
        match = wanted(handover, offer, f"wang{number}")
        assert "不要" in handover.choose(f"wang{number}", "leave_goods", str(match))
    assert state_of_offer(handover, offer) == "available"


def test_even_a_known_givers_offer_is_reviewed_again_after_that(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    for number in range(STRICT.donor_refusals):
        refuse(handover, wanted(handover, offer, f"wang{number}"))
    known, now = replace(STRICT, known_after=1, reviewed_of_hundred=0), handover.stage.clock()
    with handover.session() as db:
        one = db.get_one(Offer, offer)
        passed = Decision(
            **{"subject": "offer", "subject_id": offer, "region_code": one.region_code, "at": now},
            **{"staff_id": handover.keeper, "role": "county", "verdict": "pass"},
        )
        db.add(passed)
        db.flush()
        assert is_known_giver(db, one.donor_id, known)
        submit_offer(db, one, now, known)
        assert one.state == "submitted"

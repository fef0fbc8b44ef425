"""A donor and officers read what the donor kept and did not keep in twelve months; strangers do not."""

import pytest

from models.goods.exchange import Offer
from models.goods.matches import answers
from models.goods.rules import STRICT
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

OWN, THEIRS = "这一年您寄出 1 回", "送的人这一年：寄出 1 回"


@pytest.fixture
def offer(handover: Handover) -> int:
    """Of nine quilts two were collected, and two were not sent after all."""
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    kept = handover.match(offer, handover.ask(handover.resident("wang"), told=False))
    handover.advance(kept, "collected")
    given_up = handover.match(offer, handover.ask(handover.resident("li"), told=False))
    handover.advance(given_up, "donor_ok")
    with handover.session() as db:
        answers.will_not_send(db, handover.people["qin"], given_up, handover.stage.clock(), STRICT)
        db.get_one(Offer, offer).goes_to = DAOXIAN_MEIHUA
    handover.stage.appoint("o-village", "village", DAOXIAN_MEIHUA)
    return offer


def test_a_donor_reads_their_own_record_beside_what_they_gave(handover: Handover, offer: int) -> None:
    said = handover.say("qin", "包裹")
    assert OWN in said
    assert "不寄了 1 回" in said


def test_who_gave_nothing_yet_has_no_record(handover: Handover) -> None:
    handover.donor("qin")
    assert "这一年" not in handover.say("qin", "包裹")


def test_officers_read_it_on_the_files_and_strangers_do_not(handover: Handover, offer: int) -> None:
    assert THEIRS in handover.say("village", f"看 送物{offer}")
    assert "那户人家这一年：领走 1 回" in handover.say("village", "看 求物1")
    handover.donor("other")
    for name in ("other", "wang", "li"):
        for words in (f"看 送物{offer}", "看 求物1", "包裹"):
            said = handover.say(name, words)
            assert OWN not in said
            assert "这一年：" not in said

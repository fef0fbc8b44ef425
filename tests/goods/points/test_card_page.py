"""A printed collection card opens for the officer who printed it alone, says the six digits and no whole name, and once
it was used it opens no more."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page

from bot.app import links_of
from models.core.audit_trail import AuditEvent
from models.goods.matches.match import Match
from models.goods.points.collection_card import CollectionCard
from models.goods.points.handing_out import hand_out
from models.goods.rules import STRICT
from models.staff.member import Staff
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


def test_a_card_opens_for_its_officer_until_it_is_used(handover: Handover) -> None:
    handover.open_point()
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "at_point")
    officer, now = handover.stage.appoint("o-officer", "village"), handover.stage.clock()
    other = handover.stage.appoint("o-other", "village")
    with handover.session() as db:
        db.add(CollectionCard(match_id=match, printed_by=officer, printed_at=now))
    links = links_of(handover.stage.settings, handover.stage.clock)
    page = handover.stage.browse("o-officer", links.make("collection_card", "card:1", officer))
    text, digits = page.get_data(as_text=True), handover.digits(match)
    assert page.status_code == 200
    shown = f"{digits[:3]} {digits[3:]}"
    assert shown in text
    assert "王**" in text
    assert "王秀兰" not in text
    # Neither by another's link, nor by one of their own.
    for address in (links.make("collection_card", "card:1", officer), links.make("collection_card", "card:1", other)):
        refused = handover.stage.browse("o-other", address)
        assert refused.status_code in (302, 403)
        assert shown not in refused.get_data(as_text=True)
    with handover.session() as db:
        read = db.query(AuditEvent).filter_by(action="read_sensitive", subject="match", subject_id=match).all()
        assert [event.about for event in read] == [handover.people["wang"]]
        keeper, mark = db.get_one(Staff, handover.keeper), db.query(CollectionCard).one()
        assert mark.void_at is None
        found = db.get_one(Match, match)
        picture = [{"media_id": "m", "pic_url": "http://127.0.0.1/m.jpg"}]
        held = hand_out(db, keeper, match, found.code_hash or "", picture, now, STRICT)
        assert held.match.proof == "card"
    again = handover.stage.browse("o-officer", links.make("collection_card", "card:1", officer))
    assert again.status_code == 403


def demand_one_sheet(page: Page) -> None:
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A6"))) == 1


@in_a_browser
def test_the_card_and_the_list_of_the_point_are_for_everybody(handover: Handover) -> None:
    handover.open_point()
    donor, household = handover.donor("qin"), handover.resident("wang")
    lying = handover.match(handover.give(donor, "旧书", told=False), handover.ask(household, "旧书"))
    coming = handover.match(handover.give(donor, told=False), handover.ask(household))
    handover.advance(lying, "at_point")
    handover.advance(coming, "in_transit")
    officer, now = handover.stage.appoint("o-officer", "village"), handover.stage.clock()
    with handover.session() as db:
        db.add(CollectionCard(match_id=lying, printed_by=officer, printed_at=now))
    links = links_of(handover.stage.settings, handover.stage.clock)
    with examining(handover.stage, visitor="o-officer") as examine:
        card = urlsplit(links.make("collection_card", "card:1", officer)).path
        examine(card, "goods/collection_card", act=demand_one_sheet)
        examine(urlsplit(links.make("point", f"point:{handover.point}", officer)).path, "goods/point")
        examine("/points/forged", "goods/point_gone", status=403)

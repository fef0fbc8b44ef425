"""The labels of a donor's parcels: for the donor alone, for an hour, with the point's address and no household."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from models.goods.matches.match import Match
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.handover import KEEPER, Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    handover.open_point()
    match = handover.match(handover.give(handover.donor("qin"), told=False), handover.ask(handover.resident("wang")))
    handover.advance(match, "recipient_ok")
    return match


def link_in(reply: str) -> str:
    found = re.search(r"http\S+/parcels/\S+", reply)
    assert found, reply
    return found[0]


def test_the_label_has_the_address_the_phone_and_the_code_and_no_household(handover: Handover, match: int) -> None:
    address = link_in(handover.choose("qin", "will_send", f"match:{match}"))
    page = handover.stage.browse("o-qin", address)
    assert page.status_code == 200
    with handover.session() as db:
        parcel = db.get_one(Match, match).parcel
    for words in ("梅花镇张家小店", "梅花镇街上12号", "13900000000", parcel, "2 件“新棉被”", "每天8点到18点"):
        assert words in page.text
    for words in ("王", "秀兰", "求物", "13800000000"):
        assert words not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_parcels_for_one_point_share_one_label_for_the_box(handover: Handover, match: int) -> None:
    offer = handover.give("qin", "旧书", "books", told=False)
    other = handover.match(offer, handover.ask("wang", "旧书", "books"))
    for each in (match, other):
        handover.advance(each, "donor_ok")
    assert "2 个包裹码" in handover.stage.browse("o-qin", link_in(handover.say("qin", "包裹"))).text
    assert "2 个包裹码" not in handover.stage.browse("o-qin", link_in(handover.say("qin", f"包裹 {offer}"))).text


def test_the_link_is_made_anew_after_an_hour(handover: Handover, match: int) -> None:
    address = link_in(handover.choose("qin", "will_send", f"match:{match}"))
    handover.stage.clock.move(timedelta(minutes=61))
    dead = handover.stage.browse("o-qin", address)
    assert dead.status_code == 403
    assert "一个钟头" in dead.text
    assert "13900000000" not in dead.text
    assert handover.stage.browse("o-qin", link_in(handover.say("qin", "地址"))).status_code == 200


def test_what_was_sent_is_not_put_on_the_label_of_another_box(handover: Handover, match: int) -> None:
    other = handover.match(handover.give("qin", "旧书", "books", told=False), handover.ask("wang", "旧书", "books"))
    handover.advance(match, "in_transit")
    handover.advance(other, "donor_ok")
    page = handover.stage.browse("o-qin", link_in(handover.say("qin", "包裹"))).text
    assert "放一箱的" not in page
    with handover.session() as db:
        sent, unsent = (page.index(db.get_one(Match, each).parcel) for each in (match, other))
    assert unsent < sent


@pytest.mark.parametrize("other", ["o-wang", "o-zhao", KEEPER])
def test_nobody_else_opens_it(handover: Handover, match: int, other: str) -> None:
    address = link_in(handover.choose("qin", "will_send", f"match:{match}"))
    handover.donor("zhao")
    answer = handover.stage.browse(other, address)
    assert answer.status_code == 302
    assert "13900000000" not in answer.text


def test_a_forged_link_opens_nothing(handover: Handover, match: int) -> None:
    address = link_in(handover.choose("qin", "will_send", f"match:{match}"))
    assert handover.stage.browse("o-qin", f"{address}x").status_code == 403


def test_once_it_came_the_address_is_shown_no_more(handover: Handover, match: int) -> None:
    address = link_in(handover.choose("qin", "will_send", f"match:{match}"))
    handover.advance(match, "at_point")
    page = handover.stage.browse("o-qin", address)
    assert "13900000000" not in page.text
    assert "现在没有要寄的" in page.text


@in_a_browser
def test_the_labels_are_for_everybody(handover: Handover, match: int) -> None:
    offer = handover.give("qin", "旧书", "books", told=False)
    for each in (match, handover.match(offer, handover.ask("wang", "旧书", "books"))):
        handover.advance(each, "donor_ok")
    path = urlsplit(link_in(handover.say("qin", "包裹"))).path
    with examining(handover.stage, visitor="o-qin") as examine:
        examine(path, "goods/parcel")
        examine(f"{path}x", "goods/parcel_gone", status=403)

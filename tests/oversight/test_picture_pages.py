"""Whatever can have pictures has a page of them, and a look is on record when a person was really shown it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.goods.matches.thanks import GoodsThanks
from models.goods.submission import NewOffer, make_offer
from models.market.after_sales.asking import NewAfterSale
from models.market.after_sales.asking import ask as ask_after_sale
from models.market.submission import NewListing, submit_listing
from models.oversight.pictures import shown_subjects
from models.people.conversation import Conversation
from models.people.user import User
from models.proxy.mandate import Mandate
from models.rights.erasure.paper import PaperErasure
from models.rights.number_claim import NumberClaim
from models.staff.decision import Decision
from models.support.inquiry import Report
from models.verification.case import newest_case_of
from models.verification.visit import Visit
from tests.harness.stage import id_number
from tests.scenes.gallery import Gallery, shown
from tests.scenes.handover import Handover
from tests.scenes.market import JIN, Market
from tests.scenes.money.disbursements import asked, fixed, funded, people, pictures_arrive
from tests.scenes.organisations import confirm

# The thing's number, and the photo subject and row of a picture of it.
Shown = tuple[int, str, int]


def _own(db: Database, gallery: Gallery) -> User:
    return db.get_one(User, db.get_one(Appeal, gallery.appeal).owner_id)


def _appeal(gallery: Gallery) -> Shown:
    return gallery.appeal, "appeal", gallery.appeal


def _case(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        case, now = newest_case_of(db, _own(db, gallery).id), gallery.stage.clock()
        assert case is not None
        seen = {"place": "{}", "assessment": "{}", "findings": "", "score": 1, "supports": True}
        visit = Visit(verification_id=case.id, staff_id=gallery.officer, draft_id="visit", at=now, **seen)
        db.add(visit)
        db.flush()
        return case.id, "visit", visit.id


def _mandate(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        now, owner = gallery.stage.clock(), _own(db, gallery).id
        given = {"kind": "sheet", "scope": "appeal", "granted_at": now, "expires_at": now}
        mandate = Mandate(user_id=owner, staff_id=gallery.officer, draft_id="mandate", **given)
        db.add(mandate)
        db.flush()
        return mandate.id, "mandate", mandate.id


def _paper(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        owner = _own(db, gallery)
        home = {"region_code": owner.region_code, "household_id": owner.household_id}
        given = {"user_id": owner.id, "staff_id": gallery.officer, "asked_at": gallery.stage.clock()}
        paper = PaperErasure(draft_id="paper", **home, **given)
        db.add(paper)
        db.flush()
        return paper.id, "paper_erasure", paper.id


def _claim(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        conversation = db.scalars(select(Conversation.id).limit(1)).one()
        asked = {"asked_at": gallery.stage.clock(), "region_code": "431124000000"}
        made = NumberClaim(draft_id="claim", conversation_id=conversation, id_number=id_number(50), **asked)
        db.add(made)
        db.flush()
        return made.id, "number_claim", made.id


def _organisation(gallery: Gallery) -> Shown:
    gallery.stage.register("o-secretary", "resident", "431124101208")
    number = confirm(gallery.stage, "o-secretary", "431124101208", letter=False)
    return number, "organisation", number


def _disbursement(gallery: Gallery) -> Shown:
    number = funded(gallery.stage, 10_000, holder=people(gallery.stage)["holder"])
    fixed(gallery.stage, number)
    use = asked(gallery.stage, number, 1_000)
    pictures_arrive(gallery.stage)
    return use, "disbursement", use


def _offer(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        donor = _own(db, gallery)
        oil = NewOffer("offer", "oil", "菜籽油", "bottle", 2, "new", None, "pickup", donor.region_code or "")
        number = make_offer(db, oil, donor, gallery.stage.clock()).id
        return number, "offer", number


def _listing(gallery: Gallery) -> Shown:
    with Database(gallery.stage.database) as db, db.begin():
        day = (gallery.stage.clock() + timedelta(days=9)).date()
        oranges = NewListing("listing", "produce", "脐橙", "box", 4_000, 9, day, None)
        number = submit_listing(db, oranges, _own(db, gallery), gallery.stage.clock()).id
        return number, "listing", number


def _inquiry(gallery: Gallery) -> Shown:
    for said in (f"举报 {gallery.appeal}", "1", "跳过", "跳过", "确认"):
        gallery.stage.say("o-li", said)
    with Database(gallery.stage.database) as db:
        report = db.scalars(select(Report)).one()
        return report.inquiry_id, "report", report.id


def _match(gallery: Gallery) -> Shown:
    handover = Handover(gallery.stage)
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    number = handover.match(offer, handover.ask(handover.resident("zhang"), told=False))
    handover.advance(number, "collected")
    return number, "match", number


def _goods_thanks(gallery: Gallery) -> Shown:
    number, _, _ = _match(gallery)
    with Database(gallery.stage.database) as db, db.begin():
        thanks = GoodsThanks(draft_id="thanks", match_id=number, words="谢谢您的油。", created_at=gallery.stage.clock())
        db.add(thanks)
        db.flush()
        return thanks.id, "goods_thanks", thanks.id


def _after_sale(gallery: Gallery) -> Shown:
    market = Market(gallery.stage)
    market.seller()
    market.buyer()
    order = market.order(market.sell(10 * JIN), JIN)
    market.accept(order)
    market.send(order)
    market.got(order)
    with market.session() as db:
        wanted = NewAfterSale("after-sale", "spoiled", "all", None)
        number = ask_after_sale(db, market.people["buyer"], order, wanted, gallery.stage.clock()).id
    return number, "after_sale", number


MAKERS: Mapping[str, Callable[[Gallery], Shown]] = MappingProxyType(
    {
        "appeal": _appeal,
        "case": _case,
        "mandate": _mandate,
        "disbursement": _disbursement,
        "offer": _offer,
        "listing": _listing,
        "inquiry": _inquiry,
        "paper_erasure": _paper,
        "number_claim": _claim,
        "organisation": _organisation,
        "after_sale": _after_sale,
        "match": _match,
        "goods_thanks": _goods_thanks,
    }
)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("subject", shown_subjects())
def test_whatever_can_have_pictures_has_a_page_of_them(gallery: Gallery, subject: str) -> None:
    """They come from the registry of subjects: a new one without a name on the page fails here."""
    number, photo, row = MAKERS[subject](gallery)
    gallery.keep(photo, row)
    officer = gallery.stage.appoint("o-county-1", "county", "431124000000")
    answer = gallery.open(f"{subject}:{number}", officer)
    assert answer.status_code == 200
    assert shown(answer)
    assert f" {number} 号的照片</h1>" in answer.get_data(as_text=True)
    assert [look[1:3] for look in gallery.looks()] == [(subject, number)]


def test_a_page_that_failed_was_seen_by_nobody(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    path, filters = gallery.link(), gallery.stage.app.extensions["bangfu"]["turns"].renderer.env.filters
    with monkeypatch.context() as patch:
        patch.delitem(filters, "day")
        assert gallery.get(path).status_code == 500
    assert gallery.looks() == []
    assert gallery.get(path).status_code == 200
    assert len(gallery.looks()) == 1


def test_a_program_that_fetches_the_page_is_nobody_who_looked(gallery: Gallery) -> None:
    path = gallery.link()
    assert gallery.get(path).status_code == 200
    assert gallery.stage.client.head(path).status_code == 200
    assert len(gallery.looks()) == 1


@pytest.mark.parametrize("header", ["Purpose", "Sec-Purpose"])
def test_abuse_whoever_says_they_fetch_in_advance_is_shown_nothing(gallery: Gallery, header: str) -> None:
    """The header is the client's own: with it an officer saw the pictures, and no look was recorded."""
    path = gallery.link()
    assert gallery.get(path).status_code == 200
    for purpose in ("prefetch", "prefetch;prerender", "preview"):
        answer = gallery.stage.client.get(path, headers={header: purpose})
        assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (503, b"", "no-store")
    assert len(gallery.looks()) == 1


def test_a_look_at_pictures_none_of_which_opens_is_none(gallery: Gallery) -> None:
    first, second = (gallery.folder / f"{number}.jpg.sealed" for number in gallery.pictures)
    exchanged = second.read_bytes(), first.read_bytes()
    first.write_bytes(exchanged[0])
    second.write_bytes(exchanged[1])
    answer = gallery.open()
    assert (answer.status_code, shown(answer)) == (200, [])
    assert gallery.looks() == []


def test_abuse_pictures_of_a_report_open_for_nobody_whom_it_concerns(gallery: Gallery) -> None:
    number, photo, row = _inquiry(gallery)
    gallery.keep(photo, row)
    endorsed_by = 1
    assert gallery.open(f"inquiry:{number}", endorsed_by).status_code == 403
    county = gallery.stage.appoint("o-county-1", "county", "431124000000")
    with Database(gallery.stage.database) as db, db.begin():
        db.add(
            Decision(
                subject="appeal",
                subject_id=gallery.appeal,
                staff_id=county,
                role="county",
                verdict="pass",
                region_code="431124101000",
                at=gallery.stage.clock(),
            )
        )
    assert gallery.open(f"inquiry:{number}", county).status_code == 403
    assert gallery.looks() == []

"""An appeal's public page: open by its owner's agreement and the rule alone, the same for everybody, without a name."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session as Database

from bot.app import links_of
from bot.web.public.appeal import GONE_WITHIN, MAX_AGE
from bot.web.public.kept import KEPT_FOR
from models.appeals import appeal as appeals
from models.appeals.appeal import MACHINE, Appeal
from models.books.pages import check_pages
from models.core.database import snapshot
from models.core.state_machine import SYSTEM, Actor, By
from models.organisations.filing import Filing
from models.people.conversation import Conversation
from models.people.user import User
from models.proxy.act import confirm_act, unanswered_acts
from models.proxy.mandate import grant_mandate
from models.public.appeal_page import STAYS, AppealPage, LookFirst, agree, open_pages, record_look
from models.public.page_by_mandate import AgreedBefore, agree_for, check_agreeable, close_for
from models.staff.member import Staff
from tests.harness.erasing import erase_person
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.stage import Stage
from tests.scenes.pages import agreed, read

DAY = timedelta(days=1)
COUNTY = Actor(By.COUNTY, "staff:0")


def change(stage: Stage, do: Callable[[Database, Appeal], object], number: int = 1) -> None:
    with Database(stage.database) as db, db.begin():
        do(db, db.get_one(Appeal, number))


def move(stage: Stage, to: str) -> None:
    change(stage, lambda db, one: MACHINE.move(db, one, to, COUNTY if to == "completed" else SYSTEM, stage.clock()))


def open_numbers(stage: Stage) -> list[int]:
    with Database(stage.database) as db:
        return list(db.scalars(open_pages(stage.clock())))


def freeze(stage: Stage) -> None:
    change(stage, lambda db, one: appeals.freeze(db, one, COUNTY, stage.clock(), "doubt"))


def hide(stage: Stage) -> None:
    change(stage, lambda _, one: setattr(one, "hidden_at", stage.clock()))


def cancel(stage: Stage) -> None:
    change(stage, lambda db, one: appeals.cancel_by_owner(db, one, stage.clock(), "consent_withdrawn"))


def suspend_owner(stage: Stage) -> None:
    change(stage, lambda db, one: setattr(db.get_one(User, one.owner_id), "state", "suspended"))


def word_anew(stage: Stage) -> None:
    change(stage, lambda db, _: setattr(db.get_one(AppealPage, 1), "wording", 0))


@pytest.mark.parametrize("closes", [freeze, hide, cancel, suspend_owner, word_anew])
def test_what_closes_a_page_shows_nothing_of_it(stage: Stage, closes: Callable[[Stage], None]) -> None:
    agreed(stage, stage.open_appeal())
    page = read(stage, 1)
    assert (page.status_code, open_numbers(stage)) == (200, [1])
    assert "苗寨修路" in page.text
    closes(stage)
    gone = read(stage, 1)
    assert (gone.status_code, open_numbers(stage)) == (410, [])
    assert "现在不公开" in gone.text
    for words in ("苗寨", "水泥", "道县", "5,000", "冻结", "核查", "注销"):
        assert words not in gone.text


def test_a_frozen_appeals_page_is_there_again_once_it_is_resumed(stage: Stage) -> None:
    agreed(stage, stage.open_appeal())
    freeze(stage)
    assert read(stage, 1).status_code == 410
    change(stage, lambda db, one: appeals.resume(db, one, COUNTY, stage.clock()))
    assert read(stage, 1).status_code == 200


def test_an_erasure_closes_it_and_the_days_of_agreeing_stay(stage: Stage) -> None:
    agreed(stage, stage.open_appeal())
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-owner-0"), stage.clock())
    assert read(stage, 1).status_code == 410
    with Database(stage.database) as db:
        assert db.get_one(AppealPage, 1).closed_at == stage.clock()
        assert db.get_one(Conversation, stage.person("o-owner-0")) is not None


@pytest.mark.parametrize("ends", ["failed", "completed"])
def test_it_is_gone_ninety_days_after_the_end(stage: Stage, ends: str) -> None:
    agreed(stage, stage.open_appeal())
    way = ("failed",) if ends == "failed" else ("funded", "executing", "reporting", "completed")
    for state in way:
        move(stage, state)
    stage.clock.move(STAYS - DAY)
    assert read(stage, 1).status_code == 200
    stage.clock.move(DAY)
    assert read(stage, 1).status_code == 410


def test_a_crowdfunding_has_none_without_its_live_filing(stage: Stage) -> None:
    agreed(stage, stage.open_appeal("crowdfund", 30_000_000))
    with Database(stage.database) as db:
        filing = db.get_one(Filing, db.get_one(Appeal, 1).filing_id)
    assert filing.number in read(stage, 1).text
    with Database(stage.database) as db, db.begin():
        db.execute(text("SET LOCAL session_replication_role = replica"))  # filings never change
        db.get_one(Filing, filing.id).to_day = (stage.clock() - DAY).date()
    assert read(stage, 1).status_code == 410
    # Once it has collected, it stands with the filing under which it did.
    move(stage, "funded")
    assert read(stage, 1).status_code == 200


def test_nobody_agrees_to_what_was_not_looked_at(stage: Stage) -> None:
    stage.open_appeal()
    with Database(stage.database) as db, pytest.raises(LookFirst):
        agree(db, 1, Actor.owner(db.get_one(Appeal, 1).owner_id), stage.clock())


@pytest.mark.parametrize("number", [1, 7, "01", "0", "-1", "abc", "1x", "１", "9" * 16])
def test_where_there_never_was_a_page_there_is_none(stage: Stage, number: int | str) -> None:
    stage.open_appeal()
    page = read(stage, number)
    assert page.status_code == 404
    assert "苗寨" not in page.text


def test_only_the_owner_opens_the_look_and_it_is_no_page_yet(stage: Stage) -> None:
    stage.open_appeal()
    said = stage.say("o-owner-0", "网页 1")
    link = next(word for word in said.split() if "/preview/" in word)
    stage.register("o-other", "resident")
    assert stage.browse("o-other", link).status_code == 302
    with Database(stage.database) as db:
        assert db.get(AppealPage, 1) is None
    look = stage.browse("o-owner-0", link)
    assert "还没公开，只有您看得到" in look.text
    assert "苗寨修路" in look.text
    assert "no-store" in look.headers["Cache-Control"]
    assert read(stage, 1).status_code == 404


def test_everybody_gets_the_same_bytes_and_caches_may_ask_whether_they_changed(stage: Stage) -> None:
    agreed(stage, stage.open_appeal())
    page = read(stage, 1)
    inside = read(stage, 1, **{"User-Agent": "MicroMessenger/8.0", "Cookie": "bangfu_visitor=x"})
    assert page.data == inside.data
    assert page.headers["Cache-Control"] == "public, max-age=60"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in page.headers
    assert "Vary" not in page.headers
    assert page.text.count("<script") == page.text.count("defer></script>") == 1, "that of WeChat's sharing card"
    again = read(stage, 1, **{"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert len(page.data) < 100_000
    for tag in ('property="og:title" content="苗寨修路"', 'property="og:description"', "/a/1", "捐 1"):
        assert tag in page.text


def test_a_closed_page_is_seen_closed_within_the_time_that_is_stated(stage: Stage) -> None:
    agreed(stage, stage.open_appeal())
    assert read(stage, 1).status_code == 200
    assert "撤下了" in stage.say("o-owner-0", "撤下网页")
    stage.clock.move(KEPT_FOR)
    assert stage.client.get("/a/1").status_code == 410
    assert GONE_WITHIN == MAX_AGE + KEPT_FOR <= timedelta(seconds=65)


@in_a_browser
def test_the_page_is_for_everybody(stage: Stage) -> None:
    agreed(stage, stage.open_appeal("crowdfund", 30_000_000))
    stage.open_appeal()
    link = next(word for word in stage.say("o-owner-1", "网页 2").split() if "/preview/" in word)
    look = urlsplit(link).path
    with examining(stage, visitor="o-owner-1") as examine:
        examine("/a/1", "public/appeal")
        examine(look, "public/appeal", name="public-appeal-look")
        examine("/a/2", "public/appeal_gone", status=404)
        examine(f"{look}x", "public/preview_gone", status=403)


def test_until_its_owner_confirms_a_page_by_proxy_says_so(stage: Stage) -> None:
    stage.open_appeal()
    staff = stage.appoint("o-zhou", "village")
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        now, zhou = stage.clock(), db.get_one(Staff, staff)
        owner = db.get_one(Appeal, 1).owner_id
        mandate = grant_mandate(db, staff, owner, "code", "page", "draft", now)
        with pytest.raises(LookFirst):
            agree_for(db, zhou, mandate, 1, now)
        record_look(db, 1, zhou.actor, now)
        agree_for(db, zhou, mandate, 1, now)
    assert "信息员替他们同意公开的，本人未确认" in read(stage, 1).text
    assert books(stage) == []
    with Database(stage.database) as db, db.begin():
        confirm_act(db, owner, unanswered_acts(db, owner)[0].id, stage.clock())
    assert "这一页是本人同意公开的" in read(stage, 1).text
    with Database(stage.database) as db, db.begin():
        close_for(db, db.get_one(Staff, staff), mandate, 1, stage.clock())
        with pytest.raises(AgreedBefore):
            check_agreeable(db, mandate, 1, stage.clock())
    assert read(stage, 1).status_code == 410


def test_only_the_officer_who_reads_it_out_opens_the_reading(stage: Stage) -> None:
    stage.open_appeal()
    staff = stage.appoint("o-zhou", "village")
    link = links_of(stage.settings, stage.clock).make("reading", "appeal:1", staff)
    # Without a mandate there is nothing to read.
    assert stage.browse("o-zhou", link).status_code == 403
    with Database(stage.database) as db, db.begin():
        grant_mandate(db, staff, db.get_one(Appeal, 1).owner_id, "code", "page", "draft", stage.clock())
    assert stage.browse("o-owner-0", link).status_code == 302
    assert "请从头到尾念给本人听" in stage.browse("o-zhou", link).text


def test_the_books_name_a_page_that_nobody_agreed_to(stage: Stage) -> None:
    agreed(stage, stage.open_appeal())
    assert books(stage) == []
    change(stage, lambda db, _: setattr(db.get_one(AppealPage, 1), "agreed_at", stage.clock() + DAY))
    assert books(stage) == ["page_without_agreement appeal 1"]
    change(stage, lambda db, _: setattr(db.get_one(AppealPage, 1), "agreed_at", stage.clock()))
    change(stage, lambda db, _: setattr(db.get_one(AppealPage, 1), "shown_at", stage.clock() - DAY))
    assert books(stage) == ["page_without_agreement appeal 1"]


def books(stage: Stage) -> list[str]:
    with snapshot(stage.settings.database_url) as connection:
        found = list(check_pages(connection, stage.clock()))
    return [f"{each.code} {each.subject} {each.subject_id}" for each in found]

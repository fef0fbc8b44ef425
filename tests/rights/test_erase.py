"""WeChat says that somebody has gone: what was theirs goes, what others count stays."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.goods.exchange import GoodsRequest
from models.market.listing import Listing
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import Consent, User
from tests.harness.erasing import EVENTS, erase_person, everything, of, tell_gone
from tests.harness.stage import Stage
from tests.harness.transcript import Actor

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
PRIVATE = ("王秀兰", "13800000000", "开春没钱", "橘子", "media-", "已经收到", "修不好")


def told_to(stage: Stage, openid: str) -> int:
    """Count the notifications that are kept for this WeChat."""
    theirs = select(Conversation.id).where(Conversation.openid == openid)
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).where(Notification.conversation_id.in_(theirs))) or 0


def test_of_a_resident_who_is_gone_only_sums_and_states_stay(stage: Stage) -> None:
    actor = Actor(stage)
    for name in ("start_appeal", "request_goods", "list_produce"):
        script = (TRANSCRIPTS / f"{name}.chat").read_text(encoding="utf-8")
        again = "" if name == "start_appeal" else "$ resident\n"
        actor.play(script.replace("@ long", "@ wang").replace(f"@ wang\n{again}", "@ wang\n"))
    stage.say("o-wang", "人工")
    stage.say("o-wang", "我家的抽水机修不好了")
    before = everything(stage)
    assert all(words in before for words in ("王秀兰", "13800000000", "开春没钱", "橘子", "修不好"))
    assert told_to(stage, "o-wang") > 0
    tell_gone(stage, EVENTS[0], "o-wang")
    # What they publicly asked for or sold stays by its title; who and why does not.
    after = everything(stage, "title", "item", "name")
    assert [words for words in PRIVATE if words in after] == []
    assert of(stage, User, "name") == [None] * len(of(stage, User, "id"))
    # Nor does anything by which they could be found or told again.
    assert {*of(stage, User, "id_hash"), *of(stage, User, "phone_hash")} == {None}
    assert told_to(stage, "o-wang") == 0
    assert of(stage, Appeal, "state") == ["cancelled"]
    assert set(of(stage, GoodsRequest, "state")) == {"withdrawn"}
    assert set(of(stage, Listing, "state")) == {"withdrawn"}
    assert set(of(stage, Photo, "state")) == {"gone"}
    assert None not in of(stage, Consent, "withdrawn_at")[:1]
    assert of(stage, Appeal, "target_fen") == [500_000]
    # They may come back as somebody new.
    assert "求助" in stage.say("o-wang", "菜单")
    assert "同意吗" in stage.say("o-wang", "注册")


def test_money_that_was_promised_stays_counted_and_the_county_decides(stage: Stage) -> None:
    number = stage.open_appeal()
    stage.register("o-li", "donor")
    for words in (f"捐 {number} 100", "1", "确认"):
        stage.say("o-li", words)
    stage.person("o-owner-0")
    tell_gone(stage, EVENTS[0], "o-owner-0")
    assert of(stage, Appeal, "state") == ["frozen"]
    assert of(stage, Appeal, "was") == ["funding"]
    assert of(stage, Pledge, "amount_fen") == [10_000]
    assert "不收" in stage.say("o-li", f"捐 {number} 5")
    tell_gone(stage, EVENTS[0], "o-li")
    assert of(stage, Pledge, "amount_fen") == [10_000]
    assert "李老师" not in everything(stage)


@pytest.mark.parametrize("event", EVENTS)
def test_somebody_who_never_registered_can_be_forgotten(stage: Stage, event: str) -> None:
    stage.say("o-nobody", "注册")
    tell_gone(stage, event, "o-nobody")
    assert "没填完" not in stage.say("o-nobody", "我想问一下")


def test_photos_that_are_on_the_disk_are_handed_to_the_worker(stage: Stage) -> None:
    number = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        for path in ("000/1.jpg", None):
            photo = Photo(subject="appeal", subject_id=number, media_id="m", pic_url="http://127.0.0.1/p", path=path)
            photo.state, photo.created_at = ("kept" if path else "owed"), stage.clock() - timedelta(hours=1)
            db.add(photo)
    with Database(stage.database) as db, db.begin():
        owner = db.scalars(select(Conversation.id).where(Conversation.openid == "o-owner-0")).one()
        assert erase_person(db, owner, stage.clock()) == [1]


def test_the_news_of_a_gift_forgets_who_gave_it(stage: Stage) -> None:
    number = stage.open_appeal()
    stage.register("o-li", "donor")
    for words in (f"捐 {number} 100", "1", "确认"):
        stage.say("o-li", words)
    tell_gone(stage, EVENTS[0], "o-li")
    news = stage.say("o-owner-0", "菜单")
    assert "一位好心人" in news
    assert "李老师" not in news

"""What follows a reply by customer service: an appeal's card once a day, and its poster, drawn and sent once."""

import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.public.poster import CODE_SIDE, MARGIN, WIDTH, PosterWords, draw_code, draw_poster
from bot.simulator.faults import Fault, Kind
from bot.simulator.simulator import Simulator
from bot.wechat.policy import WeChatError
from models.market.submission import NewListing
from models.notifications.service_window import ServiceWindow
from models.people.user import User
from models.public.follow_up import (
    CARD_AGAIN_AFTER,
    KEPT_FOR_NOTIFICATIONS,
    LATE,
    OWED_AFTER,
    FollowUp,
    delete_old_follow_ups,
    owed_posters,
)
from tests.harness.processes.worker_desk import worker_beside
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import sold
from tests.scenes.pages import closed
from tests.scenes.public_photos import Album

AUNT = "oAunt"
WORDS = PosterWords("帮扶通", "苗寨修路", "要 ¥300,000，已有 ¥1", 0.1, ["湖南省"], ["长按，或者扫一扫"])


class Street:
    """An appeal with a public page and a photo, the platform, and the worker that sends to who looks at it."""

    def __init__(self, album: Album, running: RunningSimulator, redis_url: str) -> None:
        self.album, self.stage = album, album.stage
        self.simulator: Simulator = running.simulator
        self.context = worker_beside(self.stage, running, redis_url)
        self.context.public_copies = album.copies
        album.approve(album.pictures[0])
        self.simulator.new_person(AUNT, "Aunt")
        self.simulator.follow(AUNT)

    def say(self, words: str) -> str:
        return str(self.simulator.send_text(AUNT, words).reply_text)

    def rows(self) -> list[FollowUp]:
        with Database(self.stage.database, expire_on_commit=False) as db:
            return list(db.scalars(select(FollowUp).order_by(FollowUp.id)))

    def work(self) -> None:
        """Run the job of every follow-up, as its turn enqueued it."""
        for row in self.rows():
            self.context.run_job("send_follow_up", row.id)

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """What the account sent to the aunt, beyond replies."""
        entries = self.simulator.chat.newer_than(0)["entries"]
        return [each["content"] for each in entries if each["kind"] == kind and each["openid"] == AUNT]

    def leave(self, messages: int) -> None:
        """Leave so many messages in her window."""
        with Database(self.stage.database) as db, db.begin():
            db.execute(update(ServiceWindow).values(left=0))
            db.execute(update(ServiceWindow).where(ServiceWindow.kind == "message").values(left=messages))


@pytest.fixture
def street(
    database_url: str, tmp_path: Path, run_simulator: Callable[..., RunningSimulator], redis_flushed: str
) -> Iterator[Street]:
    stage = Stage(database_url)
    album = Album(stage, tmp_path / "media")
    street = Street(album, run_simulator(stage.app), redis_flushed)
    yield street
    street.context.close()
    stage.close()


def test_a_card_follows_a_look_at_an_appeal_once_a_day(street: Street) -> None:
    assert "网页：http" in street.say(f"看{street.album.appeal}")
    street.work()
    street.work()
    [card] = [article for content in street.sent("news") for article in content["articles"]]
    assert card["title"] == "苗寨修路"
    assert "要 ¥" in card["description"]
    assert card["url"].endswith(f"/a/{street.album.appeal}")
    path = card["picture"].partition("/a/")[2]
    picture = street.stage.client.get(f"/a/{path}")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    street.say(f"看{street.album.appeal}")
    assert len(street.rows()) == 1
    street.stage.clock.move(CARD_AGAIN_AFTER)
    street.say(f"看{street.album.appeal}")
    street.work()
    assert len(street.sent("news")) == 2


def test_a_card_follows_a_look_at_a_listing_as_well(street: Street) -> None:
    seller = street.stage.register("o-seller", "resident", DAOXIAN_MEIHUA)
    with Database(street.stage.database) as db, db.begin():
        wanted = NewListing("oranges", "produce", "脐橙", "jin", 350, 100_000, None, None)
        number = sold(db, wanted, db.get_one(User, seller), street.stage.clock()).id
    for _ in range(2):
        assert f"/l/{number}" in street.say(f"集市 {number}")
        street.work()
    [card] = [article for content in street.sent("news") for article in content["articles"]]
    assert (card["title"], card["url"].rpartition("/l/")[2]) == ("脐橙", str(number))
    assert "¥3.50 一斤" in card["description"]
    # The same number of an appeal is another thing.
    street.say(f"看{street.album.appeal}")
    assert [(row.appeal_id, row.listing_id) for row in street.rows()] == [(None, number), (street.album.appeal, None)]


def test_without_a_page_no_card_follows(street: Street) -> None:
    other = street.stage.open_appeal()
    assert "网页：http" not in street.say(f"看{other}")
    assert street.rows() == []


def test_a_card_leaves_the_window_to_notifications_and_a_poster_does_not(street: Street) -> None:
    street.say(f"看{street.album.appeal}")
    street.leave(KEPT_FOR_NOTIFICATIONS)
    street.work()
    assert street.sent("news") == []
    street.say(f"海报 {street.album.appeal}")
    street.leave(1)
    street.work()
    assert [row.state for row in street.rows()] == ["given_up", "sent"]
    assert len(street.sent("image")) == 1


def test_a_card_that_is_late_does_not_come(street: Street) -> None:
    street.say(f"看{street.album.appeal}")
    street.stage.clock.move(LATE["card"] + timedelta(seconds=1))
    street.work()
    assert (street.sent("news"), street.rows()[0].state) == ([], "given_up")


def test_a_poster_is_drawn_with_the_photo_and_the_code_and_sent_once(street: Street) -> None:
    reply = street.say(f"海报 {street.album.appeal}")
    assert "一会儿就发给您" in reply
    assert f"/a/{street.album.appeal}/poster" in reply
    street.work()
    street.work()
    [image] = street.sent("image")
    [code] = street.simulator.codes.shown()
    assert code.scene == f"appeal_{street.album.appeal}"
    poster = Image.open(io.BytesIO(street.simulator.media.get(image["media_id"]).data))
    assert (poster.format, poster.width) == ("JPEG", WIDTH)
    top = poster.height - MARGIN - CODE_SIDE
    drawn = poster.crop((MARGIN, top, MARGIN + CODE_SIDE, top + CODE_SIDE))
    assert max(_difference(drawn, draw_code(code.url))) < 40, "the code that WeChat gave, as it is"
    assert not poster.getexif()


def _difference(one: Image.Image, other: Image.Image) -> list[int]:
    """How far the greys of two pictures are apart, in every hundredth pixel."""
    apart = ImageChops.difference(one.convert("L"), other.convert("L"))
    return list(apart.tobytes()[::100])


def test_a_closed_page_has_no_poster_any_more(street: Street) -> None:
    street.say(f"海报 {street.album.appeal}")
    closed(street.stage, street.album.appeal)
    street.work()
    assert (street.sent("image"), street.rows()[0].state) == ([], "given_up")


def test_whoever_left_gets_nothing(street: Street) -> None:
    street.say(f"海报 {street.album.appeal}")
    street.simulator.unfollow(AUNT)
    street.work()
    assert street.rows()[0].state == "given_up"


def test_a_poster_whose_job_was_lost_is_found(street: Street) -> None:
    street.say(f"海报 {street.album.appeal}")
    with Database(street.stage.database) as db:
        assert owed_posters(db, street.stage.clock(), 9) == []
        later = street.stage.clock() + OWED_AFTER + timedelta(seconds=1)
        [owed] = owed_posters(db, later, 9)
    street.context.run_job("send_follow_up", owed)
    assert street.rows()[0].state == "sent"


@pytest.mark.parametrize(("code", "state"), [(-1, "owed"), (45009, "given_up")])
def test_a_poster_waits_while_wechat_is_busy_and_not_for_what_it_refuses(street: Street, code: int, state: str) -> None:
    street.say(f"海报 {street.album.appeal}")
    street.simulator.faults.add(Fault(Kind.REFUSE, share=1.0, where="/cgi-bin/media/upload", code=code))
    with nullcontext() if state == "given_up" else pytest.raises(WeChatError):
        street.work()
    assert (street.sent("image"), street.rows()[0].state) == ([], state)
    street.simulator.faults.lift()
    street.work()
    assert len(street.sent("image")) == (state == "owed")


def test_what_was_looked_at_is_forgotten_after_a_day(street: Street) -> None:
    street.say(f"看{street.album.appeal}")
    street.say(f"海报 {street.album.appeal}")
    street.stage.clock.move(timedelta(days=1, seconds=1))
    with Database(street.stage.database) as db, db.begin():
        assert delete_old_follow_ups(db, street.stage.clock()) == 2
    assert street.rows() == []


@given(
    title=st.text(max_size=200),
    part=st.floats(min_value=0, max_value=50),
    facts=st.lists(st.text(max_size=120), max_size=4),
)
def test_any_words_make_a_poster(title: str, part: float, facts: list[str]) -> None:
    words = PosterWords("帮扶通", title, "要 ¥1", part, facts, ["扫一扫" * 30])
    poster = Image.open(io.BytesIO(draw_poster(words, "http://weixin.qq.com/q/" + "a" * 60)))
    assert poster.width == WIDTH
    assert poster.height <= 2400


def test_a_photo_that_no_one_can_read_is_no_poster() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        draw_poster(WORDS, "http://weixin.qq.com/q/a", b"no picture")

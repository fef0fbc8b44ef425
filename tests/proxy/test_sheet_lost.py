"""A consent whose paper never arrived does not pass for one: its officer hears of it, and who decides sees it."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.people.photo import Photo
from models.proxy.act import request_new_sheet
from tests.scenes.proxy_village import APPEAL, BY_SHEET, Village, village

__all__ = ["village"]


def settle(village: Village, state: str) -> int:
    """The newest sheet's photo has arrived, or cannot be had."""
    with Database(village.stage.database) as db, db.begin():
        photo = village_photo(db)
        db.execute(update(Photo).where(Photo.id == photo.id).values(state=state, path="1.jpg"))
        if state == "lost":
            request_new_sheet(db, photo.id, village.stage.clock())
        return photo.subject_id


def village_photo(db: Any) -> Photo:
    photo: Photo = db.query(Photo).where(Photo.subject == "mandate").order_by(Photo.id.desc()).first()
    return photo


@pytest.fixture
def appeal(village: Village) -> int:
    village.say("zhou", *BY_SHEET)
    village.say("zhou", *APPEAL)
    newest: Appeal = village.newest(Appeal)
    return newest.id


def test_a_sheet_that_arrived_is_seen_by_who_decides(village: Village, appeal: int) -> None:
    settle(village, "kept")
    seen = village.say("tang", f"看 {appeal}")
    assert "授权书：http" in seen
    assert "没有凭据" not in seen


def test_a_sheet_that_is_lost_is_told_and_shows_until_another_is_there(village: Village, appeal: int) -> None:
    settle(village, "lost")
    assert "没有凭据" in village.say("tang", f"看 {appeal}")
    assert "没有收到" in village.say("zhou", "消息")
    village.say("zhou", *BY_SHEET)
    settle(village, "kept")
    seen = village.say("tang", f"看 {appeal}")
    assert "授权书：http" in seen
    assert "没有凭据" not in seen


def test_a_sheet_that_is_lost_before_it_was_used_is_told_to_nobody(village: Village) -> None:
    village.say("zhou", *BY_SHEET)
    settle(village, "lost")
    assert "没有凭据" not in village.say("zhou", "消息")

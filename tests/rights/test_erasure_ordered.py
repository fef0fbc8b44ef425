"""WeChat says once that somebody is to be erased: what fails in that turn is not lost."""

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import Erasure, forget_page, running_erasures
from models.rights.erasure.rooms import ROOMS
from tests.harness.erasing import EVENTS, of, tell_gone
from tests.harness.stage import Stage


@pytest.mark.parametrize("room", ["people", "appeals"])
def test_what_fails_in_the_turn_is_done_by_the_worker(stage: Stage, monkeypatch: pytest.MonkeyPatch, room: str) -> None:
    stage.register("o-wang", "resident")

    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setitem(ROOMS._entries, room, fail)
        tell_gone(stage, EVENTS[0], "o-wang")
    assert of(stage, Erasure, "state") == ["running"]
    assert of(stage, User, "name") == ["王秀兰"]
    done = False
    while not done:
        with Database(stage.database) as db, db.begin():
            page = forget_page(db, running_erasures(db, 1)[0], stage.clock())
        assert page is not None
        done = page[1]
        # Who the person is, is forgotten first of all, in one transaction.
        assert of(stage, User, "name") == [None]
    assert of(stage, Erasure, "state") == ["done"]
    assert of(stage, Conversation, "openid") == ["erased-1"]


def test_who_has_a_session_that_cannot_be_read_is_erased_all_the_same(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).values(session="no session"))
    tell_gone(stage, EVENTS[0], "o-wang")
    assert of(stage, Erasure, "state") == ["done"]
    assert of(stage, User, "name") == [None]

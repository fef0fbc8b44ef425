"""Changing the data keys: everything opens under the new one alone, and what opens under none is told."""

import base64
from collections.abc import Iterator

import pytest
from sqlalchemy import LargeBinary, select, type_coerce, update
from sqlalchemy.orm import Session as Database

from config.settings import SAMPLE_DATA_KEYS
from models.core.encryption import CannotOpen, Keyring, keyring, purpose_of, use_keyring
from models.people.conversation import BrokenSession, Conversation, Turn
from models.people.user import User
from models.tables import metadata
from models.upkeep.key_rotation import Rotated, rotate
from tests.harness.stage import Stage

NEW = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


def test_after_rotating_the_old_key_may_go(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.say("o-wang", "求助")
    with stage.database.begin() as connection:
        connection.execute(update(Turn).values(outcome="kept"))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    first = rotate(stage.database, metadata)
    assert first.sealed_anew >= 5
    assert first.lost == 0
    assert rotate(stage.database, metadata) == Rotated()
    use_keyring(Keyring.parse(NEW))
    with Database(stage.database) as db:
        user = db.scalars(select(User)).one()
        assert (user.name, user.phone) == ("王秀兰", "13800000000")
        assert db.scalars(select(User).where(User.id_hash.in_(hashes_of(user)))).one() is user
    assert "4 个字以上" in stage.say("o-wang", "嗯")


def hashes_of(user: User) -> list[str]:
    assert user.id_number
    return keyring().lookup_hashes(user.id_number, "id_number")


def test_a_damaged_value_stops_nothing_and_is_counted(stage: Stage) -> None:
    for name in ("o-wang", "o-li"):
        stage.register(name, "resident")
    junk = type_coerce(b"junk" * 10, LargeBinary)
    with stage.database.begin() as connection:
        connection.execute(update(User).where(User.id == 1).values(name=junk))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    assert rotate(stage.database, metadata).lost == 1
    use_keyring(Keyring.parse(NEW))
    with Database(stage.database) as db:
        assert db.scalars(select(User.name).where(User.id == 2)).one() == "王秀兰"
        with pytest.raises(CannotOpen):
            db.scalars(select(User.name).where(User.id == 1)).one()


def test_a_session_set_aside_is_sealed_anew_as_well(stage: Stage) -> None:
    stage.say("o-wang", "注册")
    with Database(stage.database) as db, db.begin():
        sealed = db.scalars(select(type_coerce(Conversation.session, LargeBinary))).one()
        for content in (sealed, b"no session at all"):
            db.add(BrokenSession(conversation_id=1, session=content, reason="x", at=stage.clock()))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    assert rotate(stage.database, metadata).lost == 1
    use_keyring(Keyring.parse(NEW))
    with Database(stage.database) as db:
        kept = db.scalars(select(BrokenSession.session).order_by(BrokenSession.id)).first()
        assert kept
        opened = Keyring.parse(NEW).open(bytes(kept), purpose_of(Conversation.session))
        assert "register" in opened

"""The imported registry: who is found in it, by any key; and keys that change under it and under declared conflicts."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from bot.registry.table import TableRegistry
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import connect
from models.core.encryption import Keyring, keyring, use_keyring
from models.staff.conflict_of_interest import Conflict
from models.tables import metadata
from models.upkeep.key_rotation import Rotated, rotate
from models.verification.registry import Finding, RegistryEntry, fold_name, look_up, same_name
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number

NEW = base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NAME, STATUS, SOURCE, AS_OF = "阿依古丽·买买提", "监测对象", "invented county list", date(2026, 6, 30)


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    yield
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    database = connect(database_url)
    yield database
    database.dispose()


def enter(database: Engine, number: str, name: str = NAME, as_of: date = AS_OF) -> None:
    with Database(database) as db, db.begin():
        db.add(
            RegistryEntry(
                id_hash=keyring().lookup_hashes(number, "id_number")[0],
                id_number=number,
                name=name,
                region_code=DAOXIAN_MEIHUA,
                status=STATUS,
                source=SOURCE,
                as_of=as_of,
                imported_at=NOW,
            )
        )


@pytest.mark.parametrize(
    "typed",
    [NAME, "阿依古丽买买提", "阿依古丽・买买提", "阿依古丽•买买提", " 阿依 古丽.买买提 ", "阿依古丽\u200b·买买提"],
)
def test_a_person_is_found_however_the_name_is_typed(database: Engine, typed: str) -> None:
    enter(database, id_number(3))
    assert TableRegistry(database).look_up(id_number(3), typed) == Finding("match", STATUS, SOURCE, AS_OF)


def test_another_name_on_the_number_gets_no_standing(database: Engine) -> None:
    enter(database, id_number(3))
    for typed in ("阿依古丽", "买买提·阿依古丽", "", "·"):
        assert TableRegistry(database).look_up(id_number(3), typed) == Finding("name_mismatch", None, SOURCE, AS_OF)


def test_who_is_not_there_is_not_found(database: Engine) -> None:
    enter(database, id_number(3))
    assert TableRegistry(database).look_up(id_number(4), NAME) == Finding("not_found")


def test_any_key_finds_and_the_newest_of_two_entries_counts(database: Engine) -> None:
    enter(database, id_number(3))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    with Database(database) as db:
        assert look_up(db, id_number(3), NAME).as_of == AS_OF
    enter(database, id_number(3), as_of=date(2026, 9, 30))
    with Database(database) as db:
        assert look_up(db, id_number(3), NAME).as_of == date(2026, 9, 30)


def test_nothing_of_a_person_lies_readable_in_the_table(database: Engine) -> None:
    enter(database, id_number(3))
    with database.begin() as connection:
        raw = connection.exec_driver_sql("SELECT id_hash, id_number, name FROM registry_entries").one()
    assert id_number(3) not in str(raw)
    assert id_number(3).encode() not in bytes(raw.id_number)
    assert NAME.encode() not in bytes(raw.name)


def test_after_rotating_the_old_key_may_go(database_url: str, database: Engine) -> None:
    stage = Stage(database_url)
    officer = stage.appoint("o-zhou", "village")
    enter(database, id_number(3))
    with Database(database) as db, db.begin():
        hashed = keyring().lookup_hashes(id_number(4), "id_number")[0]
        db.add(Conflict(staff_id=officer, kind="kin", id_number=id_number(4), id_hash=hashed, declared_at=NOW))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    assert rotate(database, metadata).lost == 0
    assert rotate(database, metadata) == Rotated()
    use_keyring(Keyring.parse(NEW))
    assert TableRegistry(database).look_up(id_number(3), NAME).result == "match"
    with Database(database) as db:
        conflict = db.scalars(select(Conflict)).one()
        assert conflict.id_number == id_number(4)
        assert [conflict.id_hash] == keyring().lookup_hashes(id_number(4), "id_number")
    stage.close()


@given(st.text(min_size=1, max_size=20), st.text(alphabet=" ·・\u3000\u200b", max_size=5))
def test_spaces_and_dots_make_no_discrepancy(name: str, between: str) -> None:
    middle = len(name) // 2
    assert same_name(name, f"{between}{name[:middle]}{between}{name[middle:]}") is bool(fold_name(name))

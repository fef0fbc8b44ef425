"""The audit trail is one chain: gapless, sealed with what it tells of, and whole however many write at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session as Database

from bot.books.sealing import seal_all, sealing
from handlers.routing.dispatch import MOST_REFUSED
from models.appeals.appeal import MACHINE, Appeal, freeze, resume
from models.books.chains import CHAINS
from models.core.at_commit import put
from models.core.audit_trail import AUDIT, AuditEvent, AuditHead, AuditLink, UnsealedEvent, link_hash, record
from models.core.database import connect
from models.core.hash_chain import GENESIS, seal, waiting
from models.core.state_machine import SYSTEM, Actor, By, WrongState
from tests.harness.money import gift_postings
from tests.harness.platform import wechat
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.harness.statements import statements
from tests.harness.tiers import examples

NOW = datetime(2026, 11, 24, 2, 0, 0, 123_456, tzinfo=UTC)
EVENTS = cast("Table", AuditEvent.__table__)
FIELDS = ("actor", "action", "subject", "subject_id")


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    database = connect(database_url)
    yield database
    database.dispose()


def tell(db: Database, number: int, **more: Any) -> None:
    record(db, at=NOW, actor="system", action="told", subject="thing", subject_id=number, **more)


def whole_chain(database: Engine) -> list[int]:
    """The subjects' numbers in the chain's order, once all is sealed and every link is as it should be."""
    seal_all(database)
    with database.connect() as connection:
        wanted = select(AuditLink.number, AuditLink.hash, AuditEvent.__table__)
        wanted = wanted.join(AuditEvent, AuditEvent.id == AuditLink.event_id)
        links = connection.execute(wanted.order_by(AuditLink.number)).mappings().all()
        head = connection.execute(select(AuditHead.length, AuditHead.hash)).one()
    before = GENESIS
    for place, link in enumerate(links, 1):
        assert link["number"] == place
        assert link["hash"] == link_hash(before, link)
        before = link["hash"]
    assert tuple(head) == (len(links), before)
    return [link["subject_id"] for link in links]


def test_an_event_is_written_when_its_transaction_commits_and_not_before(database: Engine) -> None:
    with Database(database) as db, db.begin():
        tell(db, 1)
        assert db.scalars(select(AuditEvent)).all() == []
        tell(db, 2, about=7, detail="review", from_state="a", to_state="b")
    assert whole_chain(database) == [1, 2]
    with Database(database) as db, db.begin():
        tell(db, 3)
    assert whole_chain(database) == [1, 2, 3]


def test_links_are_the_same_in_every_database(new_database: Callable[[], str]) -> None:
    heads = []
    for _ in range(2):
        database = connect(new_database())
        with Database(database) as db, db.begin():
            tell(db, 1, detail="“求助”\n😀")
            tell(db, 2, about=7)
        seal_all(database)
        with Database(database) as db:
            heads.append(db.scalars(select(AuditHead.hash)).one())
        database.dispose()
    assert heads[0] == heads[1]


def test_a_rollback_takes_its_events_with_it(database: Engine) -> None:
    with Database(database) as db:
        tell(db, 1)
        db.rollback()
        tell(db, 2)
        db.commit()
        tell(db, 3)
    with suppress(ZeroDivisionError), Database(database) as db, db.begin():
        tell(db, 4)
        raise ZeroDivisionError
    with database.connect() as connection, connection.begin(), Database(connection) as db:
        tell(db, 5)
        db.rollback()
    with database.begin() as connection:
        pass
    assert whole_chain(database) == [2]


def test_a_session_that_joins_a_connection_cannot_leave_its_events_behind(database: Engine) -> None:
    """However it is let go: closed, flushed, committed (which is not the connection's commit), or never closed."""
    with database.begin() as connection:
        with Database(connection, join_transaction_mode="rollback_only") as db:
            tell(db, 1)
        with Database(connection) as db, db.begin():
            tell(db, 2)
        left = Database(connection)
        tell(left, 3)
        with Database(connection) as db:
            assert db.scalars(select(AuditEvent)).all() == []
    assert whole_chain(database) == [1, 2, 3]
    with suppress(ZeroDivisionError), database.begin() as connection:
        with Database(connection) as db, db.begin():
            tell(db, 4)
        raise ZeroDivisionError
    assert whole_chain(database) == [1, 2, 3]


# What is done in a transaction: a number is told; a list is done inside a savepoint, which then fails or not.
Deeds = st.recursive(
    st.integers(1, 99),
    lambda deeds: st.tuples(st.booleans(), st.lists(deeds, max_size=4)),
    max_leaves=12,
)


def play(db: Database, deed: Any) -> list[int]:
    """Do it, and say what should be left of it."""
    if isinstance(deed, int):
        tell(db, deed)
        return [deed]
    fails, deeds = deed
    left: list[int] = []
    with suppress(ZeroDivisionError), db.begin_nested():
        left = [number for part in deeds for number in play(db, part)]
        if fails:
            raise ZeroDivisionError
    return [] if fails else left


@given(st.lists(Deeds, max_size=6), st.booleans())
@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_savepoint_takes_back_is_not_told(database: Engine, deeds: list[Any], joins: bool) -> None:
    earlier = whole_chain(database)
    if joins:
        with database.begin() as connection, Database(connection) as db:
            left = [number for deed in deeds for number in play(db, deed)]
    else:
        with Database(database) as db, db.begin():
            left = [number for deed in deeds for number in play(db, deed)]
    assert whole_chain(database) == earlier + left


def test_a_savepoint_that_is_left_takes_the_open_ones_inside_along(database: Engine) -> None:
    with Database(database) as db, db.begin():
        tell(db, 1)
        outer = db.begin_nested()
        tell(db, 2)
        db.begin_nested()
        tell(db, 3)
        outer.rollback()
        tell(db, 4)
        outer = db.begin_nested()
        tell(db, 5)
        db.begin_nested()
        tell(db, 6)
        outer.commit()
    with database.begin() as connection:
        with connection.begin_nested(), Database(connection) as db:
            tell(db, 7)
            db.commit()
        savepoint = connection.begin_nested()
        with Database(connection) as db:
            tell(db, 8)
            db.commit()
        savepoint.rollback()
    assert whole_chain(database) == [1, 4, 5, 6, 7]


def test_a_refused_command_leaves_neither_state_nor_event(stage: Stage) -> None:
    number = stage.open_appeal()
    before = whole_chain(stage.database)
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number)
        with suppress(WrongState), db.begin_nested():
            MACHINE.move(db, appeal, "funded", SYSTEM, NOW)
            MACHINE.move(db, appeal, "completed", SYSTEM, NOW)
    assert whole_chain(stage.database) == before
    with Database(stage.database) as db:
        assert db.get_one(Appeal, number).state == "funding"


def test_what_cannot_be_told_is_not_committed(stage: Stage) -> None:
    """And the other way round: no move without its event."""
    number = stage.open_appeal()
    links = whole_chain(stage.database)
    with stage.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO nowhere")
    with pytest.raises(DBAPIError), Database(stage.database) as db, db.begin():
        MACHINE.move(db, db.get_one(Appeal, number), "funded", SYSTEM, NOW)
    with stage.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE nowhere RENAME TO audit_events")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, number).state == "funding"
    assert whole_chain(stage.database) == links


@pytest.mark.parametrize("ends", ["by a block", "by hand"])
@pytest.mark.parametrize("values", [{"at": NOW}, dict.fromkeys(FIELDS, "no number") | {"at": NOW}])
def test_whoever_has_the_connection_next_commits_nothing_whose_event_could_not_be_written(
    database: Engine, ends: str, values: dict[str, Any]
) -> None:
    def pause(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO channel_pauses VALUES ('gh', 'template', now(), 1)")
        put(connection, EVENTS, values)

    with pytest.raises(DBAPIError):  # noqa: PT012 - the end of a block is what fails
        if ends == "by a block":
            with Database(database) as db, db.begin():
                pause(db.connection())
        else:
            with Database(database) as db:
                pause(db.connection())
                db.commit()
    with Database(database) as db, db.begin():
        tell(db, 2)
    assert whole_chain(database) == [2]
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM channel_pauses").scalar() == 0


def test_nothing_else_writes_the_trail(database: Engine) -> None:
    event = AuditEvent(at=NOW, actor="system", action="told", subject="thing", subject_id=1)
    for row in (event, AuditLink(number=1, event_id=1, hash=GENESIS)):
        with Database(database) as db:
            db.add(row)
            with pytest.raises(TypeError, match="record"):
                db.flush()
    with Database(database) as db, pytest.raises(ValueError, match="flushed"):
        tell(db, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["length = length", "length = 0", "hash = 'x'"])
def test_the_head_only_grows(database: Engine, change: str) -> None:
    with Database(database) as db, db.begin():
        tell(db, 1)
    seal_all(database)
    for statement in (f"UPDATE audit_head SET {change}", "DELETE FROM audit_head"):  # noqa: S608
        with pytest.raises(DBAPIError), database.begin() as connection:
            connection.exec_driver_sql(statement)
    assert whole_chain(database) == [1]


def test_a_turn_without_events_leaves_the_trail_alone_and_one_with_them_writes_it_at_the_end(stage: Stage) -> None:
    """And no turn touches the head of a chain."""
    number = stage.open_appeal()
    stage.register("o-donor", "donor")
    engine = stage.app.extensions["bangfu"]["turns"].database
    with statements(engine) as seen:
        for words in ("菜单", "看求助", str(number), "帮助", "没有这样的话"):
            stage.say("o-donor", words)
    assert len(seen) > 20
    # Whether an appeal's page is open is read from its trail; nothing is written or locked.
    touching = [each for each in seen if "audit_" in each and (not each.startswith("SELECT") or "FOR UPDATE" in each)]
    assert touching == []
    with statements(engine) as seen:
        stage.say("o-donor", "通过 1")
    kinds = [statement.split()[0] for statement in seen if "audit_" in statement]
    assert kinds == ["SELECT", "INSERT"]  # the first counts what was refused today
    assert "audit_events" in seen[-2]  # the last keeps the turn and commits
    assert not [each for each in seen if "_head" in each]


@pytest.mark.slow  # it says hundreds of things
def test_abuse_a_stranger_does_not_grow_the_trail(stage: Stage) -> None:
    """Three hundred staff words and codes at the door; the first are kept, and the chain is whole."""
    before = len(whole_chain(stage.database))
    for turn in range(100):
        for words in ("通过 1", f"授权 ABCDE{23456 + turn}", "查 HJKMNPQRST"):
            stage.say("o-stranger", words)
    grown = len(whole_chain(stage.database)) - before
    with Database(stage.database) as db:
        newest = select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(grown)
        kept = Counter(db.scalars(newest))
    assert kept["command_refused"] == MOST_REFUSED
    assert kept["more_refused"] == 1
    assert grown <= MOST_REFUSED + 1 + 5 + 8
    stage.clock.move(timedelta(days=1))
    stage.say("o-stranger", "通过 1")
    assert len(whole_chain(stage.database)) == before + grown + 1


@pytest.mark.slow  # many threads
def test_many_at_once_make_one_chain(new_database: Callable[[], str]) -> None:
    """Sixteen people, each with turns that are refused, and officers who all look at and pass the same appeals."""
    stage = patient(Stage(new_database()))
    numbers = [stage.open_appeal() for _ in range(2)]
    deliveries = []
    for person in range(16):
        openid = f"o-many-{person}"
        stage.appoint(openid, "village") if person % 4 else stage.register(openid, "donor")
        words = [f"看 {numbers[0]}", "通过 1", f"看 {numbers[1]}", "通过 2", "待办"]
        deliveries.append([stage.wechat.deliver(wechat.text(word, openid)) for word in words])

    def turns(person: int) -> None:
        client = stage.app.test_client()
        for query, body in deliveries[person]:
            # A message that waits too long for another's lock is refused (503), and WeChat delivers it again.
            answers = (client.post("/wechat", query_string=query, data=body).status_code for _ in range(30))
            assert next(status for status in answers if status != 503) == 200
        for step in range(6):
            _freeze_or_resume(stage, numbers[(person + step) % 2], person)

    before = len(whole_chain(stage.database))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(turns, range(16)))
    moved = len(whole_chain(stage.database)) - before
    with Database(stage.database) as db:
        reads = db.scalars(select(AuditEvent.actor).where(AuditEvent.action == "read_sensitive")).all()
        refused = db.scalars(select(AuditEvent.actor).where(AuditEvent.action == "command_refused")).all()
    assert (len(reads), len(set(reads))) == (12 * 2, 12)
    assert len(refused) >= 4 * 2
    assert moved == len(reads) + len(refused) + 16 * 6
    stage.close()


def _freeze_or_resume(stage: Stage, number: int, person: int) -> None:
    """Whichever is possible now; a move either way."""
    county = Actor(By.COUNTY, f"staff:{person}")
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, number, with_for_update=True)
        if appeal.state == "funding":
            freeze(db, appeal, county, stage.clock(), "suspicion")
        else:
            resume(db, appeal, county, stage.clock())


@pytest.mark.parametrize("when", ["in the middle", "in a savepoint", "before the commit"])
def test_a_lost_connection_is_told_as_what_it_is(new_database: Callable[[], str], when: str) -> None:
    """And what waited on it is not told by whoever gets the next one."""
    database = connect(new_database())

    def turn() -> None:
        with database.begin() as connection, Database(connection) as db:
            tell(db, 1)
            with db.begin_nested() if when == "in a savepoint" else nullcontext():
                tell(db, 2)
                _cut(database, connection)
                if when != "before the commit":
                    db.scalar(select(AuditHead.length))

    with pytest.raises(OperationalError):
        turn()
    with Database(database) as db, db.begin():
        tell(db, 3)
    assert whole_chain(database) == [3]
    database.dispose()


def _cut(database: Engine, connection: Connection) -> None:
    """The server ends the connection."""
    process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with database.begin() as other:
        other.exec_driver_sql(f"SELECT pg_terminate_backend({process})")


# --- The sealer


def test_no_commit_waits_for_the_head_of_a_chain(stage: Stage) -> None:
    """A sealer at work, or one that hangs, keeps nobody waiting: neither a turn nor a posting."""
    stage.open_appeal()
    stage.seal()
    with stage.database.begin() as sealer:
        for head in ("audit_head", "ledger_head"):
            sealer.exec_driver_sql(f"SELECT 1 FROM {head} FOR UPDATE")  # noqa: S608 - a name of ours
        stage.say("o-stranger", "通过 1")
        with Database(stage.database) as db, db.begin():
            gift_postings.payment_received(db, 1, 100, "order:1", NOW)
        assert stage.seal() == 0  # another one has the lease
        with stage.database.connect() as connection:
            assert [waiting(connection, chain)[0] for chain in CHAINS] == [1, 1]
    assert stage.seal() == 2
    with stage.database.connect() as connection:
        assert [waiting(connection, chain) for chain in CHAINS] == [(0, 0.0), (0, 0.0)]


def test_sealers_that_are_cut_off_and_others_at_once_make_one_chain_in_each_subjects_order(database: Engine) -> None:
    """Threads tell of subjects under their locks, four sealers take small batches, and every third of these is lost."""
    subjects, steps = 5, 12
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE subjects (id int PRIMARY KEY, step int)")
        connection.exec_driver_sql("INSERT INTO subjects SELECT n, 0 FROM generate_series(1, 5) AS n")
    done = threading.Event()

    def teller(first: int) -> None:
        for turn in range(steps):
            number = (first + turn) % subjects + 1
            with Database(database) as db, db.begin():
                taken = f"UPDATE subjects SET step = step + 1 WHERE id = {number} RETURNING step"  # noqa: S608
                tell(db, number, detail=str(db.connection().exec_driver_sql(taken).scalar_one()))

    def sealer(_: int) -> None:
        tries = count()
        while not done.is_set():
            with suppress(ZeroDivisionError), database.begin() as connection:
                seal(connection, AUDIT, 3)
                if next(tries) % 3 == 0:
                    raise ZeroDivisionError

    with ThreadPoolExecutor(8) as pool:
        sealers = [pool.submit(sealer, number) for number in range(4)]
        list(pool.map(teller, range(4)))
        done.set()
        for each in sealers:
            each.result()
    assert len(whole_chain(database)) == 4 * steps
    with Database(database) as db:
        linked = select(AuditEvent.subject_id, AuditEvent.detail).join(AuditLink, AuditLink.event_id == AuditEvent.id)
        told = db.execute(linked.order_by(AuditLink.number)).all()
    for number in range(1, subjects + 1):
        steps_told = [int(row.detail or 0) for row in told if row.subject_id == number]
        assert steps_told == list(range(1, len(steps_told) + 1))
    with database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE subjects")


def test_the_process_of_the_scheduler_seals_without_being_asked(database: Engine) -> None:
    with Database(database) as db, db.begin():
        tell(db, 1)
    with sealing(database), database.connect() as connection:
        for _ in range(600):
            if not waiting(connection, AUDIT)[0]:
                break
            connection.rollback()
            time.sleep(0.05)
    with Database(database) as db:
        assert db.scalars(select(AuditHead.length)).one() == 1
        assert db.scalar(select(func.count()).select_from(UnsealedEvent)) == 0


def test_a_row_that_is_not_there_holds_up_no_other(database: Engine) -> None:
    """It stands on the list, and check-books names it until then; the numbers go on without a gap."""
    with Database(database) as db, db.begin():
        db.add(UnsealedEvent(id=10**6))
        tell(db, 1)
    assert seal_all(database) == 2
    assert whole_chain(database) == [1]

"""One clock for all that runs, which the demo's database may shift to either side, and which production never asks."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.demo.clock import ClockRow, TimeDoesNotGoBack
from bot.log import configure_logging
from bot.work.clock import DemoClock, clock_of, true_now
from bot.work.context import WorkerContext
from bot.work.schedule import SCHEDULE, Scheduled
from bot.work.scheduler import Scheduler
from config.settings import Environment, Settings
from models.core.database import connect
from models.verification.case import NOTICE_PERIOD
from tests.harness.platform import wechat
from tests.harness.stage import Stage
from tests.scenes.cases import case, registered, visited

ROOT = Path(__file__).parents[2]
NEAR = timedelta(minutes=10)
SHIFTS = [timedelta(days=5, hours=1), timedelta(days=-40)]


@pytest.fixture
def row(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClockRow]:
    """The demo's clock, in a database that is taken for the demo's own."""
    monkeypatch.setattr("config.settings.own_database_url", lambda: database_url)
    database = connect(database_url, pool_size=1)
    row = ClockRow(database)
    row.make()
    yield row
    with database.begin() as connection:
        connection.execute(text("DROP SCHEMA demo CASCADE"))
    database.dispose()


@pytest.fixture
def unreachable() -> Engine:
    """A database that no clock may ask."""
    return create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")


def spoken(settings: Settings) -> datetime:
    """When the application of these settings takes a message, by what it keeps of it."""
    app = create_app(settings)
    configure_logging(json=False)
    query, body = wechat.WeChat(mode=settings.wechat_mode).deliver(wechat.text("你好", "o-li"))
    assert app.test_client().post("/wechat", query_string=query, data=body).status_code == 200
    database = app.extensions["bangfu"]["turns"].database
    with database.connect() as connection:
        touched = connection.scalar(text("SELECT touched_at FROM conversations WHERE openid = 'o-li'"))
    database.dispose()
    assert isinstance(touched, datetime)
    return touched


# --- Who asks for it


@pytest.mark.parametrize(
    ("environment", "own"),
    [
        (Environment.PRODUCTION, True),
        (Environment.PRODUCTION, False),
        (Environment.AUTO, True),
        (Environment.DEMO, False),
    ],
)
def test_but_for_the_demo_on_its_own_database_the_clock_is_the_true_one(
    stage: Stage, row: ClockRow, unreachable: Engine, environment: Environment, own: bool
) -> None:
    row.write(SHIFTS[0].total_seconds())
    url = stage.settings.database_url if own else "postgresql://u@db.internal/b"
    settings = stage.settings.model_copy(update={"bangfu_env": environment, "database_url": url})
    assert settings.has_own_database is own
    assert clock_of(settings, unreachable) is true_now


def test_production_goes_by_the_true_time_whatever_stands_in_its_database(stage: Stage, row: ClockRow) -> None:
    """And asks for nothing of the demo's, neither at a turn nor at a tick."""
    row.write(SHIFTS[0].total_seconds())
    settings = stage.settings.model_copy(update={"bangfu_env": Environment.PRODUCTION})
    asked: list[str] = []

    def note(*found: object) -> None:
        asked.append(str(found[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert abs(spoken(settings) - datetime.now(UTC)) < NEAR
        context = WorkerContext(settings)
        assert abs(context.clock() - datetime.now(UTC)) < NEAR
        context.close()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked
    assert not [statement for statement in asked if "demo" in statement]


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_in_the_demo_web_process_and_worker_have_one_shifted_time(
    stage: Stage, row: ClockRow, shift: timedelta
) -> None:
    row.write(shift.total_seconds())
    wanted = datetime.now(UTC) + shift
    assert abs(spoken(stage.settings) - wanted) < NEAR
    context = WorkerContext(stage.settings)
    assert abs(context.clock() - wanted) < NEAR
    row.write(0)
    assert abs(context.clock() - datetime.now(UTC)) < NEAR
    context.close()


def test_only_the_demo_writes_it_and_one_module_reads_it() -> None:
    """By import-linter's contract nothing else imports bot.demo.clock; and nothing else names the table."""
    named = {
        str(path.relative_to(ROOT))
        for folder in ("bot", "handlers", "flows", "models", "config")
        for path in (ROOT / folder).rglob("*.py")
        if "demo.clock" in path.read_text(encoding="utf-8").replace("bot.demo.clock", "")
    }
    assert named == {"bot/demo/clock.py", "bot/work/clock.py"}
    reading = (ROOT / "bot/work/clock.py").read_text(encoding="utf-8")
    assert not [word for word in ("INSERT", "UPDATE", "CREATE") if word in reading]


def test_a_clock_whose_database_is_away_goes_on_as_it_was(row: ClockRow, database_url: str) -> None:
    shift = SHIFTS[0]
    row.write(shift.total_seconds())
    database = connect(database_url, pool_size=1)
    clock = DemoClock(database, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    assert clock() == datetime(2026, 11, 24, tzinfo=UTC) + shift
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE demo.clock RENAME TO gone"))
    assert clock() == datetime(2026, 11, 24, tzinfo=UTC) + shift
    database.dispose()


# --- What falls due


def test_after_a_jump_of_five_days_the_running_scheduler_ends_the_public_notice(
    stage: Stage, row: ClockRow, redis_flushed: str
) -> None:
    stage.clock.now = datetime.now(UTC)
    number = registered(stage, "o-wang")
    visited(stage, number, stage.appoint("o-zhou", "village"))
    assert case(stage, number).state == "public_notice"
    context = WorkerContext(stage.settings.model_copy(update={"redis_url": redis_flushed}))
    swept = threading.Event()

    def deadlines(context: WorkerContext, now: datetime) -> None:
        run = SCHEDULE["deadlines"].run
        assert run
        run(context, now)
        swept.set()

    entry = Scheduled(SCHEDULE["deadlines"].every, deadlines)
    scheduler, ending = Scheduler(context, redis_flushed, {"deadlines": entry}), threading.Event()
    running = threading.Thread(target=scheduler.run, args=(ending,))
    running.start()
    try:
        assert swept.wait(120)
        assert case(stage, number).state == "public_notice"
        swept.clear()
        row.write((NOTICE_PERIOD + timedelta(minutes=1)).total_seconds())
        assert swept.wait(120), "the next tick sees that a minute and more has passed"
    finally:
        ending.set()
        running.join()
        context.close()
    assert case(stage, number).state in {"township_review", "county_review"}  # by whether it is a sample


def test_a_clock_that_was_set_back_holds_up_no_scheduled_run(stage: Stage, redis_flushed: str) -> None:
    ran: list[datetime] = []
    every = timedelta(seconds=15)
    context = WorkerContext(stage.settings)
    scheduler = Scheduler(context, redis_flushed, {"often": Scheduled(every, lambda _, now: ran.append(now))})
    later = stage.clock()
    earlier = later - timedelta(days=30)
    seconds = [earlier + timedelta(seconds=second) for second in (0, 14, 15)]
    for now in (later, later - timedelta(seconds=14), *seconds):
        scheduler.tick(now)
    assert ran == [later, earlier, earlier + every]
    scheduler.close()
    context.close()


# --- Where it begins


def test_a_world_with_a_history_begins_at_no_earlier_time(stage: Stage, row: ClockRow) -> None:
    row.begin(-86_400.0)
    assert row.read() == -86_400.0
    stage.register("o-li", "donor")
    with pytest.raises(TimeDoesNotGoBack):
        row.begin(-90_000.0)
    row.begin(3_600.0)
    row.make()
    assert row.read() == 3_600.0
    with Database(stage.database) as db:
        assert db.execute(text("SELECT count(*) FROM demo.clock")).scalar_one() == 1

"""Several who do one thing at once."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from models.books import violations
from models.payments.collection import PaymentOutcome
from models.payments.platform_order import Payment
from tests.harness.money.unowned import BY_NOBODY
from tests.harness.stage import Stage
from tests.scenes.money.gifts import take

DONORS = 32


@pytest.fixture
def stage(new_database: Callable[[], str]) -> Iterator[Stage]:
    stage = patient(Stage(new_database()))
    yield stage
    stage.close()


def patient(stage: Stage) -> Stage:
    """Let those who use the stage's own engine wait for each other for two minutes.

    PostgreSQL itself finds who waits in a circle; many in a row on a slow machine, or on one that stood still, are no
    circle.
    """

    @event.listens_for(stage.database, "begin")
    def wait(connection: Connection) -> None:
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = '120s'")

    return stage


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """What each came to, or what it raised."""
    ready = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(place: int) -> None:
        ready.wait()
        results[place] = _come_to(acts[place])

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _come_to(act: Callable[[], object]) -> object:
    """Return what the act came to, or what it raised; do it again where it found no free connection to begin with."""
    while True:
        try:
            return act()
        except NoFreeConnection:
            continue
        except Exception as error:  # the test looks at what it was
            return error


def outcome(stage: Stage, payment: Payment) -> PaymentOutcome:
    """What the news of a payment came to. Like WeChat, tell it again where it found no free connection."""
    while True:
        try:
            return take(stage, payment).outcome
        except NoFreeConnection:
            continue


def assert_books_close(stage: Stage) -> None:
    with stage.database.connect() as connection:
        found = [str(one) for one in violations(connection, stage.clock()) if one.subject not in BY_NOBODY]
    assert found == []

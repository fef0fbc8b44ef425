"""Seal what turns and jobs have written: number and link it in the hash chains, a batch at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.books.chains import CHAINS
from models.core.hash_chain import BATCH, seal

log = structlog.get_logger()

# Seconds between two looks for what waits, and before the next one after a database that does not answer.
PAUSE = 0.5
AWAY = 5.0


def seal_all(database: Engine, ending: threading.Event | None = None) -> int:
    """Seal all that waits now, each batch in a transaction of its own, and return how many rows there were.

    Safe in any number of programs at once, and to be killed anywhere. Stops between two batches once ``ending`` is
    set. Raises SQLAlchemyError.
    """
    count = 0
    for chain in CHAINS:
        taken = BATCH
        while taken == BATCH and not (ending and ending.is_set()):
            with database.begin() as connection:
                taken = seal(connection, chain)
            count += taken
    return count


@contextmanager
def sealing(database: Engine) -> Iterator[None]:
    """Seal in a thread of this process while the block runs; any number of processes may, and one of them works."""
    ending = threading.Event()
    thread = threading.Thread(target=_go_on, args=(database, ending), name="sealer")
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _go_on(database: Engine, ending: threading.Event) -> None:
    pause = PAUSE
    while not ending.wait(pause):
        try:
            seal_all(database, ending)
        except SQLAlchemyError as error:
            log.warning("sealing.put_off", error=type(error).__name__)
            pause = AWAY
        except Exception:  # of any kind: what waits must not wait for a person; logged
            log.exception("sealing.failed")
            pause = AWAY
        else:
            pause = PAUSE

"""Keep how far the demo's clock is shifted, in a schema of the demo's own that no migration and no route knows.

Only the demo's database has it: ``make demo`` makes it at its start, the demo's simulator moves it (bot.demo.stand_in),
and the bot's processes read it (bot.work.clock).
"""

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from models.people.user import User

_MADE = (
    "CREATE SCHEMA IF NOT EXISTS demo",
    # The one row's key is its being there, so that there is never a second.
    "CREATE TABLE IF NOT EXISTS demo.clock (there boolean PRIMARY KEY CHECK (there), ahead double precision NOT NULL)",
    "INSERT INTO demo.clock VALUES (true, 0) ON CONFLICT DO NOTHING",
)


class TimeDoesNotGoBack(Exception):
    """The database holds a history that is later than the wanted time."""


class ClockRow:
    """The shift in seconds, as bot.simulator.timeline.SharedClock wants it; negative: behind the true time."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def make(self) -> None:
        """Make the row, with the true time, unless it is there."""
        with self._database.begin() as connection:
            for statement in _MADE:
                connection.execute(text(statement))

    def read(self) -> float:
        with self._database.connect() as connection:
            return float(connection.execute(text("SELECT ahead FROM demo.clock")).scalar_one())

    def write(self, ahead: float) -> None:
        with self._database.begin() as connection:
            connection.execute(text("UPDATE demo.clock SET ahead = :ahead"), {"ahead": ahead})

    def begin(self, ahead: float) -> None:
        """Begin the demo at this shift. Raises TimeDoesNotGoBack where that is before what has happened there."""
        with Session(self._database) as db:
            has_history = db.scalar(select(User.id).limit(1)) is not None
        if has_history and ahead < self.read():
            raise TimeDoesNotGoBack
        self.write(ahead)

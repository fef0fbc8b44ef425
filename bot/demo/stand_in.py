"""Run the demo's simulator and let its clock move the bot's: ``python -m bot.demo.stand_in``, with its options."""

import sys

from bot.demo.clock import ClockRow
from bot.simulator.__main__ import main
from config.settings import read_settings
from models.core.database import connect


def run(arguments: list[str]) -> int:
    """Run it on the demo's database until told to stop. Returns the exit code."""
    settings = read_settings()
    if not settings.has_own_database:
        raise SystemExit("this moves the clock of the demo's own database, and of no other")
    database = connect(settings.database_url, pool_size=1)
    try:
        return main(arguments, ClockRow(database))
    finally:
        database.dispose()


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))

"""The job that fetches the QR code of a printed card."""

from typing import TYPE_CHECKING

from bot.proxy import card_codes
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def make_card_code(context: "WorkerContext", card_id: int) -> None:
    card_codes.make_code(context.database, context.api, card_id, context.clock)


JOBS = {"make_card_code": Job(make_card_code)}

"""Check rounds: what a drawn round keeps puts its candidates into the order in which it shared the offer out."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, func, select

from models.books.violation import Violation
from models.core.database import stream
from models.goods.matches.match import Match
from models.goods.rounds.round import Candidate, Round
from models.goods.rounds.rule import FIRST_COME, hash_of, lot_of

_KEPT = ("key", "need", "waited", "due", "helped", "near", "score", "missed", "lot", "place", "given", "barred")


def check_rounds(connection: Connection, _now: datetime) -> Iterator[Violation]:
    held = select(Match.round_id, func.sum(Match.asked).label("asked")).group_by(Match.round_id).subquery()
    proposed = func.coalesce(held.c.asked, 0).label("proposed")
    rounds = (Round.rule, Round.seed, Round.seed_hash, Round.there)
    found = select(Candidate.round_id, *rounds, proposed, *(getattr(Candidate, name) for name in _KEPT))
    found = found.join(Round, Round.id == Candidate.round_id).outerjoin(held, held.c.round_id == Round.id)
    rows = stream(connection, found.where(Round.state == "drawn").order_by(Candidate.round_id, Candidate.place))
    for number, candidates in groupby(rows, key=lambda row: row.round_id):
        if why := _wrong(list(candidates)):
            yield Violation("round_differs", "round", number, why)


def _wrong(rows: Sequence[Any]) -> str | None:
    """Say what of a round does not follow from what it keeps; None where all of it does. ``rows``: by place."""
    first = rows[0]
    free = [row for row in rows if row.barred is None]
    given = sum(row.given for row in rows)
    by_lot = first.rule != FIRST_COME
    wrongs = {
        "has another seed than it promised": hash_of(first.seed) != first.seed_hash,
        "has a lot that is not its seed's": by_lot and any(row.lot != lot_of(row.seed, row.key) for row in rows),
        "has a score that is not the sum of its parts": any(
            row.score != row.need + row.waited + row.due + row.near - row.helped for row in rows
        ),
        "has places that do not follow from its rows": [row.place for row in rows] != list(range(1, len(rows) + 1))
        or rows[: len(free)] != free
        or sorted(free, key=lambda row: (-row.score, row.missed, row.lot, row.key)) != free,
        "gave more than there was": given > (first.there or 0),
        "proposed another quantity than it gave": given != first.proposed,
    }
    return next((why for why, is_so in wrongs.items() if is_so), None)

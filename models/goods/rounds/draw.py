"""Draw a round: order its candidates by its rule, keep the rows, and propose their parts, in one transaction.

Locks are taken as models.goods.matches.holding says: the offer, the requests from the lowest number up, the shelf. The
round itself is locked after its offer. A process that dies leaves the round gathering; the next run draws it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.core.codes import ALPHABET
from models.core.encryption import keyring
from models.core.state_machine import SYSTEM
from models.goods.exchange import Offer
from models.goods.matches.holding import Proposal, propose
from models.goods.points.point import Shelf
from models.goods.rounds.gathering import Gathered, Goods, gather, is_shareable, standings
from models.goods.rounds.round import ROUND_MACHINE, Candidate, Round
from models.goods.rounds.rule import Row, order, part_of, share

BATCH = 200
KEY_LENGTH = 8
_PURPOSE = "round key"


def due_rounds(db: Session, now: datetime) -> list[int]:
    """List the rounds whose candidates have gathered long enough, the first closed first."""
    due = select(Round.id).where(Round.state == "gathering", Round.closes_at <= now)
    return list(db.scalars(due.order_by(Round.closes_at, Round.id).limit(BATCH)))


def draw(db: Session, number: int, now: datetime) -> bool:
    """Draw a round that is due; returns False where another transaction has it or has drawn it.

    A round is void where nothing of it can be given any more, or nobody asks for it.
    """
    found = db.get_one(Round, number)
    offer = db.get(Offer, found.offer_id, with_for_update={"skip_locked": True}, populate_existing=True)
    round_ = db.get_one(Round, number, with_for_update=True, populate_existing=True) if offer else None
    if offer is None or round_ is None or round_.state != "gathering" or round_.closes_at > now:
        return False
    goods = Goods(offer, db.get(Shelf, round_.shelf_id) if round_.shelf_id else None)
    candidates = gather(db, goods, now) if is_shareable(db, goods, now) else []
    if goods.shelf:
        db.refresh(goods.shelf, with_for_update=True)
    if not candidates or goods.there < goods.smallest:
        ROUND_MACHINE.move(db, round_, "void", SYSTEM, now)
        return True
    round_.there = goods.there
    _share_out(db, round_, goods, candidates, now)
    round_.drawn_at = now
    ROUND_MACHINE.move(db, round_, "drawn", SYSTEM, now)
    offer.turn_at = now
    db.flush()
    return True


def _share_out(db: Session, round_: Round, goods: Goods, candidates: Sequence[Gathered], now: datetime) -> None:
    """Order the candidates, keep them with what each is given, and propose it. The barred stand behind the others."""
    keys = keys_of(round_.id, [each.request.id for each in candidates])
    standing = standings(db, goods, candidates, keys, round_.closes_at)
    by_key = {keys[each.request.id]: each for each in candidates}
    rows = order(round_.rule, round_.seed, standing)
    free = [row for row in rows if by_key[row.key].barred is None]
    barred = [row for row in rows if by_key[row.key].barred is not None]
    part = part_of(weighed=goods.offer.unit == "jin", smallest=goods.smallest)
    given = share([by_key[row.key].request.missing for row in free], goods.there, part, goods.smallest)
    parts = [*given, *(0 for _ in barred)]
    _keep(db, round_, [*free, *barred], by_key, parts)
    for row, quantity in zip(free, given, strict=True):
        chosen = by_key[row.key]
        if quantity and chosen.point_id:
            proposal = Proposal(round_.id, chosen.point_id, quantity, goods.shelf.id if goods.shelf else None)
            propose(db, goods.offer, chosen.request, proposal, now)


def _keep(
    db: Session, round_: Round, rows: Sequence[Row], by_key: Mapping[str, Gathered], parts: Sequence[int]
) -> None:
    values: list[dict[str, Any]] = []
    for place, (row, given) in enumerate(zip(rows, parts, strict=True), 1):
        chosen, points = by_key[row.key], row.points
        values.append(
            {
                **{"round_id": round_.id, "request_id": chosen.request.id, "key": row.key},
                **{"need": points.need, "waited": points.waited, "due": points.due},
                **{"helped": points.helped, "near": points.near, "score": points.score},
                **{"missed": row.missed, "lot": row.lot, "place": place},
                **{"wanted": chosen.request.missing, "given": given, "barred": chosen.barred},
            }
        )
    db.execute(insert(Candidate), values)


def keys_of(round_id: int, requests: Sequence[int]) -> dict[int, str]:
    """Make the pseudonyms of a round's requests. They follow from DATA_KEYS: nobody picks them."""
    keys: dict[int, str] = {}
    taken: set[str] = set()
    for request in sorted(requests):
        again = 0
        while (key := _key(f"{round_id}:{request}:{again}")) in taken:
            again += 1
        keys[request] = key
        taken.add(key)
    return keys


def _key(name: str) -> str:
    number = int(keyring().lookup_hashes(name, _PURPOSE)[0], 16)
    letters = ""
    for _ in range(KEY_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters += ALPHABET[letter]
    return letters

"""Sort live offers and requests anew, after the table of sorts has changed."""

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from flows.language.lexicon import Lexicon
from flows.language.sorts import sort_of
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer

_PAGE = 1_000


def sort_goods(database: Engine, lexicon: Lexicon) -> int:
    """Update the sort of all live rows, a page in each transaction; finished rows stay. Returns how many changed."""
    changed = 0
    for table, machine in ((Offer, OFFER_MACHINE), (GoodsRequest, REQUEST_MACHINE)):
        live = table.state.in_(sorted({source for source, _ in machine.moves}))
        page = select(table.id, table.category, table.item, table.sort).where(live).order_by(table.id).limit(_PAGE)
        last = 0
        while True:
            with Session(database) as db, db.begin():
                rows = db.execute(page.where(table.id > last)).all()
                sorts = [(row, sort_of(row.category, row.item, lexicon)) for row in rows]
                moved = [{"id": row.id, "sort": sort} for row, sort in sorts if sort != row.sort]
                if table is GoodsRequest:
                    # Two requests of one household may now be of one sort: neither is given up for that.
                    moved = [{**row, "beside": row["id"]} for row in moved]
                if moved:
                    db.execute(update(table), moved)
            changed += len(moved)
            if len(rows) < _PAGE:
                break
            last = rows[-1].id
    return changed

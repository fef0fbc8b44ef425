"""配捐 <号>: list a fund holder's matching pools, or show one with the next steps."""

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.giving.pool import find_pool
from models.giving.pool_file import PoolFile, file_of, pools_of


def pools(talk: Talk, number: str = "") -> Answer:
    """List the fund holder's pools; with a number, show that one. Raises NoSuchPool."""
    return view(talk, number) if number else _listed(talk, None)


def more_pools(talk: Talk, before: str) -> Answer:
    return _listed(talk, int(before))


def view(talk: Talk, number: str) -> Answer:
    """Show what was paid in, matched, returned and is left of one pool. Raises NoSuchPool."""
    db = talk.turn.db
    file = file_of(db, find_pool(db, staff_of(talk), int(number)))
    values = {"pool": file, "now": talk.world.now, "labels": labels(talk.world.lexicon, "appeal_category")}
    return with_ways("replies/giving/pool", values, _ways(file))


def fund(talk: Talk, number: str = "") -> Answer:
    return talk.start("fund_pool", {"pool": int(number)}) if number else _listed(talk, None)


def close(talk: Talk, number: str = "") -> Answer:
    return talk.start("close_pool", {"pool": int(number)}) if number else _listed(talk, None)


def return_money(talk: Talk, number: str = "") -> Answer:
    return talk.start("return_pool", {"pool": int(number)}) if number else _listed(talk, None)


def _listed(talk: Talk, before: int | None) -> Answer:
    page = pools_of(talk.turn.db, staff_of(talk), before)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", "pools", str(pool.number)]) for n, pool in lines]
    values = {"lines": lines, "now": talk.world.now, "labels": labels(talk.world.lexicon, "appeal_category")}
    turn = ["more_pools", str(page.after)] if page.after else None
    return one_page(talk, "replies/giving/pools", values, options, turn)


def _ways(file: PoolFile) -> dict[str, list[str]]:
    number = str(file.number)
    ways = {}
    if file.state == "open":
        if file.to_come_fen:
            ways["fund"] = ["command", "fund_pool", number]
        ways["close"] = ["command", "close_pool", number]
    elif file.held_fen:
        ways["give_back"] = ["command", "return_pool", number]
    return ways | {"list": ["command", "pools"]}

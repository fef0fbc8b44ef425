"""Where the time of a turn goes, statement by statement: the same messages in one process, without a server."""

import time
from collections import defaultdict
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from sqlalchemy import event

from bot.turn import Turns
from config.settings import Mode
from models.notifications import turn_store
from tests.harness.platform import wechat
from tests.harness.stage import Stage

TURNS = 2_000
MIDDLE = ("苗寨修路", "返回")


def report(url: str) -> None:
    """Microseconds per turn, by database statement and by part of the program."""
    stage = Stage(url, mode=Mode.PLAIN)
    stage.clock.now = datetime.now(UTC)
    stage.register("o-profile", "resident")
    stage.say("o-profile", "求助")
    turns: Turns = stage.app.extensions["bangfu"]["turns"]
    spent: dict[str, float] = defaultdict(float)
    begun: dict[str, float] = {}

    def before(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        begun[statement] = time.perf_counter()

    def after(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        spent[" ".join(statement.split())[:60]] += time.perf_counter() - begun[statement]

    event.listen(turns.database, "before_cursor_execute", before)
    event.listen(turns.database, "after_cursor_execute", after)
    for statement, run, name in (
        (turn_store._CLAIM_AND_LOCK, "first", "begin, claim the message, lock the person"),
        (turn_store._KEEP_ALL, "run_and_commit", "keep the turn and the person, commit"),
    ):
        _time(statement, run, spent, name)
    object.__setattr__(turns, "route", _timed(turns.route, spent, "route: handlers, engine, readers"))
    turns.renderer.render = _timed(turns.renderer.render, spent, "render: Jinja")  # type: ignore[method-assign]
    words = cycle(MIDDLE)
    deliveries = [stage.wechat.deliver(wechat.text(next(words), "o-profile")) for _ in range(TURNS)]
    begin = time.perf_counter()
    for query, body in deliveries:
        assert stage.client.post("/wechat", query_string=query, data=body).status_code == 200
    total = time.perf_counter() - begin
    stage.close()
    print("\nwhere a turn's time goes (µs per turn, one process, no server)")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {seconds / TURNS * 1e6:8.0f}  {name}")
    rest = total - sum(spent.values())
    print(f"  {rest / TURNS * 1e6:8.0f}  the rest: Flask's test client, door, SQLAlchemy, JSON, sealing")
    print(f"  {total / TURNS * 1e6:8.0f}  in all")


def _timed(call: Any, spent: dict[str, float], name: str) -> Any:
    def timed(*args: Any, **named: Any) -> Any:
        begin = time.perf_counter()
        try:
            return call(*args, **named)
        finally:
            spent[name] += time.perf_counter() - begin

    return timed


def _time(owner: Any, method: str, spent: dict[str, float], name: str) -> None:
    setattr(owner, method, _timed(getattr(owner, method), spent, name))

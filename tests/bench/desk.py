"""``make bench ARGS=desk``: the officers' queue and a county's figures with the whole country in the database.

100,000 officers and a million cases on PostgreSQL, 5,000 of them in one county. Every statement that 待办 and 统计 send
is taken down, run again under EXPLAIN, and must find its rows by an index.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from bot.places.load import DIVISIONS, load_regions, read_regions
from bot.processes.postgres import EmbeddedPostgres
from bot.work.clock import true_now
from models.core.database import connect
from models.core.encryption import Keyring, keyring, purpose_of, use_keyring
from models.migrations import upgrade
from models.oversight.statistics import count_region
from models.staff.member import Staff
from models.staff.queue import list_queue
from models.support.desk import waiting_tickets

DAOXIAN, MEIHUA = "431124000000", "431124101000"
ROUNDS = 20
FILL = Path(__file__).with_suffix(".sql")


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=desk")
    parser.add_argument("--officers", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--in-one-county", type=int, default=5_000, help="of the cases")
    given = parser.parse_args(arguments)
    use_keyring(Keyring([bytes(32)]))
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        database = connect(server.url)
        load_regions(database, read_regions(DIVISIONS))
        with database.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            # The rows fit together as they are made; looking up each foreign key would take minutes.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            name = keyring().seal("n", purpose_of(Staff.name)).hex()
            filled = FILL.read_text(encoding="utf-8")
            filled = filled.format(**vars(given), name=name)
            for statement in filled.rstrip().removesuffix(";").split(";\n"):
                connection.execute(text(statement))
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))
        county, village = (_staff(database, code, role) for code, role in ((DAOXIAN, "county"), (MEIHUA, "village")))
        print(f"\n{given.officers:,} officers, {given.cases:,} cases, {given.in_one_county:,} of them in one county;")
        print("milliseconds\n")
        print(f"{'':34}{'median':>8}{'most':>8}  statements, and the slowest by itself")
        _measure(database, "to do, a county's officer", lambda db: _todo(db, county))
        _measure(database, "to do, a village's officer", lambda db: _todo(db, village))
        _measure(database, "figures of a county", lambda db: count_region(db, DAOXIAN, true_now()))
        _measure(database, "figures of a township", lambda db: count_region(db, MEIHUA, true_now()))
        database.dispose()


def _staff(database: Engine, code: str, role: str) -> int:
    with database.connect() as connection:
        found = text("SELECT id FROM staff WHERE region_code = :code AND role = :role ORDER BY id LIMIT 1")
        return int(connection.execute(found, {"code": code, "role": role}).scalar_one())


def _todo(db: Session, staff_id: int) -> None:
    staff = db.get_one(Staff, staff_id)
    assert list_queue(db, staff, 6)
    waiting_tickets(db, staff, 6)


_FEW_ROWS = 100


def _measure(database: Engine, name: str, act: Callable[[Session], Any]) -> None:
    """The database's own time for all statements together, over some rounds. Fails on a scan of a whole table."""
    sent = _listen(database, act)
    rounds = []
    for _ in range(ROUNDS):
        plans = [_explain(database, statement, parameters) for statement, parameters in sent]
        rounds.append([plan["Planning Time"] + plan["Execution Time"] for plan in plans])
    for plan, (statement, _) in zip(plans, sent, strict=True):
        scanned = _scans(plan["Plan"])
        if scanned:
            raise SystemExit(f"{name}: scans {', '.join(scanned)} in {statement}")
    totals = [sum(times) for times in rounds]
    slowest = statistics.median(max(times) for times in rounds)
    print(f"{name:34}{statistics.median(totals):8.1f}{max(totals):8.1f}  {len(sent)}, {slowest:.1f}")


def _listen(database: Engine, act: Callable[[Session], Any]) -> list[tuple[str, Any]]:
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(database, "before_cursor_execute", note)
    with Session(database) as db:
        act(db)
    event.remove(database, "before_cursor_execute", note)
    return [(statement, parameters) for statement, parameters in sent if statement.startswith(("SELECT", "WITH"))]


def _explain(database: Engine, statement: str, parameters: Any) -> dict[str, Any]:
    with database.connect() as connection:
        raw = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    plan: dict[str, Any] = (json.loads(raw) if isinstance(raw, str) else raw)[0]
    return plan


def _scans(plan: dict[str, Any]) -> list[str]:
    """Name the tables that are read whole; one of a few rows is read so by any plan."""
    read = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    own = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and read >= _FEW_ROWS else []
    return [*own, *(name for below in plan.get("Plans", ()) for name in _scans(below))]

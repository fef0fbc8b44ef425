"""``make bench ARGS=desk``: the officers' queue and a county's figures with the whole country in the database.

100,000 officers and a million cases on PostgreSQL, 5,000 of them in one county. Every statement that 待办 and 统计 send is
taken down, run again under EXPLAIN, and must find its rows by an index.
"""

import json
import statistics
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from bot.app import utc_now
from bot.regions import DIVISIONS, load_regions, read_regions
from models.database import connect
from models.help_desk import waiting_tickets
from models.migrations import upgrade
from models.queue import waiting
from models.sealing import Keyring, use_keyring
from models.staff import Staff
from models.statistics import count_region
from tests.services import EmbeddedPostgres

DAOXIAN, MEIHUA = "431124000000", "431124101000"
OFFICERS, CASES, IN_ONE_COUNTY, ROUNDS = 100_000, 1_000_000, 5_000, 20
# Small tables, of which a scan is the quickest way.
SMALL = {"staff_page"}
STATES = (
    "CASE WHEN n % 20 = 0 THEN 'registry_checked' WHEN n % 20 = 1 THEN 'public_notice' "
    "WHEN n % 20 = 2 THEN 'township_review' WHEN n % 20 = 3 THEN 'county_review' WHEN n % 20 = 4 THEN 'rejected' "
    "ELSE 'verified' END"
)
# Townships in the order of their codes; a case belongs to the one that its number falls on.
PLACE = (
    f"CASE WHEN n <= {IN_ONE_COUNTY} THEN here.code ELSE everywhere.code END FROM generate_series(1, {CASES}) n "
    "JOIN t everywhere ON everywhere.at = n % (SELECT count(*) FROM t) "
    "JOIN d here ON here.at = n % (SELECT count(*) FROM d)"
)
FILL = (
    "CREATE TEMPORARY TABLE t AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions WHERE level = 3",
    "CREATE TEMPORARY TABLE d AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM t "
    "WHERE code LIKE '431124%'",
    "CREATE INDEX ON t (at)",
    "ANALYZE t",
    "INSERT INTO staff (work_no, account, openid, role, region_code, name, state, active_from) "
    "SELECT 'W' || n, 'gh', 'o' || n, 'village', t.code, ''::bytea, 'active', now() "
    f"FROM generate_series(1, {OFFICERS}) n JOIN t ON t.at = n % (SELECT count(*) FROM t)",
    "INSERT INTO staff (work_no, account, openid, role, region_code, name, state, active_from) "
    "SELECT 'C' || code, 'gh', 'c' || code, 'county', code, ''::bytea, 'active', now() FROM regions WHERE level = 2",
    f"INSERT INTO households (id, region_code, created_at) SELECT n, {PLACE.replace(' FROM', ', now() FROM', 1)}",
    "INSERT INTO users (id, draft_id, role, state, id_finder, household_id, region_code, created_at) "
    "SELECT id, 'u' || id, 'resident', 'active', 'f' || id, id, region_code, now() FROM households",
    "INSERT INTO verifications (id, user_id, household_id, region_code, state, submitted_at, due_at, decided_at, "
    f"expires_at) SELECT n, n, n, region_code, {STATES}, now() - n % 400 * interval '1 day', now(), "
    "CASE WHEN n % 20 >= 4 THEN now() - n % 400 * interval '1 day' + n % 15 * interval '1 day' END, "
    "now() + interval '200 days' FROM (SELECT id AS n, region_code FROM households) h",
    "INSERT INTO tasks (subject, subject_id, step, role, region_code, household_id, assignee, opened_at, due_at) "
    "SELECT 'case', v.id, CASE v.state WHEN 'registry_checked' THEN 'visit' ELSE v.state END, "
    "CASE v.state WHEN 'registry_checked' THEN 'village' WHEN 'county_review' THEN 'county' ELSE 'township' END, "
    "v.region_code, v.household_id, "
    "CASE v.state WHEN 'county_review' THEN (SELECT id FROM staff s WHERE s.work_no = "
    "'C' || substr(v.region_code, 1, 6) || '000000') END, v.submitted_at, v.submitted_at + interval '4 days' "
    "FROM verifications v WHERE v.state IN ('registry_checked', 'township_review', 'county_review')",
    "INSERT INTO decisions (subject, subject_id, region_code, staff_id, role, verdict, at) "
    "SELECT 'case', id, region_code, 1, 'village', 'pass', submitted_at FROM verifications WHERE decided_at IS NOT NULL",
    "INSERT INTO conversations (id, account, openid, session, created_at, touched_at) "
    "VALUES (1, 'gh', 'o', ''::bytea, now(), now())",
    "INSERT INTO tickets (conversation_id, region_code, state, opened_at) "
    "SELECT 1, region_code, CASE WHEN id % 50 = 0 THEN 'open' ELSE 'closed' END, submitted_at FROM verifications "
    "WHERE id % 10 = 0",
    "INSERT INTO appeals (draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen, "
    "deadline, state, created_at, published_at) SELECT 'a' || id, 'one_to_one', 'industry', id, id, 't', 's', "
    "region_code, 500000, now() + interval '60 days', CASE id % 4 WHEN 0 THEN 'submitted' WHEN 1 THEN 'completed' "
    "ELSE 'funding' END, now(), now() FROM verifications WHERE id % 10 = 5",
    "INSERT INTO pledges (draft_id, code, appeal_id, donor_id, amount_fen, anonymous, by_staff, state, created_at) "
    "SELECT 'p' || id, lpad(id::text, 10, '0'), id, owner_id, 10000, false, id % 9 = 0, 'intended', now() FROM appeals",
    "ANALYZE",
)


def run() -> None:
    use_keyring(Keyring([bytes(32)]))
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        database = connect(server.url)
        load_regions(database, read_regions(DIVISIONS))
        with database.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in FILL:
                connection.execute(text(statement))
        with database.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        county, village = (_staff(database, code, role) for code, role in ((DAOXIAN, "county"), (MEIHUA, "village")))
        print(f"\n{OFFICERS:,} officers, {CASES:,} cases, {IN_ONE_COUNTY:,} of them in one county; milliseconds\n")
        print(f"{'':34}{'median':>8}{'most':>8}  statements, and the slowest by itself")
        _measure(database, "to do, a county's officer", lambda db: _todo(db, county))
        _measure(database, "to do, a village's officer", lambda db: _todo(db, village))
        _measure(database, "figures of a county", lambda db: count_region(db, DAOXIAN, utc_now()))
        _measure(database, "figures of a township", lambda db: count_region(db, MEIHUA, utc_now()))
        _measure(database, "figures of a province", lambda db: count_region(db, "430000000000", utc_now()))
        database.dispose()


def _staff(database: Engine, code: str, role: str) -> int:
    with database.connect() as connection:
        found = text("SELECT id FROM staff WHERE region_code = :code AND role = :role ORDER BY id LIMIT 1")
        return int(connection.execute(found, {"code": code, "role": role}).scalar_one())


def _todo(db: Session, staff_id: int) -> None:
    staff = db.get_one(Staff, staff_id)
    assert waiting(db, staff, 6)
    waiting_tickets(db, staff, 6)


def _measure(database: Engine, name: str, act: Callable[[Session], Any]) -> None:
    """The database's own time for all statements together, over some rounds. Fails on a scan of a whole table."""
    sent = _listen(database, act)
    rounds = []
    for _ in range(ROUNDS):
        plans = [_explain(database, statement, parameters) for statement, parameters in sent]
        rounds.append([plan["Planning Time"] + plan["Execution Time"] for plan in plans])
    for plan in plans:
        scanned = _scans(plan["Plan"])
        if scanned:
            raise SystemExit(f"{name}: scans {', '.join(scanned)}")
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
    return [(statement, parameters) for statement, parameters in sent if statement.startswith("SELECT")]


def _explain(database: Engine, statement: str, parameters: Any) -> dict[str, Any]:
    with database.connect() as connection:
        raw = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    plan: dict[str, Any] = (json.loads(raw) if isinstance(raw, str) else raw)[0]
    return plan


def _scans(plan: dict[str, Any]) -> list[str]:
    own = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] not in SMALL else []
    return [*own, *(name for below in plan.get("Plans", ()) for name in _scans(below))]

"""Serve whether this process lives (/healthz) and can work (/readyz), and its figures (/metrics).

All are for the operator's own network, and the proxy passes none of them. The figures tell how the service is used,
so they are refused to a caller from outside here as well; load balancers, whose addresses are public, ask the others.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.books.check import show_result
from bot.web.caller import is_inside
from bot.web.metrics import set_backlog_gauges, show_queues
from bot.work.queues import JobQueues
from models.books.chains import CHAINS
from models.core.hash_chain import waiting
from models.migrations import current, head, revisions
from models.notifications.outbox import oldest_due

log = structlog.get_logger()

# A notification that is owed for longer than this is late.
LATE_AFTER = timedelta(minutes=10)
# So is the link of an event or a posting after this many seconds: a scheduler seals within two.
LATE_LINK = 30.0


def health(database: Engine, jobs: JobQueues, clock: Callable[[], datetime]) -> Blueprint:
    pages = Blueprint("health", __name__)
    newest, known = head(), revisions()

    @pages.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer 503 while the database is away or not migrated; 200 if only Redis is away, or pushes or links late.

        A schema that a newer release has made is no reason to stop: that release is being put into service beside us.
        """
        state = {"database": "ok", "migrations": "ok", "redis": "ok" if jobs.reachable() else "unreachable"}
        try:
            with database.connect() as connection:
                found = current(connection)
                state["migrations"] = "ok" if found == newest else "behind" if found in known | {None} else "ahead"
                if found == newest:
                    state["notices"] = _punctuality(connection, clock())
                    late = any(waiting(connection, chain)[1] > LATE_LINK for chain in CHAINS)
                    state["chains"] = "late" if late else "ok"
        except SQLAlchemyError:
            state["database"] = "unreachable"
        works = state["database"] == "ok" and state["migrations"] in ("ok", "ahead")
        return jsonify(state), 200 if works else 503

    @pages.get("/metrics")
    def metrics() -> Response:
        if not is_inside(request):
            log.warning("metrics.refused")
            return Response("The figures are for callers from a private network.\n", 403, mimetype="text/plain")
        show_result(jobs.redis)
        show_queues(jobs)
        set_backlog_gauges(database, clock())
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages


def _punctuality(connection: Connection, now: datetime) -> str:
    with Session(connection) as db:
        oldest = oldest_due(db, now)
    return "late" if oldest and oldest < now - LATE_AFTER else "ok"

"""Whether this process lives (/healthz), whether it can work (/readyz), and its figures (/metrics). All public."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.books import show_result
from bot.jobs import Jobs
from models.migrations import current, head


def health(database: Engine, jobs: Jobs) -> Blueprint:
    pages = Blueprint("health", __name__)
    newest = head()

    @pages.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """503 while the database is away or not migrated. Redis away is told, but turns go on without it."""
        state = {"database": "ok", "migrations": "ok", "redis": "ok" if jobs.reachable() else "unreachable"}
        try:
            with database.connect() as connection:
                if current(connection) != newest:
                    state["migrations"] = "behind"
        except SQLAlchemyError:
            state["database"] = "unreachable"
        works = state["database"] == state["migrations"] == "ok"
        return jsonify(state), 200 if works else 503

    @pages.get("/metrics")
    def metrics() -> Response:
        show_result(jobs.redis)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages

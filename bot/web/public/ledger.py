"""Show the public ledger's pages (head, totals, entries, each appeal's totals), and serve the files to verify it by.

Everything is public and may be cached for some minutes. Only the files that ``export-ledger`` writes are served, from
EXPORT_DIR or the bucket.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.books.export import FILES, MANIFEST
from bot.storage.interface import NoSuchFile, Storage, StorageTrouble, Stream
from bot.web.pages import Pages, guarded
from models.public.ledger import AppealTotals, Overall, Posted, appeals_with_money, newest_posted, overall

log = structlog.get_logger()

PAGE = 20
# Entries on the ledger's first page; the others have pages of their own.
NEWEST = 5
# Caches answer a crowd that opens one page, so the database is asked once in this time.
_KEPT = "public, max-age=300"
_LONGEST_NUMBER = 15
_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonl", ".json": "application/json"}


def ledger_page(database: Engine, pages: Pages, published: Storage | None, clock: Callable[[], datetime]) -> Blueprint:
    """Make the routes of ``/ledger``. ``published``: None serves no files."""
    blueprint = Blueprint("ledger", __name__)

    @blueprint.get("/ledger")
    def show() -> Response:
        before = _number(request.args.get("before", ""))
        with Session(database) as db:
            whole, found = overall(db), appeals_with_money(db, before, PAGE + 1)
            newest = newest_posted(db, None, NEWEST + 1)
        exported = _manifest(published) if published else None
        facts = _facts(whole, found, clock()) | _entries(newest, NEWEST)
        return _kept(pages.show("public/ledger", first=before is None, exported=exported, files=FILES, **facts))

    @blueprint.get("/ledger/entries")
    def entries() -> Response:
        before = _number(request.args.get("before", ""))
        with Session(database) as db:
            found = newest_posted(db, before, PAGE + 1)
        return _kept(pages.show("public/entries", **_entries(found, PAGE), first=before is None))

    @blueprint.get("/ledger/<name>")
    def file(name: str) -> Response:
        if published is None or name not in FILES:
            return guarded(Response(status=404))
        try:
            return _kept(guarded(_sent(published.stream(name))))
        except NoSuchFile:  # nothing was published yet
            return guarded(Response(status=404))
        except StorageTrouble as error:
            log.warning("ledger.not_read", error=str(error))
            return guarded(Response(status=503))

    return blueprint


def _sent(stream: Stream) -> Response:
    """Send a file as it is read; it is closed with the answer, also where a browser has it already."""
    found = stream.file
    response = Response(stream, mimetype=_TYPES.get(Path(found.path).suffix, "text/plain"), direct_passthrough=True)
    response.call_on_close(stream.close)
    response.content_length = found.size
    response.last_modified = datetime.fromtimestamp(found.written, UTC)
    response.headers["Content-Disposition"] = f"attachment; filename={found.path}"
    response.set_etag(f"{found.size:x}-{round(found.written * 1_000):x}")
    response.make_conditional(request, accept_ranges=True, complete_length=found.size)
    return response


def _facts(whole: Overall, found: list[AppealTotals], now: datetime) -> dict[str, Any]:
    shown = found[:PAGE]
    return {
        "whole": whole,
        "appeals": shown,
        "before": shown[-1].number if len(found) > PAGE else None,
        "now": now,
    }


def _entries(found: list[Posted], most: int) -> dict[str, Any]:
    """``older``: the number below which the next page begins; None on the last."""
    shown = found[:most]
    return {"entries": shown, "older": shown[-1].number if len(found) > most else None}


def _manifest(published: Storage) -> dict[str, Any] | None:
    """Read the manifest of the served files; None while there is none, or it cannot be had."""
    try:
        manifest: dict[str, Any] = json.loads(published.read(MANIFEST).decode())
    except (NoSuchFile, ValueError):
        return None
    except StorageTrouble as error:
        log.warning("ledger.not_read", error=str(error))
        return None
    return {**manifest, "made_at": datetime.fromisoformat(manifest["made_at"])}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    return response

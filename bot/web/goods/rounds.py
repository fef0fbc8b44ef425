"""Show how a round shared goods out: the rule, the seed and its hash, and pseudonymous rows that anybody can recompute.

``/goods/rounds/<number>`` is the page, ``/goods/rounds/<number>/json`` the same for programs, PAGE rows at a time.
Both are public, and neither names a household, its place or its request. One address may open MOST an hour.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.pages import Pages, guarded
from bot.web.rate_limit import RateLimit
from models.goods.rounds.why import PublicRound, public_round

MOST = 600
# Caches answer a crowd that opens one page; a drawn round never changes.
_KEPT = "public, max-age=60"
_LONGEST_NUMBER = 15


def rounds_page(database: Engine, pages: Pages, opened: RateLimit) -> Blueprint:
    """Make the routes."""
    blueprint = Blueprint("rounds", __name__)

    @blueprint.get("/goods/rounds/<number>")
    def show(number: str) -> Response:
        if opened.used_up(request):
            return pages.show("goods/round_gone", 429, why="too_many")
        opened.count(request)
        found = _find(database, number)
        if found is None:
            return pages.show("goods/round_gone", 404, why="unknown")
        return _kept(pages.show("goods/round", round=found))

    @blueprint.get("/goods/rounds/<number>/json")
    def data(number: str) -> Response:
        if opened.used_up(request):
            return guarded(Response(status=429))
        opened.count(request)
        found = _find(database, number)
        if found is None:
            return guarded(Response(status=404))
        words = json.dumps(asdict(found), default=_moment, ensure_ascii=False)
        return _kept(guarded(Response(words, mimetype="application/json")))

    return blueprint


def _find(database: Engine, number: str) -> PublicRound | None:
    wanted, after = _number(number), _number(request.args.get("after", ""))
    if wanted is None:
        return None
    with Session(database) as db:
        return public_round(db, wanted, after or 0)


def _moment(value: Any) -> str:
    assert isinstance(value, datetime)  # noqa: S101 - all else of it is plain
    return value.isoformat()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = _KEPT
    return response

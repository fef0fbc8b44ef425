"""A person's copy of their data, as they open it."""

import json
from typing import Any

from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from bot.app import links_of
from models.rights.request import ask_for_export
from tests.harness.stage import Stage


def ask(stage: Stage, openid: str, *, proved: bool = True) -> int:
    """The number of a request, ready at once for whoever proved who they are."""
    conversation = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        return ask_for_export(db, conversation, stage.clock(), proved=proved).id


def path_of(stage: Stage, request: int) -> str:
    return (
        links_of(stage.settings, stage.clock)
        .make("export", f"export:{request}", 0)
        .removeprefix(stage.settings.public_url)
    )


def visit(stage: Stage, openid: str, path: str) -> TestResponse:
    return stage.browse(openid, path)


def copy_of(stage: Stage, openid: str) -> dict[str, Any]:
    """Everything that the file holds."""
    answer = visit(stage, openid, f"{path_of(stage, ask(stage, openid))}/json")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.data)
    return found

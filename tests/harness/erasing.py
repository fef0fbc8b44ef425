"""What is left of a person in the database, and in what is told."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.rights.erasure.erasure import erase_in_turn, forget_page
from models.tables import metadata
from tests.harness.platform import wechat
from tests.harness.stage import Stage

EVENTS = ["user_authorization_cancellation"]


def everything(stage: Stage, *left_out: str) -> str:
    """All that the database holds, opened where it is sealed, but for these columns."""
    found: list[str] = []
    with Database(stage.database) as db:
        for table in metadata.sorted_tables:
            if table.name != "regions":
                columns = [column for column in table.columns if column.name not in left_out]
                found += [str(value) for row in db.execute(select(*columns)) for value in row]
    return "\n".join(found)


def places(stage: Stage) -> Iterator[tuple[str, str]]:
    """Every value of the database, opened where it is sealed, with its table and column."""
    with Database(stage.database) as db:
        for table in metadata.sorted_tables:
            if table.name != "regions":
                for row in db.execute(select(table)):
                    yield from ((f"{table.name}.{name}", str(value)) for name, value in row._mapping.items())


def erase_person(db: Database, conversation_id: int, now: datetime) -> list[int]:
    """Erase a person in one transaction, whatever they have open. Returns the ids of photos with files."""
    files, left = erase_in_turn(db, conversation_id, now)
    while left and (page := forget_page(db, left, now)):
        files += page[0]
    return files


def tell_gone(stage: Stage, event: str, openid: str) -> None:
    """As WeChat does: the platform itself is the sender."""
    fields = {"OpenID": openid, "AppID": "wx0000000000sample", "RevokeInfo": "201"}
    assert stage.deliver(wechat.event(event, "gh_platform", **fields)) == (200, "")


def of(stage: Stage, table: Any, column: str) -> list[Any]:
    with Database(stage.database) as db:
        return list(db.scalars(select(getattr(table, column)).order_by(table.id)))

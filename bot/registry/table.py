"""Look people up in our own table, which ``import-registry`` fills."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.verification.registry import Finding, look_up


class TableRegistry:
    def __init__(self, database: Engine) -> None:
        self._database = database

    def look_up(self, id_number: str, name: str) -> Finding:
        with Session(self._database) as db:
            return look_up(db, id_number, name)

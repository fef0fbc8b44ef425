"""The public ledger on the stage: written as the command writes it, and read as a stranger would."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session as Database

from bot.books.export import export_ledger
from models.ledger import moves, reverse
from tests.harness.money import gift_postings
from tests.harness.stage import Stage


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """Two appeals, which are 1 and 2, with gifts, a pool, a mistake and a payment."""
    stage = Stage(database_url)
    for _ in range(2):
        stage.open_appeal()
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        moves.pool_funded(db, 3, 0, 5_000, "pool:3", now)
        gift_postings.payment_received(db, 1, 12_345, "order:1", now)
        gift_postings.matched(db, 3, 1, 5_000, "order:1", now)
        gift_postings.payment_received(db, 2, 700, "order:2", now)
        moves.settled(db, 0, 10_000, 60, "settlement:1", now)
        reverse(db, gift_postings.payment_received(db, 2, 50, "order:3", now), "case:1", now)
        moves.disbursed(db, 1, 0, 9_000, "disbursement:1", now)
        moves.refund_owed(db, 2, 700, "refund:1", now)
        moves.refund_paid(db, 0, 700, "refund:1", now)
    yield stage
    stage.close()


def export(stage: Stage, folder: Path) -> None:
    env = stage.app.extensions["bangfu"]["turns"].renderer.env
    export_ledger(stage.settings.database_url, folder, env, stage.clock())


def verify(folder: Path, *noted: str) -> tuple[int, str]:
    """As a stranger would: another folder, nothing of ours to import, and nothing installed."""
    program = [sys.executable, "-I", "-S", str(folder / "verify.py"), str(folder), *noted]
    done = subprocess.run(program, cwd="/", env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))

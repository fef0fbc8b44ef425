"""A backup is taken and restored with PostgreSQL's own tools, and carries out nothing that was stopped since.

Slow: it starts pg_dump and pg_restore.
"""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.processes.postgres import PACKAGE
from bot.work.sweeps import apply_deadlines
from models.disbursements.disbursement import Disbursement
from models.notifications.notification import Notification
from models.people.user import User
from models.rights.erasure.request import ask_for_erasure
from models.rights.phone_change import ask_for_phone
from models.rights.request import RightsRequest, ask_for_export, stop_waiting
from tests.harness.command_line import run
from tests.harness.stage import Stage, settings_for
from tests.scenes.money.disbursements import authorised, paid, people, wrong

pytestmark = pytest.mark.slow


def program(name: str) -> str:
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    [found, *_] = sorted(Path(spec.origin).parent.glob(f"pginstall*/bin/{name}"), reverse=True)
    return str(found)


def test_what_was_stopped_since_the_backup_stays_stopped(new_database: Callable[[], str], tmp_path: Path) -> None:
    stage = Stage(new_database())
    staff = people(stage)
    _, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    robbed = stage.register("o-robbed", "resident")
    with Database(stage.database) as db, db.begin():
        now, person = stage.clock(), stage.person("o-robbed")
        ask_for_phone(db, db.get_one(User, robbed), person, "13600000001", now, proved=True)
        ask_for_erasure(db, person, now, proved=True)
        ask_for_export(db, person, now, proved=False)
        before = db.get_one(User, robbed).phone
    backup = str(tmp_path / "backup")
    url = str(stage.settings.database_url)
    subprocess.run([program("pg_dump"), "--format=custom", f"--file={backup}", f"--dbname={url}"], check=True)
    # Then the owner says that it was not she, and the payout is made.
    with Database(stage.database) as db, db.begin():
        assert {"phone", "erasure"} <= set(stop_waiting(db, person, stage.clock()))
    paid(stage, use, staff)
    stage.close()

    restored = new_database()
    clean = ["--clean", "--if-exists", "--no-owner", "--exit-on-error"]
    subprocess.run([program("pg_restore"), *clean, f"--dbname={restored}", backup], check=True)
    file = tmp_path / "erasures.jsonl"
    file.write_text("")
    app = create_app(settings_for(restored), clock=stage.clock)
    said = run(app, "erasures", "replay", str(file)).output
    app.extensions["bangfu"]["turns"].database.dispose()
    assert "3 requests and 0 erasures on paper that waited were ended" in said
    assert "1 payouts may have been made since" in said

    again = Stage(restored)
    again.clock.move(timedelta(days=9))
    apply_deadlines(again.database, again.clock())
    with Database(again.database) as db:
        assert (db.get_one(User, robbed).phone, db.get_one(User, robbed).state) == (before, "active")
        assert set(db.scalars(select(RightsRequest.state))) == {"stopped"}
        assert db.get_one(Disbursement, use).state == "transferring"
        told = set(db.scalars(select(Notification.template)))
        assert {"requests_ended", "transfer_asked"} <= told
    paid(again, use, staff)
    assert wrong(again) == set()
    again.close()

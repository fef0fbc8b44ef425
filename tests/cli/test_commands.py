"""The command line that operators use, on a database of their own."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.places.load import DEMO_VILLAGES
from config.settings import Environment
from models.core.database import connect
from models.people.user import User
from models.places.region import LEVELS, Region
from models.staff.member import Staff
from tests.harness.command_line import run
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number, seed_regions, settings_for

PERSON = ["--account", wechat.ACCOUNT, "--openid", "oOfficer", "--name", "周建国"]


def rows(url: str, table: type) -> int:
    database = connect(url)
    with Database(database) as db:
        count = db.scalar(select(func.count()).select_from(table)) or 0
    database.dispose()
    return count


def test_upgrade_again_changes_nothing(app: Flask) -> None:
    assert run(app, "upgrade").output == "The database is up to date.\n"


@pytest.mark.slow  # it loads the whole country twice
@pytest.mark.usefixtures("no_regions")
def test_regions_are_loaded_once_however_often(app: Flask, database_url: str) -> None:
    first = run(app, "import-regions")
    count = rows(database_url, Region)
    assert f"{count} regions loaded." in first.output
    assert count > 40_000
    assert run(app, "import-regions").exit_code == 0
    assert rows(database_url, Region) == count


@pytest.mark.slow  # it loads the country
@pytest.mark.usefixtures("no_regions")
def test_villages_know_what_they_belong_to_also_when_they_come_later(app: Flask, database_url: str) -> None:
    assert run(app, "import-regions", str(DEMO_VILLAGES)).exit_code == 1
    assert rows(database_url, Region) == 0
    run(app, "import-regions")
    assert run(app, "import-regions", str(DEMO_VILLAGES)).exit_code == 0
    database = connect(database_url)
    with Database(database) as db:
        village = db.scalars(select(Region).where(Region.level == LEVELS.index("village")).limit(1)).one()
        township = db.get_one(Region, f"{village.code[:9]}000")
        assert village.full_name == township.full_name + village.name
    database.dispose()


@pytest.mark.parametrize("line", ["431124101000,某村,village", "4311241010,某镇,township", "431124101000,,township"])
def test_a_line_that_cannot_be_is_named(app: Flask, tmp_path: Path, line: str) -> None:
    file = tmp_path / "villages.csv"
    file.write_text(f"code,name,level\n{line}\n", encoding="utf-8")
    refused = run(app, "import-regions", str(file))
    assert refused.exit_code == 1
    assert "villages.csv, line 2" in refused.output


def test_commands_ask_for_upgrade_first(postgres_url: str) -> None:
    app = create_app(settings_for(postgres_url))  # where no table is
    for command in (
        ["import-regions"],
        ["rotate-keys"],
        ["appoint", "village", DAOXIAN_MEIHUA, "--work-no", "1", *PERSON],
    ):
        refused = run(app, *command)
        assert (refused.exit_code, "run upgrade first" in refused.output) == (1, True)
    app.extensions["bangfu"]["turns"].database.dispose()


@pytest.mark.parametrize("command", [["upgrade"], ["import-regions"], ["export-ledger", "there"]], ids=str)
def test_a_database_that_does_not_answer_is_one_line(command: list[str]) -> None:
    app = create_app(settings_for("postgresql://somebody:secret@127.0.0.1:1/none"))
    refused = run(app, *command)
    assert refused.exit_code == 1
    [line] = refused.output.splitlines()
    assert line.startswith("Error: the database that DATABASE_URL names does not answer: ")
    assert "secret" not in line


def test_the_demos_own_database_is_named_as_such_while_it_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_DIR", str(tmp_path))
    refused = run(create_app(settings_for("")), "upgrade")
    assert (refused.exit_code, len(refused.output.splitlines())) == (1, 1)
    assert "DATABASE_URL is empty" in refused.output
    assert "start the demo" in refused.output


def test_an_officer_is_appointed_once(app: Flask, database_url: str) -> None:
    seed_regions(database_url)
    stage = Stage(database_url)
    unknown = run(app, "appoint", "village", DAOXIAN_MEIHUA, "--work-no", "DX1001", *PERSON)
    assert "nobody with this openid" in unknown.output
    stage.person("oOfficer")
    stage.close()
    too_small = run(app, "appoint", "county", DAOXIAN_MEIHUA, "--work-no", "DX1001", *PERSON)
    assert "belongs to a county; this is a township" in too_small.output
    done = run(app, "appoint", "village", DAOXIAN_MEIHUA, "--work-no", "DX1001", *PERSON, typed=f"{id_number(3)}\n")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == f"DX1001 is village of {DAOXIAN_MEIHUA}."
    for again in (["county", "431124000000", "--work-no", "DX2"], ["village", DAOXIAN_MEIHUA, "--work-no", "DX1001"]):
        refused = run(app, "appoint", *again, *PERSON, typed=f"{id_number(4)}\n")
        assert refused.exit_code == 1
        assert f"DX1001 is village of {DAOXIAN_MEIHUA} already" in refused.output
    assert rows(database_url, Staff) == 1


def test_nobody_is_appointed_where_there_is_no_region(app: Flask) -> None:
    refused = run(app, "appoint", "village", "999999999999", "--work-no", "DX1001", *PERSON)
    assert refused.exit_code == 1
    assert "there is no region 999999999999" in refused.output


@pytest.mark.parametrize("command", ["demo", "chat"])
def test_the_invented_world_never_gets_into_production(database_url: str, command: str) -> None:
    settings = settings_for(database_url).model_copy(update={"bangfu_env": Environment.PRODUCTION})
    app = create_app(settings)
    refused = run(app, command)
    assert refused.exit_code == 1
    assert "never in production" in refused.output
    assert rows(database_url, User) == 0
    app.extensions["bangfu"]["turns"].database.dispose()


@pytest.mark.parametrize("days", ["nan", "inf", "-1e9", "3651"])
def test_the_demos_clock_does_not_begin_where_it_could_never_be_read(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("DEMO_DIR", str(tmp_path))
    refused = run(app, "demo", "--seed-only", f"--days-ahead={days}")
    assert refused.exit_code == 2
    assert "at most 3650 days" in refused.output
    assert not list(tmp_path.iterdir())

"""How charities get in: the commands ``charity …``, and ``appoint`` for their fund holders."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from models.appeals.appeal import Appeal
from models.organisations.charity import Charity
from models.staff.member import Staff
from models.staff.task import find_task
from tests.harness.command_line import run
from tests.harness.platform import wechat
from tests.harness.stage import Stage, officers_number, settings_for
from tests.scenes.money.charities import CREDIT_CODE, NATIONAL, remove_charities

CODE = "53360000500000007W"
DESCRIBED = ["--name", "永州助学会", "--credit-code", CODE, "--certificate", "慈募证字第7号"]
DAYS = ["--from", "2026-01-01", "--to", "2099-12-31"]
FILED = ["--filing", "A7", "--authority", "省民政厅", "--platform", "帮扶通", *DAYS]
SEAT = ["appoint", "fund_holder", "431124000000", "--account", wechat.ACCOUNT, "--openid", "o-holder", "--name", "周"]
NUMBER = f"{officers_number('o-holder')}\n"


def test_a_charity_with_its_filing_and_fund_holder(app: Flask, stage: Stage) -> None:
    added = run(app, "charity", "add", *DESCRIBED, "--region", "431124000000")
    assert added.output.startswith("Charity 2 is 永州助学会.")
    assert run(app, "charity", "filing", "2", *FILED).output.startswith("Charity 2 collects under A7 until 2099-12-31.")
    stage.person("o-holder")
    assert run(app, *SEAT, "--work-no", "YZ1", "--charity", "2", typed=NUMBER).exit_code == 0
    listed = run(app, "charity", "list").output
    assert "filing A7, 2026-01-01 to 2099-12-31, on 帮扶通\n   fund holder YZ1" in listed
    with Database(stage.database) as db:
        assert db.scalars(select(Staff.charity_id)).one() == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", *DESCRIBED[:3], "53360000500000007X", *DESCRIBED[4:]], "no unified social credit code"),
        (["add", *DESCRIBED[:3], CREDIT_CODE, *DESCRIBED[4:]], "charity 0 has this credit code already"),
        (["filing", "9", *FILED], "there is no charity 9"),
        (["filing", "1", *FILED[:6], "--from", "2027-01-01", "--to", "2026-01-01"], "ends before it begins"),
        (["suspend", "9"], "there is no charity 9"),
        (["suspend", "9" * 30], "there is no charity 999"),
        (["name", "1", "--name", "山路会\n1 捐款"], "the name has a line break"),
        (["name", "1", "--certificate", "慈募\u200b证字"], "or a character that nobody sees"),
        (["filing", "1", "--filing", "A\x007", *FILED[2:]], "the number has a line break"),
        (["filing", "1", *FILED[:3], "省民政厅\x1b[31m", *FILED[4:]], "the authority has a line break"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(app: Flask, words: list[str], why: str) -> None:
    refused = run(app, "charity", *words)
    assert refused.exit_code == 1
    assert why in refused.output


@pytest.mark.parametrize("charity", [[], ["--charity", "9"]])
def test_a_fund_holder_is_of_a_charity(app: Flask, stage: Stage, charity: list[str]) -> None:
    stage.person("o-holder")
    refused = run(app, *SEAT, "--work-no", "YZ1", *charity)
    assert refused.exit_code
    assert "charity" in refused.output


def test_a_new_fund_holder_gets_what_waits_for_the_charity(app: Flask, stage: Stage) -> None:
    stage.register("o-wang", "resident")
    stage.appoint("o-zhou", "village")
    stage.appoint("o-county", "county", "431124000000")
    stage.appoint("o-town", "township", "431124101000")
    number = stage.ask("o-wang", "crowdfund")
    for officer in ("o-zhou", "o-town", "o-county"):
        stage.say(officer, f"通过 {number}")
    stage.person("o-holder")
    seat = run(app, *SEAT, "--work-no", "YZ1", "--charity", str(NATIONAL), typed=NUMBER)
    assert seat.exit_code == 0
    with Database(stage.database) as db:
        task = find_task(db, "appeal", number)
        assert task
        assert task.step == "file"
        assert task.assignee == db.scalars(select(Staff.id).where(Staff.work_no == "YZ1")).one()


def test_what_was_published_before_there_were_charities_begins_to_collect(app: Flask, stage: Stage) -> None:
    plain, crowd = stage.open_appeal(), stage.open_appeal("crowdfund", 30_000_000)
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE appeals SET charity_id = NULL, filing_id = NULL"))
    remove_charities(stage.database.url.render_as_string(hide_password=False))
    stage.register("o-li", "donor")
    stage.say("o-li", f"捐 {plain} 100")
    assert stage.said == ["replies/refusals:no_collector"]
    assert "2 published appeals" in run(app, "charity", "add", *DESCRIBED).output
    assert "1 published appeals" in run(app, "charity", "filing", "1", *FILED).output
    with Database(stage.database) as db:
        found = [db.get_one(Appeal, number) for number in (plain, crowd)]
        assert [(each.charity_id, each.filing_id) for each in found] == [(1, None), (1, 1)]
    stage.say("o-li", f"捐 {plain} 100")
    assert stage.said[-1] == "pledge/anonymous:ask"


@pytest.mark.parametrize("number", ["1900000100", ""])
def test_a_merchant_number_needs_its_keys(app: Flask, number: str) -> None:
    refused = run(app, "charity", "merchant", "1", number)
    assert refused.exit_code == 1
    assert f"no keys for merchant {number}: PAY_MCH_ID or PAY_MERCHANTS" in refused.output


def test_a_file_of_merchants_that_cannot_be_read_is_named_in_one_line(database_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(database_url).model_copy(update={"pay_merchants": str(tmp_path / "none.toml")}))
    refused = run(app, "charity", "merchant", "1", "1900000100")
    assert refused.output.startswith("Error: PAY_MERCHANTS: the path of a TOML file")
    app.extensions["bangfu"]["turns"].database.dispose()


def test_the_help_says_what_happens_without_a_region(app: Flask) -> None:
    assert "without it, in the whole country" in run(app, "charity", "add", "--help").output
    assert "without it, where it did" in run(app, "charity", "name", "--help").output


def test_a_suspended_charity_is_resumed_and_named_anew(app: Flask, stage: Stage) -> None:
    run(app, "charity", "suspend", "1")
    with Database(stage.database) as db:
        assert not db.get_one(Charity, 1).collects
    run(app, "charity", "resume", "1")
    assert run(app, "charity", "name", "1", "--name", "青禾桥基金会").output.startswith("Charity 1 is 青禾桥基金会, ")
    with Database(stage.database) as db:
        assert db.get_one(Charity, 1).collects

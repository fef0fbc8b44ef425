"""Nobody decides before it is known who they are: the command line asks for an ID number."""

from collections.abc import Iterator

import pytest
from click.testing import Result
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import find_task
from models.verification.case import Verification
from tests.harness.command_line import run
from tests.harness.platform import wechat
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number
from tests.scenes.cases import registered

COUNTY = "431124000000"


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


def appoint(stage: Stage, openid: str, number: str, work_no: str, role: str = "village") -> Result:
    stage.person(openid)
    person = ["--account", wechat.ACCOUNT, "--openid", openid, "--work-no", work_no, "--name", "周建国"]
    region = DAOXIAN_MEIHUA if role == "village" else COUNTY
    return run(stage.app, "appoint", role, region, *person, typed=f"{number}\n")


def seat(stage: Stage, work_no: str) -> Staff:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(Staff).where(Staff.work_no == work_no)).one()


def newest_number(stage: Stage) -> str:
    with Database(stage.database) as db:
        return db.scalars(select(User.id_number).order_by(User.id.desc())).first() or ""


def test_abuse_who_is_appointed_on_the_command_line_does_not_verify_their_own_household(stage: Stage) -> None:
    """From another WeChat than the one that their household registered with."""
    case = registered(stage, "o-home")
    assert appoint(stage, "o-zhou", newest_number(stage), "DX1001").exit_code == 0
    assert "您要回避" in stage.say("o-zhou", "待办")
    stage.say("o-zhou", f"走访 认证{case}")
    assert stage.said in (["replies/staff/recused"], ["replies/refusals:has_conflict"])
    with Database(stage.database) as db:
        assert db.get_one(Verification, case).state == "registry_checked"
        assert find_task(db, "case", case).assignee is None  # type: ignore[union-attr]


def test_the_number_is_asked_for_kept_sealed_and_never_shown(stage: Stage) -> None:
    done = appoint(stage, "o-zhou", f" {id_number(80).lower()} ", "DX1001")
    assert done.exit_code == 0
    assert id_number(80) not in done.output
    assert seat(stage, "DX1001").id_number == id_number(80)
    with stage.database.connect() as connection:
        assert id_number(80) not in str(connection.exec_driver_sql("SELECT id_number FROM staff").scalar_one())


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("4311241901", "eighteen"),
        ("431124190113010038", "birthday"),
        ("431124190101010039", "does not fit"),
        ("431124202001010036", "a child"),
    ],
)
def test_a_number_that_cannot_be_is_named_without_it(stage: Stage, number: str, fault: str) -> None:
    refused = appoint(stage, "o-zhou", number, "DX1001")
    assert refused.exit_code == 1
    assert fault in refused.output
    assert number not in refused.output
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).select_from(Staff)) == 0


def test_one_human_with_two_wechats_is_appointed_once(stage: Stage) -> None:
    assert appoint(stage, "o-zhou", id_number(80), "DX1001").exit_code == 0
    again = appoint(stage, "o-zhou-too", id_number(80), "DX0001", "county")
    assert again.exit_code == 1
    assert f"DX1001 is village of {DAOXIAN_MEIHUA} already" in again.output


def test_a_seat_without_a_number_decides_nothing_and_says_what_to_do(stage: Stage) -> None:
    stage.appoint("o-old", "village", work_no="DX1009", identified=False)
    case = registered(stage, "o-home")
    stage.register("o-wang", "resident")
    appeal = stage.ask("o-wang")
    assert "DX1009 还没有登记身份证号" in stage.say("o-old", "待办")
    for words in (f"走访 认证{case}", f"通过 {appeal}", f"退回 {appeal} 1"):
        stage.say("o-old", f"看 {appeal}")
        assert "联系管这个平台的人" in stage.say("o-old", words), words
        assert stage.said == ["replies/refusals:not_identified"], words
    with Database(stage.database) as db:
        assert db.get_one(Verification, case).state == "registry_checked"
        assert db.get_one(Appeal, appeal).state == "submitted"


def test_a_county_without_a_number_freezes_nothing(stage: Stage) -> None:
    appeal = stage.open_appeal()
    stage.appoint("o-old", "county", COUNTY, identified=False)
    stage.say("o-old", f"冻结 {appeal} 1")
    assert stage.said == ["replies/refusals:not_identified"]


def test_abuse_a_county_without_a_number_chooses_nobody_for_their_own_household(stage: Stage) -> None:
    """Nobody knows which household is theirs: they assign no task, stop no officer who has one, and appoint none."""
    case = registered(stage, "o-home")
    stage.appoint("o-zhou", "village", work_no="DX1001")
    stage.appoint("o-friend", "village", work_no="DX1002")
    stage.appoint("o-old", "county", COUNTY, "DX0009", identified=False)
    for words in (f"分派 认证{case} DX1002", "停用 DX1001 1", "撤销 DX1001 1", "授权"):
        stage.say("o-old", words)
        assert stage.said == ["replies/refusals:not_identified"], words
    assert seat(stage, "DX1001").state == "active"


def test_whoever_is_identified_works_on_but_not_for_their_own_household(stage: Stage) -> None:
    stage.appoint("o-old", "village", work_no="DX1009", identified=False)
    case = registered(stage, "o-home")
    own = newest_number(stage)
    stage.register("o-wang", "resident")
    appeal = stage.ask("o-wang")
    assert "DX1009 village" in run(stage.app, "identify").output
    done = run(stage.app, "identify", "dx1009", typed=f"{own}\n")
    assert done.exit_code == 0, done.output
    assert own not in done.output
    assert "1 tasks of their own household" in done.output
    assert "0 seats" in run(stage.app, "identify").output
    with Database(stage.database) as db:
        assert find_task(db, "case", case).assignee is None  # type: ignore[union-attr]
        assert db.scalars(select(AuditEvent.actor).where(AuditEvent.action == "identified")).all() == ["system"]
    assert "身份证号" not in stage.say("o-old", "待办")
    stage.say("o-old", f"看 {appeal}")
    assert "通过" in stage.say("o-old", f"通过 {appeal}")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "funding"


def test_a_number_is_entered_once_for_a_seat_that_is_held_and_for_nobodys_second(stage: Stage) -> None:
    stage.appoint("o-old", "village", work_no="DX1009", identified=False)
    assert appoint(stage, "o-zhou", id_number(80), "DX1001").exit_code == 0
    for work_no, number, why in (
        ("DX1009", id_number(80), "DX1001 is village"),
        ("DX1001", id_number(81), "has an ID number"),
        ("DX9999", id_number(81), "nobody has the work number"),
    ):
        refused = run(stage.app, "identify", work_no, typed=f"{number}\n")
        assert (refused.exit_code, why in refused.output) == (1, True), refused.output
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.work_no == "DX1009").values(state="revoked"))
    assert "nobody holds this seat" in run(stage.app, "identify", "DX1009", typed="1\n").output
    assert seat(stage, "DX1009").id_hash is None

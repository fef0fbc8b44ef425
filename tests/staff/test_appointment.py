"""Seats and who holds them: what must not work, what two do at once, and what the sweep ends."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from bot.words.render import TEMPLATES, Renderer
from bot.work.sweeps import apply_deadlines
from handlers.routing.command_table import COMMANDS
from models.core.audit_trail import AuditEvent
from models.core.codes import ALPHABET
from models.staff.appointment import CODE_LENGTH, MACHINE, Invitation, confirm, invite, redeem
from models.staff.decision import Decision
from models.staff.member import AlreadyAppointed, Appointment, Staff, appoint
from models.staff.suspension import release_stuck_tasks, revoke
from models.staff.task import Task
from models.verification.case import Verification
from tests.harness.platform import wechat
from tests.harness.stage import Stage, id_number, numbered

COUNTY, MEIHUA, XIUYI, PANJIA = "431124000000", "431124101000", "431124101208", "431124101209"


def invited(stage: Stage, until: datetime | None = None, by: str = "o-town") -> tuple[int, str, str]:
    """Row, work number and code of a new village officer's seat; the township is there when it was not."""
    with Database(stage.database) as db, db.begin():
        above = db.scalars(select(Staff).where(Staff.openid == by)).one_or_none()
        above_id = above.id if above else None
    above_id = above_id or stage.appoint(by, "township", MEIHUA, "DX0100")
    with Database(stage.database) as db, db.begin():
        wanted = Invitation("village", XIUYI, "周建国", until)
        staff, code = invite(db, db.get_one(Staff, above_id), wanted, stage.clock())
        return staff.id, staff.work_no, code


def officer(stage: Stage, openid: str, until: datetime | None = None) -> int:
    """Through invitation, code and confirmation."""
    staff_id, work_no, code = invited(stage, until)
    conversation = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        assert redeem(db, conversation, code, numbered(conversation), stage.clock())
        town = db.scalars(select(Staff).where(Staff.work_no == "DX0100")).one()
        confirm(db, town, work_no, stage.clock())
    return staff_id


def case(stage: Stage, openid: str = "o-wang") -> int:
    """A household of the village whose visit waits for somebody."""
    stage.register(openid, "resident", XIUYI, verified=False)
    stage.registry_answers("match")
    with Database(stage.database) as db:
        return db.scalars(select(Verification.id).order_by(Verification.id.desc())).first() or 0


def holder(stage: Stage, number: int) -> int | None:
    with Database(stage.database) as db:
        return db.scalars(select(Task.assignee).where(Task.subject_id == number, Task.closed_at.is_(None))).one()


def count(stage: Stage, action: str) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action)) or 0


def state(stage: Stage, staff_id: int) -> str:
    with Database(stage.database) as db:
        return db.get_one(Staff, staff_id).state


# The abuse list


def test_a_revoked_officers_queue(stage: Stage) -> None:
    """Goes to others at once; what they had on their screen and in their drafts does nothing any more."""
    other = stage.appoint("o-li", "village", XIUYI, "DX1002")
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, other).state = "suspended"
    gone = officer(stage, "o-zhou")
    number = case(stage)
    assert holder(stage, number) == gone
    assert f"认证 {number} 号" in stage.say("o-zhou", "待办")
    stage.say("o-zhou", "声明")
    with Database(stage.database) as db, db.begin():
        db.get_one(Staff, other).state = "active"
    stage.say("o-town", "撤销 112400001 1")
    assert holder(stage, number) == other
    stage.say("o-zhou", "菜单")
    for words in ("待办", f"走访 认证{number}", f"通过 认证{number}", "移交 DX1002", "我的声明"):
        assert "撤销了" in stage.say("o-zhou", words)
        assert stage.said == ["replies/staff/not_serving"], words
    stage.say("o-zhou", f"看 认证{number}")
    assert stage.said == ["replies/refusals:no_such_case"]
    stage.say("o-zhou", "继续")
    stage.say("o-zhou", "1")
    stage.say("o-zhou", "431124190101010038")
    stage.say("o-zhou", "确认")
    assert stage.said == ["replies/refusals:not_on_the_staff"]
    assert state(stage, gone) == "revoked"


def test_a_forwarded_staff_command_typed_by_an_outsider(stage: Stage) -> None:
    """Every word of the staff gets the ordinary answer to what nobody understood, and is recorded."""
    lexicon = load_lexicon()
    number = case(stage)
    said = [name for name, command in COMMANDS.items() if command.staff and name in lexicon.words]
    assert len(said) > 12
    for tries, name in enumerate(said, 1):
        word = lexicon.words[name][0]
        replies = {stage.say("o-stranger", word)}
        assert stage.said == ["replies/routing/not_understood"], name
        assert count(stage, "command_refused") == tries
        stage.clock.move(timedelta(days=1))  # a day's first few are recorded
        assert replies == {stage.say("o-stranger", "嘎嘣脆")}, name
    stage.say("o-stranger", f"通过 认证{number}")
    stage.say("o-stranger", "授权")
    assert stage.said == ["replies/routing/not_understood"]
    with Database(stage.database) as db:
        assert db.get_one(Verification, number).state == "registry_checked"
        assert db.scalar(select(func.count()).select_from(Decision)) == 0


def test_an_officer_approving_kin(stage: Stage) -> None:
    """Declared kin, and the officer's own household: neither ever stands in their queue, and no word moves it."""
    stage.appoint("o-zhou", "village", XIUYI, "DX1001")
    stage.appoint("o-li", "village", XIUYI, "DX1002")
    for words in ("声明", "1", "431124190101010038", "确认"):
        stage.say("o-zhou", words)
    number = case(stage)
    with Database(stage.database) as db:
        assert db.get_one(Staff, holder(stage, number)).openid == "o-li"
    for words in (f"通过 认证{number}", f"走访 认证{number}", f"退回 认证{number} 1"):
        stage.say("o-zhou", words)
        assert stage.said in (["replies/staff/recused"], ["replies/refusals:has_conflict"]), words
    own = case(stage, "o-li")
    with Database(stage.database) as db:
        assert db.get_one(Staff, holder(stage, own)).openid == "o-zhou"
        assert db.scalar(select(func.count()).select_from(Decision)) == 0


def accept_invitation(stage: Stage, openid: str, code: str, number: str) -> None:
    """By typing, as its person does."""
    for words in (f"授权 {code}", number, "确认"):
        stage.say(openid, words)
    assert stage.said == ["accept_invitation/done"]


def test_code_enumeration(stage: Stage) -> None:
    """Right, wrong, used and expired look alike; five tries a day; and the codes are too many to be met by chance."""
    assert len(ALPHABET) ** CODE_LENGTH > 10**14
    _, _, late = invited(stage)
    stage.clock.move(timedelta(days=7))
    _, _, code = invited(stage)
    _, _, used = invited(stage)
    accept_invitation(stage, "o-li", used, id_number(71))
    answers = {stage.say("o-guesser", f"授权 {word}") for word in ("ABCDE23456", late, used, "DX0100", "112400001")}
    assert len(answers) == 1
    assert count(stage, "code_refused") == 5
    stage.say("o-guesser", f"授权 {code}")
    assert stage.said == ["replies/refusals:too_many_tries"]
    assert count(stage, "code_refused") == 5
    accept_invitation(stage, "o-zhou", code, id_number(72))


def test_a_code_is_nowhere_but_in_the_hands_of_who_got_it(stage: Stage) -> None:
    staff_id, _, code = invited(stage)
    with Database(stage.database) as db:
        staff = db.get_one(Staff, staff_id)
        assert code not in (staff.code_hash or "")
        assert len(staff.code_hash or "") == 64
        assert all(code not in (event.detail or "") for event in db.scalars(select(AuditEvent)))


# Two at once


def at_once(stage: Stage, *acts: Callable[[Database], object]) -> list[Any]:
    """Each in a transaction of its own; an error is what came of it."""

    def run(act: Callable[[Database], object]) -> object:
        try:
            with Database(stage.database) as db, db.begin():
                return act(db)
        except Exception as error:  # whatever came of it is looked at
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_people_with_one_code_get_one_seat(stage: Stage) -> None:
    staff_id, _, code = invited(stage)
    people = [stage.person(f"o-{name}") for name in ("zhou", "li", "zhao")]
    came = at_once(
        stage, *(lambda db, who=who: bool(redeem(db, who, code, numbered(who), stage.clock())) for who in people)
    )
    assert sorted(came) == [False, False, True]
    assert state(stage, staff_id) == "bound"


def test_invitations_at_once_get_numbers_of_their_own(stage: Stage) -> None:
    town = stage.appoint("o-town", "township", MEIHUA, "DX0100")

    def ask(db: Database) -> str:
        return invite(db, db.get_one(Staff, town), Invitation("village", XIUYI, "周建国"), stage.clock())[0].work_no

    numbers = at_once(stage, *[ask] * 6)
    assert sorted(numbers) == [f"1124{serial:05}" for serial in range(1, 7)]


def test_nobody_holds_two_seats(stage: Stage) -> None:
    """The database refuses it, and the command line says whose the WeChat is."""
    _, _, code = invited(stage)
    conversation = stage.person("o-zhou")
    with Database(stage.database) as db, db.begin():
        redeem(db, conversation, code, numbered(conversation), stage.clock())
    with pytest.raises(AlreadyAppointed, match="112400001"), stage.database.begin() as connection:
        appoint_again(connection, stage.clock())
    for held in ("bound", "active", "suspended"):
        seat = {"account": wechat.ACCOUNT, "openid": "o-zhou", "state": held, "active_from": stage.clock()}
        second = Staff(work_no="DX7", role="village", region_code=XIUYI, name="周建国", **seat)
        with Database(stage.database) as db:
            db.add(second)
            with pytest.raises(IntegrityError):
                db.flush()


def appoint_again(connection: Connection, now: datetime) -> None:
    appoint(connection, Appointment("DX7", wechat.ACCOUNT, "o-zhou", "village", XIUYI, "周建国", id_number(73)), now)


# What time does


def test_a_term_ends_by_itself_and_the_queue_with_it(stage: Stage) -> None:
    stage.appoint("o-li", "village", XIUYI, "DX1002")
    gone = officer(stage, "o-zhou", stage.clock() + timedelta(days=30))
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.work_no == "DX1002").values(state="suspended"))
    number = case(stage)
    assert holder(stage, number) == gone
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.work_no == "DX1002").values(state="active"))
    stage.clock.move(timedelta(days=30))
    assert "任期到了" in stage.say("o-zhou", "待办")
    assert "replies/staff/not_serving" in stage.said
    apply_deadlines(stage.database, stage.clock())
    assert state(stage, gone) == "revoked"
    assert holder(stage, number) != gone
    apply_deadlines(stage.database, stage.clock())
    assert "任期到了" in stage.say("o-zhou", "消息")


def test_what_was_given_in_the_moment_of_a_revocation_is_found(stage: Stage) -> None:
    """A task that another transaction put into the queue while its holder was stopped is in nobody's for long."""
    gone = officer(stage, "o-zhou")
    number = case(stage)
    with Database(stage.database) as db, db.begin():
        town = db.scalars(select(Staff).where(Staff.work_no == "DX0100")).one()
        revoke(db, town, "112400001", "moved_on", stage.clock())
        db.execute(update(Task).where(Task.subject_id == number).values(assignee=gone))
    with Database(stage.database) as db, db.begin():
        assert release_stuck_tasks(db, stage.clock()) == 1
        assert release_stuck_tasks(db, stage.clock()) == 0
    assert holder(stage, number) != gone


# Words and lists


def test_reasons_and_states_have_words_for_the_person_too() -> None:
    lexicon = load_lexicon()
    seats: Any = Renderer(lexicon.words).env.get_template("shared/staff/seats.txt").module
    assert set(dict(lexicon.options("staff_reason"))) | {"term_over", "not_taken_up"} == set(seats.why)
    assert MACHINE.states | {"ended"} == set(seats.stands)
    assert (TEMPLATES / "shared" / "staff" / "seats.txt").exists()


def test_the_list_of_staff_goes_on_where_it_stopped_and_shows_no_name(stage: Stage) -> None:
    stage.appoint("o-county", "county", COUNTY, "DX0001")
    for serial in range(12):
        place = (MEIHUA, XIUYI, PANJIA)[serial % 3]
        stage.appoint(f"o-v-{serial}", "village", place, f"DX2{serial:03}")
    stage.appoint("o-far", "village", "430524101000", "LH2001")
    seen = [stage.say("o-county", "工作人员")]
    while "更多" in seen[-1]:
        seen.append(stage.say("o-county", "更多"))
    listed = [line for page in seen for line in page.splitlines() if " DX2" in line]
    assert len(listed) == len(set(listed)) == 12
    assert len(seen) == 3
    assert "LH2001" not in "".join(seen)
    assert "周建国" not in "".join(seen)

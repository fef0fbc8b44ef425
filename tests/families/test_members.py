"""Whoever is named as one of a household counts as one of it: against officers, against givers, and in no answer."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.families.members import MOST, NewMember, add_member, end_member
from models.people.family_member import FamilyMember
from models.people.user import User
from models.rights.export import export_person, find_person
from models.staff.conflict_of_interest import conflicts_of, conflicts_with, record_conflict
from models.staff.member import STAFF_ROLES, Staff
from models.staff.task import Task
from tests.harness.erasing import erase_person, of
from tests.harness.stage import Stage, id_number, officers_number
from tests.scenes.cases import person_of
from tests.scenes.families import name_member

CHILD = "431124201501010011"
SEAT = {"village": "431124101000", "township": "431124101000", "keeper": "431124101000"}
NAMED = id_number(88)


def names(stage: Stage, openid: str, *numbers: str) -> str:
    """In the chat, as far as the last of these numbers."""
    stage.say(openid, "家人")
    for words in ("1", "王大山", "1", "1", "1", "1"):
        stage.say(openid, words)
    said = ""
    for number in numbers:
        said = stage.say(openid, number)
    return said


@pytest.mark.sampled(4)
@pytest.mark.parametrize("tie", ["own_household", "kin", "payee"])
@pytest.mark.parametrize("role", STAFF_ROLES)
def test_an_officer_who_is_or_has_declared_a_member_decides_on_nothing_of_the_household(
    stage: Stage, role: str, tie: str
) -> None:
    seat = stage.appoint("o-officer", role, SEAT.get(role, "431124000000"))
    stage.register("o-wang", "resident")
    household = person_of(stage, "o-wang").household_id
    with Database(stage.database) as db, db.begin():
        if tie != "own_household":
            record_conflict(db, db.get_one(Staff, seat), tie, NAMED, stage.clock())
        assert seat not in conflicts_with(db, household)
    number = name_member(stage, "o-wang", officers_number("o-officer") if tie == "own_household" else NAMED)
    for _ in ("today", "after the member has gone"):
        with Database(stage.database) as db, db.begin():
            assert conflicts_with(db, household)[seat] == tie
            assert household in conflicts_of(db, [seat])[seat]
            if db.get_one(FamilyMember, number).ended is None:
                end_member(db, db.get_one(User, person_of(stage, "o-wang").id), number, "left", stage.clock())
    # What was a mistake counts against nobody.
    with Database(stage.database) as db, db.begin():
        gone = {"ended": "mistake", "name": None, "id_number": None, "id_hash": None}
        db.execute(update(FamilyMember).where(FamilyMember.id == number).values(gone))
        assert seat not in conflicts_with(db, household)
        assert household not in conflicts_of(db, [seat])[seat]


def test_who_is_named_leaves_the_tasks_of_the_household_to_a_colleague(stage: Stage) -> None:
    first, second = (stage.appoint(f"o-{name}", "village") for name in ("zhou", "qin"))
    stage.register("o-wang", "resident")
    appeal = stage.ask("o-wang")
    tasks = (Task.subject == "appeal") & (Task.subject_id == appeal)
    with Database(stage.database) as db:
        held = db.scalars(select(Task.assignee).where(tasks)).one()
    mine = "o-zhou" if held == first else "o-qin"
    names(stage, "o-wang", officers_number(mine))
    stage.say("o-wang", "确认")
    with Database(stage.database) as db:
        assert db.scalars(select(Task.assignee).where(tasks)).one() == ({first, second} - {held}).pop()
    # Neither may they read the file of their own household any more.
    assert f"没有 {appeal} 号求助" in stage.say(mine, f"看 {appeal}")


def test_a_member_does_not_give_to_their_own_household(stage: Stage) -> None:
    number = stage.open_appeal()
    stage.register("o-son", "resident")
    assert "捐多少" in stage.say("o-son", f"捐 {number}")
    stage.say("o-son", "取消")
    with Database(stage.database) as db:
        own = db.get_one(User, person_of(stage, "o-son").id).id_number
    name_member(stage, "o-owner-0", own)
    assert "自己家的求助" in stage.say("o-son", f"捐 {number} 5元")
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, person_of(stage, "o-owner-0").id)
        end_member(db, owner, db.scalars(select(FamilyMember.id)).one(), "mistake", stage.clock())
    assert "自己家的求助" not in stage.say("o-son", f"捐 {number} 5元")


def test_nobody_learns_whether_a_number_is_registered_or_named_elsewhere(stage: Stage) -> None:
    for openid in ("o-wang", "o-li", "o-zhao"):
        stage.register(openid, "resident")
    name_member(stage, "o-li", id_number(77))
    with Database(stage.database) as db:
        registered = db.get_one(User, person_of(stage, "o-zhao").id).id_number
    assert registered
    said = []
    for number in (NAMED, registered, id_number(77)):
        heard = [names(stage, "o-wang", number), stage.say("o-wang", "确认")]
        said.append([words.replace(number[-2:], "") for words in heard])
        stage.say("o-wang", "家人")
        with Database(stage.database) as db, db.begin():
            wang = db.get_one(User, person_of(stage, "o-wang").id)
            newest = db.scalars(select(FamilyMember.id).order_by(FamilyMember.id.desc()).limit(1)).one()
            end_member(db, wang, newest, "mistake", stage.clock())
    assert said[0] == said[1] == said[2]
    # Whoever tries many is stopped, and whose number it was finds that in 谁看过我.
    for serial in (11, 12):
        names(stage, "o-wang", id_number(serial))
        stage.say("o-wang", "取消")
        stage.say("o-wang", "2")
    assert "今天已经写了 5 个身份证号" in names(stage, "o-wang", id_number(13))
    assert "身份证号" in stage.say("o-zhao", "谁看过我")


def test_there_is_room_for_so_many_and_the_number_of_one_is_named_once(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    for serial in range(MOST):
        name_member(stage, "o-wang", None, serial)
    assert "不能再多了" in stage.say("o-wang", "家人") + stage.say("o-wang", str(MOST + 1))


def test_what_was_named_is_in_ones_copy_and_gone_with_oneself(stage: Stage) -> None:
    stage.register("o-wang", "resident")
    name_member(stage, "o-wang", CHILD)
    with Database(stage.database) as db:
        mine = find_person(db, stage.person("o-wang"))
        rows = {table: values for table, values in export_person(db, mine) if table == "family_members"}
        hidden = dict(export_person(db, mine, proved=False))
    assert (rows["family_members"]["name"], rows["family_members"]["id_number"]) == ("王大山", CHILD)
    assert hidden["family_members"]["id_number"] != CHILD
    stage.clock.move(timedelta(days=1))
    with Database(stage.database) as db, db.begin():
        erase_person(db, stage.person("o-wang"), stage.clock())
    assert of(stage, FamilyMember, "id") == []


@pytest.mark.slow  # two households with all that they may hold
def test_the_longest_list_and_the_longest_file_are_whole(stage: Stage) -> None:
    stage.appoint("o-town", "township")
    for openid in ("o-wang", "o-li"):
        stage.register(openid, "resident")
        user = person_of(stage, openid)
        with Database(stage.database) as db, db.begin():
            for serial in range(MOST - 1):
                wanted = NewMember(f"long-{openid}-{serial}", "维" * 20, "grandchild", "own")
                add_member(db, db.get_one(User, user.id), wanted, stage.clock())
    name_member(stage, "o-wang", person_of(stage, "o-li").id_number)
    assert "再加一个人" in stage.say("o-wang", "家人")
    assert "您这次查看已经记录" in stage.say("o-town", "看 家庭1")
    stage.say("o-town", "1")
    assert "我要分出去" in stage.say("o-wang", "家人")

"""Who cannot ask in the chat is erased by two of the staff; and a restored backup is made to forget again."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import Erasure, begin_erasure
from models.staff.member import Staff
from tests.harness.command_line import run
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.gifts import give

BY = ("--by", "DX0001", "--by", "DX0002")


@pytest.fixture
def wang(stage: Stage) -> int:
    """A resident, and an officer of her village and one of her county."""
    stage.appoint("o-zhou", "village", work_no="DX0001")
    stage.appoint("o-he", "county", "431124000000", work_no="DX0002")
    return stage.register("o-wang", "resident", DAOXIAN_MEIHUA)


def number_of(stage: Stage, user: int) -> str:
    with Database(stage.database) as db:
        return f"{db.get_one(User, user).id_number}\n"


def test_two_of_the_staff_erase_somebody_and_the_trail_names_both(app: Flask, stage: Stage, wang: int) -> None:
    done = run(app, "erase", "--reason", "died", *BY, typed=number_of(stage, wang))
    assert "has begun" in done.output
    with Database(stage.database) as db:
        user, erasure = db.get_one(User, wang), db.scalars(select(Erasure)).one()
        assert (user.state, user.name, user.id_number, user.phone) == ("erased", None, None, None)
        assert (erasure.cause, erasure.reason, erasure.conversation_id) == ("staff", "died", stage_conversation(db))
        signed = select(AuditEvent.actor, AuditEvent.detail).where(AuditEvent.action == "signed")
        ids = (erasure.first_staff, erasure.second_staff)
        assert db.execute(signed.order_by(AuditEvent.id)).all() == [(f"staff:{each}", "died") for each in ids]
    again = run(app, "erase", "--reason", "died", *BY, "--user", str(wang))
    assert "nobody is registered so" in again.output


def stage_conversation(db: Database) -> int:
    return db.scalars(select(Conversation.id).where(Conversation.openid.startswith("erased-"))).one()


def test_nobody_erases_alone_nor_outside_their_place_nor_their_own(app: Flask, stage: Stage, wang: int) -> None:
    again = stage.appoint("o-again", "village", work_no="DX0003")
    stage.appoint("o-far", "village", "430524103002", work_no="LH0002")
    typed = number_of(stage, wang)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == "o-he").values(user_id=wang))
        db.get_one(Staff, again).id_hash = db.scalars(select(Staff.id_hash).where(Staff.work_no == "DX0001")).one()

    def said(*by: str) -> str:
        signers = [part for each in by for part in ("--by", each)]
        return run(app, "erase", "--reason", "authority", *signers, typed=typed).output

    assert "give it twice" in said("DX0001")
    assert "DX0003 is the same person" in said("DX0001", "DX0003")
    assert "LH0002 has no seat of the place" in said("DX0001", "LH0002")
    assert "DX0002 is of the person's household" in said("DX0001", "DX0002")
    with Database(stage.database) as db:
        assert db.get_one(User, wang).state == "active"


def test_what_a_law_keeps_is_opened_by_two_and_the_trail_has_it(app: Flask, stage: Stage, wang: int) -> None:
    give(stage, stage.open_appeal(), 10_000, "o-wang")
    with Database(stage.database) as db, db.begin():
        begin_erasure(db, stage.person("o-wang"), wang, "person", stage.clock())
    shown = run(app, "erasures", "open", str(wang), "--reason", "case 7", *BY).output
    assert "王秀兰" in shown
    assert "1 kept" in shown
    with Database(stage.database) as db:
        read = select(AuditEvent.subject, AuditEvent.detail).where(AuditEvent.action == "read_sensitive")
        assert db.execute(read).all() == [("sealed_remainder", "case 7")] * 2
    assert "give it twice" in run(app, "erasures", "open", str(wang), "--reason", "x", *BY[:2]).output


def test_what_is_open_has_to_end_first(app: Flask, stage: Stage, wang: int) -> None:
    stage.open_appeal()
    with Database(stage.database) as db:
        owner = db.scalars(select(User.id).order_by(User.id.desc())).first() or 0
    said = run(app, "erase", "--reason", "on_paper", *BY, "--user", str(owner)).output
    assert "appeal 1 is funding: the county has to end it first" in said


def test_a_restored_backup_forgets_again_and_nobody_else(app: Flask, stage: Stage, wang: int, tmp_path: Path) -> None:
    file = tmp_path / "erasures.jsonl"
    with Database(stage.database) as db, db.begin():
        begin_erasure(db, stage.person("o-wang"), wang, "person", stage.clock())
        begin_erasure(db, stage.person("o-nobody"), None, "wechat", stage.clock())
    assert "2 added, 2 in all" in run(app, "erasures", "export", str(file)).output
    assert "0 added, 2 in all" in run(app, "erasures", "export", str(file)).output
    assert not [words for words in ("王秀兰", "o-wang", "13800000000") if words in file.read_text(encoding="utf-8")]
    assert "0 of 2 were back" in run(app, "erasures", "replay", str(file)).output
    with Database(stage.database) as db, db.begin():
        # As a backup of the day before has it; "o-nobody" is not in it, and another has the number.
        db.execute(update(Erasure).values(state="done", done_at=stage.clock(), room="photos"))
        user = db.get_one(User, wang)
        user.state, user.name, user.id_number, user.id_hash = "active", "王秀兰", "x", "x"
        db.flush()
        theirs = select(Erasure.conversation_id).where(Erasure.user_id == wang)
        db.execute(update(Conversation).where(Conversation.id.in_(theirs)).values(openid="o-wang", user_id=wang))
        other = update(Conversation).where(Conversation.openid.startswith("erased-"))
        db.execute(other.values(openid="o-other", created_at=stage.clock().replace(year=2027)))
    assert "1 of 2 were back" in run(app, "erasures", "replay", str(file)).output
    with Database(stage.database) as db:
        assert (db.get_one(User, wang).state, db.get_one(User, wang).name) == ("erased", None)
        assert db.scalars(select(Erasure.cause).order_by(Erasure.id)).all()[-1] == "replay"
        assert "o-other" in db.scalars(select(Conversation.openid)).all()
    file.write_text("nonsense\n")
    assert "no line of such a list" in run(app, "erasures", "replay", str(file)).output

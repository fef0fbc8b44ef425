"""What a person gets of themselves is everything, and nothing of anybody else; nothing new is forgotten."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Table, event, insert, select, text, update
from sqlalchemy.orm import Session as Database

from bot.photos.files import PhotoFiles
from bot.storage.folder import Folder
from flows.catalogue import FLOWS
from models.core.audit_trail import record_reading
from models.core.encryption import Encrypted, keyring
from models.giving.pledge import Pledge
from models.people.conversation import SESSION, BrokenSession, Conversation
from models.people.photo import Photo
from models.people.user import Registration, User, register
from models.rights import export, export_rules
from models.rights.export import OFFICE_FLOWS, UNREADABLE, Person, export_person, find_person
from models.rights.export_rules import LEFT_OUT, LEFT_OUT_COLUMNS
from models.support.ticket import TicketMessage
from models.tables import metadata
from models.verification.registry import RegistryEntry
from tests.harness.stage import DAOXIAN_MEIHUA, Stage, id_number
from tests.harness.transcript import Actor
from tests.scenes.own_data import ask, copy_of, path_of, visit

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
RULES = (
    export_rules.OF_CONVERSATION,
    export_rules.OF_USER,
    export_rules.OF_HOUSEHOLD,
    export_rules.PARTS,
    export_rules.SPECIAL,
    LEFT_OUT,
)
SOMEBODY = Person(1, "gh", "o", 1, 1, ("a",))
# Their drafts are of who writes; those of the others are of the people they work for.
OWN_FLOWS = {
    *("register", "start_appeal", "revise_appeal", "pledge", "recurring_gift", "message", "refund", "ask_receipt"),
    *("offer_goods", "request_goods", "list_produce", "raise_objection", "bind_card", "export_data", "publish"),
    *(*("change_phone", "change_home", "change_name", "withdraw_publish"), "erase_data", "claim_number"),
    *("switch_person", "register_organisation", "succeed"),
    *("post_update", "thank", "report", "request_disbursement", "payee", "disbursement_evidence", "surplus"),
    *("accept_invitation", "send_parcel", "take_part", "take_weight", "thank_goods"),
    *("keep_point", "pass_on_point"),
    *("buy_weight", "buy_pieces", "send_order", "after_sale"),
    *("pledge_person", "pledge_firm", "supply_most"),
}
# Sealed, and not for the person, each with its reason in models.rights.export.
SEALED_BUT_LEFT_OUT = {
    *("broadcasts.facts", "cards.code", "cards.qr_url", "conflicts_of_interest.id_number", "discrepancies.note"),
    *("conversations.code", "matches.code", "rounds.seed"),
    *("turns.reply", "voices.screen"),
}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_every_table_is_somebodys_or_left_out_with_a_reason(table: Table) -> None:
    assert [table.name in rule for rule in RULES].count(True) == 1, (
        f"say in models/rights/export.py whose the rows of {table.name} are, or why nobody gets them"
    )
    if table.name in LEFT_OUT:
        named = {key.target_fullname for key in table.foreign_keys}
        assert not named & {"users.id", "conversations.id"} or table.name == "turns", "its rows are a person's"
        return
    assert export_rules.exported_columns(table)
    rows = select(*table.primary_key.columns).where(export.theirs(table, SOMEBODY))
    assert "WHERE" in str(rows)


def test_whatever_is_sealed_is_in_the_copy_but_for_what_is_known_here() -> None:
    sealed = {str(column) for table in metadata.sorted_tables for column in table.columns if _is_sealed(column)}
    assert sealed > SEALED_BUT_LEFT_OUT
    got = {
        str(column)
        for table in metadata.sorted_tables
        if table.name not in LEFT_OUT
        for column in export_rules.exported_columns(table)
    }
    assert sealed - got == SEALED_BUT_LEFT_OUT


def test_no_reason_is_left_without_what_it_was_for() -> None:
    columns = {name for table in metadata.sorted_tables for c in table.columns for name in (str(c), c.name)}
    assert set(LEFT_OUT_COLUMNS) <= columns
    tables = {table.name for table in metadata.sorted_tables}
    assert {name for rule in RULES for name in rule} == tables


def test_every_conversation_is_known_as_a_persons_own_or_as_work_for_others() -> None:
    assert {flow.name for flow in FLOWS} == OWN_FLOWS | OFFICE_FLOWS
    assert not OWN_FLOWS & OFFICE_FLOWS


def _is_sealed(column: Column[Any]) -> bool:
    return isinstance(column.type, Encrypted)


@pytest.fixture
def planted(stage: Stage, tmp_path: Path) -> Stage:
    """王秀兰, who did much; and 赵铁柱, who did the same in other words."""
    stage.reopen(media_dir=str(tmp_path))
    actor = Actor(stage)
    for name in ("start_appeal", "request_goods", "list_produce"):
        script = (TRANSCRIPTS / f"{name}.chat").read_text(encoding="utf-8")
        again = "" if name == "start_appeal" else "$ resident\n"
        actor.play(script.replace("@ long", "@ wang").replace(f"@ wang\n{again}", "@ wang\n"))
    _register(stage, "o-zhao", "赵铁柱", "13987654321", 77)
    stage.ask("o-zhao")
    appeal = stage.open_appeal()
    for openid, words in (("o-wang", "我家的抽水机修不好了"), ("o-zhao", "我家的屋顶漏雨了")):
        for said in ("人工", words, "没事了", f"捐 {appeal} 100", "1", "确认", "求助", "1", f"补{words[3:6]}"):
            stage.say(openid, said)
    return stage


def _register(stage: Stage, openid: str, name: str, phone: str, serial: int) -> None:
    conversation = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        wanted = Registration(
            draft_id=openid,
            role="resident",
            consents=("account", "identity"),
            name=name,
            id_number=id_number(serial),
            phone=phone,
            region_code=DAOXIAN_MEIHUA,
        )
        user = register(db, wanted, stage.clock())
        db.execute(update(Conversation).where(Conversation.id == conversation).values(user_id=user.id))


def _user(stage: Stage, openid: str) -> int:
    with Database(stage.database) as db:
        return db.scalars(select(Conversation.user_id).where(Conversation.openid == openid)).one() or 0


def test_everything_of_a_person_is_in_the_copy_and_nothing_of_anybody_else(planted: Stage) -> None:
    wang, zhao = _user(planted, "o-wang"), _user(planted, "o-zhao")
    officer = planted.appoint("o-zhou", "village", work_no="DX0007")
    with Database(planted.database) as db, db.begin():
        for user in (wang, zhao):
            record_reading(
                db,
                at=planted.clock(),
                actor=f"staff:{officer}",
                subject="user",
                subject_id=user,
                purpose="review",
                about=user,
            )
        codes = {pledge.donor_id: pledge.code for pledge in db.scalars(select(Pledge))}
        numbers = {user.id: user.id_number for user in db.scalars(select(User))}
    copy = copy_of(planted, "o-wang")
    written = json.dumps(copy, ensure_ascii=False)
    own = (
        "王秀兰",
        "13800000000",
        numbers[wang],
        "o-wang",
        "开春没钱",
        "橘子",
        "抽水机修不好",
        codes[wang],
        "补抽水机",
    )
    assert [words for words in own if str(words) not in written] == []
    others = ("赵铁柱", "13987654321", numbers[zhao], "o-zhao", "屋顶漏雨", codes[zhao], "缝纫机", "周建国", "o-zhou")
    assert [words for words in others if str(words) in written] == []
    assert {row["reader"] for row in copy["audit_events"]} == {"DX0007"}
    assert {row["user_id"] for row in copy["consents"]} == {wang}
    theirs = json.dumps(copy_of(planted, "o-zhao"), ensure_ascii=False)
    assert [words for words in own if str(words) in theirs] == []


def test_pictures_are_in_the_copy_themselves(planted: Stage, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"a picture")
    with Database(planted.database) as db, db.begin():
        photos = db.scalars(select(Photo).order_by(Photo.id)).all()
        photos[0].path, photos[0].state = "1.jpg", "kept"
        photos[1].path, photos[1].state = "lost.jpg", "kept"
        sealed = PhotoFiles(Folder(tmp_path)).write("2.jpg", b"another")
        photos[2].path, photos[2].state = sealed, "kept"
    copy = copy_of(planted, "o-wang")["photos"]
    assert [photo["jpeg"] for photo in copy[:3]] == ["YSBwaWN0dXJl", None, "YW5vdGhlcg=="]
    assert {photo["path"] for photo in copy} == {None}
    theirs = copy_of(planted, "o-zhao")["photos"]
    assert not {photo["id"] for photo in theirs} & {photo["id"] for photo in copy}


def test_a_copy_is_whole_or_none(planted: Stage, tmp_path: Path) -> None:
    with Database(planted.database) as db, db.begin():
        for photo in db.scalars(select(Photo)):
            photo.path, photo.state = f"{photo.id}.jpg", "kept"
    path = path_of(planted, ask(planted, "o-wang"))
    tmp_path.rmdir()
    refused = visit(planted, "o-wang", f"{path}/json")
    assert (refused.status_code, "您的资料没有丢" in refused.text) == (503, True)


def test_the_registry_tells_nobody_of_an_id_number_alone(stage: Stage) -> None:
    """Whoever registers with somebody else's number is not in the registry under their own name."""
    _register(stage, "o-thief", "王小二", "13811112222", 55)
    stage.register("o-wang", "resident")
    with Database(stage.database) as db, db.begin():
        for number, name in ((id_number(55), "陈大山"), (id_number(4), "王秀兰")):
            hashed = keyring().lookup_hashes(number, "id_number")[0]
            entry = {"id_hash": hashed, "id_number": number, "name": name, "region_code": DAOXIAN_MEIHUA}
            db.add(
                RegistryEntry(**entry, status="x", source="y", as_of=stage.clock().date(), imported_at=stage.clock())
            )
    assert "registry_entries" not in copy_of(stage, "o-thief")
    assert [row["name"] for row in copy_of(stage, "o-wang")["registry_entries"]] == ["王秀兰"]


def test_an_officers_drafts_about_others_are_not_theirs_to_take_along(stage: Stage) -> None:
    stage.appoint("o-zhou", "village")
    drafts = [
        {"id": "1", "flow": "proxy_register", "answers": {"name": "陈大山"}, "given": {}},
        {"id": "2", "flow": "start_appeal", "answers": {"title": "给别人写的"}, "given": {"mandate": 1, "for": "陈**"}},
        {"id": "3", "flow": "start_appeal", "answers": {"title": "给自己写的"}, "given": {}},
    ]
    session = json.dumps({"drafts": drafts, "focus": None, "screen": {"options": [], "at": 0, "lines": ["1 陈大山"]}})
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).where(Conversation.openid == "o-zhou").values(session=session))
    written = json.dumps(copy_of(stage, "o-zhou"), ensure_ascii=False)
    assert "给自己写的" in written
    assert "给别人" not in written
    assert "陈" not in written


def test_what_no_key_opens_keeps_nothing_else_back(stage: Stage) -> None:
    stage.say("o-wang", "人工")
    stage.say("o-wang", "我家的抽水机修不好了")
    stage.say("o-wang", "还有水泵")
    conversation = stage.person("o-wang")
    sealed = keyring().seal(json.dumps({"drafts": [{"flow": "pledge", "id": "x"}]}), SESSION.purpose)
    with Database(stage.database) as db, db.begin():
        last = db.scalars(select(TicketMessage.id).order_by(TicketMessage.id.desc())).first()
        db.execute(text("UPDATE ticket_messages SET words = 'damaged'::bytea WHERE id = :last"), {"last": last})
        for session in (sealed, b"broken"):
            broken = {"conversation_id": conversation, "session": session, "reason": "x", "at": stage.clock()}
            db.execute(insert(BrokenSession).values(broken))
    copy = copy_of(stage, "o-wang")
    assert [row["words"] for row in copy["ticket_messages"]][-2:] == ["我家的抽水机修不好了", UNREADABLE]
    read, unread = (row["session"] for row in copy["broken_sessions"])
    assert read["drafts"][0]["flow"] == "pledge"
    assert unread == UNREADABLE


def test_ten_thousand_gifts_take_no_more_queries_than_one(stage: Stage) -> None:
    appeal, donor = stage.open_appeal(), stage.register("o-li", "donor")
    few = _queries(stage, "o-li")
    gifts = [
        {
            "draft_id": f"many-{number}",
            "code": f"Z{number:09}",
            "appeal_id": appeal,
            "donor_id": donor,
            "amount_fen": 100,
            "anonymous": False,
            "created_at": stage.clock(),
        }
        for number in range(10_000)
    ]
    with Database(stage.database) as db, db.begin():
        db.execute(insert(Pledge), gifts)
    many = _queries(stage, "o-li")
    assert many["rows"] == few["rows"] + 10_000
    assert many["queries"] == few["queries"] < len(metadata.sorted_tables) + 5


def _queries(stage: Stage, openid: str) -> dict[str, int]:
    """How many queries a copy takes, and how many rows it has."""
    counted = {"queries": 0, "rows": 0}

    def count(*_: object) -> None:
        counted["queries"] += 1

    conversation = stage.person(openid)
    event.listen(Engine, "before_cursor_execute", count)
    try:
        with Database(stage.database) as db:
            counted["rows"] = sum(1 for _ in export_person(db, find_person(db, conversation)))
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return counted

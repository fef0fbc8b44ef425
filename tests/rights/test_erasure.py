"""Of a planted person nothing is found after 注销 but what a list names with its reason; the books do not notice."""

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import String, event, insert, select, update
from sqlalchemy.orm import Session as Database
from structlog.testing import capture_logs

from bot.photos.store import gone_photos
from bot.work.context import WorkerContext
from bot.work.sweeps import apply_deadlines, delete_old_replies
from models.books import violations
from models.core.encryption import Encrypted, keyring
from models.giving.pledge import Pledge
from models.ledger.accounts import LedgerAccount
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.photo import Photo, attach_photos
from models.people.user import User
from models.proxy.card import issue_card, void_card
from models.proxy.consent_code import make_consent_code
from models.proxy.mandate import grant_mandate
from models.rights import export
from models.rights.erasure.erasure import Erasure, begin_erasure, forget_page, running_erasures
from models.rights.erasure.kept import FORGOTTEN, KEPT, says_why
from models.rights.erasure.remainder import SealedRemainder
from models.rights.erasure.request import begin_due
from models.rights.export import find_person
from models.rights.export_rules import LEFT_OUT
from models.rights.request import RightsRequest, ask
from models.staff.conflict_of_interest import Conflict, record_conflict
from models.staff.member import Staff, notify_staff
from models.tables import metadata
from models.verification.registry import RegistryEntry
from tests.harness.erasing import everything, places
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.transcript import Actor
from tests.scenes.money.gifts import give

NAME, PHONE = "覃巧玲", "13666655555"
TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"


def test_every_column_with_words_is_emptied_or_stays_for_a_reason() -> None:
    words = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        if table.name not in LEFT_OUT
        for column in table.columns
        if isinstance(column.type, String | Encrypted) or column.name == "session"
        if not column.foreign_keys
    }
    assert [f"{table}.{column}" for table, column in sorted(words) if not says_why(table, column)] == []
    names = {name for table, column in words for name in (column, f"{table}.{column}")}
    assert set(KEPT) <= names, "a reason is left without what it was for"
    emptied = {f"{table}.{column}" for table, columns in FORGOTTEN.items() for column in columns if column != "*"}
    assert emptied <= names


def forget(stage: Stage) -> None:
    """What the worker does: the jobs of all erasures, and the files. Without Redis the sweep finds the files."""
    context = WorkerContext(stage.settings)
    try:
        with Database(stage.database) as db:
            running = running_erasures(db, 10)
        for number in running:
            context.run_job("erase", number)
        with stage.database.connect() as connection:
            gone = gone_photos(connection, 100)
        for photo in gone:
            context.run_job("forget_photo", photo)
    finally:
        context.close()


def plant(stage: Stage, folder: Path) -> None:
    """覃巧玲 asks for help, goods and buyers, gives, writes, is seen by officers, and stands in an officer's ties."""
    stage.reopen(media_dir=str(folder))
    with Database(stage.database) as db, db.begin():
        user = db.get_one(User, stage.register("o-wang", "resident"))
        user.name, user.phone, user.draft_id = NAME, PHONE, "planted"
    actor = Actor(stage)
    for name in ("start_appeal", "request_goods", "list_produce"):
        script = (TRANSCRIPTS / f"{name}.chat").read_text(encoding="utf-8")
        actor.play(script.replace("@ long", "@ wang").replace("$ resident\n", "").replace("橘子", "蜜桔"))
    appeal = stage.open_appeal()
    stage.say("o-wang", f"捐 {appeal} 100")
    for said in ("1", "确认", "人工", "我家的抽水机修不好了", "没事了", "求助", "1", "补抽水机"):
        stage.say("o-wang", said)
    give(stage, appeal, 20_000, "o-wang")
    officer = stage.appoint("o-zhou", "village")
    plant_by_proxy(stage, officer)
    with Database(stage.database) as db, db.begin():
        number = db.get_one(User, find_person(db, stage.person("o-wang")).user_id).id_number or ""
        record_conflict(db, db.get_one(Staff, officer), "kin", number, stage.clock())
        hashed = keyring().lookup_hashes(number, "id_number")[0]
        entry: dict[str, Any] = {"id_hash": hashed, "id_number": number, "name": NAME, "region_code": DAOXIAN_MEIHUA}
        entry |= {"status": "x", "source": "y", "as_of": stage.clock().date(), "imported_at": stage.clock()}
        db.execute(insert(RegistryEntry).values(entry))
        for photo in db.scalars(select(Photo)):
            photo.path, photo.state = f"{photo.id}.jpg", "kept"
            (folder / photo.path).write_bytes(f"picture {photo.id}".encode())


def plant_by_proxy(stage: Stage, officer: int) -> None:
    """An officer has her signed sheet and printed two cards, of which one was tried in vain."""
    with Database(stage.database) as db, db.begin():
        user, staff = db.get_one(User, find_person(db, stage.person("o-wang")).user_id), db.get_one(Staff, officer)
        now = stage.clock()
        mandate = grant_mandate(db, officer, user.id, "sheet", "appeal", "planted-sheet", now)
        sheet = [{"media_id": "sheet", "pic_url": "http://127.0.0.1/sheet.jpg"}]
        attach_photos(db, "mandate", mandate.id, stage.person("o-zhou"), sheet, now)
        notify_staff(db, staff, "sheet_lost", {"name": user.masked_name}, f"sheet_lost:{mandate.id}", now)
        make_consent_code(db, user.id, now)
        card = issue_card(db, user, staff, now)
        card.qr_url = "http://weixin.qq.com/q/planted"
        void_card(db, card, "system", "tries", now)
        facts = {"name": user.masked_name}
        notify_staff(db, staff, "card_void", facts, f"card_void:{card.id}", now, ("card", card.id))
        issue_card(db, user, staff, now).qr_url = "http://weixin.qq.com/q/planted"


def in_redis(url: str) -> str:
    """All keys of Redis and what they hold, also packed as jobs pack it."""
    found: list[Any] = []
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            match client.type(key):
                case b"string":
                    found.append((key, client.get(key)))
                case b"hash":
                    held = client.hgetall(key)
                    packed = held.get(b"data", b"")
                    with suppress(zlib.error):
                        packed = zlib.decompress(packed)
                    found.append((key, held, packed))
                case b"list":
                    found.append((key, client.lrange(key, 0, -1)))
                case b"set":
                    found.append((key, client.smembers(key)))
                case b"zset":
                    found.append((key, client.zrange(key, 0, -1)))
                case kind:
                    raise AssertionError(f"{key!r} is a {kind!r}")
    texts = [repr(part) for entry in found for part in entry]
    return "".join(texts) + "".join(part.decode(errors="replace") for entry in found for part in flat(entry))


def flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from flat([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from flat(each)


def test_of_a_planted_person_nothing_is_found(database_url: str, redis_flushed: str, tmp_path: Path) -> None:
    """In the database, the folder and the logs afterwards; in Redis neither before nor afterwards."""
    stage = Stage(database_url, redis_url=redis_flushed)
    plant(stage, tmp_path)
    with Database(stage.database) as db:
        person = find_person(db, stage.person("o-wang"))
        user = db.get_one(User, person.user_id)
        told = ("开春没钱", "蜜桔", "修不好", "补抽水机")
        planted = (NAME, user.masked_name, user.id_number, user.id_hash, PHONE, "o-wang", "q/planted", *told)
        money = db.execute(select(LedgerAccount.kind, LedgerAccount.balance_fen).order_by(LedgerAccount.id)).all()
    before = everything(stage)
    assert [words for words in planted if str(words) not in before] == []
    assert list(tmp_path.iterdir())
    queued = in_redis(redis_flushed)
    assert "fetch_photo" in queued, "no job was planted"
    assert [words for words in planted if str(words) in queued] == []
    with capture_logs() as logs:
        for said in ("注销", "忘了", "确认注销"):
            reply = stage.say("o-wang", said)
        assert "随便发一句话" in reply
        stage.clock.move(timedelta(days=8, minutes=1))
        apply_deadlines(stage.database, stage.clock())
        delete_old_replies(stage.database, stage.clock())
        forget(stage)
    with Database(stage.database) as db, db.begin():
        assert db.scalars(select(Erasure.state)).all() == ["done"]
        assert db.scalars(select(RightsRequest.state)).all() == ["done"]
        # What the law keeps is sealed apart, and nowhere else.
        kept = db.scalars(select(SealedRemainder)).one()
        assert (kept.law, kept.expires_on.year) == ("donation", stage.clock().year + 30)
        assert json.loads(kept.contents) == {
            "user": user.id,
            "name": NAME,
            "display_name": None,
            "openid": "o-wang",
        }
        db.delete(kept)
    left = {(place, words) for place, value in places(stage) for words in planted if str(words) in value}
    # The second until the worker has taken the tag from the WeChat (tests/menus).
    assert left == {("conflicts_of_interest.id_hash", user.id_hash), ("menus_due.openid", "o-wang")}
    remembered = in_redis(redis_flushed)
    assert [words for words in planted if str(words) in remembered or str(words) in str(logs)] == []
    assert list(tmp_path.iterdir()) == []
    with Database(stage.database) as db:
        # By its hash alone the officer is kept from her affairs; nothing else has it.
        assert db.execute(select(Conflict.id_number, Conflict.id_hash)).all() == [(None, user.id_hash)]
        now = db.execute(select(LedgerAccount.kind, LedgerAccount.balance_fen).order_by(LedgerAccount.id)).all()
        assert now == money
        emptied(db, person)
        with stage.database.connect() as connection:
            wrong = {found.code for found in violations(connection, stage.clock())}
            assert wrong <= {"bill_missing"}, "nobody asked the platform in those days"
    # Whoever comes back is somebody new.
    assert "同意吗" in stage.say("o-wang", "注册")
    stage.close()


def emptied(db: Database, person: export.Person) -> None:
    """All that was theirs is as FORGOTTEN says."""
    for name, columns in FORGOTTEN.items():
        table = metadata.tables[name]
        if name == "photos":
            continue  # a photo that is gone is nobody's; the folder is empty
        rows = db.execute(select(table).where(export.theirs(table, person))).all()
        assert not (rows and "*" in columns), name
        for column in columns:
            assert not [row for row in rows if column != "*" and row._mapping[column]], f"{name}.{column}"


def test_on_its_day_an_erasure_waits_for_a_turn_under_way_and_for_what_is_open(stage: Stage) -> None:
    stage.appoint("o-zhou", "village", work_no="DX0001")
    user = stage.register("o-zhou", "resident")
    with Database(stage.database) as db, db.begin():
        request = ask(db, stage.person("o-zhou"), "erasure", "cooling", timedelta(days=7), stage.clock()).id
    stage.clock.move(timedelta(days=7))
    locked = select(Conversation.id).where(Conversation.openid == "o-zhou").with_for_update()
    with Database(stage.database) as turn, turn.begin(), Database(stage.database) as db, db.begin():
        turn.execute(locked)
        assert begin_due(db, stage.clock()) == 0
        assert db.scalars(select(Notification)).all() == []
    for _ in range(2):
        with Database(stage.database) as db, db.begin():
            assert begin_due(db, stage.clock()) == 0
    with Database(stage.database) as db, db.begin():
        told = db.scalars(select(Notification)).one()
        assert (told.template, json.loads(told.facts)["holds"][0]["name"]) == ("erasure_put_off", "DX0001")
        assert db.get_one(RightsRequest, request).state == "cooling"
        db.execute(update(Staff).values(state="revoked"))
    stage.clock.move(timedelta(days=1))
    with Database(stage.database) as db, db.begin():
        assert begin_due(db, stage.clock()) == 1
        assert db.get_one(User, user).state == "erased"


def test_what_a_law_kept_goes_on_its_day(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        erasure, _ = begin_erasure(db, stage.person("o-a"), None, "person", stage.clock())
        for law, later in (("donation", 0), ("payout", -1)):
            day = stage.clock().date() + timedelta(days=later)
            db.add(SealedRemainder(erasure_id=erasure.id, law=law, expires_on=day, contents="{}"))
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db:
        assert db.scalars(select(SealedRemainder.law)).all() == ["donation"]


@pytest.mark.slow  # a hundred thousand turns
def test_among_a_days_turns_an_erasure_reads_its_own_persons(stage: Stage) -> None:
    others = [stage.person(f"o-{number}") for number in range(20)]
    gone = stage.person("o-gone")
    stage.say("o-gone", "菜单")
    many = (
        "INSERT INTO turns (key, conversation_id, received_at, reply, kind)"
        " SELECT 'many-' || n, %(first)s + n %% %(count)s, %(now)s, '\\x00', 'text' FROM generate_series(1, 100000) n"
    )
    facts = {"first": others[0], "count": len(others), "now": stage.clock()}
    asked: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if statement.startswith("UPDATE turns"):
            asked.append((statement, values))

    with stage.database.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(many, facts)
        connection.exec_driver_sql("ANALYZE turns")
    event.listen(stage.database, "before_cursor_execute", listen)
    with Database(stage.database) as db, db.begin():
        begin_erasure(db, gone, None, "wechat", stage.clock())
    event.remove(stage.database, "before_cursor_execute", listen)
    [(words, values)] = asked
    with stage.database.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN {words}", values).all())
        left = connection.exec_driver_sql("SELECT count(*) FROM turns WHERE reply IS NOT NULL").scalar_one()
    assert "ix_turns_conversation_id" in plan
    assert left == 100_000


@pytest.mark.slow  # ten thousand gifts
def test_ten_thousand_gifts_take_no_turn_and_a_kill_loses_nothing(stage: Stage) -> None:
    appeal = stage.open_appeal()
    donor = stage.register("o-li", "donor")
    owner = stage.person("o-owner-0")
    now = stage.clock()
    gift = {"appeal_id": appeal, "donor_id": donor, "amount_fen": 100, "anonymous": False, "created_at": now}
    with Database(stage.database) as db, db.begin():
        made = [{**gift, "draft_id": f"many-{number}", "code": f"Z{number:09}"} for number in range(10_000)]
        gifts = db.scalars(insert(Pledge).returning(Pledge.id, sort_by_parameter_order=True), made).all()
        told = {"conversation_id": owner, "template": "pledged", "created_at": now, "due_at": now, "state": "read"}
        facts = json.dumps({"name": "李老师"}, ensure_ascii=False)
        notices = [{**told, "facts": facts, "dedupe_key": f"pledged:{number}"} for number in gifts]
        db.execute(insert(Notification), notices)
        number = begin_erasure(db, stage.person("o-li"), donor, "person", now)[0].id
    for _ in range(12):
        with Database(stage.database) as db, db.begin():
            assert forget_page(db, number, now) is not None
    with Database(stage.database) as killed:
        killed.begin()
        forget_page(killed, number, now)
        killed.rollback()  # nothing of the page is left, and the next worker makes it again
    forget(stage)
    with Database(stage.database) as db:
        assert db.get_one(Erasure, number).state == "done"
        named = [facts for facts in db.scalars(select(Notification.facts)) if "李老师" in facts]
        assert named == []
        assert len(db.scalars(select(Pledge.id).where(Pledge.donor_id == donor)).all()) == 10_000

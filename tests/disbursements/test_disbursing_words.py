"""After a payment, through the door: the call, what is odd, the county's word, receipts, and who may see an account."""

import pytest
from sqlalchemy import select

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.disbursements.disbursement import Disbursement
from models.people.conversation import Conversation
from tests.harness.platform import wechat
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import asked, at, authorised, paid, passed, people, seen, state, wrong


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


def say(stage: Stage, name: str, words: str) -> str:
    """What is answered, by its names, news left out."""
    stage.say(name if name.startswith("o-") else f"o-{name}", words)
    return " ".join(
        said for said in stage.said if not said.startswith(("notifications/", "replies/notifications/more_unread"))
    )


def photo(stage: Stage, openid: str, serial: int) -> None:
    fields = {"PicUrl": f"http://127.0.0.1/w{serial}.jpg", "MediaId": f"w-{serial}"}
    assert stage.deliver(wechat.message("image", openid, **fields))[0] == 200


def paid_for(stage: Stage, staff: dict[str, int], *, drawn: bool) -> tuple[str, int]:
    """(the owner's openid, a payment) that is to be asked about by telephone, or is not."""
    number, use = authorised(stage, *[10_000] * 9, fen=1_000, staff=staff)
    while True:
        paid(stage, use, staff)
        with at(stage) as db:
            if db.get_one(Disbursement, use).sampled == drawn:
                owner = db.get_one(Appeal, number).owner_id
                return db.scalars(select(Conversation.openid).where(Conversation.user_id == owner)).one(), use
        use = asked(stage, number, 1_000)
        passed(stage, use, "endorser", "township", "holder", staff=staff)


def hand_in_receipts(stage: Stage, owner: str, use: int, serial: int) -> None:
    assert say(stage, owner, f"交发票 {use}") == "disbursement_evidence/photos:ask"
    photo(stage, owner, serial)
    assert say(stage, owner, "完成") == "disbursement_evidence/review"
    assert say(stage, owner, "确认") == "disbursement_evidence/done"


def test_a_payment_is_asked_about_answered_and_accounted_for(stage: Stage, staff: dict[str, int]) -> None:
    owner, use = paid_for(stage, staff, drawn=True)
    assert say(stage, "caller", "待办") == "replies/staff/todo"
    assert say(stage, "caller", "1") == "replies/disbursements/file"
    assert "王秀兰" in stage.say("o-caller", f"看 用款{use}")
    assert "请打电话" in stage.say("o-caller", f"看 用款{use}")
    # The one who approved it is no caller of it, and hears so; the task finds somebody else by itself.
    assert "1 他说" not in stage.say("o-township", f"看 用款{use}")
    assert say(stage, "caller", f"看 用款{use}") == "replies/disbursements/file"
    assert say(stage, "caller", "1") == "replies/disbursements/decided"
    assert state(stage, use) == "received"
    hand_in_receipts(stage, owner, use, 1)
    # Not clear: handed in anew, and read by the officer.
    assert say(stage, "endorser", f"看 用款{use}") == "replies/disbursements/file"
    assert say(stage, "endorser", "2") == "replies/staff/which_reason"
    assert say(stage, "endorser", "2") == "replies/disbursements/decided"
    hand_in_receipts(stage, owner, use, 2)
    assert say(stage, "endorser", f"通过 用款{use}") == "replies/staff/must_read_first replies/disbursements/file"
    seen(stage, use, staff["endorser"])
    assert say(stage, "endorser", "1") == "replies/disbursements/decided"
    assert state(stage, use) == "acquitted"
    assert wrong(stage) == set()


def test_what_is_odd_is_said_by_its_number_and_the_county_clears_it(stage: Stage, staff: dict[str, int]) -> None:
    owner, use = paid_for(stage, staff, drawn=False)
    with at(stage) as db:
        code = db.get_one(Disbursement, use).code
    assert say(stage, owner, f"收到 {code}") == "replies/disbursements/confirm_received"
    assert say(stage, owner, "4") == "replies/disbursements/confirmation_recorded"
    assert state(stage, use) == "received_with_issues"
    reply = stage.say("o-county", f"看 用款{use}")
    assert "有人叫我交回去一部分" in reply
    assert say(stage, "county", "1") == "replies/disbursements/decided"
    assert state(stage, use) == "received"
    assert say(stage, owner, f"收到 {code}") == "replies/disbursements/confirm_received"
    assert say(stage, owner, "6") == "replies/refusals:answered_before"
    assert wrong(stage) == set()


def test_an_account_is_seen_by_whose_turn_it_is_and_each_look_is_on_record(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=1_000, staff=staff)
    account = "6228480000000000011"
    for name, sees in (("holder", True), ("endorser", False), ("township", False), ("county", False)):
        assert (account in stage.say(f"o-{name}", f"看 用款{use}")) is sees, name
    stage.register("o-somebody", "resident")
    assert account not in stage.say("o-somebody", f"看 用款{use}")
    with at(stage) as db:
        owner = db.get_one(Appeal, number).owner_id
        looks = select(AuditEvent.actor, AuditEvent.about).where(AuditEvent.subject == "disbursement")
        looks = looks.where(AuditEvent.detail == "review").order_by(AuditEvent.id)
        about = [(f"staff:{staff[name]}", owner if name == "holder" else None) for name in ("holder", "endorser")]
        assert [tuple(row) for row in db.execute(looks)][:2] == about
    paid(stage, use, staff)
    assert account not in stage.say("o-holder", f"看 用款{use}")

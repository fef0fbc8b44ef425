"""A consent that was withdrawn, in the chat or in WeChat, ends what it allowed and nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal
from models.oversight.spot_check import record_doubt
from models.people.conversation import Conversation
from models.people.user import CONSENT_VERSIONS, Consent, User, grant_consent, withdraw_consent
from models.proxy.card import bind_wechat, issue_card
from models.public.views import find_story
from models.rights.consent_withdrawal import NothingToWithdraw, withdraw_purpose
from models.rights.request import RightsRequest
from models.speech.consent import SpeechConsent, grant
from models.staff.member import Staff
from models.staff.task import Task
from tests.harness.erasing import of
from tests.harness.platform import wechat
from tests.harness.stage import Stage


def revoke(stage: Stage, openid: str, codes: str, created: int | None = None) -> None:
    """As WeChat does: the platform itself is the sender, and two of one second (``created``) are one."""
    fields = {"OpenID": openid, "AppID": "wx0000000000sample", "RevokeInfo": codes}
    assert stage.deliver(wechat.event("user_authorization_revoke", "gh_platform", created=created, **fields)) == (
        200,
        "",
    )


def day_passes(stage: Stage) -> None:
    stage.clock.move(timedelta(hours=25))
    apply_deadlines(stage.database, stage.clock())


def is_hidden(stage: Stage) -> bool:
    """Whether the public reads no words of the appeal."""
    with Database(stage.database) as db:
        story = find_story(db, 1, None)
        assert story is not None
        return story.hidden


@pytest.fixture
def owner(stage: Stage) -> Stage:
    """An owner whose appeal collects, and who lets voices be heard."""
    stage.open_appeal()
    conversation = stage.person("o-owner-0")
    with Database(stage.database) as db, db.begin():
        grant(db, conversation, "听写员", stage.clock())
    return stage


def test_what_is_revoked_in_wechat_ends_and_the_account_stays(owner: Stage) -> None:
    revoke(owner, "o-owner-0", "201")
    revoke(owner, "o-owner-0", "205,206")
    assert of(owner, Appeal, "state") == ["funding"]
    assert of(owner, SpeechConsent, "withdrawn_at") == [None]
    revoke(owner, "o-owner-0", "204")
    assert of(owner, SpeechConsent, "withdrawn_at") != [None]
    assert of(owner, Appeal, "state") == ["funding"]
    assert "收回了听语音的同意" in owner.say("o-owner-0", "菜单")
    revoke(owner, "o-owner-0", "207")
    # The words are hidden at once; what ends for good waits a day, and the county calls.
    assert of(owner, Appeal, "state") == ["funding"]
    assert of(owner, Appeal, "hidden_at") != [None]
    assert of(owner, Task, "step")[-1] == "withdrawal"
    assert is_hidden(owner)
    day_passes(owner)
    assert of(owner, Appeal, "state") == ["cancelled"]
    assert "求助 1 号不办了" in owner.say("o-owner-0", "我的")
    assert of(owner, User, "state") == ["active"]


def test_any_message_stops_what_was_revoked_in_wechat(owner: Stage) -> None:
    revoke(owner, "o-owner-0", "207")
    assert "随便发一句话就停下" in owner.say("o-owner-0", "菜单")
    assert (of(owner, Appeal, "state"), of(owner, Appeal, "hidden_at")) == (["funding"], [None])
    assert None not in of(owner, Task, "closed_at")
    assert not is_hidden(owner)
    day_passes(owner)
    assert of(owner, Appeal, "state") == ["funding"]


def test_a_session_that_cannot_be_opened_stops_it_all_the_same(owner: Stage) -> None:
    revoke(owner, "o-owner-0", "207")
    with Database(owner.database) as db, db.begin():
        db.execute(text("UPDATE conversations SET session = 'damaged' WHERE openid = 'o-owner-0'"))
    assert "收回同意的事停下了" in owner.say("o-owner-0", "菜单")
    assert of(owner, Appeal, "hidden_at") == [None]


def test_a_message_stops_both_a_revocation_and_what_was_asked_in_the_chat(owner: Stage) -> None:
    for said in ("换电话", "13900000000", "记不得了", "确认"):
        owner.say("o-owner-0", said)
    revoke(owner, "o-owner-0", "207")
    owner.say("o-owner-0", "菜单")
    assert of(owner, RightsRequest, "state") == ["stopped", "stopped"]


def test_a_code_that_nobody_knows_withdraws_all_and_erases_nobody(owner: Stage) -> None:
    revoke(owner, "o-owner-0", "301")
    assert of(owner, SpeechConsent, "withdrawn_at") != [None]
    assert of(owner, User, "name") == ["王秀兰"]
    day_passes(owner)
    assert of(owner, Appeal, "state") == ["cancelled"]


def test_a_revocation_reaches_everybody_who_shares_the_phone(owner: Stage) -> None:
    for said in ("换人", "1", "7305", "确认"):
        owner.say("o-owner-0", said)
    # Somebody else has the phone now, and the owner is parked.
    owner.say("o-owner-0", "菜单")
    revoke(owner, "o-owner-0", "207,204")
    assert of(owner, SpeechConsent, "withdrawn_at") != [None]
    assert of(owner, Appeal, "hidden_at") != [None]
    assert of(owner, RightsRequest, "state") == ["waiting"]
    for said in ("换人", "1", "4417", "7305", "确认"):
        owner.say("o-owner-0", said)
    assert of(owner, RightsRequest, "state") == ["waiting"]
    owner.say("o-owner-0", "菜单")
    assert of(owner, RightsRequest, "state") == ["stopped"]
    assert of(owner, Appeal, "hidden_at") == [None]


def test_who_never_registered_loses_the_voices_alone(stage: Stage) -> None:
    conversation = stage.person("o-nobody")
    with Database(stage.database) as db, db.begin():
        grant(db, conversation, "听写员", stage.clock())
    revoke(stage, "o-nobody", "204,207")
    assert of(stage, SpeechConsent, "withdrawn_at") != [None]


def test_an_appeal_that_holds_money_goes_on_without_its_words(owner: Stage) -> None:
    with Database(owner.database) as db, db.begin():
        db.scalars(select(Appeal)).one().state = "executing"
        conversation = db.scalars(select(Conversation).where(Conversation.openid == "o-owner-0")).one()
        user = db.get_one(User, conversation.user_id)
        stopped = withdraw_purpose(db, user, conversation.id, "publish", owner.clock())
        assert (stopped.cancelled, stopped.hidden) == ([], [1])
        with pytest.raises(NothingToWithdraw):
            withdraw_purpose(db, user, conversation.id, "publish", owner.clock())
    assert of(owner, Appeal, "state") == ["executing"]
    owner.say("o-li", "看1")
    assert "本人不愿意再公开" in owner.say("o-li", "1")
    assert "只有一条土路" not in owner.say("o-li", "1")


def test_a_consent_given_again_is_another_row_and_one_to_a_new_wording_ends_the_old(
    owner: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, now = owner.register("o-wang", "resident"), owner.clock()
    with Database(owner.database) as db, db.begin():
        for _ in range(2):
            grant_consent(db, user, "publish", now)
        withdraw_consent(db, user, "publish", now)
        grant_consent(db, user, "publish", now)
        monkeypatch.setitem(CONSENT_VERSIONS, "publish", 2)
        grant_consent(db, user, "publish", now)
        theirs = select(Consent.version, Consent.withdrawn_at).where(Consent.purpose == "publish")
        assert [(one.version, one.withdrawn_at is None) for one in db.execute(theirs.order_by(Consent.id))] == [
            (1, False),
            (1, False),
            (2, True),
        ]


def test_what_is_ordered_where_the_session_is_damaged_leaves_what_waits_stoppable(owner: Stage) -> None:
    for said in ("换电话", "13900000000", "记不得了", "确认"):
        owner.say("o-owner-0", said)
    with Database(owner.database) as db, db.begin():
        db.execute(text("UPDATE conversations SET session = 'damaged' WHERE openid = 'o-owner-0'"))
    revoke(owner, "o-owner-0", "201")
    owner.say("o-owner-0", "菜单")
    assert of(owner, RightsRequest, "state") == ["stopped"]


def test_that_an_owner_means_to_withdraw_is_no_spot_check(owner: Stage) -> None:
    owner.appoint("o-county", "county", "431124000000")
    owner.appoint("o-town", "township")
    for said in ("收回同意", "2", "1", "记不得了", "确认"):
        owner.say("o-owner-0", said)
    owner.say("o-county", "看 1")
    assert "没问题" in owner.say("o-county", "2")
    assert None not in of(owner, Task, "closed_at")
    owner.say("o-owner-0", "菜单")
    with Database(owner.database) as db, db.begin():
        town = db.scalars(select(Staff).where(Staff.openid == "o-town")).one()
        record_doubt(db, town, "appeal", 1, ("money_doubtful",), owner.clock())
    assert of(owner, Task, "step")[-1] == "doubt"


def test_the_county_that_stops_the_appeal_ends_the_withdrawal_too(owner: Stage) -> None:
    owner.appoint("o-county", "county", "431124000000")
    revoke(owner, "o-owner-0", "207")
    owner.say("o-county", "看 1")
    owner.say("o-county", "1")
    owner.say("o-county", "1")
    assert (of(owner, Appeal, "state"), of(owner, Appeal, "hidden_at")) == (["frozen"], [None])
    assert of(owner, RightsRequest, "state") == ["stopped"]
    day_passes(owner)
    assert "什么都没有收回" in owner.say("o-owner-0", "菜单")
    owner.say("o-county", "解冻 1")
    assert (of(owner, Appeal, "state"), of(owner, Appeal, "hidden_at")) == (["funding"], [None])
    assert not is_hidden(owner)


def test_what_was_withdrawn_while_it_was_frozen_takes_no_gift_again_and_can_only_end(owner: Stage) -> None:
    owner.appoint("o-county", "county", "431124000000")
    owner.register("o-li", "donor")
    owner.say("o-county", "冻结 1")
    owner.say("o-county", "1")
    with Database(owner.database) as db, db.begin():
        user = db.get_one(User, db.scalars(select(Appeal.owner_id)).one())
        withdraw_purpose(db, user, owner.person("o-owner-0"), "publish", owner.clock())
    assert "不能再收捐款" in owner.say("o-county", "解冻 1")
    assert of(owner, Appeal, "state") == ["frozen"]
    owner.say("o-county", "1")
    owner.say("o-county", "2")
    assert "结束" in owner.say("o-county", "1")
    assert of(owner, Appeal, "state") == ["cancelled"]


def test_what_is_hidden_takes_no_gift(owner: Stage) -> None:
    owner.register("o-li", "donor")
    revoke(owner, "o-owner-0", "207")
    assert "现在不给大家看" in owner.say("o-li", "捐 1 5")
    owner.say("o-owner-0", "菜单")
    assert "现在不给大家看" not in owner.say("o-li", "捐 1 5")


def test_a_new_wechat_stops_what_waits_of_the_old_one(owner: Stage) -> None:
    officer = owner.appoint("o-zhou", "village")
    owner.person("o-new")
    revoke(owner, "o-owner-0", "207")
    with Database(owner.database) as db, db.begin():
        user = db.get_one(User, db.scalars(select(Appeal.owner_id)).one())
        card = issue_card(db, user, db.get_one(Staff, officer), owner.clock() - timedelta(days=4))
        bind_wechat(db, card.id, owner.person("o-new"), owner.clock())
    assert of(owner, RightsRequest, "state") == ["stopped"]
    assert of(owner, Appeal, "hidden_at") == [None]
    assert None not in of(owner, Task, "closed_at")
    day_passes(owner)
    assert of(owner, Appeal, "state") == ["funding"]


def test_the_county_calls_once_a_doubt_has_ended(owner: Stage) -> None:
    owner.appoint("o-county", "county", "431124000000")
    town = owner.appoint("o-town", "township")
    with Database(owner.database) as db, db.begin():
        record_doubt(db, db.get_one(Staff, town), "appeal", 1, ("money_doubtful",), owner.clock())
    revoke(owner, "o-owner-0", "207")
    assert of(owner, Task, "step")[-1] == "doubt"
    owner.say("o-county", "看 1")
    owner.say("o-county", "2")
    assert of(owner, Task, "step")[-1] == "withdrawal"
    assert of(owner, Task, "closed_at")[-1] is None


def test_revocations_are_counted_by_themselves(owner: Stage) -> None:
    for second in range(6):
        revoke(owner, "o-owner-0", "207", second + 1)
        owner.say("o-owner-0", "菜单")
    assert of(owner, RightsRequest, "state") == ["stopped"] * 5
    assert of(owner, Appeal, "hidden_at") == [None]
    for said in ("收回同意", "2", "1", "记不得了", "确认"):
        owner.say("o-owner-0", said)
    assert of(owner, RightsRequest, "state") == ["stopped"] * 5 + ["waiting"]


def test_revocations_in_a_row_leave_the_consent_to_the_one_that_waits(owner: Stage) -> None:
    with Database(owner.database) as db, db.begin():
        grant_consent(db, db.scalars(select(Appeal.owner_id)).one(), "publish", owner.clock())
    for second in range(3):
        revoke(owner, "o-owner-0", "207", second + 1)
    assert of(owner, RightsRequest, "state")[-1] == "waiting"
    with Database(owner.database) as db:
        assert None in db.scalars(select(Consent.withdrawn_at).where(Consent.purpose == "publish")).all()
    owner.say("o-owner-0", "菜单")
    assert of(owner, Appeal, "hidden_at") == [None]

"""A consent that was withdrawn, in the chat or in WeChat, ends what it allowed and nothing else."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.people.conversation import Conversation
from models.people.user import CONSENT_VERSIONS, Consent, User, grant_consent, withdraw_consent
from models.rights.consent_withdrawal import NothingToWithdraw, withdraw_purpose
from models.speech.consent import SpeechConsent, grant
from tests.harness.erasing import of
from tests.harness.platform import wechat
from tests.harness.stage import Stage


def revoke(stage: Stage, openid: str, codes: str) -> None:
    """As WeChat does: the platform itself is the sender."""
    fields = {"OpenID": openid, "AppID": "wx0000000000sample", "RevokeInfo": codes}
    assert stage.deliver(wechat.event("user_authorization_revoke", "gh_platform", **fields)) == (200, "")


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
    assert of(owner, Appeal, "state") == ["cancelled"]
    assert "求助 1 号不办了" in owner.say("o-owner-0", "我的")
    assert of(owner, User, "state") == ["active"]


def test_a_code_that_nobody_knows_withdraws_all_and_erases_nobody(owner: Stage) -> None:
    revoke(owner, "o-owner-0", "301")
    assert of(owner, Appeal, "state") == ["cancelled"]
    assert of(owner, SpeechConsent, "withdrawn_at") != [None]
    assert of(owner, User, "name") == ["王秀兰"]


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

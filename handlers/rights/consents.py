"""哪些事您同意过: list what a person agreed to, and withdraw one consent; WeChat's own revocations, too."""

import structlog

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.people.user import User, get_user
from models.rights.consent_withdrawal import (
    PUBLISH,
    WITHDRAWABLE,
    NothingToWithdraw,
    appeals_to_stop,
    withdraw_purpose,
    withdrawable_purposes,
)
from models.rights.consent_withdrawal import (
    revoke as revoke_purposes,
)
from models.rights.consents import VOICE, consents_of

log = structlog.get_logger()

# What RevokeInfo names (doc/service/guide/h5/authorization_change). The others we neither ask for nor keep: an
# address, invoices, cards, WeChat's nickname and picture, the place.
_MICROPHONE, _PICTURES = "204", "207"
_NOT_KEPT = frozenset({"201", "202", "203", "205", "206"})
_REVOKES = {_MICROPHONE: (VOICE,), _PICTURES: (PUBLISH,)}


def show(talk: Talk) -> Answer:
    """Raises NotRegistered."""
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["consents"][0])
    given = consents_of(talk.turn.db, user.id, talk.turn.person.conversation_id)
    live = withdrawable_purposes(talk.turn.db, user.id, talk.turn.person.conversation_id)
    ways = {purpose: ["command", "ask_withdraw_consent", purpose] for purpose in live}
    return with_ways("replies/rights/consents", {"consents": given}, ways)


def ask(talk: Talk, purpose: str) -> Answer:
    """Say what withdrawing the consent would end, and ask. Raises NothingToWithdraw."""
    db, person = talk.turn.db, talk.turn.person
    if purpose not in withdrawable_purposes(db, person.user_id, person.conversation_id):
        raise NothingToWithdraw
    ends, hides = appeals_to_stop(db, person.user_id) if purpose == PUBLISH and person.user_id else ([], [])
    ways = {"withdraw": ["command", "withdraw_consent", purpose], "keep": ["command", "consents"]}
    return with_ways("replies/rights/withdraw_consent", {"purpose": purpose, "ends": ends, "hides": hides}, ways)


def withdraw(talk: Talk, purpose: str) -> Answer:
    """Raises NothingToWithdraw."""
    stopped = withdraw_purpose(talk.turn.db, _user(talk), talk.turn.person.conversation_id, purpose, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in stopped.photos]
    values = {"purpose": purpose, "cancelled": stopped.cancelled, "hidden": stopped.hidden}
    return Answer([Say("replies/rights/consent_withdrawn", None, values)])


def revoke(talk: Talk, revoked: str) -> None:
    """Withdraw what the person revoked in WeChat; a code that we do not know counts as everything."""
    codes = [code.strip() for code in revoked.split(",")]
    unknown = [code for code in codes if code not in _REVOKES and code not in _NOT_KEPT]
    if unknown:
        log.warning("consent.unknown_revocation", conversation=talk.turn.person.conversation_id)
    purposes = WITHDRAWABLE if unknown else [each for code in codes for each in _REVOKES.get(code, ())]
    conversation, key = talk.turn.person.conversation_id, talk.message.key
    stopped = revoke_purposes(talk.turn.db, _user(talk), conversation, purposes, key, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in stopped.photos]


def _user(talk: Talk) -> User | None:
    number = talk.turn.person.user_id
    return talk.turn.db.get(User, number) if number else None

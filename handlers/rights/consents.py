"""哪些事您同意过: list what a person agreed to, and withdraw one consent; WeChat's own revocations, too."""

from collections.abc import Sequence

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session as Database

from flows.engine.flow import Answer, Say
from flows.engine.session import SessionBroken, dumps, loads
from flows.rights.identity import WAIT
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.core.encryption import CannotOpen
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.shared_phone import ParkedSession, lock_parked
from models.people.user import User, get_user
from models.rights.consent_request import revoke_publishing
from models.rights.consent_request import waits as already_waits
from models.rights.consent_withdrawal import (
    PUBLISH,
    WITHDRAWABLE,
    NothingToWithdraw,
    appeals_to_stop,
    withdraw_purpose,
    withdrawable_purposes,
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
    """Withdraw it at once; where appeals would end by it, ask for the last places of the ID number first.

    Raises NothingToWithdraw, AskedTooOften or TooManyPlaces.
    """
    user = _user(talk)
    if purpose == PUBLISH and user and any(appeals_to_stop(talk.turn.db, user.id)):
        return talk.start("withdraw_publish") if user.id_number else without_places(talk)
    stopped = withdraw_purpose(talk.turn.db, _user(talk), talk.turn.person.conversation_id, purpose, talk.world.now)
    talk.turn.jobs += [("forget_photo", photo) for photo in stopped.photos]
    values = {"purpose": purpose, "cancelled": stopped.cancelled, "hidden": stopped.hidden}
    return Answer([Say("replies/rights/consent_withdrawn", None, values)])


def without_places(talk: Talk) -> Answer:
    """Go on without the proof, and wait. Raises NothingToWithdraw or AskedTooOften."""
    return talk.start("withdraw_publish", {"waits": True}, last_places=WAIT)


def revoke(talk: Talk, revoked: str) -> None:
    """Withdraw what was revoked in WeChat, for everybody of this phone; a code that we do not know counts as all.

    Whose phone it is, WeChat does not know: what would end appeals waits a day (models.rights.consent_request).
    """
    codes = [code.strip() for code in revoked.split(",")]
    unknown = [code for code in codes if code not in _REVOKES and code not in _NOT_KEPT]
    if unknown:
        log.warning("consent.unknown_revocation", conversation=talk.turn.person.conversation_id)
    purposes = WITHDRAWABLE if unknown else [each for code in codes for each in _REVOKES.get(code, ())]
    person, db = talk.turn.person, talk.turn.db
    talk.turn.stoppable = _revoke(talk, person.conversation_id, person.user_id, purposes)
    for parked in lock_parked(db, person.account, person.openid):
        request = _revoke(talk, parked.id, parked.user_id, purposes)
        if request:
            _let_stop(db, parked, request)


def _revoke(talk: Talk, conversation_id: int, user_id: int | None, purposes: Sequence[str]) -> int | None:
    """Withdraw the purposes for one person; return the id of the request that waits, if there is one."""
    db, now, key = talk.turn.db, talk.world.now, talk.message.key
    user = db.get(User, user_id) if user_id else None
    may = withdrawable_purposes(db, user_id, conversation_id)
    waits = user is not None and PUBLISH in may and any(appeals_to_stop(db, user.id))
    # What was revoked a while ago has hidden all there is: what it ends still waits.
    later = waits or (user is not None and already_waits(db, user.id))
    at_once = [each for each in purposes if each in may and not (later and each == PUBLISH)]
    for purpose in at_once:
        withdraw_purpose(db, user, conversation_id, purpose, now)
    if at_once:
        facts = {"purposes": at_once, "cancelled": [], "hidden": []}
        notify(db, conversation_id, "consent_withdrawn", facts, f"consent_withdrawn:{conversation_id}:{key}", now)
    if user is not None and waits and PUBLISH in purposes:
        request = revoke_publishing(db, user, conversation_id, key, now)
        if request:
            return request.id
        log.warning("consent.revoked_too_often", conversation=conversation_id)
    return None


def _let_stop(db: Database, parked: ParkedSession, request: int) -> None:
    """Note the request in the session of a parked person, so that their next message stops it."""
    try:
        session = loads(parked.open_session())
    except (SessionBroken, CannotOpen):
        return  # it is set aside as soon as they write, and then all that waits is stopped (stop_unseen)
    session.stoppable = request
    db.execute(update(Conversation).where(Conversation.id == parked.id).values(session=dumps(session)))


def _user(talk: Talk) -> User | None:
    number = talk.turn.person.user_id
    return talk.turn.db.get(User, number) if number else None

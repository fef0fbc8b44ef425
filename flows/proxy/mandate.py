"""代办: an officer records a resident's consent, by signed sheet or consent code, to write an appeal for them, to
answer what goods are proposed to them, to agree to an appeal's public page, or to name who belongs to their household.

The draft's ``given`` may have ``scope`` (models.proxy.mandate.SCOPES); without it the consent is to write an appeal.
"""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.proxy.common import Figures, answered_resident, for_officers, officer
from flows.readers import Choice, IdNumber, Photo
from models.people.photo import attach_photos
from models.people.user import User
from models.proxy.act import find_resident
from models.proxy.consent_code import DIGITS, NoConsentCode, check_consent_code, is_consent_code, use_consent_code
from models.proxy.mandate import SheetLost, grant_mandate, live_mandate

# Scope of a mandate -> the command that goes on with it.
_FOLLOWS = {"goods": "proxy_goods_of", "page": "proxy_pages_of", "family": "proxy_family_of"}


def by_sheet(answers: Mapping[str, Any]) -> bool:
    return answers.get("consent") == "sheet"


def by_code(answers: Mapping[str, Any]) -> bool:
    return answers.get("consent") == "code"


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the resident and the code as soon as they are answered; a wrong code counts as a try for good."""
    before = draft.given.get("owner")
    user = answered_resident(turn, draft)
    if before and user and user.id != before:
        draft.answers.pop("code", None)
    code = draft.answers.get("code")
    if user is None or code is None or not by_code(draft.answers):
        return
    checked = draft.given.get("code")
    if checked and is_consent_code(turn.db, checked, user.id, code):
        return
    draft.given["code"] = check_consent_code(turn.db, user.id, code, officer(turn).actor.name, turn.world.now)


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, answers, now = officer(turn), draft.answers, turn.world.now
    user = find_resident(turn.db, staff, answers["id_number"])
    if by_code(answers):
        _use_code(turn, draft, user)
    scope = draft.given.get("scope", "appeal")
    mandate = grant_mandate(turn.db, staff.id, user.id, answers["consent"], scope, draft.id, now)
    if by_sheet(answers):
        photos = attach_photos(turn.db, "mandate", mandate.id, turn.person.conversation_id, answers["sheet"], now)
        turn.jobs += [("fetch_photo", photo) for photo in photos]
    if live_mandate(turn.db, user.id, staff.id, scope, now) is None:
        raise SheetLost
    facts = {"name": user.masked_name, "until": mandate.expires_at, "scope": scope}
    follows = _FOLLOWS.get(scope, "proxy_write")
    options = [Option(1, "", ["command", follows, str(mandate.id)])]
    return Answer([Say("flows/proxy/proxy_mandate/done", None, facts)], options)


def _use_code(turn: TurnContext, draft: Draft, user: User) -> None:
    """Use the code that ``check_answers`` checked, if it is still the answer. Raises NoConsentCode."""
    number = draft.given.get("code")
    if number is None or not is_consent_code(turn.db, number, user.id, draft.answers["code"]):
        raise NoConsentCode
    use_consent_code(turn.db, number, user.id, turn.world.now)


proxy_mandate = Flow(
    "proxy_mandate",
    room="proxy",
    steps=(
        Step("id_number", IdNumber()),
        Step("consent", Choice("mandate_kind")),
        Step("sheet", Photo(max=3, min=1), when=by_sheet),
        Step("code", Figures(length=DIGITS), when=by_code),
    ),
    done=done,
    admit=for_officers,
    check_answers=check_answers,
)

"""Show officers what a listing rests on, and let the county suspend its seller and let them sell again."""

from collections.abc import Sequence
from typing import Any

from flows.engine.flow import Answer, Say
from handlers.goods.desk import More
from handlers.public.photos import may_choose_photos
from handlers.routing.talk import Talk
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import parse_reference, staff_of
from handlers.staff.subject_actions import ReasonedDecision
from models.core.state_machine import By
from models.goods.file import GoodsFile
from models.market import suspension
from models.market.file import seller_file
from models.market.listing import Listing
from models.oversight.image_match import other_sellers
from models.public.album import LISTINGS
from models.staff.member import Staff

# So many listings with a like photo are named.
_MOST_LIKE = 3


def suspend_seller(talk: Talk, reference: str, words: str = "") -> Answer:
    """Suspend the seller of a listing, with a reason. Only a numbered line leads here."""
    return with_reasons(talk, "suspend_seller", reference, words)


def resume_seller(talk: Talk, reference: str) -> Answer:
    """Let a suspended seller sell again. Only a numbered line leads here."""
    _, number = parse_reference(reference)
    return _said(suspension.resume(talk.turn.db, staff_of(talk), number, talk.world.now), stopped=False)


def _facts(talk: Talk, staff: Staff, file: GoodsFile) -> tuple[dict[str, Any], dict[str, list[str]]]:
    db, reference = talk.turn.db, f"listing:{file.number}"
    shown = seller_file(db, file.number, talk.world.lexicon.market)
    ways = {}
    if staff.role == By.COUNTY and not file.task.conflict and shown.state:
        to = "resume_seller" if shown.state == "suspended" else "suspend_seller"
        ways = {to: ["command", to, reference]}
    if may_choose_photos(talk, file.number, LISTINGS):
        ways["photos"] = ["command", "photos", reference]
    return {"seller": shown, "like": other_sellers(db, file.number)[:_MOST_LIKE]}, ways


def _suspend(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _said(suspension.suspend(talk.turn.db, staff, number, list(reasons), talk.world.now), stopped=True)


def _check_suspend(talk: Talk, staff: Staff, number: int) -> object:
    return suspension.check_may_judge(talk.turn.db, staff, number, "suspended")


def _said(listing: Listing, *, stopped: bool) -> Answer:
    return Answer([Say("replies/market/seller_judged", None, {"number": listing.id, "stopped": stopped})])


MORE = More(
    facts=_facts,
    reasoned={"suspend_seller": ReasonedDecision("seller_suspend_reason", _suspend)},
    checks={"suspend_seller": _check_suspend},
)

"""Show the county's officers the firms that pledged in a campaign, and let them strike one, with a reason."""

from collections.abc import Sequence

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import one_page, with_ways
from handlers.routing.talk import Talk
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.market.campaigns import firms, views
from models.market.campaigns.campaign import PLEDGE
from models.staff.member import Staff


def campaign_firms(talk: Talk, number: str, after: str = "0") -> Answer:
    """List the firms of a campaign; each line strikes one. Only numbered lines lead here.

    Raises as models.market.campaigns.firms.read_firms does.
    """
    page = firms.read_firms(talk.turn.db, staff_of(talk), int(number), int(after), talk.world.now)
    shown = views.show(talk.turn.db, int(number), talk.world.now)
    lines = list(enumerate(page.items, 1))
    options = [Option(line, "", ["command", "strike_firm", f"{PLEDGE}:{firm.number}"]) for line, firm in lines]
    turn = ["campaign_firms", number, str(page.after)] if page.after else None
    return one_page(talk, "replies/market/campaign_firms", {"shown": shown, "lines": lines}, options, turn)


def strike_firm(talk: Talk, reference: str, words: str = "") -> Answer:
    """Strike a firm, with a reason. Only numbered lines lead here."""
    return with_reasons(talk, "strike_firm", reference, words)


def _strike(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    campaign = firms.strike(talk.turn.db, staff, number, reasons, talk.world.now)
    left = firms.firms_in(talk.turn.db, campaign.id)
    ways = {"firms": ["command", "campaign_firms", str(campaign.id)]} if left.count else {}
    return with_ways("replies/market/firm_struck", {"number": campaign.id, "firms": left.count}, ways)


def _check(talk: Talk, staff: Staff, _command: str, number: int) -> None:
    firms.check_strikeable(talk.turn.db, staff, number)


ACTIONS = SubjectActions(
    PLEDGE, reasoned={"strike_firm": ReasonedDecision("firm_strike_reason", _strike)}, check=_check
)

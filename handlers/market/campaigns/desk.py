"""看, 通过, 驳回, 冻结 of a campaign: another officer of the county confirms what a colleague opened, or stops it."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, ReasonedDecision, SubjectActions
from models.market.campaigns import firms, opening, stopping
from models.market.campaigns.campaign import NAME, Campaign
from models.market.campaigns.refusals import NoSuchCampaign
from models.places.region import Region
from models.staff.member import Staff


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchCampaign."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchCampaign(number=number)
    file = opening.open_file(talk.turn.db, staff, number, talk.world.lexicon.market, talk.world.now)
    said = ("approve", "reject") if file.task.mine else ()
    ways = {name: ["command", name, f"{NAME}:{number}"] for name in said}
    if stopping.may_stop(talk.turn.db, staff, file.campaign):
        ways["stop"] = ["command", "stop", f"{NAME}:{number}"]
    theirs = firms.firms_in(talk.turn.db, number)
    if theirs.count and firms.may_check(talk.turn.db, staff, file.campaign):
        ways["firms"] = ["command", "campaign_firms", str(number)]
    values = {"file": file, "firms": theirs, "labels": labels(talk.world.lexicon, "campaign_crop")}
    return with_ways("replies/market/campaign_file", values, ways)


def must_read_first(talk: Talk, _command: str, number: int) -> Answer | None:
    """Raises as models.market.campaigns.opening.check_decidable does."""
    db, staff = talk.turn.db, staff_of(talk)
    opening.check_decidable(db, staff, number)
    return opened_first(partial(show_file, talk, number), is_read=opening.is_read(db, staff, number))


def queue_line(db: Session, number: int) -> QueueLine:
    campaign = db.get_one(Campaign, number)
    return ["look", f"{NAME}:{number}"], {"place": db.get_one(Region, campaign.region_code).full_name}


def approve(talk: Talk, number: int) -> Answer:
    return _decided(opening.confirm(talk.turn.db, staff_of(talk), number, talk.world.now))


def reject(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(opening.reject(talk.turn.db, staff, number, reasons, talk.world.now))


def stop(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    return _decided(stopping.stop(talk.turn.db, staff, number, reasons, talk.world.now))


def check(talk: Talk, staff: Staff, command: str, number: int) -> None:
    """Check a decision before its reason is asked. Raises what the decision itself would."""
    if command == "stop":
        stopping.check_stoppable(talk.turn.db, staff, number)
    else:
        opening.check_decidable(talk.turn.db, staff, number)


def _decided(campaign: Campaign) -> Answer:
    values = {"number": campaign.id, "state": campaign.state}
    return Answer([Say("replies/market/campaign_decided", None, values)])


ACTIONS = SubjectActions(
    NAME,
    show_file,
    queue_line=queue_line,
    must_read_first=must_read_first,
    approve=approve,
    reasoned={
        "reject": ReasonedDecision("campaign_reject_reason", reject),
        "stop": ReasonedDecision("campaign_stop_reason", stop),
    },
    check=check,
)

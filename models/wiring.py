"""Connect the hooks and registries of lower rooms to the functions of upper rooms.

A connected function runs in its caller's transaction, under the locks that the caller holds.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from models.appeals import appeal, beneficiary, by_mandate, case_outcome, of_organisation, publication, submission
from models.appeals import erasure as appeals
from models.appeals import review as appeal_review
from models.desk import erasure as desk
from models.desk.session import end_with_seat
from models.disbursements import allocation, disbursement, hold, payout_claim
from models.disbursements import erasure as disbursements
from models.donors import erasure as donors
from models.donors import message
from models.families import by_mandate as family_by_mandate
from models.families import erasure as families
from models.families import question as family_question
from models.figures import counting
from models.figures import erasure as figures
from models.giving import erasure as giving
from models.giving import funding, pledge, pool_transfer, refund_run
from models.goods import erasure as goods
from models.goods import household, review
from models.goods import submission as look
from models.goods.matches import by_mandate as match_by_mandate
from models.goods.matches import match
from models.goods.points import keeping
from models.ledger import posting
from models.market import erasure as market
from models.market import in_name, listing
from models.market.campaigns import opening as campaigns
from models.market.listing import Listing
from models.market.lots import listed
from models.market.money import seller_accounts, sending
from models.market.orders import leaving as orders_leaving
from models.market.orders import order as market_order
from models.notification_kinds import declare_kinds
from models.notifications import broadcast
from models.notifications import erasure as notifications
from models.organisations import conflicts, organisation, representative
from models.organisations import desk as organisation_desk
from models.organisations import erasure as organisations
from models.outreach import audience, broadcasts
from models.outreach import erasure as outreach
from models.oversight import spot_check
from models.payments import erasure as payments
from models.people import erasure as people
from models.people import user
from models.people.user import User
from models.proxy import act, card, mandate
from models.proxy import erasure as proxy
from models.public import appeal_page, page_by_mandate, photo_review
from models.public import erasure as public
from models.public import photos as public_photos
from models.rights import consent_request, name_change, number_claim, request
from models.rights.erasure import paper, photos, remainder
from models.rights.erasure.rooms import ROOMS
from models.speech import erasure as speech
from models.staff import erasure as staff
from models.staff import file_access, recusal, suspension
from models.staff.member import Staff
from models.subjects import declare_subject
from models.support import erasure as support
from models.support import inquiry, inquiry_desk, payout_hold, recusals, reported_thing
from models.treasury import account_kind, gift_accounts
from models.verification import case, decisions
from models.verification import erasure as verification


def wire() -> None:
    """Connect them all, where a program starts; calling it again changes nothing."""
    # The notification kinds of all rooms.
    declare_kinds()

    # The kinds of things of rooms that stand above models.subjects.
    declare_subject(family_question.HOUSEHOLD)
    declare_subject(request.RIGHTS_REQUEST)
    declare_subject(name_change.NAME_CHANGE)
    declare_subject(paper.PAPER)
    declare_subject(number_claim.CLAIM)
    declare_subject(inquiry.INQUIRY)
    declare_subject(inquiry.REPORT)

    # An ID number that the county gave back is kept for its owner.
    user.kept_for_another.connect(number_claim.kept_for_another)

    # When a household's case is decided.
    decisions.on_verified.connect(_on_verified)
    decisions.on_suspended.connect(_on_suspended)
    decisions.on_rejected_or_revoked.connect(_on_rejected_or_revoked)
    case.on_ended.connect(_on_ended)

    # An organisation is confirmed instead of verified; another comes to speak for it; the county stops or ends it.
    case.may_ask.connect(organisation.may_ask)
    case.is_confirmed.connect(organisation.is_confirmed)
    representative.on_succeeded.connect(_on_succeeded)
    representative.on_vacated.connect(in_name.vacate)
    organisation_desk.on_suspended.connect(_on_organisation_suspended)
    organisation_desk.on_resumed.connect(household.open_reviews)
    organisation_desk.on_dissolved.connect(_on_dissolved)

    # When an appeal becomes public.
    publication.on_published.connect(photo_review.ask_officer)
    appeal_page.on_turned.connect(public_photos.recheck)

    # When an appeal ends, and when a pledge becomes void.
    submission.on_deadline.connect(funding.end_if_overdue)
    appeal.on_unsuccessful.connect(_on_unsuccessful)
    pledge.on_void.connect(message.withdraw_unread)

    # What people ask for, give away and sell, and an officer looks at first.
    for kind in (look.REQUEST_REVIEW, look.OFFER_REVIEW, listing.REVIEW):
        review.REVIEWED.connect(kind.subject.name, kind)

    # When a listing becomes public, and when it is taken down.
    listing.on_listed.connect(_on_listed)
    listing.on_taken_down.connect(_on_listing_taken_down)

    # When an order ends, what was paid for it goes back, or is its seller's.
    market_order.on_cut.connect(sending.owe_beyond)
    market_order.on_cancelled.connect(sending.owe_back)
    market_order.on_over.connect(sending.owe_release)

    # Whose bills of the pay channel are compared with what.
    account_kind.KINDS.connect("gifts", gift_accounts.GIFTS)
    account_kind.KINDS.connect("orders", seller_accounts.ORDERS)

    # When a request on one's own data is stopped, and when the county stops one.
    request.on_stopped.connect(consent_request.undo)
    appeal_review.on_denied.connect(consent_request.deny)
    spot_check.on_cleared.connect(consent_request.ask_county_again)
    # What waits of a WeChat is stopped as by a message, where its owner binds a new one.
    card.on_unbound.connect(request.end_requests)

    # What is counted for the public figures.
    user.on_registered.connect(_on_registered)
    case.on_verified_case.connect(counting.count_verified)
    posting.on_posted.connect(counting.count_posted)
    disbursement.on_received.connect(counting.count_received)
    allocation.on_allocated.connect(counting.count_allocated)
    match.on_collected.connect(counting.count_collected)

    # What holds an appeal's payouts back.
    hold.held_until.connect(payout_hold.held_until)

    # What may be leaving a bank account, and what to say to its fund holder when the appeal is stopped meanwhile.
    pool_transfer.transferring_fen.connect(disbursement.transferring_fen)
    appeal.on_stopped.connect(_on_stopped)

    # Why an officer may not decide on a thing.
    recusal.CONFLICTS.connect(mandate.ACTED, mandate.acted_for)
    recusal.CONFLICTS.connect("organisation", _conflicts_of_organisation)
    recusal.CONFLICTS.connect(reported_thing.CONCERNED, recusals.concerned)
    recusal.CONFLICTS.connect("other_household", family_question.conflicts)
    recusal.CONFLICTS.connect(campaigns.CONFLICT, campaigns.conflicts)

    # When a seat of staff ends or is suspended.
    suspension.on_left.connect(_on_seat_left)

    # What lets an officer read a thing of another place.
    file_access.decides_on_report.connect(inquiry_desk.decides_on)

    # Acts by mandate: how one is read back to its owner, and how the owner's refusal undoes it.
    act.ACTS.connect("user", act.ActKind(act.read_registration, case.withdraw))
    act.ACTS.connect("appeal", act.ActKind(by_mandate.read_back, by_mandate.undo))
    act.ACTS.connect("appeal_page", act.ActKind(page_by_mandate.read_back, page_by_mandate.undo))
    act.ACTS.connect("family_member", act.ActKind(family_by_mandate.read_back, family_by_mandate.undo))
    act.ACTS.connect("match", act.ActKind(match_by_mandate.read_back, match_by_mandate.undo))
    act.ACTS.connect("match_issue", act.ActKind(match_by_mandate.read_back, match_by_mandate.undo_complaint))
    act.ACTS.connect("goods_thanks", act.ActKind(match_by_mandate.read_thanks, match_by_mandate.undo_thanks))

    # The audiences of broadcasts, and the notification that a broadcast is done.
    broadcast.AUDIENCES.connect("backers", audience.next_backers)
    broadcast.AUDIENCES.connect("donors_of", audience.next_donors)
    broadcast.anybody_gave.connect(audience.anybody_gave)
    broadcast.on_done.connect(broadcasts.notify_done)

    # What each room does when a person is erased.
    ROOMS.connect("rights", remainder.forget)
    ROOMS.connect("verification", verification.forget)
    ROOMS.connect("staff", staff.forget)
    ROOMS.connect("desk", desk.forget)
    ROOMS.connect("people", people.forget)
    ROOMS.connect("families", families.forget)
    ROOMS.connect("organisations", organisations.forget)
    ROOMS.connect("appeals", appeals.forget)
    ROOMS.connect("payments", payments.forget)
    ROOMS.connect("giving", giving.forget)
    ROOMS.connect("disbursements", disbursements.forget)
    ROOMS.connect("outreach", outreach.forget)
    ROOMS.connect("donors", donors.forget)
    ROOMS.connect("goods", goods.forget)
    ROOMS.connect("market", market.forget)
    ROOMS.connect("public", public.forget)
    ROOMS.connect("proxy", proxy.forget)
    ROOMS.connect("support", support.forget)
    ROOMS.connect("speech", speech.forget)
    ROOMS.connect("notifications", notifications.forget)
    ROOMS.connect("photos", photos.forget)
    ROOMS.connect("figures", figures.forget)


def _on_registered(db: Session, newcomer: User, now: datetime) -> None:
    counting.count_registered(db, newcomer, now)
    family_question.ask_about_newcomer(db, newcomer, now)


def _on_unsuccessful(db: Session, number: int, state: str, now: datetime) -> None:
    refund_run.begin_refund_run(db, number, state, now)
    public_photos.recheck(db, number, now)


def _on_stopped(db: Session, number: int, state: str, now: datetime) -> None:
    payout_claim.warn(db, number, state, now)
    public_photos.recheck(db, number, now)


def _on_listed(db: Session, found: Listing, now: datetime) -> None:
    listed.begin_lot(db, found, now)
    photo_review.listing_on_sale(db, found, now)
    campaigns.tell_of_open(db, found, now)


def _on_listing_taken_down(db: Session, number: int, state: str, now: datetime) -> None:
    orders_leaving.listing_taken_down(db, number, state, now)
    photo_review.listing_taken_down(db, number, state, now)


def _on_seat_left(db: Session, left: Staff, now: datetime) -> None:
    keeping.leave_points(db, left, now)
    end_with_seat(db, left, now)


def _on_verified(db: Session, household_id: int, now: datetime) -> None:
    case_outcome.open_endorsements(db, household_id, now)
    household.open_reviews(db, household_id, now)


def _on_succeeded(db: Session, named: organisation.Organisation, user_id: int, now: datetime) -> None:
    of_organisation.pass_on(db, named, user_id, now)
    in_name.pass_on(db, named, user_id, now)


def _on_organisation_suspended(db: Session, household_id: int, now: datetime) -> list[int]:
    frozen = case_outcome.freeze_live_appeals(db, household_id, now)
    in_name.stop(db, household_id, now)
    return frozen


def _on_dissolved(db: Session, household_id: int, now: datetime) -> None:
    of_organisation.end_all(db, household_id, now)
    in_name.wind_up(db, household_id, now)


def _conflicts_of_organisation(db: Session, _subject: str, _number: int, household_id: int | None) -> Mapping[int, str]:
    """Map staff ids to why they may not decide on what is an organisation's; nobody where it is a family's."""
    named = organisation.organisation_of(db, household_id)
    if named is None:
        return {}
    return {**conflicts.own_authority(db, named), **beneficiary.conflicts(db, named)}


def _on_suspended(db: Session, household_id: int, now: datetime) -> list[int]:
    frozen = case_outcome.freeze_live_appeals(db, household_id, now)
    household.hide(db, household_id, now)
    orders_leaving.household_suspended(db, household_id, now)
    return frozen


def _on_ended(db: Session, household_id: int, now: datetime) -> None:
    """Another member may be verified: then what waited for a decision on this case waits for an officer again."""
    if case.is_verified(db, household_id, now):
        _on_verified(db, household_id, now)
    else:
        household.hide(db, household_id, now, "household_lapsed")


def _on_rejected_or_revoked(db: Session, household_id: int, state: str, now: datetime) -> None:
    case_outcome.cancel_appeals_in_review(db, household_id, state, now)
    household.reject_waiting(db, household_id, state, now)
    orders_leaving.household_suspended(db, household_id, now)

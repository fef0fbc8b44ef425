"""Sweep the database: enqueue owed work that Redis lost, apply deadlines, and delete what is old."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from bot.photos.store import discard_draft_photos, gone_photos, owed_photos
from bot.proxy import card_codes
from bot.words.lexicon import load_lexicon
from bot.work.job import Named
from bot.work.queues import BATCH, SENDING, JobQueues
from models.desk.session import delete_old_sessions
from models.desk.sign_in import delete_old_sign_ins
from models.disbursements.acquittal import close_spent_accounts, enforce_receipt_deadlines
from models.disbursements.payout_claim import ask_about_transfers
from models.disbursements.surplus import refund_quiet_surpluses
from models.donors.receipt_desk import open_receipt_tasks, withdraw_requests_of_refunded
from models.giving.funding import cancel_overdue_reviews, end_funding
from models.goods.expiry import ask_about_old, expire_unanswered
from models.goods.matches.clock import end_overdue, remind_halfway, write_off_shelves
from models.goods.points.closing import move_on_from_closed
from models.goods.review import review_earlier
from models.goods.rounds.draw import draw, due_rounds
from models.goods.rounds.opening import offers_in_turn, open_if_wanted, open_shelf_if_wanted, shelves_in_turn
from models.goods.rules import GoodsRules
from models.market.after_sales.clock import end_overdue_after_sales, remind_of_after_sales
from models.market.campaigns.dividing import close_campaigns, divide_campaign, end_divided, reached_campaigns
from models.market.lots.clock import due_lots, end_lots, move_on
from models.market.orders.clock import complete_delivered, end_overdue_orders, forget_old_orders
from models.market.orders.waiting import end_choices
from models.market.suspension import expire_sellers
from models.notifications.delivery_report import match_reports
from models.notifications.outbox import due_ids, release_lost
from models.organisations.terms import due_terms, end_or_remind
from models.outreach.reporting_duty import remind_owners
from models.payments.expiry import expire_pledges
from models.payments.refund_run import notify_ended
from models.payments.shortfall import settle_shortfalls
from models.people.conversation import Turn
from models.people.erased_phone import forget_phones
from models.public.appeal_code import LISTINGS, owed_codes
from models.public.follow_up import delete_old_follow_ups, owed_posters
from models.public.photos import claim_due
from models.rights.consent_request import withdraw_due
from models.rights.erasure.erasure import running_erasures
from models.rights.erasure.paper_due import begin_due_papers
from models.rights.erasure.remainder import purge_remainders, seal_paid_payees
from models.rights.erasure.request import begin_due
from models.rights.home_wish import move_due
from models.rights.payee_wish import set_payees
from models.rights.phone_change import change_phones
from models.rights.request import end_ready, make_ready
from models.speech.hearing import owed_voices
from models.speech.voice import delete_old_voices
from models.staff.queue import escalate_overdue
from models.staff.suspension import end_terms, release_stuck_tasks
from models.support.desk import close_quiet_tickets
from models.support.urgent import remind_of_urgent
from models.support.waiting import remind_of_waiting
from models.verification.lifecycle import cases_for_registry, end_notices, expire_and_remind, open_visits_without_answer

log = structlog.get_logger()

Done = TypeVar("Done")

# WeChat's last delivery of a message comes some fifteen seconds after the first; a day is plenty.
REPLIES_LAST = timedelta(days=1)
TURNS_LAST = timedelta(days=30)
MOST_SWEPT = 500

# What deadlines do, each in a short transaction of its own. The log counts by these names.
DEADLINES: dict[str, Callable[[Session, datetime], int]] = {
    "registry_not_waited_for": open_visits_without_answer,
    "notices_ended": end_notices,
    "cases_expired": expire_and_remind,
    "funding_ended": end_funding,
    "shortfalls_checked": settle_shortfalls,
    "pledges_expired": expire_pledges,
    "transfers_asked_about": ask_about_transfers,
    "acquittals_reminded": enforce_receipt_deadlines,
    "surpluses_checked": refund_quiet_surpluses,
    "accounts_closed": close_spent_accounts,
    "updates_reminded": remind_owners,
    # Before it could go one level up, a task to call the owner is needless.
    "consents_withdrawn": withdraw_due,
    "tasks_escalated": escalate_overdue,
    "tickets_closed": close_quiet_tickets,
    "urgent_tickets_reminded": remind_of_urgent,
    "waiting_tickets_reminded": remind_of_waiting,
    "receipt_requests_withdrawn": withdraw_requests_of_refunded,
    "receipt_tasks_opened": open_receipt_tasks,
    "refund_runs_told": notify_ended,
    "goods_submitted": review_earlier,
    "sellers_expired": expire_sellers,
    "matches_reminded": remind_halfway,
    "terms_ended": end_terms,
    "desk_sign_ins_deleted": delete_old_sign_ins,
    "desk_sessions_deleted": delete_old_sessions,
    "follow_ups_deleted": delete_old_follow_ups,
    "points_moved_on_from": move_on_from_closed,
    "queues_released": release_stuck_tasks,
    "voices_deleted": delete_old_voices,
    "exports_ready": make_ready,
    "exports_gone": end_ready,
    "erasures_begun": begin_due,
    "paper_erasures_begun": begin_due_papers,
    "payees_sealed": seal_paid_payees,
    "remainders_purged": purge_remainders,
    "phones_forgotten": forget_phones,
    "phones_changed": change_phones,
    "homes_moved": move_due,
    "payees_set": set_payees,
    "campaigns_closed": close_campaigns,
    "campaigns_done": end_divided,
    # Before an order could end by itself, it is clear how much of it is sent.
    "order_choices_ended": end_choices,
    "orders_ended": end_overdue_orders,
    "orders_completed": complete_delivered,
    "after_sales_moved": end_overdue_after_sales,
    "after_sales_reminded": remind_of_after_sales,
    "lots_ended": end_lots,
    "orders_forgotten": forget_old_orders,
}

# The same of goods, by the figures of config/goods.toml.
GOODS_DEADLINES: dict[str, Callable[[Session, GoodsRules, datetime], int]] = {
    "goods_asked_about": ask_about_old,
    "goods_expired": expire_unanswered,
    "matches_ended": end_overdue,
    "shelves_written_off": write_off_shelves,
}

# What is looked after one by one, each in a transaction of its own, so that its locks are held shortly and one that
# fails keeps no other back: the numbers that are due, and what is done to each.
ONE_BY_ONE: dict[
    str, tuple[Callable[[Session, datetime], list[int]], Callable[[Session, GoodsRules, int, datetime], bool]]
] = {
    "rounds_drawn": (due_rounds, lambda db, _rules, number, now: draw(db, number, now)),
    "rounds_opened": (offers_in_turn, open_if_wanted),
    "shelf_rounds_opened": (shelves_in_turn, open_shelf_if_wanted),
    "lots_moved": (due_lots, lambda db, _rules, number, now: move_on(db, number, now)),
    "campaigns_divided": (reached_campaigns, lambda db, _rules, number, now: divide_campaign(db, number, now)),
    "offices_ended": (due_terms, lambda db, _rules, number, now: end_or_remind(db, number, now)),
}


def sweep_owed(database: Engine, jobs: JobQueues, now: datetime) -> int:
    """Enqueue owed jobs that were lost; delete old turns and drafts' photos, and close overdue appeals under review.

    Returns how many jobs there were."""
    with database.begin() as connection:
        discard_draft_photos(connection, now, MOST_SWEPT)
        found: list[Named] = [("fetch_photo", photo) for photo in owed_photos(connection, now, MOST_SWEPT)]
        found += [("forget_photo", photo) for photo in gone_photos(connection, MOST_SWEPT)]
        found += [("hear_voice", voice) for voice in owed_voices(connection, now, MOST_SWEPT)]
        connection.execute(delete(Turn).where(Turn.received_at < now - TURNS_LAST))
        with Session(connection) as db:
            cancel_overdue_reviews(db, now)
            db.flush()
            found += [("check_registry", verification) for verification in cases_for_registry(db, now)]
            found += [("erase", erasure) for erasure in running_erasures(db, MOST_SWEPT)]
            found += [("publish_photo", review) for review in claim_due(db, now, MOST_SWEPT)]
            found += [("make_card_code", card) for card in card_codes.owed_codes(db, now, MOST_SWEPT)]
            found += [("make_appeal_code", appeal) for appeal in owed_codes(db, now, MOST_SWEPT)]
            listings = owed_codes(db, now, MOST_SWEPT, LISTINGS)
            found += [("make_listing_code", listing) for listing in listings]
            found += [("send_follow_up", poster) for poster in owed_posters(db, now, MOST_SWEPT)]
    if found:
        jobs.enqueue(found)
    return len(found)


def delete_old_replies(database: Engine, now: datetime) -> None:
    """Delete old replies. It reads a month of turns, so it must not run every minute."""
    old = (Turn.received_at < now - REPLIES_LAST) & Turn.reply.is_not(None)
    with database.begin() as connection:
        connection.execute(update(Turn).where(old).values(reply=None))


def sweep_outbox(database: Engine, jobs: JobQueues, now: datetime) -> int:
    """Release dead workers' notifications, match early delivery reports, and enqueue what is due; return how many jobs.

    The queues are filled up to their limit: what finds no room waits in the database for the next sweep.
    """
    with Session(database) as db, db.begin():
        lost = release_lost(db, now)
        match_reports(db, now)
    if lost:
        log.warning("outbox.found_lost", count=lost)
    made = 0
    try:
        for urgency in SENDING:
            if room := jobs.room(urgency):
                with Session(database) as db:
                    due = due_ids(db, urgency, now, room * BATCH)
                made += jobs.enqueue_due(urgency, due, room)
    except RedisError as error:
        log.warning("outbox.not_enqueued", error=type(error).__name__)
    return made


def apply_deadlines(database: Engine, now: datetime, rules: GoodsRules | None = None) -> None:
    """Apply all deadlines. One that fails changes nothing and stops no other: the next run retries it."""
    rules = rules or load_lexicon().goods
    for name, apply in DEADLINES.items():
        _report(name, _apply(name, database, apply, now))
    for name, by_rules in GOODS_DEADLINES.items():
        _report(name, _apply(name, database, by_rules, rules, now))
    for name, (due, act) in ONE_BY_ONE.items():
        numbers = _apply(name, database, due, now) or []
        _report(name, sum(bool(_apply(name, database, act, rules, number, now)) for number in numbers))


def _apply(name: str, database: Engine, apply: Callable[..., Done], *given: object) -> Done | None:
    """Apply it in a transaction of its own; returns None where it failed, which is logged."""
    try:
        with Session(database) as db, db.begin():
            return apply(db, *given)
    except Exception:  # of any kind: the other deadlines must still be applied; logged
        log.exception("deadline.failed", deadline=name)
        return None


def _report(name: str, count: int | None) -> None:
    if count:
        log.info("deadline.applied", deadline=name, count=count)

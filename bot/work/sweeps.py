"""What the sweeps find: work that is owed by the database and was lost by Redis, and what has become old."""

from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from bot.photos.store import gone_photos, let_drafts_go, owed_photos
from bot.proxy import card_codes
from bot.work.queues import BATCH, SENDING, Jobs, Named
from models.giving.funding import close_overdue
from models.notifications.delivery_report import match_reports
from models.notifications.outbox import due_ids, find_lost
from models.people.conversation import Turn
from models.verification.lifecycle import due_for_registry

log = structlog.get_logger()

# WeChat's last delivery of a message comes some fifteen seconds after the first; a day is plenty.
REPLIES_LAST = timedelta(days=1)
TURNS_LAST = timedelta(days=30)
MOST_SWEPT = 500


def sweep(database: Engine, jobs: Jobs, now: datetime) -> int:
    """Enqueue again what is owed and was lost, and let old things go. Returns how many jobs there were."""
    with database.begin() as connection:
        let_drafts_go(connection, now, MOST_SWEPT)
        found: list[Named] = [("fetch_photo", photo) for photo in owed_photos(connection, now, MOST_SWEPT)]
        found += [("forget_photo", photo) for photo in gone_photos(connection, MOST_SWEPT)]
        connection.execute(delete(Turn).where(Turn.received_at < now - TURNS_LAST))
        with Session(connection) as db:
            close_overdue(db, now)
            db.flush()
            found += [("check_registry", verification) for verification in due_for_registry(db, now)]
            found += [("make_card_code", card) for card in card_codes.owed_codes(db, now, MOST_SWEPT)]
    if found:
        jobs.enqueue(found)
    return len(found)


def let_replies_go(database: Engine, now: datetime) -> None:
    """Looks at a month of turns: not for every minute."""
    old = (Turn.received_at < now - REPLIES_LAST) & Turn.reply.is_not(None)
    with database.begin() as connection:
        connection.execute(update(Turn).where(old).values(reply=None))


def sweep_outbox(database: Engine, jobs: Jobs, now: datetime) -> int:
    """Notices that a dead worker left, reports that came early, and all that is due. Returns how many jobs that made.

    The queues are filled up, never heaped: what finds no room waits in the database for the next sweep.
    """
    with Session(database) as db, db.begin():
        lost = find_lost(db, now)
        match_reports(db, now)
    if lost:
        log.warning("outbox.found_lost", count=lost)
    made = 0
    try:
        for urgency in SENDING:
            if room := jobs.room(urgency):
                with Session(database) as db:
                    due = due_ids(db, urgency, now, room * BATCH)
                made += jobs.ask(urgency, due, room)
    except RedisError as error:
        log.warning("outbox.not_enqueued", error=type(error).__name__)
    return made

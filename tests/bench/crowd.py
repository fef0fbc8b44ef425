"""Invented donors by the hundred thousand for the push bench: each has written once and gave to the same appeal."""

import json
from datetime import UTC, datetime

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.core.encryption import keyring, purpose_of
from models.giving.pledge import CODE_LENGTH
from models.notifications.broadcast import Broadcast
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from tests.harness.platform.wechat import ACCOUNT
from tests.harness.stage import Stage

_USERS = """
INSERT INTO users (draft_id, role, state, display_name, created_at)
SELECT 'crowd-' || n, 'donor', 'active', '热心人', now() FROM generate_series(1, :people) AS n
"""
_CONVERSATIONS = """
INSERT INTO conversations (account, openid, user_id, session, failures, following, created_at, touched_at)
SELECT :account, 'o-crowd-' || id, id, :session, 0, true, now(), now() FROM users WHERE draft_id LIKE 'crowd-%'
"""
_PLEDGES = """
INSERT INTO pledges (draft_id, code, appeal_id, donor_id, amount_fen, anonymous, by_staff, state, created_at)
SELECT draft_id, lpad(id::text, :length, '0'), :appeal, id, 100, false, false, 'intended', now()
FROM users WHERE draft_id LIKE 'crowd-%'
"""
_NOTICES = """
INSERT INTO notifications (dedupe_key, conversation_id, template, facts, created_at, due_at, urgency)
SELECT :key || person.id, person.id, 'appeal_moved', said.facts, now(), now(), 'bulk'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM conversations WHERE openid LIKE 'o-crowd-%') AS person
JOIN unnest(:facts) WITH ORDINALITY AS said (facts, place) USING (place)
RETURNING notifications.id
"""


def make_crowd(url: str, database: Engine, people: int) -> tuple[int, int]:
    """The appeal that they all gave to, and a member of the county's staff."""
    stage = Stage(url)
    appeal, county = stage.open_appeal(), stage.appoint("o-bench-county", "county", "431124000000")
    stage.close()
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(_USERS), {"people": people})
        session = keyring().seal("", purpose_of(Conversation.session))
        connection.execute(text(_CONVERSATIONS), {"account": ACCOUNT, "session": session})
        connection.execute(text(_PLEDGES), {"length": CODE_LENGTH, "appeal": appeal})
    with database.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("ANALYZE"))
    return appeal, county


def owe(database: Engine, count: int, *, alike: bool) -> list[int]:
    """One notice to each of so many people; their row numbers, in order. ``alike``: all are told the same."""
    key = f"bench:{datetime.now(UTC).timestamp()}:"
    facts = [_facts(1 if alike else place) for place in range(count)]
    with database.begin() as connection:
        rows = connection.execute(text(_NOTICES), {"key": key, "facts": facts})
        return sorted(row.id for row in rows)


def _facts(number: int) -> bytes:
    said = {"number": number, "title": "苗寨修路", "state": "village_review"}
    return keyring().seal(json.dumps(said), purpose_of(Notification.facts))


def begin_fan_out(database: Engine, appeal: int, by: int) -> int:
    """To everybody who gave; its row number."""
    facts = {"number": appeal, "title": "苗寨修路", "words": "水泥路修到了寨门口，孩子们上学不再踩泥。"}
    with Session(database) as db, db.begin():
        broadcast = Broadcast(
            dedupe_key=f"bench:{datetime.now(UTC).timestamp()}",
            template="appeal_update",
            facts=json.dumps(facts, ensure_ascii=False),
            subject="appeal",
            subject_id=appeal,
            audience="backers",
            audience_of=str(appeal),
            by=by,
            created_at=datetime.now(UTC),
        )
        db.add(broadcast)
        db.flush()
        return broadcast.id

"""Recount the figures from the rows that they count, and repair what differs.

What a machine moved is recounted from the audit trail, money from the ledger's entries, people from their rows. A delta
keeps the region of its time, and who registered as what: a resident who lost their number is a donor today. So does the
recount: both are taken from the rows only where a delta is missing.
"""

# ruff: noqa: S608 - only constants of our own are put into the statements

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from models.core.database import stream
from models.figures.counting import OF_MONEY
from models.figures.delta import PEOPLE, REGISTERED
from models.figures.fold import AREAS
from models.ledger.kinds import DISBURSED, MOVES, REFUNDED
from models.places.region import COUNTRY

_MONTH = "date_trunc('month', {} AT TIME ZONE 'UTC' + interval '8 hours')::date"


def _month(at: str) -> str:
    return _MONTH.format(at)


def _moved(subject: str, state: str) -> str:
    """When each of these things was first moved to the state."""
    where = f"subject = '{subject}' AND to_state = '{state}'"
    return f"(SELECT subject_id, min(at) AS at FROM audit_events WHERE {where} GROUP BY subject_id)"


_MOVES = ", ".join(
    f"('{kind}', '{OF_MONEY[move.counts_as]}', {1 if move.counts_as in (REFUNDED, DISBURSED) else -1})"
    for kind, move in MOVES.items()
    if move.counts_as
)
# Everything that counts but people who were helped or helped: what, where it is today, when, how much. An erased
# person's row names no delta any more.
_THINGS = f"""
    SELECT 'user:' || id AS cause, 'registered_' || role AS figure, coalesce(region_code, '{COUNTRY}') AS region_code,
        {_month("created_at")} AS month, 1 AS amount
    FROM users WHERE state <> 'erased'
    UNION ALL
    SELECT 'household:' || household.id, 'verified', household.region_code, {_month("min(verified.at)")}, 1
    FROM {_moved("case", "verified")} AS verified
    JOIN verifications ON verifications.id = verified.subject_id
    JOIN households AS household ON household.id = coalesce(verifications.counted_as, verifications.household_id)
    GROUP BY household.id, household.region_code
    UNION ALL
    SELECT 'match:' || match.id, 'goods', household.region_code, {_month("collected.at")}, 1
    FROM {_moved("match", "collected")} AS collected
    JOIN matches AS match ON match.id = collected.subject_id
    JOIN households AS household ON household.id = match.household_id
    UNION ALL
    SELECT 'posting:' || posting.id, move.figure, coalesce(appeal.region_code, '{COUNTRY}'), {_month("posting.at")},
        entry.amount_fen * move.sign
    FROM ledger_entries AS entry
    JOIN ledger_accounts AS account ON account.id = entry.account_id AND account.kind = 'appeal'
    JOIN ledger_transactions AS posting ON posting.id = entry.transaction_id
    JOIN (VALUES {_MOVES}) AS move (kind, figure, sign) ON move.kind = posting.kind
    LEFT JOIN appeals AS appeal ON appeal.id = account.subject_id
"""
# Each time that a person was helped, or helped: a payout that was confirmed, goods that were handed out.
_TIMES = f"""
    SELECT 'person:' || person.id AS cause, times.figure, times.region_code, {_month("times.at")} AS month, 1 AS amount,
        times.at
    FROM (
        SELECT appeal.owner_id AS person, 'helped' AS figure, appeal.region_code, received.at
        FROM {_moved("disbursement", "received")} AS received
        JOIN disbursements AS payout ON payout.id = received.subject_id
        JOIN appeals AS appeal ON appeal.id = payout.appeal_id
        UNION ALL
        SELECT pledge.donor_id, 'helping', appeal.region_code, received.at
        FROM {_moved("disbursement", "received")} AS received
        JOIN disbursement_shares AS share ON share.disbursement_id = received.subject_id
        JOIN pledges AS pledge ON pledge.id = share.pledge_id AND NOT pledge.by_staff
        JOIN appeals AS appeal ON appeal.id = pledge.appeal_id
        UNION ALL
        SELECT side.person, side.figure, household.region_code, collected.at
        FROM {_moved("match", "collected")} AS collected
        JOIN matches AS match ON match.id = collected.subject_id
        JOIN goods_requests AS request ON request.id = match.request_id
        JOIN households AS household ON household.id = match.household_id
        CROSS JOIN LATERAL (VALUES (request.owner_id, 'helped'), (match.donor_id, 'helping')) AS side (person, figure)
    ) AS times
    JOIN users AS person ON person.id = times.person AND person.state <> 'erased'
"""
_FIRST_TIMES = f"""
    SELECT DISTINCT ON (cause) cause, figure, region_code, month, amount FROM ({_TIMES}) AS every ORDER BY cause, at
"""

# A delta without its thing, a thing without its delta, or the two differ. Of a person it must fit one of the times. A
# share that the bank returned is gone, and its donor stays counted: the household had confirmed it.
_PEOPLE = f"figure IN {PEOPLE}"
_WRONG_THINGS = text(f"""
    SELECT coalesce(thing.cause, delta.cause) AS cause,
        CASE WHEN delta.cause IS NULL THEN 'missing' WHEN thing.cause IS NULL THEN 'surplus' ELSE 'other' END AS what
    FROM ({_THINGS}) AS thing
    FULL JOIN (SELECT * FROM figure_deltas WHERE NOT {_PEOPLE} AND cause NOT LIKE 'gone:%') AS delta
        ON delta.cause = thing.cause
    WHERE thing.cause IS NULL OR delta.cause IS NULL
        OR (thing.month, thing.amount) <> (delta.month, delta.amount)
        OR thing.figure <> delta.figure AND NOT (thing.figure IN {REGISTERED} AND delta.figure IN {REGISTERED})
    ORDER BY 1
""")
_WRONG_PEOPLE = text(f"""
    WITH times AS MATERIALIZED (SELECT DISTINCT cause, figure, month, amount FROM ({_TIMES}) AS every)
    SELECT cause, 'missing' AS what FROM times WHERE NOT EXISTS (
        SELECT 1 FROM figure_deltas AS delta WHERE delta.cause = times.cause)
    UNION
    SELECT delta.cause, 'surplus' FROM figure_deltas AS delta
    WHERE {_PEOPLE} AND delta.cause NOT LIKE 'gone:%' AND NOT EXISTS (
        SELECT 1 FROM times WHERE (times.cause, times.figure, times.month, times.amount)
            = (delta.cause, delta.figure, delta.month, delta.amount)
    ) AND NOT (delta.figure = 'helping' AND delta.amount = 1 AND EXISTS (
        SELECT 1 FROM pledges JOIN disbursements ON disbursements.appeal_id = pledges.appeal_id
        WHERE 'person:' || pledges.donor_id = delta.cause AND disbursements.state = 'returned'
    ))
    ORDER BY 1
""")
# Of erased people who were registered the numbers have to be right, by month.
_WRONG_ERASED = text(f"""
    WITH erased AS (
        SELECT {_month("created_at")} AS month, count(*) AS count FROM users WHERE state = 'erased' GROUP BY 1
    ), nobodys AS (
        SELECT month, sum(amount) AS count FROM figure_deltas
        WHERE cause LIKE 'gone:%' AND figure IN {REGISTERED} GROUP BY 1
    )
    SELECT month FROM erased FULL JOIN nobodys USING (month)
    WHERE erased.count IS DISTINCT FROM nobodys.count ORDER BY 1
""")
_RIGHT_SUMS = f"""
    SELECT level, area AS region_code, month, figure, sum(amount) AS amount
    FROM figure_deltas AS delta CROSS JOIN LATERAL ({AREAS}) AS areas
    WHERE folded GROUP BY level, area, month, figure
"""
_WRONG_SUMS = text(f"""
    SELECT level, region_code, month, figure, kept.amount AS kept, counted.amount AS counted
    FROM figure_sums AS kept FULL JOIN ({_RIGHT_SUMS}) AS counted USING (level, region_code, month, figure)
    WHERE kept.amount IS DISTINCT FROM counted.amount ORDER BY level, region_code, month, figure
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """What the recount found. ``cause``: of a delta, or the region of a sum. ``words``: for operators."""

    code: str
    cause: str
    words: str


def differences(connection: Connection) -> Iterator[Difference]:
    """Yield what differs between the rows, the deltas and the sums."""
    for statement in (_WRONG_THINGS, _WRONG_PEOPLE):
        for row in stream(connection, statement):
            yield Difference(f"figure_{row.what}", row.cause, f"is {row.what} among the deltas of figures")
    for row in stream(connection, _WRONG_ERASED):
        yield Difference("figure_erased", COUNTRY, f"has another count of erased people for {row.month}")
    for row in stream(connection, _WRONG_SUMS):
        words = f"has {row.kept} kept for {row.figure} in {row.month}, and deltas of {row.counted}"
        yield Difference("figure_sum", row.region_code, words)


def repair(connection: Connection) -> tuple[int, int]:
    """Write the deltas that are missing, and make the sums of the folded ones anew; nobody folds meanwhile.

    Returns how many deltas were missing, and how many sums were wrong. A delta without its thing is not taken away:
    an operator looks for its cause.
    """
    connection.execute(text("LOCK TABLE figure_sums IN EXCLUSIVE MODE"))
    columns, missing = "cause, figure, region_code, month, amount", 0
    for rows in (_THINGS, _FIRST_TIMES):
        missing += connection.execute(
            text(
                f"INSERT INTO figure_deltas ({columns}) SELECT {columns} FROM ({rows}) AS thing"
                " ON CONFLICT (cause) DO NOTHING"
            )
        ).rowcount
    wrong = len(connection.execute(_WRONG_SUMS).all())
    if wrong:
        connection.execute(text("DELETE FROM figure_sums"))
        connection.execute(text(f"INSERT INTO figure_sums (level, region_code, month, figure, amount) {_RIGHT_SUMS}"))
    return missing, wrong

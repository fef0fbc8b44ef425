"""Fold deltas into the sums: each into its region and all above it, up to the whole country."""

from sqlalchemy import text
from sqlalchemy.orm import Session

BATCH = 5_000
# A run folds this many batches at most, so that it stays short; the next one goes on.
MOST_BATCHES = 60

# The levels above a code, of which its closing zeros take away those below its own: 2-2-2-3-3 digits.
AREAS = """
    SELECT level, rpad(left(delta.region_code, width), 12, '0') AS area
    FROM (VALUES (0, 0, -1), (1, 2, 0), (2, 4, 2), (3, 6, 4), (4, 9, 6), (5, 12, 9)) AS levels (level, width, above)
    WHERE length(rtrim(delta.region_code, '0')) > above
"""
# Deltas that another process folds at this moment are passed over. The sums are locked in one order by all.
_FOLD = text(f"""
    WITH taken AS (
        SELECT id FROM figure_deltas WHERE NOT folded ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    ), delta AS (
        UPDATE figure_deltas SET folded = true FROM taken WHERE figure_deltas.id = taken.id
        RETURNING figure_deltas.region_code, figure_deltas.month, figure_deltas.figure, figure_deltas.amount
    ), grown AS (
        SELECT level, area, month, figure, sum(amount) AS amount
        FROM delta CROSS JOIN LATERAL ({AREAS}) AS areas
        GROUP BY level, area, month, figure ORDER BY level, area, month, figure
    ), added AS (
        INSERT INTO figure_sums AS kept (level, region_code, month, figure, amount)
        SELECT level, area, month, figure, amount FROM grown
        ON CONFLICT (level, region_code, month, figure) DO UPDATE SET amount = kept.amount + excluded.amount
    )
    SELECT count(*) FROM delta
""")  # noqa: S608 - only constants of this module are put in


def fold(db: Session, most: int = BATCH) -> int:
    """Fold the oldest deltas that nobody folded, up to ``most`` of them, and return how many they were."""
    return int(db.execute(_FOLD, {"most": most}).scalar_one())

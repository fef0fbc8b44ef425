"""check-books about matching pools: each thing that can be wrong is named, whoever wrote it, and how."""

import pytest

from tests.harness.money.spoiling import _after
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give
from tests.scenes.money.matching import charity, pool, shut, take_rest, wrong_books
from tests.scenes.money.refunds import spend, want_back

# What somebody does beside the program, the trigger taken away where there is one -> what is named at least.
# Match 1 is whole, match 2 was returned but for what was spent; pool 1 is open, pool 2 closed and paid back.
DONE: list[tuple[str, str | None, set[str]]] = [
    ("UPDATE matching_pools SET matched_fen = matched_fen + 1 WHERE id = 1", None, {"pool_sum"}),
    ("UPDATE pool_matches SET fen = fen + 1 WHERE id = 1", "pool_matches_fixed", {"pool_sum", "match_differs"}),
    ("UPDATE pool_matches SET returned_fen = 1, returns = 1 WHERE id = 1", None, {"pool_sum", "match_differs"}),
    ("UPDATE pool_matches SET pool_id = 2 WHERE id = 1", "pool_matches_fixed", {"pool_sum", "match_differs"}),
    ("UPDATE pool_matches SET appeal_id = 2 WHERE id = 1", "pool_matches_fixed", {"match_of_nothing"}),
    ("UPDATE pool_matches SET donor_id = 1 WHERE id = 1", "pool_matches_fixed", {"match_of_nothing"}),
    ("UPDATE pool_matches SET at = '2099-01-01 00:00:00' WHERE id = 1", "pool_matches_fixed", {"match_of_nothing"}),
    ("UPDATE pledges SET state = 'paid' WHERE id = 1", None, {"match_of_nothing"}),
    ("UPDATE pledges SET state = 'refund_pending' WHERE id = 1", None, {"gift_and_match"}),
    ("UPDATE pledges SET amount_fen = 100 WHERE id = 1", None, {"gift_and_match"}),
    ("UPDATE disbursement_shares SET matched_fen = 99999", "disbursement_shares_fixed", {"gift_and_match"}),
    ("UPDATE matching_pools SET per_donor_fen = 1 WHERE id = 1", "matching_pools_fixed", {"over_cap"}),
    ("UPDATE matching_pools SET per_appeal_fen = 1 WHERE id = 1", "matching_pools_fixed", {"over_cap"}),
    ("UPDATE matching_pools SET state = 'closed', closed_at = opened_at WHERE id = 1", None, {"state_differs"}),
    ("UPDATE pool_transfers SET amount_fen = 1", "pool_transfers_fixed", {"pool_transfer_differs", "pool_sum"}),
    ("UPDATE pool_transfers SET pool_id = 2 WHERE id = 1", "pool_transfers_fixed", {"pool_transfer_differs"}),
    ("DELETE FROM pool_transfers WHERE kind = 'returned'", None, {"pool_sum"}),
    ("DELETE FROM pool_matches WHERE id = 1", None, {"pool_sum"}),
    ("UPDATE pool_sums SET fen = fen + 1 WHERE pool_id = 1", None, {"pool_sums_differ"}),
    ("DELETE FROM pool_sums WHERE pool_id = 1", None, {"pool_sums_differ"}),
]


@pytest.mark.slow  # each change is followed by all checks of the books
def test_whatever_is_done_to_a_pool_beside_the_program_is_named(stage: Stage) -> None:
    staff, appeal, other = charity(stage), stage.open_appeal(), stage.open_appeal()
    pool(stage, staff, cap=20_000, per_donor=5_000)
    closed = pool(stage, staff, appeal=other, cap=3_000)
    give(stage, appeal, 5_000, "oA")
    gift = give(stage, appeal, 5_000, "oB")
    spend(stage, appeal, 2_000)
    want_back(stage, gift)
    shut(stage, staff, closed)
    take_rest(stage, staff, closed, 3_000)
    assert wrong_books(stage) == []
    unnamed = []
    for statement, trigger, codes in DONE:
        found = _after(stage, statement, trigger)
        if not codes <= found:
            unnamed.append((statement, codes - found, sorted(found)))
    assert unnamed == []
    assert wrong_books(stage) == []

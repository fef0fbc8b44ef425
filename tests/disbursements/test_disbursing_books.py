"""check-books about money that was paid out: each thing that can be wrong is named, whoever wrote it, and how."""

import pytest

from tests.harness.money.spoiling import _after
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import asked, authorised, funded, paid, people, wrong

# What somebody does beside the program, the triggers taken away where there is one -> what is named at least.
DONE: list[tuple[str, str | None, set[str]]] = [
    ("UPDATE disbursements SET state = 'withdrawn' WHERE id = 1", None, {"disbursement_differs", "shares_differ"}),
    ("UPDATE disbursements SET amount_fen = 3999 WHERE id = 1", "disbursements_fixed", {"disbursement_differs"}),
    ("UPDATE disbursements SET appeal_id = 2 WHERE id = 1", "disbursements_fixed", {"line_of_another"}),
    ("UPDATE disbursements SET appeal_id = 2 WHERE id = 1", "disbursements_fixed", {"payee_of_another"}),
    ("UPDATE disbursements SET appeal_id = 2 WHERE id = 1", "disbursements_fixed", {"share_of_another"}),
    ("UPDATE disbursements SET matched_fen = 1 WHERE id = 1", "disbursements_matched_once", {"shares_differ"}),
    ("UPDATE disbursements SET endorsed_by = {caller} WHERE id = 1", None, {"signed_by_another"}),
    ("UPDATE disbursements SET paid_by = {caller} WHERE id = 1", "disbursements_paid_once", {"signed_by_another"}),
    ("UPDATE payees SET fixed_at = '2027-01-01 00:00:00' WHERE id = 1", "payees_fixed", {"payee_too_new"}),
    ("DELETE FROM disbursement_shares WHERE pledge_id = 1", None, {"shares_differ", "gift_differs"}),
    ("UPDATE disbursement_shares SET amount_fen = 1", "disbursement_shares_fixed", {"shares_differ"}),
    ("UPDATE disbursement_shares SET amount_fen = 99999", "disbursement_shares_fixed", {"gift_differs"}),
    ("UPDATE pledges SET state = 'settled' WHERE id = 1", None, {"gift_differs", "state_differs"}),
    ("UPDATE pledges SET state = 'committed' WHERE id = 1", None, {"gift_differs"}),
    ("UPDATE budget_lines SET amount_fen = 4000 WHERE id = 1", None, {"over_line"}),
    ("UPDATE bank_entries SET amount_fen = 9999, fee_fen = 0", "bank_entries_fixed", {"settlement_differs"}),
    ("UPDATE bank_entries SET id = 99 WHERE id = 1", None, {"settlement_differs"}),
    (
        "INSERT INTO bank_entries (id, kind, draft_id, holder_id, amount_fen, fee_fen, bank_reference, entered_by, at)"
        " VALUES (9, 'top_up', 'x', 431124000000, 5, 0, 'T-9', {caller}, '2026-11-24 00:00:00')",
        None,
        {"top_up_differs"},
    ),
    ("UPDATE tasks SET step = 'use_pay' WHERE step = 'use_call'", None, {"task_needless"}),
    ("UPDATE tasks SET closed_at = opened_at WHERE subject_id = 2", None, {"task_missing"}),
    (
        "UPDATE staff SET state = 'revoked', openid = 'o-endorser' WHERE id = {township}",
        None,
        {"paid_by_one", "passed_by_one"},
    ),
]


@pytest.mark.slow  # each change is followed by all checks of the books
def test_whatever_is_done_to_a_payment_beside_the_program_is_named(stage: Stage) -> None:
    """One payment, and one request of the same appeal that waits; each fault by itself, and taken back."""
    staff = people(stage)
    number, use = authorised(stage, 6_000, 4_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    asked(stage, number, 1_000)
    funded(stage, 500, holder=staff["holder"])
    assert wrong(stage) == set()
    unnamed = []
    for statement, trigger, codes in DONE:
        found = _after(stage, statement.format(**staff), trigger)
        if not codes <= found:
            unnamed.append((statement, codes - found, found))
    assert unnamed == []
    assert wrong(stage) == set()

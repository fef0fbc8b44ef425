-- What was paid and is not posted yet is posted, with triggers off: they move the balances row by row.
INSERT INTO ledger_transactions (kind, cause, at)
SELECT 'payment_received', 'order:' || id, :now FROM pay_orders
WHERE state = 'paid' AND NOT EXISTS (
    SELECT 1 FROM ledger_transactions AS there
    WHERE there.kind = 'payment_received' AND there.cause = 'order:' || pay_orders.id
)
ORDER BY id;
CREATE TEMPORARY TABLE filled ON COMMIT DROP AS
SELECT id, CASE kind WHEN 'channel' THEN 1 ELSE -1 END AS side FROM ledger_accounts
WHERE (kind, subject_id) IN (('channel', 0), ('appeal', :appeal));
INSERT INTO ledger_entries (transaction_id, account_id, amount_fen)
SELECT posted.id, filled.id, filled.side * :fen FROM ledger_transactions AS posted CROSS JOIN filled
WHERE NOT EXISTS (SELECT 1 FROM ledger_entries AS there WHERE there.transaction_id = posted.id);
UPDATE ledger_accounts SET balance_fen = balance_fen + CAST(:fen AS bigint) * :gifts FROM filled WHERE filled.id = ledger_accounts.id;
UPDATE ledger_sums SET amount_fen = amount_fen + filled.side * CAST(:fen AS bigint) * :gifts FROM filled
WHERE filled.id = ledger_sums.account_id AND ledger_sums.kind = 'payment_received'

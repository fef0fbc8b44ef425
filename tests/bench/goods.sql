-- A country's goods for the bench: one statement after the other; each kind of number is given in goods.py.

CREATE TEMPORARY TABLE t AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions WHERE level = 3;

CREATE TEMPORARY TABLE d AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM t WHERE code LIKE '{county}%';

INSERT INTO staff (id, work_no, account, openid, role, region_code, name, state, active_from) SELECT n, 'K' || n, 'gh',
'k' || n, 'keeper', t.code, decode('{name}', 'hex'), 'active', now() - interval '1 day' FROM generate_series(1, 500) n JOIN t
ON t.at = n % (SELECT count(*) FROM t);

INSERT INTO points (id, draft_id, name, region_code, address, hours, keeper_id, phone, opened_by, state, created_at,
agreed_at) SELECT id, 'p' || id, 'p', region_code, 'a', 'h', id, decode('{phone}', 'hex'), id, 'open', now(), now() FROM staff;

INSERT INTO households (id, region_code, created_at) SELECT n, CASE WHEN n <= {candidates} THEN here.code ELSE t.code
END, now() FROM generate_series(1, {candidates} + {requests}) n JOIN t ON t.at = n % (SELECT count(*) FROM t) JOIN d here ON
here.at = n % (SELECT count(*) FROM d);

INSERT INTO users (id, draft_id, role, state, id_hash, household_id, region_code, created_at) SELECT id, 'u' || id,
'resident', 'active', 'f' || id, id, region_code, now() FROM households;

INSERT INTO users (id, draft_id, role, state, created_at) SELECT 10000000 + n, 'v' || n, 'donor', 'active', now() FROM
generate_series(1, 1000) n;

INSERT INTO verifications (id, user_id, household_id, region_code, state, submitted_at, due_at, decided_at, expires_at)
SELECT id, id, id, region_code, 'verified', now(), now(), now(), now() + interval '200 days' FROM households;

INSERT INTO visits (id, draft_id, verification_id, staff_id, at, place, assessment, findings, score, supports) SELECT id, 'w'
|| id, id, 1, now(), decode('{name}', 'hex'), decode('{name}', 'hex'), decode('{name}', 'hex'), id % 100, true FROM households;

INSERT INTO goods_requests (id, draft_id, owner_id, household_id, category, item, unit, quantity, reason, region_code, state,
created_at, sort, looked_at, waits_from) SELECT id, 'g' || id, id, id, 'other', 'i', 'piece', 2, 'r', region_code, 'open',
now(), CASE WHEN id <= {candidates} THEN 'round' WHEN id % 1000 = 0 THEN 'gone' ELSE 's' || id % 200 END, now() - id % 90 *
interval '1 day', now() - id % 90 * interval '1 day' FROM households;

INSERT INTO offers (id, draft_id, donor_id, category, item, unit, condition, handover, region_code, state, created_at, sort,
turn_at, looked_at, initial, available) SELECT n, 'o' || n, 10000001 + n % 1000, 'other', 'i', 'piece', 'new', CASE WHEN n % 4 = 0
THEN 'pickup' ELSE 'post' END, t.code, 'available', now() - interval '30 days', 's' || n % 400, now() - n % 30 * interval
'1 day', now() - interval '30 days', 5, 5 FROM generate_series(1, {offers}) n JOIN t ON t.at = n % (SELECT count(*) FROM t);

INSERT INTO offers (id, draft_id, donor_id, category, item, unit, condition, handover, region_code, state, created_at, sort,
turn_at, looked_at, initial, available, delivered) SELECT 1000000 + n, 'e' || n, 10000001 + n % 1000, 'other', 'i', 'piece',
'new', 'post', t.code, 'exhausted', now(), 'gone', now(), now(), 5, 0, 5 FROM generate_series(1, 20000) n JOIN t ON t.at = n %
(SELECT count(*) FROM t);

INSERT INTO offers (id, draft_id, donor_id, category, item, unit, condition, handover, region_code, state, created_at, sort,
turn_at, looked_at, initial, available) SELECT 5000000, 'round', 10000001, 'other', 'i', 'piece', 'new', 'post', code,
'available', now(), 'round', now(), now(), 40, 40 FROM d LIMIT 1;

INSERT INTO matches (id, offer_id, request_id, round_id, donor_id, household_id, point_id, asked, quantity, state,
proposed_at, collected_at, ended_at, parcel, proof, handed_by) SELECT id, 1, id, 1, 10000001, id, 1, 1, 1, 'confirmed', now(),
now() - id % 300 * interval '1 day', now(), lpad(id::text, 8, 'A'), 'code', 1 FROM households WHERE id <= {candidates} * 3;

INSERT INTO decisions (subject, subject_id, region_code, staff_id, role, verdict, at) SELECT 'request', id, region_code, id %
200 + 1, 'village', 'pass', now() FROM goods_requests;

SELECT setval('rounds_id_seq', 10), setval('matches_id_seq', 1000000)

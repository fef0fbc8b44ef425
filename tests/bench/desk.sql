-- The country for the bench: one statement after the other; each kind of number is given in desk.py.

CREATE TEMPORARY TABLE t AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions WHERE level = 3;

CREATE TEMPORARY TABLE d AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM t WHERE code LIKE
'431124%';

CREATE INDEX ON t (at);

ANALYZE t;

INSERT INTO staff (work_no, account, openid, role, region_code, name, state, active_from) SELECT 'W' || n, 'gh', 'o'
|| n, 'village', t.code, decode('{name}', 'hex'), 'active', now() FROM generate_series(1, {officers}) n JOIN t ON t.at = n
% (SELECT count(*) FROM t);

INSERT INTO staff (work_no, account, openid, role, region_code, name, state, active_from) SELECT 'C' || code, 'gh',
'c' || code, 'county', code, decode('{name}', 'hex'), 'active', now() FROM regions WHERE level = 2;

INSERT INTO households (id, region_code, created_at) SELECT n, CASE WHEN n <= {in_one_county} THEN here.code ELSE
everywhere.code END, now() FROM generate_series(1, {cases}) n JOIN t everywhere ON everywhere.at = n % (SELECT
count(*) FROM t) JOIN d here ON here.at = n % (SELECT count(*) FROM d);

INSERT INTO users (id, draft_id, role, state, id_hash, household_id, region_code, created_at) SELECT id, 'u' ||
id, 'resident', 'active', 'f' || id, id, region_code, now() FROM households;

INSERT INTO verifications (id, user_id, household_id, region_code, state, submitted_at, due_at, decided_at,
expires_at) SELECT n, n, n, region_code, CASE WHEN n % 20 = 0 THEN 'registry_checked' WHEN n % 20 = 1 THEN
'public_notice' WHEN n % 20 = 2 THEN 'township_review' WHEN n % 20 = 3 THEN 'county_review' WHEN n % 20 = 4 THEN
'rejected' ELSE 'verified' END, now() - n % 400 * interval '1 day', now(), CASE WHEN n % 20 >= 4 THEN now() - n %
400 * interval '1 day' + n % 15 * interval '1 day' END, now() + interval '200 days' FROM (SELECT id AS n,
region_code FROM households) h;

INSERT INTO tasks (subject, subject_id, step, role, region_code, household_id, assignee, opened_at, due_at) SELECT
'case', v.id, CASE v.state WHEN 'registry_checked' THEN 'visit' ELSE v.state END, CASE v.state WHEN
'registry_checked' THEN 'village' WHEN 'county_review' THEN 'county' ELSE 'township' END, v.region_code,
v.household_id, CASE v.state WHEN 'county_review' THEN (SELECT id FROM staff s WHERE s.work_no = 'C' ||
substr(v.region_code, 1, 6) || '000000') END, v.submitted_at, v.submitted_at + interval '4 days' FROM verifications
v WHERE v.state IN ('registry_checked', 'township_review', 'county_review');

INSERT INTO recusals (task_id, staff_id, reason, at) SELECT id, id % 1000 + 1, 'kin', now() FROM tasks;

INSERT INTO decisions (subject, subject_id, region_code, staff_id, role, verdict, at) SELECT 'case', id,
region_code, 1, 'village', 'pass', submitted_at FROM verifications WHERE decided_at IS NOT NULL;

INSERT INTO conversations (id, account, openid, session, created_at, touched_at) VALUES (1, 'gh', 'o', ''::bytea,
now(), now());

INSERT INTO tickets (conversation_id, region_code, state, opened_at, due_at) SELECT 1, region_code, CASE WHEN id % 50
= 0 THEN 'open' ELSE 'closed' END, submitted_at, submitted_at + interval '2 days' FROM verifications WHERE id % 10 = 0;

INSERT INTO charities (name, credit_code, certificate, state, created_at) VALUES ('青禾桥助乡基金会',
'53360000500000005N', '慈募证字第430001号', 'active', now());

INSERT INTO appeals (draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen,
deadline, state, created_at, published_at, charity_id) SELECT 'a' || id, 'one_to_one', 'industry', id, id, 't', 's',
region_code, 500000, now() + interval '60 days', CASE id % 4 WHEN 0 THEN 'submitted' WHEN 1 THEN 'completed' ELSE
'funding' END, now(), now(), (SELECT id FROM charities) FROM verifications WHERE id % 10 = 5;

INSERT INTO pledges (draft_id, code, appeal_id, donor_id, amount_fen, anonymous, by_staff, state, created_at) SELECT
'p' || id || '-' || n, lpad((id * 10 + n)::text, 10, '0'), id, owner_id, 10000, false, n = 9, 'intended', now() FROM
appeals CROSS JOIN generate_series(0, 9) n;

-- The people from {low} to {high}, and what is theirs: one statement after the other. A twentieth of the people live in
-- one county and another fifth and more everywhere; every twentieth has an appeal there, every twentieth elsewhere.

INSERT INTO households (id, region_code, created_at)
SELECT n, CASE WHEN n % 10 = 2 THEN here.code ELSE everywhere.code END, timestamptz '{now}' - n % 700 * interval '1 day'
FROM generate_series({low}, {high}) n
JOIN bench_places everywhere ON everywhere.at = n / 20 % (SELECT count(*) FROM bench_places)
JOIN bench_here here ON here.at = n / 20 % (SELECT count(*) FROM bench_here)
WHERE n % 10 = 2 OR n % 20 IN (1, 3, 5, 7, 9, 11, 13, 15);

INSERT INTO users (id, draft_id, role, state, id_hash, household_id, region_code, created_at)
SELECT n, 'u' || n, CASE WHEN h.id IS NULL THEN 'donor' ELSE 'resident' END, 'active', CASE WHEN h.id > 0 THEN 'f' || n END,
    h.id, h.region_code, timestamptz '{now}' - n % 700 * interval '1 day'
FROM generate_series({low}, {high}) n LEFT JOIN households h ON h.id = n;

INSERT INTO conversations (id, account, openid, session, user_id, created_at, touched_at)
SELECT n, '{account}', 's' || n, decode('{session}', 'hex'), n, timestamptz '{now}', timestamptz '{now}' FROM generate_series({low}, {high}) n;

INSERT INTO turns (key, conversation_id, received_at, kind, outcome)
SELECT 'k' || n, n, timestamptz '{now}' - n % 29 * interval '1 day', 'text', 'done' FROM generate_series({low}, {high}) n;

INSERT INTO notifications (dedupe_key, conversation_id, template, facts, created_at, read_at, state, due_at)
SELECT 'n' || n, n, 'progress', ''::bytea, timestamptz '{now}', timestamptz '{now}', 'read', timestamptz '{now}'
FROM generate_series({low}, {high}) n;

INSERT INTO verifications (id, user_id, household_id, region_code, state, submitted_at, due_at, decided_at, expires_at, reminded_at)
SELECT id, id, id, region_code, CASE id / 20 % 50 WHEN 1 THEN 'rejected' WHEN 2 THEN 'expired' ELSE 'verified' END,
    timestamptz '{now}' - (id % 400 + 20) * interval '1 day', timestamptz '{now}' - (id % 400 + 5) * interval '1 day',
    timestamptz '{now}' - (id % 400 + id % 17) * interval '1 day', timestamptz '{now}' + (id % 300 + 40) * interval '1 day', NULL
FROM households WHERE id BETWEEN {low} AND {high};

INSERT INTO decisions (subject, subject_id, region_code, staff_id, role, verdict, overturned_by, at)
SELECT 'case', id, region_code, 1, 'county', 'pass', CASE WHEN id / 20 % 100 = 0 THEN 1 END, decided_at
FROM verifications WHERE id BETWEEN {low} AND {high};

INSERT INTO appeals (id, draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen, deadline,
    state, created_at, published_at, charity_id, endorsed_by, endorsed_at, update_due_at, terms)
SELECT id, 'a' || id, 'one_to_one', category, id, id, title, '{story}', region_code, 500000,
    timestamptz '{now}' + CASE state WHEN 'funding' THEN 1 ELSE -1 END * (id / 20 % 59 + 1) * interval '1 day', state, created_at,
    timestamptz '{now}' - (id / 20 % 600 + 1) * interval '1 day' - id % 86400 * interval '1 second', 0, 1, timestamptz '{now}',
    timestamptz '{now}' + interval '40 days', search_terms(title, full_name, category)
FROM (
    SELECT h.id, h.region_code, h.created_at, r.full_name, first.word || second.word AS title,
        (ARRAY['funding', 'completed', 'funding', 'executing', 'completed', 'failed', 'funding', 'completed', 'funding',
            'cancelled'])[h.id / 20 % 10 + 1] AS state,
        (ARRAY['education', 'medical', 'housing', 'industry', 'necessities', 'public_works'])[h.id / 20 % 6 + 1] AS category
    FROM households h JOIN regions r ON r.code = h.region_code
    JOIN bench_words first ON first.at = h.id / 20 % 61 JOIN bench_words second ON second.at = 61 + h.id / 20 % 59
    WHERE h.id BETWEEN {low} AND {high} AND h.id % 20 IN (1, 2)
) each;

INSERT INTO budget_lines (appeal_id, item, amount_fen)
SELECT id, 'x', 500000 FROM appeals WHERE id BETWEEN {low} AND {high};

INSERT INTO pledges (draft_id, code, appeal_id, donor_id, amount_fen, anonymous, by_staff, state, created_at)
SELECT 'p' || id || '-' || n, lpad((id * 10 + n)::text, 10, '0'), id, id + n, 10000, false, n = 3, 'intended', timestamptz '{now}'
FROM appeals CROSS JOIN generate_series(1, 4) n
WHERE id BETWEEN {low} AND {high} AND state IN ('funding', 'executing', 'completed');

INSERT INTO tasks (subject, subject_id, step, role, region_code, household_id, opened_at, due_at, closed_at)
SELECT 'appeal', id, 'endorse', 'village', region_code, household_id, created_at, created_at, CASE WHEN id / 20 % 20 > 0 THEN created_at END
FROM (SELECT id, region_code, household_id, CASE WHEN id / 20 % 20 > 0 THEN created_at ELSE timestamptz '{now}' + interval '5 days' END AS created_at
    FROM appeals WHERE id BETWEEN {low} AND {high}) each;

INSERT INTO listings (id, draft_id, seller_id, household_id, kind, name, unit, price_fen, region_code, state, created_at,
    looked_at, renewed_at, initial, available, terms)
SELECT h.id, 'l' || h.id, h.id, h.id, 'produce', word, 'jin', 100, region_code, 'on_sale', created_at,
    timestamptz '{now}' - h.id % 86400 * interval '1 second', timestamptz '{now}', 500, 500, search_terms(word, full_name, 'produce')
FROM households h JOIN bench_words w ON w.at = 61 + h.id / 20 % 59 JOIN regions ON code = region_code
WHERE h.id BETWEEN {low} AND {high} AND h.id % 60 = 3;

INSERT INTO figure_sums (level, region_code, month, figure, amount)
SELECT level, area, month, figure, count(*) FROM (
    SELECT 'registered_' || role AS figure, coalesce(region_code, '000000000000') AS region_code,
        date_trunc('month', created_at)::date AS month FROM users WHERE id BETWEEN {low} AND {high}
) AS delta CROSS JOIN LATERAL ({areas}) AS areas GROUP BY level, area, month, figure
ON CONFLICT (level, region_code, month, figure) DO UPDATE SET amount = figure_sums.amount + excluded.amount;

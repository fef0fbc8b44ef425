-- What stands before the first people come: the places, the words of titles, and one county officer's full queue.

CREATE TABLE bench_places AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions
WHERE level = 3 AND NOT code LIKE '431124%';

CREATE TABLE bench_here AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS at FROM regions
WHERE level = 3 AND code LIKE '431124%';

CREATE UNIQUE INDEX ON bench_places (at);

CREATE TABLE bench_words AS SELECT at - 1 AS at, word FROM unnest(ARRAY['孩子上学', '老人看病', '修路', '修桥', '盖房', '养牛',
'养猪', '养鸡', '养蜂', '种橘子', '种茶', '种油茶', '种药材', '打井', '通水', '通电', '买药', '住院', '换肾', '做手术', '康复', '拐杖', '轮椅',
'助听器', '假肢', '学费', '书本', '校服', '宿舍', '食堂', '操场', '课桌', '电脑', '手机', '网课', '补课', '路费', '车票', '培训', '学手艺', '开店',
'摆摊', '裁缝', '木工', '瓦工', '电工', '焊工', '厨师', '司机', '保洁', '护理', '月嫂', '种菜', '大棚', '果树', '鱼塘', '稻田', '犁田', '收割', '烘干',
'仓库', '脐橙', '蜜橘', '大米', '红薯', '花生', '黄豆', '腊肉', '腊肠', '土鸡', '鸭蛋', '蜂蜜', '茶叶', '山茶', '竹笋', '木耳', '香菇', '板栗', '核桃',
'红枣', '辣椒', '生姜', '大蒜', '白菜', '萝卜', '南瓜', '冬瓜', '丝瓜', '莲子', '莲藕', '荸荠', '芋头', '玉米', '高粱', '小米', '荞麦', '绿豆', '芝麻',
'菜油', '米酒', '豆腐', '粉条', '面条', '干菜', '酸菜', '剁椒', '竹篮', '竹席', '草鞋', '布鞋', '绣花', '织锦', '陶罐', '木桶', '铁锅', '锄头', '镰刀',
'扁担', '箩筐', '蓑衣']) WITH ORDINALITY AS each (word, at);

CREATE UNIQUE INDEX ON bench_words (at);

INSERT INTO staff (id, work_no, account, openid, role, region_code, name, state, active_from) VALUES (1, 'C431124', '{account}',
'county', 'county', '431124000000', decode('{name}', 'hex'), 'active', timestamptz '{now}');

INSERT INTO households (id, region_code, created_at) SELECT 100000000 + n, '431124000000', timestamptz '{now}' FROM
generate_series(1, 2000) n;

INSERT INTO users (id, draft_id, role, state, id_hash, household_id, region_code, created_at) SELECT id, 'u' || id, 'resident', 'active',
'f' || id, id, region_code, created_at FROM households WHERE id > 100000000;

INSERT INTO verifications (id, user_id, household_id, region_code, state, submitted_at, due_at) SELECT id, id, id, region_code,
'county_review', timestamptz '{now}' - id % 20 * interval '1 day', timestamptz '{now}' + interval '5 days' FROM households WHERE id > 100000000;

INSERT INTO tasks (subject, subject_id, step, role, region_code, household_id, assignee, opened_at, due_at) SELECT 'case', id,
'county_review', 'county', region_code, household_id, CASE WHEN id % 2 = 0 THEN 1 END, submitted_at, due_at + id % 900 * interval '1 second'
FROM verifications WHERE id > 100000000;

INSERT INTO appeals (id, draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen, deadline, state,
created_at, published_at, charity_id, endorsed_by, endorsed_at, terms) SELECT id, 'a' || id, 'one_to_one', 'industry', id, id, '缝纫机接活',
'{story}', region_code, 500000, timestamptz '{now}' + interval '30 days', 'funding', created_at, timestamptz '{now}' - interval '300 days', 0, 1,
timestamptz '{now}', search_terms('缝纫机接活', '湖南省永州市道县', 'industry') FROM households WHERE id BETWEEN 100000001 AND 100000004;

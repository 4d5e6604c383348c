"""The statements of a ledger, for SQLite and for PostgreSQL, and the tables of a new file.

Written by `python -m runner.ledger.definitions`, which tells what each is for: change it there.
"""

from typing import Final

from runner.ledger.connection import Statement

ROWS: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND orders."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1)',
    'SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1)',
)
PAGE: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND orders."key" > :b_after ORDER BY orders."key" LIMIT :b_size OFFSET 0',
    'SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key > %(b_after)s::VARCHAR ORDER BY orders.key LIMIT %(b_size)s::INTEGER OFFSET 0',
)
OPEN_ROWS: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND state IN (\'submitted\', \'unknown\') ORDER BY orders.claimed_at, orders."key"',
    "SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND state IN ('submitted', 'unknown') ORDER BY orders.claimed_at, orders.key",
)
NEWEST: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND NOT (state IN (\'submitted\', \'unknown\')) ORDER BY orders.updated_at DESC, orders."key" DESC LIMIT :b_size OFFSET 0',
    "SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND NOT (state IN ('submitted', 'unknown')) ORDER BY orders.updated_at DESC, orders.key DESC LIMIT %(b_size)s::INTEGER OFFSET 0",
)
STRAY_ROWS: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND orders.stray_order_id IS NOT NULL AND state IN (\'planned\', \'rejected\', \'absent\') ORDER BY orders.stray_order_id',
    "SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.stray_order_id IS NOT NULL AND state IN ('planned', 'rejected', 'absent') ORDER BY orders.stray_order_id",
)
ROW: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND orders."key" = :b_key',
    'SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR',
)
ROW_AND_OWNER: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id, (SELECT orders_1."key" FROM orders AS orders_1 WHERE orders_1.account = :b_account AND orders_1.order_id = :b_order_id AND orders_1."key" != :b_key) AS owner FROM orders WHERE orders.account = :b_account AND orders."key" = :b_key',
    'SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id, (SELECT orders_1.key FROM orders AS orders_1 WHERE orders_1.account = %(b_account)s::VARCHAR AND orders_1.order_id = %(b_order_id)s::VARCHAR AND orders_1.key != %(b_key)s::VARCHAR) AS owner FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR',
)
INSERT_ORDER: Final = Statement(
    'INSERT INTO orders (account, "key", type, fields, fingerprint, state, attempt, updated_at, base_order_numbers) VALUES (:account, :key, :type, :fields, :fingerprint, :state, :attempt, :updated_at, :base_order_numbers)',
    'INSERT INTO orders (account, key, type, fields, fingerprint, state, attempt, updated_at, base_order_numbers) VALUES (%(account)s::VARCHAR, %(key)s::VARCHAR, %(type)s::VARCHAR, %(fields)s::VARCHAR, %(fingerprint)s::VARCHAR, %(state)s::VARCHAR, %(attempt)s::INTEGER, %(updated_at)s::VARCHAR, %(base_order_numbers)s::VARCHAR)',
)
CLAIM: Final = Statement(
    'UPDATE orders SET type=:type, fields=:fields, fingerprint=:fingerprint, state=:state, attempt=:attempt, updated_at=:updated_at, claimed_at=:claimed_at, run_id=:run_id, quote_total=:quote_total, reason=:reason WHERE orders.account = :b_account AND orders."key" = :b_key AND orders.attempt = :b_attempt AND state IN (\'planned\', \'rejected\', \'absent\') AND orders.stray_order_id IS NULL AND (EXISTS (SELECT * FROM holds WHERE holds.account = :b_account AND holds.fence = :b_fence))',
    "UPDATE orders SET type=%(type)s::VARCHAR, fields=%(fields)s::VARCHAR, fingerprint=%(fingerprint)s::VARCHAR, state=%(state)s::VARCHAR, attempt=%(attempt)s::INTEGER, updated_at=%(updated_at)s::VARCHAR, claimed_at=%(claimed_at)s::VARCHAR, run_id=%(run_id)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, reason=%(reason)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR AND orders.attempt = %(b_attempt)s::INTEGER AND state IN ('planned', 'rejected', 'absent') AND orders.stray_order_id IS NULL AND (EXISTS (SELECT * FROM holds WHERE holds.account = %(b_account)s::VARCHAR AND holds.fence = %(b_fence)s::INTEGER))",
)
IS_CLAIMED: Final = Statement(
    'SELECT CAST(CASE WHEN (EXISTS (SELECT * FROM orders WHERE orders.account = :b_account AND orders."key" = :b_key AND orders.attempt = :b_attempt AND orders.state = :b_state AND orders.run_id = :b_run_id)) THEN \'1\' ELSE \'the claim found its order changed\' END AS INTEGER) AS anon_1',
    "SELECT CAST(CASE WHEN (EXISTS (SELECT * FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR AND orders.attempt = %(b_attempt)s::INTEGER AND orders.state = %(b_state)s::VARCHAR AND orders.run_id = %(b_run_id)s::VARCHAR)) THEN '1' ELSE 'the claim found its order changed' END AS INTEGER) AS anon_1",
)
CLAIM_NEW: Final = Statement(
    'INSERT INTO orders (account, "key", base_order_numbers, type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id, quote_total, reason) SELECT :account AS anon_1, :key AS anon_2, :base_order_numbers AS anon_3, :type AS anon_4, :fields AS anon_5, :fingerprint AS anon_6, :state AS anon_7, :attempt AS anon_8, :updated_at AS anon_9, :claimed_at AS anon_10, :run_id AS anon_11, :quote_total AS anon_12, :reason AS anon_13 WHERE EXISTS (SELECT * FROM holds WHERE holds.account = :b_account AND holds.fence = :b_fence)',
    'INSERT INTO orders (account, key, base_order_numbers, type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id, quote_total, reason) SELECT %(account)s::VARCHAR AS anon_1, %(key)s::VARCHAR AS anon_2, %(base_order_numbers)s::VARCHAR AS anon_3, %(type)s::VARCHAR AS anon_4, %(fields)s::VARCHAR AS anon_5, %(fingerprint)s::VARCHAR AS anon_6, %(state)s::VARCHAR AS anon_7, %(attempt)s::INTEGER AS anon_8, %(updated_at)s::VARCHAR AS anon_9, %(claimed_at)s::VARCHAR AS anon_10, %(run_id)s::VARCHAR AS anon_11, %(quote_total)s::VARCHAR AS anon_12, %(reason)s::VARCHAR AS anon_13 WHERE EXISTS (SELECT * FROM holds WHERE holds.account = %(b_account)s::VARCHAR AND holds.fence = %(b_fence)s::INTEGER)',
)
MOVE: Final = Statement(
    'UPDATE orders SET state=:state, updated_at=:updated_at, order_id=:order_id, base_order_numbers=:base_order_numbers, total=:total, balance=:balance, reason=:reason, stray_order_id=:stray_order_id WHERE orders.account = :b_account AND orders."key" = :b_key',
    'UPDATE orders SET state=%(state)s::VARCHAR, updated_at=%(updated_at)s::VARCHAR, order_id=%(order_id)s::VARCHAR, base_order_numbers=%(base_order_numbers)s::VARCHAR, total=%(total)s::VARCHAR, balance=%(balance)s::VARCHAR, reason=%(reason)s::VARCHAR, stray_order_id=%(stray_order_id)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR',
)
ADOPT: Final = Statement(
    'UPDATE orders SET type=:type, fields=:fields, fingerprint=:fingerprint, state=:state, attempt=:attempt, updated_at=:updated_at, claimed_at=:claimed_at, quote_total=:quote_total, order_id=:order_id, base_order_numbers=:base_order_numbers, total=:total, balance=:balance, reason=:reason, stray_order_id=:stray_order_id WHERE orders.account = :b_account AND orders."key" = :b_key AND orders.attempt = :b_attempt AND state IN (\'planned\', \'rejected\', \'absent\') AND (EXISTS (SELECT * FROM holds WHERE holds.account = :b_account AND holds.fence = :b_fence))',
    "UPDATE orders SET type=%(type)s::VARCHAR, fields=%(fields)s::VARCHAR, fingerprint=%(fingerprint)s::VARCHAR, state=%(state)s::VARCHAR, attempt=%(attempt)s::INTEGER, updated_at=%(updated_at)s::VARCHAR, claimed_at=%(claimed_at)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, order_id=%(order_id)s::VARCHAR, base_order_numbers=%(base_order_numbers)s::VARCHAR, total=%(total)s::VARCHAR, balance=%(balance)s::VARCHAR, reason=%(reason)s::VARCHAR, stray_order_id=%(stray_order_id)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR AND orders.attempt = %(b_attempt)s::INTEGER AND state IN ('planned', 'rejected', 'absent') AND (EXISTS (SELECT * FROM holds WHERE holds.account = %(b_account)s::VARCHAR AND holds.fence = %(b_fence)s::INTEGER))",
)
TAKE_OVER: Final = Statement(
    'UPDATE orders SET type=:type, fields=:fields, fingerprint=:fingerprint, state=:state, attempt=:attempt, updated_at=:updated_at, claimed_at=:claimed_at, run_id=:run_id, quote_total=:quote_total, order_id=:order_id, base_order_numbers=:base_order_numbers, total=:total, balance=:balance, reason=:reason, stray_order_id=:stray_order_id WHERE orders.account = :b_account AND orders."key" = :b_key AND orders.attempt = :b_attempt AND state IN (\'planned\', \'rejected\', \'absent\') AND orders.stray_order_id IS NULL AND (EXISTS (SELECT * FROM holds WHERE holds.account = :b_account AND holds.fence = :b_fence))',
    "UPDATE orders SET type=%(type)s::VARCHAR, fields=%(fields)s::VARCHAR, fingerprint=%(fingerprint)s::VARCHAR, state=%(state)s::VARCHAR, attempt=%(attempt)s::INTEGER, updated_at=%(updated_at)s::VARCHAR, claimed_at=%(claimed_at)s::VARCHAR, run_id=%(run_id)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, order_id=%(order_id)s::VARCHAR, base_order_numbers=%(base_order_numbers)s::VARCHAR, total=%(total)s::VARCHAR, balance=%(balance)s::VARCHAR, reason=%(reason)s::VARCHAR, stray_order_id=%(stray_order_id)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR AND orders.attempt = %(b_attempt)s::INTEGER AND state IN ('planned', 'rejected', 'absent') AND orders.stray_order_id IS NULL AND (EXISTS (SELECT * FROM holds WHERE holds.account = %(b_account)s::VARCHAR AND holds.fence = %(b_fence)s::INTEGER))",
)
GIVE_UP: Final = Statement(
    'UPDATE orders SET state=:state, updated_at=:updated_at, quote_total=:quote_total, order_id=:order_id, base_order_numbers=:base_order_numbers, total=:total, balance=:balance, reason=:reason, stray_order_id=:stray_order_id WHERE orders.account = :b_account AND orders."key" = :b_key AND orders.attempt = :b_attempt AND state = \'placed\' AND (EXISTS (SELECT * FROM holds WHERE holds.account = :b_account AND holds.fence = :b_fence))',
    "UPDATE orders SET state=%(state)s::VARCHAR, updated_at=%(updated_at)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, order_id=%(order_id)s::VARCHAR, base_order_numbers=%(base_order_numbers)s::VARCHAR, total=%(total)s::VARCHAR, balance=%(balance)s::VARCHAR, reason=%(reason)s::VARCHAR, stray_order_id=%(stray_order_id)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR AND orders.attempt = %(b_attempt)s::INTEGER AND state = 'placed' AND (EXISTS (SELECT * FROM holds WHERE holds.account = %(b_account)s::VARCHAR AND holds.fence = %(b_fence)s::INTEGER))",
)
STRANGERS: Final = Statement(
    'SELECT strangers.account, strangers.order_id, strangers.who, strangers.source, strangers.reason, strangers.at FROM strangers WHERE strangers.account = :b_account ORDER BY strangers.order_id',
    'SELECT strangers.account, strangers.order_id, strangers.who, strangers.source, strangers.reason, strangers.at FROM strangers WHERE strangers.account = %(b_account)s::VARCHAR ORDER BY strangers.order_id',
)
STRANGER: Final = Statement(
    'SELECT strangers.order_id FROM strangers WHERE strangers.account = :b_account AND strangers.order_id = :b_order_id',
    'SELECT strangers.order_id FROM strangers WHERE strangers.account = %(b_account)s::VARCHAR AND strangers.order_id = %(b_order_id)s::VARCHAR',
)
INSERT_STRANGER: Final = Statement(
    'INSERT INTO strangers (account, order_id, who, source, reason, at) VALUES (:account, :order_id, :who, :source, :reason, :at)',
    'INSERT INTO strangers (account, order_id, who, source, reason, at) VALUES (%(account)s::VARCHAR, %(order_id)s::VARCHAR, %(who)s::VARCHAR, %(source)s::VARCHAR, %(reason)s::VARCHAR, %(at)s::VARCHAR)',
)
WANTS: Final = Statement(
    'SELECT wants.account, wants."key", wants.type, wants.fields, wants.fingerprint, wants.quote_total, wants.at FROM wants WHERE wants.account = :b_account AND wants."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1)',
    'SELECT wants.account, wants.key, wants.type, wants.fields, wants.fingerprint, wants.quote_total, wants.at FROM wants WHERE wants.account = %(b_account)s::VARCHAR AND wants.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1)',
)
UPDATE_WANT: Final = Statement(
    'UPDATE wants SET type=:type, fields=:fields, fingerprint=:fingerprint, quote_total=:quote_total, at=:at WHERE wants.account = :b_account AND wants."key" = :b_key',
    'UPDATE wants SET type=%(type)s::VARCHAR, fields=%(fields)s::VARCHAR, fingerprint=%(fingerprint)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, at=%(at)s::VARCHAR WHERE wants.account = %(b_account)s::VARCHAR AND wants.key = %(b_key)s::VARCHAR',
)
INSERT_WANT: Final = Statement(
    'INSERT INTO wants (account, "key", type, fields, fingerprint, quote_total, at) VALUES (:account, :key, :type, :fields, :fingerprint, :quote_total, :at)',
    'INSERT INTO wants (account, key, type, fields, fingerprint, quote_total, at) VALUES (%(account)s::VARCHAR, %(key)s::VARCHAR, %(type)s::VARCHAR, %(fields)s::VARCHAR, %(fingerprint)s::VARCHAR, %(quote_total)s::VARCHAR, %(at)s::VARCHAR)',
)
DELIVERIES: Final = Statement(
    'SELECT deliveries.account, deliveries.order_id, deliveries.at, deliveries.rows, deliveries.salt, deliveries.digests, deliveries.first_end, deliveries.last_end, deliveries.changed_at, deliveries.losses, deliveries.additions, deliveries.moved_at FROM deliveries WHERE deliveries.account = :b_account AND deliveries.order_id IN (SELECT anon_1.value FROM json_each(:b_ids) AS anon_1)',
    'SELECT deliveries.account, deliveries.order_id, deliveries.at, deliveries.rows, deliveries.salt, deliveries.digests, deliveries.first_end, deliveries.last_end, deliveries.changed_at, deliveries.losses, deliveries.additions, deliveries.moved_at FROM deliveries WHERE deliveries.account = %(b_account)s::VARCHAR AND deliveries.order_id IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_ids)s::VARCHAR AS JSON)) AS anon_1)',
)
UPDATE_DELIVERY: Final = Statement(
    'UPDATE deliveries SET at=:at, rows=:rows, salt=:salt, digests=:digests, first_end=:first_end, last_end=:last_end, changed_at=:changed_at, losses=:losses, additions=:additions, moved_at=:moved_at WHERE deliveries.account = :b_account AND deliveries.order_id = :b_order_id',
    'UPDATE deliveries SET at=%(at)s::VARCHAR, rows=%(rows)s::INTEGER, salt=%(salt)s::VARCHAR, digests=%(digests)s::VARCHAR, first_end=%(first_end)s::VARCHAR, last_end=%(last_end)s::VARCHAR, changed_at=%(changed_at)s::VARCHAR, losses=%(losses)s::INTEGER, additions=%(additions)s::INTEGER, moved_at=%(moved_at)s::VARCHAR WHERE deliveries.account = %(b_account)s::VARCHAR AND deliveries.order_id = %(b_order_id)s::VARCHAR',
)
INSERT_DELIVERY: Final = Statement(
    'INSERT INTO deliveries (account, order_id, at, rows, salt, digests, first_end, last_end, changed_at, losses, additions, moved_at) VALUES (:account, :order_id, :at, :rows, :salt, :digests, :first_end, :last_end, :changed_at, :losses, :additions, :moved_at)',
    'INSERT INTO deliveries (account, order_id, at, rows, salt, digests, first_end, last_end, changed_at, losses, additions, moved_at) VALUES (%(account)s::VARCHAR, %(order_id)s::VARCHAR, %(at)s::VARCHAR, %(rows)s::INTEGER, %(salt)s::VARCHAR, %(digests)s::VARCHAR, %(first_end)s::VARCHAR, %(last_end)s::VARCHAR, %(changed_at)s::VARCHAR, %(losses)s::INTEGER, %(additions)s::INTEGER, %(moved_at)s::VARCHAR)',
)
CLAIM_TIMES: Final = Statement(
    'SELECT orders."key", orders.claimed_at FROM orders WHERE orders.account = :b_account AND orders."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) AND orders.claimed_at IS NOT NULL',
    'SELECT orders.key, orders.claimed_at FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) AND orders.claimed_at IS NOT NULL',
)
DAYS: Final = Statement(
    'SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = :b_account AND days.day >= :b_day ORDER BY days.day',
    'SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = %(b_account)s::VARCHAR AND days.day >= %(b_day)s::VARCHAR ORDER BY days.day',
)
DAY: Final = Statement(
    'SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = :b_account AND days.day = :b_day',
    'SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = %(b_account)s::VARCHAR AND days.day = %(b_day)s::VARCHAR',
)
DAY_OF_ORDER: Final = Statement(
    'SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = :b_account AND days.day = (SELECT substr(COALESCE(claimed_at, \'\'), 1, 10) FROM orders WHERE orders.account = :b_account AND orders."key" = :b_key)',
    "SELECT days.account, days.day, days.orders, days.spent FROM days WHERE days.account = %(b_account)s::VARCHAR AND days.day = (SELECT substr(COALESCE(claimed_at, ''), 1, 10) FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR)",
)
INSERT_DAY: Final = Statement(
    'INSERT INTO days (account, day, orders, spent) VALUES (:account, :day, :orders, :spent)',
    'INSERT INTO days (account, day, orders, spent) VALUES (%(account)s::VARCHAR, %(day)s::VARCHAR, %(orders)s::VARCHAR, %(spent)s::VARCHAR)',
)
UPDATE_DAY: Final = Statement(
    'UPDATE days SET orders=:orders, spent=:spent WHERE days.account = :b_account AND days.day = :b_day',
    'UPDATE days SET orders=%(orders)s::VARCHAR, spent=%(spent)s::VARCHAR WHERE days.account = %(b_account)s::VARCHAR AND days.day = %(b_day)s::VARCHAR',
)
COSTS: Final = Statement(
    "SELECT substr(COALESCE(claimed_at, ''), 1, 10) AS day, orders.state, coalesce(orders.total, orders.quote_total) AS cost, orders.stray_order_id IS NOT NULL AS stray, count(*) AS orders FROM orders WHERE orders.account = :b_account GROUP BY 1, 2, 3, 4 ORDER BY 1",
    "SELECT substr(COALESCE(claimed_at, ''), 1, 10) AS day, orders.state, coalesce(orders.total, orders.quote_total) AS cost, orders.stray_order_id IS NOT NULL AS stray, count(*) AS orders FROM orders WHERE orders.account = %(b_account)s::VARCHAR GROUP BY 1, 2, 3, 4 ORDER BY 1",
)
INSERT_WITNESS: Final = Statement(
    'INSERT INTO witnesses (account, digest, type, order_ids, at, package) VALUES (:account, :digest, :type, :order_ids, :at, :package) ON CONFLICT DO NOTHING',
    'INSERT INTO witnesses (account, digest, type, order_ids, at, package) VALUES (%(account)s, %(digest)s, %(type)s, %(order_ids)s, %(at)s, %(package)s) ON CONFLICT DO NOTHING',
)
INSERT_EVENT: Final = Statement(
    'INSERT INTO order_events (account, "key", attempt, event, "before", "after", at, run_id, reason, detail, prev_hash, hash) VALUES (:account, :key, :attempt, :event, :before, :after, :at, :run_id, :reason, :detail, :prev_hash, :hash)',
    'INSERT INTO order_events (account, key, attempt, event, before, after, at, run_id, reason, detail, prev_hash, hash) VALUES (%(account)s::VARCHAR, %(key)s::VARCHAR, %(attempt)s::INTEGER, %(event)s::VARCHAR, %(before)s::VARCHAR, %(after)s::VARCHAR, %(at)s::VARCHAR, %(run_id)s::VARCHAR, %(reason)s::VARCHAR, %(detail)s::VARCHAR, %(prev_hash)s::VARCHAR, %(hash)s::VARCHAR) RETURNING order_events.seq',
)
SAME_EVENT: Final = Statement(
    'SELECT order_events.seq FROM order_events WHERE order_events.account = :b_account AND order_events."key" = :b_key AND order_events.attempt = :b_attempt AND order_events.detail = :b_detail',
    'SELECT order_events.seq FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key = %(b_key)s::VARCHAR AND order_events.attempt = %(b_attempt)s::INTEGER AND order_events.detail = %(b_detail)s::VARCHAR',
)
HOLD: Final = Statement(
    'SELECT holds.fence FROM holds WHERE holds.account = :b_account',
    'SELECT holds.fence FROM holds WHERE holds.account = %(b_account)s::VARCHAR',
)
KEEP_HOLD: Final = Statement(
    'SELECT holds.fence FROM holds WHERE holds.account = :b_account',
    'SELECT holds.fence FROM holds WHERE holds.account = %(b_account)s::VARCHAR FOR SHARE',
)
INSERT_HOLD: Final = Statement(
    'INSERT INTO holds (account, fence, holder) VALUES (:account, :fence, :holder)',
    'INSERT INTO holds (account, fence, holder) VALUES (%(account)s::VARCHAR, %(fence)s::INTEGER, %(holder)s::VARCHAR)',
)
UPDATE_HOLD: Final = Statement(
    'UPDATE holds SET fence=fence + 1, holder=:holder WHERE holds.account = :b_account',
    'UPDATE holds SET fence=fence + 1, holder=%(holder)s::VARCHAR WHERE holds.account = %(b_account)s::VARCHAR',
)
ACCOUNT_KEYS: Final = Statement(
    'SELECT account_keys.n, account_keys.account, account_keys.salt, account_keys.digest, account_keys.address, account_keys.at, account_keys.who FROM account_keys ORDER BY account_keys.n',
    'SELECT account_keys.n, account_keys.account, account_keys.salt, account_keys.digest, account_keys.address, account_keys.at, account_keys.who FROM account_keys ORDER BY account_keys.n',
)
CHAINED: Final = Statement(
    'SELECT chains.account FROM chains WHERE chains.events > 0',
    'SELECT chains.account FROM chains WHERE chains.events > 0',
)
ENTER_KEY: Final = Statement(
    'INSERT INTO account_keys (n, account, salt, digest, address, at, who) VALUES (:n, :account, :salt, :digest, :address, :at, :who) ON CONFLICT DO NOTHING',
    'INSERT INTO account_keys (n, account, salt, digest, address, at, who) VALUES (%(n)s, %(account)s, %(salt)s, %(digest)s, %(address)s, %(at)s, %(who)s) ON CONFLICT DO NOTHING',
)
ACCOUNTS: Final = Statement(
    'SELECT holds.account FROM holds ORDER BY holds.account',
    'SELECT holds.account FROM holds ORDER BY holds.account',
)
INSERT_RUN: Final = Statement(
    'INSERT INTO runs (id, account, mode, started_at, host, pid, ci_job) VALUES (:id, :account, :mode, :started_at, :host, :pid, :ci_job)',
    'INSERT INTO runs (id, account, mode, started_at, host, pid, ci_job) VALUES (%(id)s::VARCHAR, %(account)s::VARCHAR, %(mode)s::VARCHAR, %(started_at)s::VARCHAR, %(host)s::VARCHAR, %(pid)s::INTEGER, %(ci_job)s::VARCHAR)',
)
FINISH_RUN: Final = Statement(
    'UPDATE runs SET finished_at=:finished_at, exit_code=:exit_code WHERE runs.account = :b_account AND runs.id = :b_id',
    'UPDATE runs SET finished_at=%(finished_at)s::VARCHAR, exit_code=%(exit_code)s::INTEGER WHERE runs.account = %(b_account)s::VARCHAR AND runs.id = %(b_id)s::VARCHAR',
)
CHAIN: Final = Statement(
    'SELECT chains.events, chains.hash FROM chains WHERE chains.account = :b_account',
    'SELECT chains.events, chains.hash FROM chains WHERE chains.account = %(b_account)s::VARCHAR FOR UPDATE',
)
INSERT_CHAIN: Final = Statement(
    'INSERT INTO chains (account, events, hash) VALUES (:account, :events, :hash)',
    'INSERT INTO chains (account, events, hash) VALUES (%(account)s::VARCHAR, %(events)s::INTEGER, %(hash)s::VARCHAR)',
)
MOVE_CHAIN: Final = Statement(
    'UPDATE chains SET events=:events, hash=:hash WHERE chains.account = :b_account',
    'UPDATE chains SET events=%(events)s::INTEGER, hash=%(hash)s::VARCHAR WHERE chains.account = %(b_account)s::VARCHAR',
)
HEAD: Final = Statement(
    'SELECT chains.events, chains.hash FROM chains WHERE chains.account = :b_account',
    'SELECT chains.events, chains.hash FROM chains WHERE chains.account = %(b_account)s::VARCHAR',
)
EVENT_BEFORE_THE_END: Final = Statement(
    'SELECT order_events.seq, order_events.hash FROM order_events WHERE order_events.account = :b_account ORDER BY order_events.seq DESC LIMIT 1 OFFSET :b_beyond',
    'SELECT order_events.seq, order_events.hash FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR ORDER BY order_events.seq DESC LIMIT 1 OFFSET %(b_beyond)s::INTEGER',
)
HISTORY: Final = Statement(
    'SELECT order_events.seq, order_events.account, order_events."key", order_events.attempt, order_events.event, order_events."before", order_events."after", order_events.at, order_events.run_id, order_events.reason, order_events.detail, order_events.prev_hash, order_events.hash FROM order_events WHERE order_events.account = :b_account AND order_events.seq > :b_after ORDER BY order_events.seq LIMIT :b_size OFFSET 0',
    'SELECT order_events.seq, order_events.account, order_events.key, order_events.attempt, order_events.event, order_events.before, order_events.after, order_events.at, order_events.run_id, order_events.reason, order_events.detail, order_events.prev_hash, order_events.hash FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.seq > %(b_after)s::INTEGER ORDER BY order_events.seq LIMIT %(b_size)s::INTEGER OFFSET 0',
)
EVENTS_OF: Final = Statement(
    'SELECT order_events.seq, order_events.account, order_events."key", order_events.attempt, order_events.event, order_events."before", order_events."after", order_events.at, order_events.run_id, order_events.reason, order_events.detail, order_events.prev_hash, order_events.hash FROM order_events WHERE order_events.account = :b_account AND order_events."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) ORDER BY order_events."key", order_events.seq',
    'SELECT order_events.seq, order_events.account, order_events.key, order_events.attempt, order_events.event, order_events.before, order_events.after, order_events.at, order_events.run_id, order_events.reason, order_events.detail, order_events.prev_hash, order_events.hash FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) ORDER BY order_events.key, order_events.seq',
)
ORPHAN: Final = Statement(
    'SELECT order_events.seq, order_events."key" FROM order_events WHERE order_events.account = :b_account AND NOT (EXISTS (SELECT * FROM orders WHERE orders.account = order_events.account AND orders."key" = order_events."key")) ORDER BY order_events.seq',
    'SELECT order_events.seq, order_events.key FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND NOT (EXISTS (SELECT * FROM orders WHERE orders.account = order_events.account AND orders.key = order_events.key)) ORDER BY order_events.seq',
)
KEPT_WITNESS: Final = Statement(
    'SELECT witnesses.account, witnesses.digest, witnesses.type, witnesses.order_ids, witnesses.at, witnesses.package FROM witnesses WHERE witnesses.account = :b_account AND witnesses.digest = :b_digest',
    'SELECT witnesses.account, witnesses.digest, witnesses.type, witnesses.order_ids, witnesses.at, witnesses.package FROM witnesses WHERE witnesses.account = %(b_account)s::VARCHAR AND witnesses.digest = %(b_digest)s::VARCHAR',
)
RESTORE_ORDER: Final = Statement(
    'INSERT INTO orders (account, "key", type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id, quote_total, order_id, base_order_numbers, total, balance, reason, stray_order_id) VALUES (:account, :key, :type, :fields, :fingerprint, :state, :attempt, :updated_at, :claimed_at, :run_id, :quote_total, :order_id, :base_order_numbers, :total, :balance, :reason, :stray_order_id)',
    'INSERT INTO orders (account, key, type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id, quote_total, order_id, base_order_numbers, total, balance, reason, stray_order_id) VALUES (%(account)s::VARCHAR, %(key)s::VARCHAR, %(type)s::VARCHAR, %(fields)s::VARCHAR, %(fingerprint)s::VARCHAR, %(state)s::VARCHAR, %(attempt)s::INTEGER, %(updated_at)s::VARCHAR, %(claimed_at)s::VARCHAR, %(run_id)s::VARCHAR, %(quote_total)s::VARCHAR, %(order_id)s::VARCHAR, %(base_order_numbers)s::VARCHAR, %(total)s::VARCHAR, %(balance)s::VARCHAR, %(reason)s::VARCHAR, %(stray_order_id)s::VARCHAR)',
)
REDO_ORDER: Final = Statement(
    'UPDATE orders SET type=:type, fields=:fields, fingerprint=:fingerprint, state=:state, attempt=:attempt, updated_at=:updated_at, claimed_at=:claimed_at, run_id=:run_id, quote_total=:quote_total, order_id=:order_id, base_order_numbers=:base_order_numbers, total=:total, balance=:balance, reason=:reason, stray_order_id=:stray_order_id WHERE orders.account = :b_account AND orders."key" = :b_key',
    'UPDATE orders SET type=%(type)s::VARCHAR, fields=%(fields)s::VARCHAR, fingerprint=%(fingerprint)s::VARCHAR, state=%(state)s::VARCHAR, attempt=%(attempt)s::INTEGER, updated_at=%(updated_at)s::VARCHAR, claimed_at=%(claimed_at)s::VARCHAR, run_id=%(run_id)s::VARCHAR, quote_total=%(quote_total)s::VARCHAR, order_id=%(order_id)s::VARCHAR, base_order_numbers=%(base_order_numbers)s::VARCHAR, total=%(total)s::VARCHAR, balance=%(balance)s::VARCHAR, reason=%(reason)s::VARCHAR, stray_order_id=%(stray_order_id)s::VARCHAR WHERE orders.account = %(b_account)s::VARCHAR AND orders.key = %(b_key)s::VARCHAR',
)
EVENTS: Final = Statement(
    'SELECT order_events.seq, order_events.attempt, order_events.event, order_events."after", order_events.at, order_events.detail FROM order_events WHERE order_events.account = :b_account AND order_events."key" = :b_key ORDER BY order_events.seq',
    'SELECT order_events.seq, order_events.attempt, order_events.event, order_events.after, order_events.at, order_events.detail FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key = %(b_key)s::VARCHAR ORDER BY order_events.seq',
)
EARLIER: Final = Statement(
    'SELECT order_events.seq FROM order_events WHERE order_events.account = :b_account AND order_events.seq < :b_seq ORDER BY order_events.seq DESC LIMIT 1 OFFSET :b_events',
    'SELECT order_events.seq FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.seq < %(b_seq)s::INTEGER ORDER BY order_events.seq DESC LIMIT 1 OFFSET %(b_events)s::INTEGER',
)
OWNERS: Final = Statement(
    'SELECT orders.order_id, orders."key" FROM orders WHERE orders.account = :b_account AND orders.order_id IN (SELECT anon_1.value FROM json_each(:b_ids) AS anon_1)',
    'SELECT orders.order_id, orders.key FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.order_id IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_ids)s::VARCHAR AS JSON)) AS anon_1)',
)
OWNED_NUMBERS: Final = Statement(
    'SELECT anon_1.value FROM orders JOIN json_each(orders.base_order_numbers) AS anon_1 ON 1 = 1 WHERE orders.account = :b_account AND anon_1.value IN (SELECT anon_2.value FROM json_each(:b_numbers) AS anon_2)',
    'SELECT anon_1.value FROM orders JOIN json_array_elements_text(CAST(orders.base_order_numbers AS JSON)) AS anon_1 ON true WHERE orders.account = %(b_account)s::VARCHAR AND anon_1.value IN (SELECT anon_2.value FROM json_array_elements_text(CAST(%(b_numbers)s::VARCHAR AS JSON)) AS anon_2)',
)
BOUGHT: Final = Statement(
    'SELECT orders."key", orders.claimed_at FROM orders WHERE orders.account = :b_account AND state = \'placed\' AND orders.updated_at >= :b_at',
    "SELECT orders.key, orders.claimed_at FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND state = 'placed' AND orders.updated_at >= %(b_at)s::VARCHAR",
)
CLAIMED: Final = Statement(
    'SELECT order_events."key", order_events.detail FROM order_events WHERE order_events.account = :b_account AND order_events."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) AND event = \'claimed\' ORDER BY order_events."key", order_events.seq',
    "SELECT order_events.key, order_events.detail FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) AND event = 'claimed' ORDER BY order_events.key, order_events.seq",
)
RENAMED: Final = Statement(
    'SELECT order_events."key", order_events.detail FROM order_events WHERE order_events.account = :b_account AND order_events."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) AND event = \'renamed\' AND "after" = \'renamed\' ORDER BY order_events."key", order_events.seq',
    'SELECT order_events.key, order_events.detail FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) AND event = \'renamed\' AND "after" = \'renamed\' ORDER BY order_events.key, order_events.seq',
)
TAKEN_OVER: Final = Statement(
    'SELECT order_events."key", order_events.detail FROM order_events WHERE order_events.account = :b_account AND order_events."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) AND event = \'renamed\' AND "after" = \'placed\' ORDER BY order_events."key", order_events.seq',
    'SELECT order_events.key, order_events.detail FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) AND event = \'renamed\' AND "after" = \'placed\' ORDER BY order_events.key, order_events.seq',
)
TERMS: Final = Statement(
    'SELECT orders.account, orders."key", orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM json_each(:b_keys) AS anon_1 JOIN orders ON orders.account = :b_account || substr(anon_1.value, 1, 0) AND orders."key" >= (anon_1.value || \'@0000-00-00\') AND orders."key" <= (anon_1.value || \'@9999-99-99\')',
    "SELECT orders.account, orders.key, orders.type, orders.fields, orders.fingerprint, orders.state, orders.attempt, orders.updated_at, orders.claimed_at, orders.run_id, orders.quote_total, orders.order_id, orders.base_order_numbers, orders.total, orders.balance, orders.reason, orders.stray_order_id FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1 JOIN orders ON orders.account = %(b_account)s AND orders.key >= (anon_1.value || '@0000-00-00') AND orders.key <= (anon_1.value || '@9999-99-99')",
)
BEGINNINGS: Final = Statement(
    'SELECT order_events."key", order_events.attempt, order_events.event, order_events."after", order_events.at, order_events.detail FROM order_events WHERE order_events.account = :b_account AND order_events."key" IN (SELECT anon_1.value FROM json_each(:b_keys) AS anon_1) AND (event = \'claimed\' OR "after" = \'placed\') ORDER BY order_events."key", order_events.seq',
    'SELECT order_events.key, order_events.attempt, order_events.event, order_events.after, order_events.at, order_events.detail FROM order_events WHERE order_events.account = %(b_account)s::VARCHAR AND order_events.key IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_keys)s::VARCHAR AS JSON)) AS anon_1) AND (event = \'claimed\' OR "after" = \'placed\') ORDER BY order_events.key, order_events.seq',
)
SPENDINGS: Final = Statement(
    'SELECT orders."key", orders.type, orders.state, orders.claimed_at, orders.total, orders.quote_total, orders.stray_order_id FROM orders WHERE orders.account = :b_account AND orders."key" > :b_after AND orders.claimed_at >= :b_since AND orders.claimed_at < :b_end AND (state = \'placed\' OR state IN (\'submitted\', \'unknown\') OR orders.stray_order_id IS NOT NULL) ORDER BY orders."key" LIMIT :b_size OFFSET 0',
    "SELECT orders.key, orders.type, orders.state, orders.claimed_at, orders.total, orders.quote_total, orders.stray_order_id FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND orders.key > %(b_after)s::VARCHAR AND orders.claimed_at >= %(b_since)s::VARCHAR AND orders.claimed_at < %(b_end)s::VARCHAR AND (state = 'placed' OR state IN ('submitted', 'unknown') OR orders.stray_order_id IS NOT NULL) ORDER BY orders.key LIMIT %(b_size)s::INTEGER OFFSET 0",
)
DEAREST: Final = Statement(
    "SELECT coalesce(orders.total, orders.quote_total) AS cost FROM orders WHERE orders.account = :b_account AND state = 'placed' AND CAST(COALESCE(total, quote_total) AS NUMERIC) IS NOT NULL ORDER BY orders.account DESC, CAST(COALESCE(total, quote_total) AS NUMERIC) DESC LIMIT 1 OFFSET 0",
    "SELECT coalesce(orders.total, orders.quote_total) AS cost FROM orders WHERE orders.account = %(b_account)s::VARCHAR AND state = 'placed' AND CAST(COALESCE(total, quote_total) AS NUMERIC) IS NOT NULL ORDER BY orders.account DESC, CAST(COALESCE(total, quote_total) AS NUMERIC) DESC LIMIT 1 OFFSET 0",
)
ALIKE: Final = Statement(
    'SELECT orders."key", orders.claimed_at FROM orders WHERE orders.fingerprint IN (SELECT anon_1.value FROM json_each(:b_fingerprints) AS anon_1) AND (state = \'placed\' OR state IN (\'submitted\', \'unknown\')) AND (orders.account || \'\') = :b_account AND (orders.claimed_at || \'\') >= :b_at ORDER BY orders.claimed_at, orders."key"',
    "SELECT orders.key, orders.claimed_at FROM orders WHERE orders.fingerprint IN (SELECT anon_1.value FROM json_array_elements_text(CAST(%(b_fingerprints)s::VARCHAR AS JSON)) AS anon_1) AND (state = 'placed' OR state IN ('submitted', 'unknown')) AND (orders.account || '') = %(b_account)s::VARCHAR AND (orders.claimed_at || '') >= %(b_at)s::VARCHAR ORDER BY orders.claimed_at, orders.key",
)
NEW_FILE: Final = (
    'CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )',
    "CREATE TABLE witnesses ( account TEXT NOT NULL, digest TEXT NOT NULL, type TEXT NOT NULL, order_ids TEXT NOT NULL, at TEXT NOT NULL, package TEXT, PRIMARY KEY (account, digest), CONSTRAINT witnesses_type CHECK (type IN ('ipv4', 'isp', 'mix', 'mix_isp', 'ipv6', 'mobile', 'resident')) )",
    'CREATE TABLE runs ( id TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL, started_at TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, ci_job TEXT, finished_at TEXT, exit_code INTEGER, PRIMARY KEY (id) )',
    'CREATE TABLE holds ( account TEXT NOT NULL, fence INTEGER NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (account) )',
    "CREATE TRIGGER witnesses_no_UPDATE BEFORE UPDATE ON witnesses BEGIN SELECT RAISE(ABORT, 'witnesses: UPDATE is not allowed, it is only ever added to'); END",
    "CREATE TRIGGER witnesses_no_DELETE BEFORE DELETE ON witnesses BEGIN SELECT RAISE(ABORT, 'witnesses: DELETE is not allowed, it is only ever added to'); END",
    'CREATE TABLE chains ( account TEXT NOT NULL, events INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (account) ) WITHOUT ROWID',
    'CREATE TABLE strangers ( account TEXT NOT NULL, order_id TEXT NOT NULL, who TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (account, order_id) ) WITHOUT ROWID',
    'CREATE TABLE wants ( account TEXT NOT NULL, "key" TEXT NOT NULL, type TEXT NOT NULL, fields TEXT NOT NULL, fingerprint TEXT NOT NULL, quote_total TEXT, at TEXT NOT NULL, PRIMARY KEY (account, "key"), CONSTRAINT wants_type CHECK (type IN (\'ipv4\', \'isp\', \'mix\', \'mix_isp\', \'ipv6\', \'mobile\', \'resident\')) ) WITHOUT ROWID',
    "CREATE TRIGGER strangers_no_UPDATE BEFORE UPDATE ON strangers BEGIN SELECT RAISE(ABORT, 'strangers: UPDATE is not allowed, it is only ever added to'); END",
    "CREATE TRIGGER strangers_no_DELETE BEFORE DELETE ON strangers BEGIN SELECT RAISE(ABORT, 'strangers: DELETE is not allowed, it is only ever added to'); END",
    'CREATE TABLE account_keys ( n INTEGER NOT NULL, account TEXT NOT NULL, salt TEXT, digest TEXT, address TEXT, at TEXT NOT NULL, who TEXT NOT NULL, PRIMARY KEY (n), CONSTRAINT account_keys_whole CHECK ((digest IS NULL) = (salt IS NULL) AND (digest IS NULL) = (address IS NULL)), CONSTRAINT account_keys_n CHECK (n > 0) )',
    "CREATE TRIGGER account_keys_no_UPDATE BEFORE UPDATE ON account_keys BEGIN SELECT RAISE(ABORT, 'account_keys: UPDATE is not allowed, it is only ever added to'); END",
    "CREATE TRIGGER account_keys_no_DELETE BEFORE DELETE ON account_keys BEGIN SELECT RAISE(ABORT, 'account_keys: DELETE is not allowed, it is only ever added to'); END",
    'CREATE TABLE orders ( account TEXT NOT NULL, "key" TEXT NOT NULL, type TEXT NOT NULL, fields TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, updated_at TEXT NOT NULL, claimed_at TEXT, run_id TEXT, quote_total TEXT, order_id TEXT, base_order_numbers TEXT NOT NULL, total TEXT, balance TEXT, reason TEXT, stray_order_id TEXT, PRIMARY KEY (account, "key"), CONSTRAINT orders_type CHECK (type IN (\'ipv4\', \'isp\', \'mix\', \'mix_isp\', \'ipv6\', \'mobile\', \'resident\')), CONSTRAINT orders_state CHECK (state IN (\'planned\', \'submitted\', \'placed\', \'rejected\', \'unknown\', \'absent\', \'renamed\')), CONSTRAINT orders_placed_has_order_id CHECK ((state = \'placed\') = (order_id IS NOT NULL)), CONSTRAINT orders_attempt CHECK (attempt > 0 OR (attempt = 0 AND state = \'planned\')) ) WITHOUT ROWID',
    'CREATE TABLE order_events ( seq INTEGER NOT NULL, account TEXT NOT NULL, "key" TEXT NOT NULL, attempt INTEGER NOT NULL, event TEXT NOT NULL, "before" TEXT NOT NULL, "after" TEXT, at TEXT NOT NULL, run_id TEXT, reason TEXT, detail TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (seq), CONSTRAINT order_events_order FOREIGN KEY(account, "key") REFERENCES orders (account, "key"), CONSTRAINT order_events_event CHECK (event IN (\'claimed\', \'placed\', \'rejected\', \'not_sent\', \'unknown\', \'abandoned\', \'reconciled\', \'resolved\', \'renamed\')), CONSTRAINT order_events_before CHECK (before IN (\'planned\', \'submitted\', \'placed\', \'rejected\', \'unknown\', \'absent\', \'renamed\')), CONSTRAINT order_events_legal_move CHECK (after IS NULL OR before || \' \' || event || \' \' || after IN (\'planned claimed submitted\', \'rejected claimed submitted\', \'absent claimed submitted\', \'submitted placed placed\', \'submitted rejected rejected\', \'submitted not_sent planned\', \'submitted unknown unknown\', \'submitted abandoned unknown\', \'unknown placed placed\', \'unknown rejected rejected\', \'unknown not_sent planned\', \'absent placed placed\', \'unknown reconciled placed\', \'unknown reconciled absent\', \'unknown reconciled unknown\', \'unknown resolved placed\', \'unknown resolved absent\', \'planned placed placed\', \'rejected placed placed\', \'planned resolved placed\', \'rejected resolved placed\', \'absent resolved placed\', \'placed renamed renamed\', \'planned renamed placed\', \'rejected renamed placed\', \'absent renamed placed\')), CONSTRAINT order_events_attempt CHECK (attempt > 0) )',
    'CREATE UNIQUE INDEX orders_order_id ON orders (account, order_id) WHERE order_id IS NOT NULL',
    "CREATE INDEX orders_open ON orders (account, claimed_at) WHERE state IN ('submitted', 'unknown')",
    "CREATE INDEX orders_price ON orders (account, CAST(COALESCE(total, quote_total) AS NUMERIC)) WHERE state = 'placed'",
    'CREATE INDEX order_events_order ON order_events (account, "key")',
    "CREATE TRIGGER orders_no_DELETE BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'orders: DELETE is not allowed, it is only ever added to'); END",
    "CREATE TRIGGER order_events_no_UPDATE BEFORE UPDATE ON order_events BEGIN SELECT RAISE(ABORT, 'order_events: UPDATE is not allowed, it is only ever added to'); END",
    "CREATE TRIGGER order_events_no_DELETE BEFORE DELETE ON order_events BEGIN SELECT RAISE(ABORT, 'order_events: DELETE is not allowed, it is only ever added to'); END",
    'CREATE INDEX orders_alike ON orders (fingerprint)',
    'CREATE TABLE days ( account TEXT NOT NULL, day TEXT NOT NULL, orders TEXT NOT NULL, spent TEXT NOT NULL, PRIMARY KEY (account, day) ) WITHOUT ROWID',
    'CREATE INDEX orders_newest ON orders (account, updated_at, "key")',
    'CREATE INDEX orders_stray ON orders (account, stray_order_id) WHERE stray_order_id IS NOT NULL',
    'CREATE INDEX order_events_history ON order_events (account, seq)',
    'CREATE TABLE deliveries ( account TEXT NOT NULL, order_id TEXT NOT NULL, at TEXT NOT NULL, rows INTEGER NOT NULL, salt TEXT NOT NULL, digests TEXT NOT NULL, first_end TEXT, last_end TEXT, changed_at TEXT, losses INTEGER NOT NULL, additions INTEGER NOT NULL, moved_at TEXT, PRIMARY KEY (account, order_id) ) WITHOUT ROWID',
    "INSERT INTO alembic_version VALUES ('0009')",
)

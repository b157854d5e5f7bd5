-- Suppliers who kept orders waiting: Saudi suppliers who alone were late in orders of several suppliers.
-- Adapted: EXISTS and NOT EXISTS of another supplier are least and greatest supplier of an order.
WITH every AS (
    SELECT l_orderkey AS every_order, min(l_suppkey) AS least, max(l_suppkey) AS greatest FROM lineitem GROUP BY l_orderkey),
late AS (
    SELECT l_orderkey AS late_order, min(l_suppkey) AS late_least, max(l_suppkey) AS late_greatest
    FROM lineitem
    WHERE l_receiptdate > l_commitdate
    GROUP BY l_orderkey)
SELECT s_name, count(*) AS numwait
FROM lineitem
JOIN supplier ON s_suppkey = l_suppkey
JOIN nation ON n_nationkey = s_nationkey
JOIN orders ON o_orderkey = l_orderkey
JOIN every ON every_order = l_orderkey AND least < greatest
JOIN late ON late_order = l_orderkey AND late_least = late_greatest
WHERE o_orderstatus = 'F' AND l_receiptdate > l_commitdate AND n_name = 'SAUDI ARABIA'
GROUP BY s_name
ORDER BY numwait DESC, s_name
LIMIT 100

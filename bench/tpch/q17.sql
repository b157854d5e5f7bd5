-- Small quantities: yearly revenue lost if small orders of a brand's parts were not taken.
-- Adapted: the correlated average is a table grouped by part.
WITH means AS (SELECT l_partkey AS partkey, 0.2 * avg(l_quantity) AS small FROM lineitem GROUP BY l_partkey)
SELECT sum(l_extendedprice) / 7.0 AS avg_yearly
FROM lineitem
JOIN part ON p_partkey = l_partkey
JOIN means ON partkey = p_partkey AND l_quantity < small
WHERE p_brand = 'Brand#23' AND p_container = 'MED BOX'

-- Important stock: the parts that make up a share of a nation's stock by value.
-- The share is 0.0001 over the scale factor; bench/tpch.py puts the scale in the place of :scale.
WITH german AS (
    SELECT ps_partkey, ps_supplycost * ps_availqty AS value
    FROM partsupp
    JOIN supplier ON s_suppkey = ps_suppkey
    JOIN nation ON n_nationkey = s_nationkey
    WHERE n_name = 'GERMANY')
SELECT ps_partkey, sum(value) AS value
FROM german
GROUP BY ps_partkey
HAVING sum(german.value) > (SELECT sum(value) * 0.0001 / :scale FROM german)
ORDER BY value DESC, ps_partkey

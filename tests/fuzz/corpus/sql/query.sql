SELECT "carrier", count(*), count(DISTINCT delay_days, ok) FROM 'dir/*.parquet' AS t WHERE weight BETWEEN 1 AND 2.5 GROUP BY 1 HAVING sum(distance) > 1e3 ORDER BY 2 DESC NULLS LAST LIMIT 5 OFFSET 1;

SELECT DISTINCT CASE delay_days WHEN 1 THEN 'a' ELSE 'b' END AS x, CAST(carrier AS DECIMAL(12,2)) % 3 AS y, coalesce(nullif(distance, 0), -1) AS z,
  EXTRACT(MONTH FROM shipment_date) AS m, trim(BOTH 'x' FROM carrier) || 'é' AS c, (ok IS NOT TRUE) AS o
FROM shipments AS s WHERE carrier LIKE 'a!%' ESCAPE '!' AND delay_days NOT IN (1, 2, NULL) OR at > TIMESTAMP '2025-01-01 00:00:00Z' -- end
ORDER BY x

-- Delay trends: the share of late shipments of each destination, the worst first
SELECT destination_city, count(*) AS total_shipments, sum(CASE WHEN delay_days > 0 THEN 1 ELSE 0 END) AS delayed_shipments,
       sum(CASE WHEN delay_days > 0 THEN 1 ELSE 0 END) / count(*) * 100 AS delay_percentage
FROM shipments GROUP BY destination_city ORDER BY delay_percentage DESC

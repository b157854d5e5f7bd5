-- Carrier performance: how late, how dear and how punctual each carrier is
SELECT carrier, count(*) AS total_shipments, avg(delay_days) AS avg_delay_days,
       round(cast(sum(shipping_cost) AS double) / count(shipping_cost), 2) AS avg_shipping_cost,
       count(*) FILTER (WHERE delivery_status = 'Delivered') / count(*) * 100 AS on_time_percentage
FROM shipments GROUP BY carrier ORDER BY avg_delay_days

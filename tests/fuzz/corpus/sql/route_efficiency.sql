-- Route efficiency: how long each route takes and what a shipment on it costs
SELECT origin_warehouse, destination_city, count(*) AS total_shipments, avg(route_distance_km) AS avg_distance_km,
       avg(datediff(delivery_date, shipment_date)) AS avg_delivery_time_days,
       cast(sum(shipping_cost) AS double) / count(shipping_cost) AS avg_shipping_cost
FROM shipments GROUP BY origin_warehouse, destination_city ORDER BY avg_delivery_time_days

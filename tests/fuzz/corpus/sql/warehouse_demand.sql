-- Warehouse demand: how many shipments each warehouse sends to each city, the busiest first
SELECT origin_warehouse, destination_city, count(*) AS shipment_count
FROM shipments GROUP BY origin_warehouse, destination_city ORDER BY shipment_count DESC

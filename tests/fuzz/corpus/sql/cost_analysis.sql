-- Cost analysis: what every shipment costs per kilometre, the cheapest first
SELECT carrier, shipment_weight_kg, shipment_volume_m3, shipping_cost, route_distance_km,
       cast(shipping_cost AS double) / route_distance_km AS cost_per_km
FROM shipments ORDER BY cost_per_km

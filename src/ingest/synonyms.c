/* Synonyms; see synonyms.h.
 *
 * A phrase carries how much it says: "scheduled delivery date" is as good as certain, "date" is a hint.  A name that is the
 * phrase gets its weight; one that holds the phrase among other words gets less, the less of the name it is.  Words that
 * speak against a column (a "scheduled" date is no delivery_date) cut the score. */
#include "ingest/synonyms.h"

#include "ingest/units.h"

typedef struct Synonym {
    ShipmentColumnId column;
    double weight;
    const char *phrase;
} Synonym;

#define C(name) SHIPMENT_COLUMN_##name

static const Synonym SYNONYMS[] = {
    {C(ID), 1, "shipment id"},
    {C(ID), 1, "shipment number"},
    {C(ID), 1, "shipment no"},
    {C(ID), .95, "shipment ref"},
    {C(ID), .95, "shipment reference"},
    {C(ID), .95, "consignment"},
    {C(ID), .95, "tracking"},
    {C(ID), .95, "waybill"},
    {C(ID), .9, "awb"},
    {C(ID), .9, "pro number"},
    {C(ID), .85, "bill of lading"},
    {C(ID), .85, "bol"},
    {C(ID), .9, "load id"},
    {C(ID), .9, "delivery id"},
    {C(ID), .85, "delivery number"},
    {C(ID), .9, "parcel id"},
    {C(ID), .9, "package id"},
    {C(ID), .9, "id"},
    {C(ID), .75, "order id"},
    {C(ID), .7, "order number"},
    {C(ID), .7, "order no"},
    {C(ID), .65, "shipment"},
    {C(ID), .6, "reference"},
    {C(ID), .6, "ref"},
    {C(ID), .5, "asn"},
    {C(ID), .45, "order"},
    {C(ID), .45, "number"},
    {C(ID), .4, "no"},
    {C(ID), .4, "key"},
    {C(ID), 1, "sendungsnummer"},
    {C(ID), .95, "sendungs nr"},
    {C(ID), .9, "sendungsnr"},
    {C(ID), .7, "sendung"},
    {C(ID), .8, "lieferscheinnummer"},
    {C(ID), .8, "lieferschein"},
    {C(ID), .7, "auftragsnummer"},
    {C(ID), .8, "numero envio"},
    {C(ID), .8, "expedition"},
    {C(ID), 1, "numero d expedition"},
    {C(ID), .95, "numero de envio"},
    {C(ID), .95, "numero expedition"},
    {C(ID), .9, "n expedition"},
    {C(ID), .9, "id envio"},
    {C(ID), .9, "guia"},
    {C(ID), .85, "bordereau"},
    {C(ORIGIN_WAREHOUSE), 1, "origin warehouse"},
    {C(ORIGIN_WAREHOUSE), .95, "from warehouse"},
    {C(ORIGIN_WAREHOUSE), .92, "origin"},
    {C(ORIGIN_WAREHOUSE), .9, "warehouse"},
    {C(ORIGIN_WAREHOUSE), .88, "ship from"},
    {C(ORIGIN_WAREHOUSE), .85, "from city"},
    {C(ORIGIN_WAREHOUSE), .85, "origin city"},
    {C(ORIGIN_WAREHOUSE), .8, "depot"},
    {C(ORIGIN_WAREHOUSE), .8, "loading place"},
    {C(ORIGIN_WAREHOUSE), .8, "pickup location"},
    {C(ORIGIN_WAREHOUSE), .75, "pickup city"},
    {C(ORIGIN_WAREHOUSE), .75, "shipper city"},
    {C(ORIGIN_WAREHOUSE), .7, "distribution center"},
    {C(ORIGIN_WAREHOUSE), .7, "fulfillment center"},
    {C(ORIGIN_WAREHOUSE), .65, "from"},
    {C(ORIGIN_WAREHOUSE), .65, "dc"},
    {C(ORIGIN_WAREHOUSE), .65, "hub"},
    {C(ORIGIN_WAREHOUSE), .65, "manufacturing site"},
    {C(ORIGIN_WAREHOUSE), .6, "facility"},
    {C(ORIGIN_WAREHOUSE), .6, "plant"},
    {C(ORIGIN_WAREHOUSE), .55, "sender"},
    {C(ORIGIN_WAREHOUSE), .5, "source"},
    {C(ORIGIN_WAREHOUSE), .5, "site"},
    {C(ORIGIN_WAREHOUSE), .45, "supplier"},
    {C(ORIGIN_WAREHOUSE), .45, "vendor"},
    {C(ORIGIN_WAREHOUSE), 1, "versandlager"},
    {C(ORIGIN_WAREHOUSE), .95, "abgangslager"},
    {C(ORIGIN_WAREHOUSE), .9, "lager"},
    {C(ORIGIN_WAREHOUSE), .9, "abgangsort"},
    {C(ORIGIN_WAREHOUSE), .9, "ladeort"},
    {C(ORIGIN_WAREHOUSE), .6, "absender"},
    {C(ORIGIN_WAREHOUSE), .85, "entrepot"},
    {C(ORIGIN_WAREHOUSE), .85, "almacen"},
    {C(ORIGIN_WAREHOUSE), .85, "origen"},
    {C(ORIGIN_WAREHOUSE), .85, "origine"},
    {C(ORIGIN_WAREHOUSE), .95, "entrepot d origine"},
    {C(ORIGIN_WAREHOUSE), .95, "almacen de origen"},
    {C(ORIGIN_WAREHOUSE), .9, "depart"},
    {C(ORIGIN_WAREHOUSE), .85, "bodega"},
    {C(ORIGIN_WAREHOUSE), .8, "lieu de chargement"},
    {C(ORIGIN_WAREHOUSE), .6, "expediteur"},
    {C(ORIGIN_WAREHOUSE), .6, "remitente"},
    {C(DESTINATION_CITY), 1, "destination city"},
    {C(DESTINATION_CITY), .95, "destination"},
    {C(DESTINATION_CITY), .95, "ship to city"},
    {C(DESTINATION_CITY), .9, "to city"},
    {C(DESTINATION_CITY), .9, "delivery city"},
    {C(DESTINATION_CITY), .9, "dest city"},
    {C(DESTINATION_CITY), .85, "dest"},
    {C(DESTINATION_CITY), .85, "consignee city"},
    {C(DESTINATION_CITY), .85, "receiver city"},
    {C(DESTINATION_CITY), .78, "customer city"},
    {C(DESTINATION_CITY), .8, "order city"},
    {C(DESTINATION_CITY), .8, "ship to"},
    {C(DESTINATION_CITY), .75, "drop location"},
    {C(DESTINATION_CITY), .75, "delivery location"},
    {C(DESTINATION_CITY), .7, "city"},
    {C(DESTINATION_CITY), .65, "town"},
    {C(DESTINATION_CITY), .6, "delivery address"},
    {C(DESTINATION_CITY), .6, "to"},
    {C(DESTINATION_CITY), .6, "country"},
    {C(DESTINATION_CITY), .5, "consignee"},
    {C(DESTINATION_CITY), .5, "receiver"},
    {C(DESTINATION_CITY), .4, "region"},
    {C(DESTINATION_CITY), .35, "market"},
    {C(DESTINATION_CITY), .35, "customer"},
    {C(DESTINATION_CITY), .95, "zielort"},
    {C(DESTINATION_CITY), .95, "zielstadt"},
    {C(DESTINATION_CITY), .95, "empfangsort"},
    {C(DESTINATION_CITY), .9, "lieferort"},
    {C(DESTINATION_CITY), .85, "ziel"},
    {C(DESTINATION_CITY), .6, "stadt"},
    {C(DESTINATION_CITY), .55, "ort"},
    {C(DESTINATION_CITY), .5, "empfanger"},
    {C(DESTINATION_CITY), .7, "ville"},
    {C(DESTINATION_CITY), .7, "ciudad"},
    {C(DESTINATION_CITY), .85, "destino"},
    {C(DESTINATION_CITY), .95, "ville de destination"},
    {C(DESTINATION_CITY), .95, "ciudad de destino"},
    {C(DESTINATION_CITY), .95, "ciudad destino"},
    {C(DESTINATION_CITY), .9, "ville de livraison"},
    {C(DESTINATION_CITY), .5, "destinataire"},
    {C(DESTINATION_CITY), .5, "destinatario"},
    {C(DESTINATION_CITY), .6, "pays"},
    {C(DESTINATION_CITY), .6, "pais"},
    {C(CARRIER), 1, "carrier"},
    {C(CARRIER), .95, "shipping company"},
    {C(CARRIER), .9, "courier"},
    {C(CARRIER), .9, "forwarder"},
    {C(CARRIER), .85, "transporter"},
    {C(CARRIER), .85, "transport company"},
    {C(CARRIER), .85, "haulier"},
    {C(CARRIER), .85, "trucking company"},
    {C(CARRIER), .85, "delivery partner"},
    {C(CARRIER), .85, "logistics provider"},
    {C(CARRIER), .8, "scac"},
    {C(CARRIER), .5, "shipper"},
    {C(CARRIER), .45, "provider"},
    {C(CARRIER), .95, "spediteur"},
    {C(CARRIER), .95, "spedition"},
    {C(CARRIER), .95, "frachtfuhrer"},
    {C(CARRIER), .9, "transporteur"},
    {C(CARRIER), .9, "transportista"},
    {C(CARRIER), .9, "empresa de transporte"},
    {C(CARRIER), .85, "societe de transport"},
    {C(TRANSPORT_MODE), 1, "transport mode"},
    {C(TRANSPORT_MODE), 1, "shipment mode"},
    {C(TRANSPORT_MODE), 1, "mode of transport"},
    {C(TRANSPORT_MODE), 1, "mode of shipment"},
    {C(TRANSPORT_MODE), .95, "shipping mode"},
    {C(TRANSPORT_MODE), .9, "mode"},
    {C(TRANSPORT_MODE), .8, "mot"},
    {C(TRANSPORT_MODE), .5, "transport"},
    {C(TRANSPORT_MODE), .45, "service"},
    {C(TRANSPORT_MODE), .95, "verkehrstrager"},
    {C(TRANSPORT_MODE), .9, "transportmittel"},
    {C(TRANSPORT_MODE), .9, "transportart"},
    {C(TRANSPORT_MODE), .85, "versandart"},
    {C(TRANSPORT_MODE), .95, "mode de transport"},
    {C(TRANSPORT_MODE), .95, "modo de transporte"},
    {C(WEIGHT_KG), 1, "weight"},
    {C(WEIGHT_KG), 1, "gross weight"},
    {C(WEIGHT_KG), .8, "wt"},
    {C(WEIGHT_KG), .85, "kg"},
    {C(WEIGHT_KG), .85, "kgs"},
    {C(WEIGHT_KG), .85, "kilograms"},
    {C(WEIGHT_KG), .85, "lb"},
    {C(WEIGHT_KG), .85, "lbs"},
    {C(WEIGHT_KG), .85, "pounds"},
    {C(WEIGHT_KG), .95, "gewicht"},
    {C(WEIGHT_KG), .95, "bruttogewicht"},
    {C(WEIGHT_KG), .9, "poids"},
    {C(WEIGHT_KG), .9, "peso"},
    {C(WEIGHT_KG), 1, "poids brut"},
    {C(WEIGHT_KG), 1, "peso bruto"},
    {C(VOLUME_M3), 1, "volume"},
    {C(VOLUME_M3), .9, "cbm"},
    {C(VOLUME_M3), .85, "vol"},
    {C(VOLUME_M3), .7, "cube"},
    {C(VOLUME_M3), .95, "volumen"},
    {C(DISTANCE_KM), 1, "distance"},
    {C(DISTANCE_KM), .95, "mileage"},
    {C(DISTANCE_KM), .85, "miles"},
    {C(DISTANCE_KM), .8, "kilometers"},
    {C(DISTANCE_KM), .8, "kilometres"},
    {C(DISTANCE_KM), .8, "km"},
    {C(DISTANCE_KM), .95, "entfernung"},
    {C(DISTANCE_KM), .9, "distanz"},
    {C(DISTANCE_KM), .85, "strecke"},
    {C(DISTANCE_KM), .9, "distancia"},
    {C(DISTANCE_KM), .85, "recorrido"},
    {C(SHIPMENT_DATE), 1, "shipment date"},
    {C(SHIPMENT_DATE), .98, "ship date"},
    {C(SHIPMENT_DATE), .98, "shipping date"},
    {C(SHIPMENT_DATE), .98, "shipped date"},
    {C(SHIPMENT_DATE), .98, "date shipped"},
    {C(SHIPMENT_DATE), .95, "dispatch date"},
    {C(SHIPMENT_DATE), .95, "despatch date"},
    {C(SHIPMENT_DATE), .9, "dispatched"},
    {C(SHIPMENT_DATE), .9, "shipped"},
    {C(SHIPMENT_DATE), .9, "departure date"},
    {C(SHIPMENT_DATE), .9, "actual departure"},
    {C(SHIPMENT_DATE), .85, "departed"},
    {C(SHIPMENT_DATE), .85, "departure"},
    {C(SHIPMENT_DATE), .9, "pickup date"},
    {C(SHIPMENT_DATE), .9, "pick up date"},
    {C(SHIPMENT_DATE), .85, "picked up"},
    {C(SHIPMENT_DATE), .85, "collection date"},
    {C(SHIPMENT_DATE), .8, "pickup"},
    {C(SHIPMENT_DATE), .8, "sent date"},
    {C(SHIPMENT_DATE), .8, "date sent"},
    {C(SHIPMENT_DATE), .75, "shipping"},
    {C(SHIPMENT_DATE), .6, "order date"},
    {C(SHIPMENT_DATE), .5, "created"},
    {C(SHIPMENT_DATE), .5, "date"},
    {C(SHIPMENT_DATE), .97, "versanddatum"},
    {C(SHIPMENT_DATE), .9, "abgangsdatum"},
    {C(SHIPMENT_DATE), .9, "abholdatum"},
    {C(SHIPMENT_DATE), .9, "verladedatum"},
    {C(SHIPMENT_DATE), .85, "versendet"},
    {C(SHIPMENT_DATE), .8, "versand"},
    {C(SHIPMENT_DATE), .45, "datum"},
    {C(SHIPMENT_DATE), .97, "date d expedition"},
    {C(SHIPMENT_DATE), .97, "date expedition"},
    {C(SHIPMENT_DATE), .97, "fecha de envio"},
    {C(SHIPMENT_DATE), .97, "fecha envio"},
    {C(SHIPMENT_DATE), .9, "date de depart"},
    {C(SHIPMENT_DATE), .6, "date de commande"},
    {C(SHIPMENT_DATE), .6, "fecha de pedido"},
    {C(SHIPMENT_DATE), .9, "fecha de salida"},
    {C(SHIPMENT_DATE), .85, "date d enlevement"},
    {C(SHIPMENT_DATE), .85, "fecha de recogida"},
    {C(SHIPMENT_DATE), .45, "fecha"},
    {C(PROMISED_DATE), 1, "promised delivery date"},
    {C(PROMISED_DATE), 1, "promised"},
    {C(PROMISED_DATE), 1, "scheduled delivery date"},
    {C(PROMISED_DATE), 1, "scheduled delivery"},
    {C(PROMISED_DATE), 1, "planned delivery"},
    {C(PROMISED_DATE), .98, "expected delivery"},
    {C(PROMISED_DATE), .98, "estimated delivery"},
    {C(PROMISED_DATE), .98, "requested delivery"},
    {C(PROMISED_DATE), .98, "required delivery"},
    {C(PROMISED_DATE), .95, "expected arrival"},
    {C(PROMISED_DATE), .95, "scheduled arrival"},
    {C(PROMISED_DATE), .95, "planned arrival"},
    {C(PROMISED_DATE), .9, "commit date"},
    {C(PROMISED_DATE), .9, "due date"},
    {C(PROMISED_DATE), .9, "eta"},
    {C(PROMISED_DATE), .85, "rdd"},
    {C(PROMISED_DATE), .85, "due"},
    {C(PROMISED_DATE), .85, "deliver by"},
    {C(PROMISED_DATE), .7, "promise"},
    {C(PROMISED_DATE), .95, "liefertermin"},
    {C(PROMISED_DATE), .97, "zugesagt"},
    {C(PROMISED_DATE), .97, "geplantes lieferdatum"},
    {C(PROMISED_DATE), .97, "soll lieferdatum"},
    {C(PROMISED_DATE), .9, "wunschtermin"},
    {C(PROMISED_DATE), .97, "livraison prevue"},
    {C(PROMISED_DATE), .97, "date de livraison prevue"},
    {C(PROMISED_DATE), .97, "entrega prevista"},
    {C(PROMISED_DATE), .97, "fecha prevista"},
    {C(PROMISED_DATE), .97, "fecha de entrega prevista"},
    {C(PROMISED_DATE), .9, "date promise"},
    {C(PROMISED_DATE), .9, "fecha prometida"},
    {C(DELIVERY_DATE), 1, "delivery date"},
    {C(DELIVERY_DATE), 1, "delivered date"},
    {C(DELIVERY_DATE), 1, "date delivered"},
    {C(DELIVERY_DATE), 1, "actual delivery"},
    {C(DELIVERY_DATE), .95, "delivered"},
    {C(DELIVERY_DATE), .9, "arrival date"},
    {C(DELIVERY_DATE), .9, "actual arrival"},
    {C(DELIVERY_DATE), .85, "arrival"},
    {C(DELIVERY_DATE), .85, "arrived"},
    {C(DELIVERY_DATE), .85, "pod date"},
    {C(DELIVERY_DATE), .8, "received date"},
    {C(DELIVERY_DATE), .6, "delivery"},
    {C(DELIVERY_DATE), .5, "received"},
    {C(DELIVERY_DATE), 1, "lieferdatum"},
    {C(DELIVERY_DATE), .97, "zustelldatum"},
    {C(DELIVERY_DATE), .9, "zugestellt"},
    {C(DELIVERY_DATE), .9, "geliefert"},
    {C(DELIVERY_DATE), .9, "ankunft"},
    {C(DELIVERY_DATE), 1, "date de livraison"},
    {C(DELIVERY_DATE), 1, "date livraison"},
    {C(DELIVERY_DATE), 1, "fecha de entrega"},
    {C(DELIVERY_DATE), 1, "fecha entrega"},
    {C(DELIVERY_DATE), .9, "livre le"},
    {C(DELIVERY_DATE), .9, "entregado"},
    {C(DELIVERY_DATE), .85, "llegada"},
    {C(DELIVERY_DATE), .85, "arrivee"},
    {C(COST), 1, "shipping cost"},
    {C(COST), 1, "freight cost"},
    {C(COST), 1, "shipment cost"},
    {C(COST), .97, "transport cost"},
    {C(COST), .95, "freight charge"},
    {C(COST), .95, "freight charges"},
    {C(COST), .95, "shipping charge"},
    {C(COST), .95, "shipping charges"},
    {C(COST), .95, "shipping fee"},
    {C(COST), .95, "delivery cost"},
    {C(COST), .9, "delivery fee"},
    {C(COST), .5, "freight"},
    {C(COST), .8, "linehaul"},
    {C(COST), .8, "line haul"},
    {C(COST), .75, "total cost"},
    {C(COST), .7, "cost"},
    {C(COST), .6, "total charge"},
    {C(COST), .6, "charge"},
    {C(COST), .55, "charges"},
    {C(COST), .5, "fee"},
    {C(COST), .5, "rate"},
    {C(COST), .45, "amount"},
    {C(COST), .45, "price"},
    {C(COST), 1, "frachtkosten"},
    {C(COST), 1, "versandkosten"},
    {C(COST), .95, "transportkosten"},
    {C(COST), .8, "fracht"},
    {C(COST), .75, "kosten"},
    {C(COST), .5, "betrag"},
    {C(COST), .5, "preis"},
    {C(COST), .7, "costo"},
    {C(COST), .7, "cout"},
    {C(COST), 1, "cout de transport"},
    {C(COST), 1, "cout du transport"},
    {C(COST), 1, "coste de envio"},
    {C(COST), 1, "costo de envio"},
    {C(COST), .95, "frais de port"},
    {C(COST), .95, "frais de transport"},
    {C(COST), .9, "flete"},
    {C(COST), .9, "fret"},
    {C(COST), .7, "coste"},
    {C(COST), .5, "montant"},
    {C(COST), .5, "importe"},
    {C(COST), .5, "precio"},
    {C(COST), .5, "prix"},
    {C(FUEL_SURCHARGE), 1, "fuel surcharge"},
    {C(FUEL_SURCHARGE), .9, "fsc"},
    {C(FUEL_SURCHARGE), .8, "fuel"},
    {C(FUEL_SURCHARGE), .6, "surcharge"},
    {C(FUEL_SURCHARGE), .97, "dieselzuschlag"},
    {C(FUEL_SURCHARGE), .97, "treibstoffzuschlag"},
    {C(FUEL_SURCHARGE), .9, "maut"},
    {C(FUEL_SURCHARGE), .97, "surcharge carburant"},
    {C(FUEL_SURCHARGE), .97, "recargo combustible"},
    {C(FUEL_SURCHARGE), .97, "recargo por combustible"},
    {C(FUEL_SURCHARGE), .9, "carburant"},
    {C(FUEL_SURCHARGE), .9, "combustible"},
    {C(CURRENCY), 1, "currency"},
    {C(CURRENCY), .95, "currency code"},
    {C(CURRENCY), .8, "curr"},
    {C(CURRENCY), .95, "wahrung"},
    {C(CURRENCY), .9, "waehrung"},
    {C(CURRENCY), .9, "devise"},
    {C(CURRENCY), .9, "moneda"},
    {C(STATUS), 1, "delivery status"},
    {C(STATUS), .98, "shipment status"},
    {C(STATUS), .95, "shipping status"},
    {C(STATUS), .9, "status"},
    {C(STATUS), .5, "state"},
    {C(STATUS), .97, "lieferstatus"},
    {C(STATUS), .97, "sendungsstatus"},
    {C(STATUS), .8, "estado"},
    {C(STATUS), .8, "statut"},
    {C(STATUS), .97, "statut de livraison"},
    {C(STATUS), .97, "estado de entrega"},
    {C(STATUS), .97, "estado del envio"},
    {C(DELAY_DAYS), 1, "delay days"},
    {C(DELAY_DAYS), 1, "days late"},
    {C(DELAY_DAYS), 1, "days delayed"},
    {C(DELAY_DAYS), .8, "delay"},
    {C(DELAY_DAYS), .95, "verzogerung"},
    {C(DELAY_DAYS), .95, "verspaetung"},
    {C(DELAY_DAYS), .95, "jours de retard"},
    {C(DELAY_DAYS), .95, "dias de retraso"},
    {C(DELAY_DAYS), .8, "retard"},
    {C(DELAY_DAYS), .8, "retraso"},
    {C(UPDATED_AT), 1, "updated at"},
    {C(UPDATED_AT), .95, "last updated"},
    {C(UPDATED_AT), .95, "last update"},
    {C(UPDATED_AT), .95, "last modified"},
    {C(UPDATED_AT), .9, "modified at"},
    {C(UPDATED_AT), .85, "updated"},
    {C(UPDATED_AT), .85, "modified"},
    {C(UPDATED_AT), .8, "changed at"},
    {C(UPDATED_AT), .9, "geandert"},
    {C(UPDATED_AT), .9, "geaendert"},
};

/* Words in a name that say it is something else. */
static const Synonym AGAINST[] = {
    {C(ID), .3, "customer"},
    {C(ID), .3, "vendor"},
    {C(ID), .3, "product"},
    {C(ID), .3, "item"},
    {C(ID), .3, "carrier"},
    {C(ID), .3, "warehouse"},
    {C(ID), .4, "line"},
    {C(ID), .3, "phone"},
    {C(ID), .3, "category"},
    {C(ID), .3, "department"},
    {C(ID), .3, "date"},
    {C(ID), .3, "status"},
    {C(ID), .3, "cost"},
    {C(ID), .3, "mode"},
    {C(ID), .2, "weight"},
    {C(ID), .3, "city"},
    {C(ID), .4, "truck"},
    {C(ID), .4, "driver"},
    {C(ID), .5, "po"},
    {C(ID), .5, "invoice"},
    {C(ID), .6, "pq"},
    {C(ORIGIN_WAREHOUSE), .2, "date"},
    {C(ORIGIN_WAREHOUSE), .4, "inco"},
    {C(ORIGIN_WAREHOUSE), .4, "term"},
    {C(ORIGIN_WAREHOUSE), .5, "country"},
    {C(ORIGIN_WAREHOUSE), .3, "zip"},
    {C(ORIGIN_WAREHOUSE), .3, "postal"},
    {C(ORIGIN_WAREHOUSE), .3, "lat"},
    {C(ORIGIN_WAREHOUSE), .3, "lon"},
    {C(ORIGIN_WAREHOUSE), .6, "state"},
    {C(DESTINATION_CITY), .2, "date"},
    {C(DESTINATION_CITY), .3, "zip"},
    {C(DESTINATION_CITY), .3, "postal"},
    {C(DESTINATION_CITY), .4, "origin"},
    {C(DESTINATION_CITY), .4, "from"},
    {C(DESTINATION_CITY), .4, "shipper"},
    {C(DESTINATION_CITY), .3, "lat"},
    {C(DESTINATION_CITY), .3, "lon"},
    {C(DESTINATION_CITY), .4, "pickup"},
    {C(DESTINATION_CITY), .6, "state"},
    {C(DESTINATION_CITY), .7, "segment"},
    {C(DESTINATION_CITY), .4, "email"},
    {C(DESTINATION_CITY), .6, "country"},
    {C(CARRIER), .4, "id"},
    {C(CARRIER), .2, "date"},
    {C(CARRIER), .3, "cost"},
    {C(CARRIER), .3, "city"},
    {C(TRANSPORT_MODE), .3, "payment"},
    {C(TRANSPORT_MODE), .3, "cost"},
    {C(TRANSPORT_MODE), .3, "date"},
    {C(TRANSPORT_MODE), .3, "company"},
    {C(WEIGHT_KG), .7, "net"},
    {C(WEIGHT_KG), .8, "volumetric"},
    {C(WEIGHT_KG), .4, "unit"},
    {C(WEIGHT_KG), .4, "cost"},
    {C(VOLUME_M3), .5, "unit"},
    {C(SHIPMENT_DATE), .4, "delivery"},
    {C(SHIPMENT_DATE), .4, "delivered"},
    {C(SHIPMENT_DATE), .5, "scheduled"},
    {C(SHIPMENT_DATE), .5, "planned"},
    {C(SHIPMENT_DATE), .5, "expected"},
    {C(SHIPMENT_DATE), .5, "estimated"},
    {C(SHIPMENT_DATE), .3, "arrival"},
    {C(SHIPMENT_DATE), .3, "due"},
    {C(SHIPMENT_DATE), .4, "invoice"},
    {C(SHIPMENT_DATE), .3, "birth"},
    {C(SHIPMENT_DATE), .5, "po"},
    {C(SHIPMENT_DATE), .5, "quote"},
    {C(SHIPMENT_DATE), .5, "recorded"},
    {C(PROMISED_DATE), .3, "actual"},
    {C(DELIVERY_DATE), .2, "scheduled"},
    {C(DELIVERY_DATE), .2, "planned"},
    {C(DELIVERY_DATE), .2, "promised"},
    {C(DELIVERY_DATE), .2, "expected"},
    {C(DELIVERY_DATE), .2, "estimated"},
    {C(DELIVERY_DATE), .3, "requested"},
    {C(DELIVERY_DATE), .3, "required"},
    {C(DELIVERY_DATE), .3, "due"},
    {C(DELIVERY_DATE), .5, "recorded"},
    {C(DELIVERY_DATE), .2, "status"},
    {C(DELIVERY_DATE), .4, "carrier"},
    {C(DELIVERY_DATE), .2, "prevue"},
    {C(DELIVERY_DATE), .2, "prevista"},
    {C(DELIVERY_DATE), .2, "geplantes"},
    {C(DELIVERY_DATE), .3, "cost"},
    {C(COST), .4, "insurance"},
    {C(COST), .5, "unit"},
    {C(COST), .3, "fuel"},
    {C(COST), .5, "product"},
    {C(COST), .5, "pack"},
    {C(COST), .5, "currency"},
    {C(COST), .4, "surcharge"},
    {C(COST), .3, "rating"},
    {C(COST), .5, "discount"},
    {C(COST), .6, "item"},
    {C(STATUS), .4, "payment"},
    {C(STATUS), .4, "order"},
    {C(STATUS), .4, "customer"},
    {C(DELAY_DAYS), .5, "reason"},
    {C(DELAY_DAYS), .1, "hours"},
    {C(DELAY_DAYS), .1, "hour"},
    {C(DELAY_DAYS), .1, "hrs"},
    {C(DELAY_DAYS), .1, "h"},
    {C(DELAY_DAYS), .1, "minutes"},
    {C(DELAY_DAYS), .1, "mins"},
    {C(DELAY_DAYS), .1, "min"},
    {C(DELAY_DAYS), .1, "seconds"},
    {C(DELAY_DAYS), .1, "stunden"},
    {C(DELAY_DAYS), .1, "minuten"},
    {C(DELAY_DAYS), .1, "heures"},
    {C(DELAY_DAYS), .1, "horas"},
    {C(DELAY_DAYS), .1, "minutos"},
};

/* ---- Names ---- */

static bool is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_upper(unsigned char c)
{
    return c >= 'A' && c <= 'Z';
}
static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static void add_word(NameTokens *tokens, const char *word, size_t size, bool bracketed, Arena *arena)
{
    if (size == 0 || tokens->n == NAME_MAX_TOKENS)
        return;
    char *copy = arena_alloc(arena, 2 * size + 3);
    CHECK(text_fold((StrView){word, (uint32_t)size}, copy, 2 * size + 3));
    if (strcmp(copy, "nr") == 0 || strcmp(copy, "num") == 0 || strcmp(copy, "nummer") == 0)
        copy = arena_strdup(arena, "number");
    tokens->words[tokens->n] = copy;
    tokens->bracketed[tokens->n++] = bracketed;
}

void name_tokens(StrView name, Arena *arena, NameTokens *ret_tokens)
{
    const unsigned char *text = (const unsigned char *)name.data;
    bool bracketed = false;
    uint32_t start = 0;
    *ret_tokens = (NameTokens){.n = 0};
    for (uint32_t i = 0; i <= name.size; i++) {
        unsigned char c = i < name.size ? text[i] : ' ';
        bool letter = is_lower(c) || is_upper(c) || is_digit(c) || c >= 0x80;
        bool hump = i > start && letter && is_upper(c) &&
                    (is_lower(text[i - 1]) || (i + 1 < name.size && is_upper(text[i - 1]) && is_lower(text[i + 1])));
        if (letter && !hump)
            continue;
        add_word(ret_tokens, name.data + start, i - start, bracketed, arena);
        start = letter ? i : i + 1;
        if (c == '#' || c == '$')
            add_word(ret_tokens, c == '#' ? "number" : "$", c == '#' ? 6 : 1, bracketed, arena);
        bracketed = c == '(' || c == '[' || (bracketed && c != ')' && c != ']');
    }
}

static bool is_unit_word(ShipmentColumnId column, const NameTokens *tokens, uint32_t i)
{
    return unit_find(column, str_view(tokens->words[i])) != NULL || currency_code(str_view(tokens->words[i])) != NULL;
}

/* How many words of the name the phrase covers; 0: it does not stand there. */
static uint32_t phrase_words(const char *phrase, const NameTokens *tokens)
{
    for (uint32_t first = 0; first < tokens->n; first++) {
        const char *at = phrase;
        uint32_t n = 0;
        while (*at && first + n < tokens->n) {
            size_t length = strcspn(at, " ");
            const char *word = tokens->words[first + n];
            if (strlen(word) != length || memcmp(word, at, length) != 0)
                break;
            at += length + (at[length] == ' ');
            n++;
        }
        if (!*at)
            return n;
    }
    return 0;
}

/* Words that say nothing of what the column holds. */
static bool is_filler(const char *word)
{
    static const char *const fillers[] = {"name", "code", "value", "at", "of", "the", "number", "no", "text"};
    for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
        if (strcmp(fillers[i], word) == 0)
            return true;
    return false;
}

double name_score(ShipmentColumnId column, const NameTokens *tokens)
{
    double best = 0;
    uint32_t said = 0; /* words that are more than a unit, in brackets or at the end */
    for (uint32_t i = 0; i < tokens->n; i++)
        said += !(tokens->n > 1 && i > 0 &&
                  (tokens->bracketed[i] || is_unit_word(column, tokens, i) || is_filler(tokens->words[i])));
    NameTokens own;
    Arena arena;
    arena_init(&arena);
    name_tokens(str_view(shipment_column(column)->name), &arena, &own);
    bool same = own.n == tokens->n;
    for (uint32_t i = 0; i < own.n && same; i++)
        same = strcmp(own.words[i], tokens->words[i]) == 0;
    arena_done(&arena);
    if (same)
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(SYNONYMS); i++) {
        if (SYNONYMS[i].column != column)
            continue;
        uint32_t covered = phrase_words(SYNONYMS[i].phrase, tokens);
        if (covered == 0)
            continue;
        double share = said > covered ? (double)covered / said : 1;
        double score = SYNONYMS[i].weight * (0.55 + 0.45 * share);
        best = score > best ? score : best;
    }
    double weight = 1;
    for (size_t i = 0; i < ARRAY_SIZE(AGAINST); i++)
        if (AGAINST[i].column == column && phrase_words(AGAINST[i].phrase, tokens) > 0 && AGAINST[i].weight < weight)
            weight = AGAINST[i].weight;
    /* "country" speaks for a destination only where nothing nearer to a city does. */
    return tokens->n == 1 && best > 0 && weight > 0.5 ? best : best * weight;
}

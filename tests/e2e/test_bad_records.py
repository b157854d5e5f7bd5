#!/usr/bin/env python3
"""Bad records: every reason and every flaw, in every form of file, down to the row, the column and the client's text.

A form writes the same records as CSV of many kinds, NDJSON or Parquet.  Good records, some over several lines, stand around
each bad one, and every file goes into one lake, each form as a client of its own.  What is expected comes from the tables
below, never from the program.
"""

import dataclasses
import datetime
import decimal
import hashlib
import json
import os
import pathlib
import random
import re
import sys
import tempfile
import textwrap
import unittest

import pyarrow
import pyarrow.parquet
from lakes import Lake, run

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", random.randrange(1 << 30)))
LIMIT = 1 << 20  # bytes of a record

Record = dict[str, str | None]
Reason = tuple[str, str, str]  # code, canonical column, the client's text

CONFIG = """
currency: EUR
exchange_rates:
  - {currency: USD, date: 2025-01-01, rate: 0.9}
  - {currency: USD, date: 2025-06-01, rate: 0.8}
  - {currency: XTS, date: 2020-01-01, rate: 1000000000000}
"""

COLUMNS = """
zone: Europe/Zurich
max_rejected_share: 1
nulls: ["N/A", not known]
columns:
  shipment_id: @Id
  origin_warehouse: {from: @From, nulls: ["-"]}
  destination_city: {from: @To, null_patterns: ["See *"]}
  carrier: @Carrier
  transport_mode: {from: @Mode, values: {Truck: Road, Plane: Air, Ship: Sea, on foot: ~}, others: reject}
  shipment_weight_kg: {from: @Weight, unit: lb, thousands: ","}
  shipment_volume_m3: @Volume
  route_distance_km: {from: @Distance, unit: mi}
  shipment_date: @Shipped
  promised_delivery_date: {from: @Promised, dates: [dd.MM.yyyy, yyyy-MM-dd]}
  delivery_date: @Delivered
  shipping_cost: @Cost
  fuel_surcharge: @Fuel
  currency: @Currency
  delivery_status: {from: @Status, values: {zugestellt: Delivered}}
  delay_days: @Delay
  updated_at: @Updated
rules:
  - {column: route_distance_km, max: 20000, code: too_far}
  - {column: shipment_volume_m3, min: 0.01, max: 500}
  - {column: carrier, allowed: [UPS, DHL, "Kühne + Nagel"], code: no_contract, message: we have no contract with it}
  - {column: transport_mode, allowed: [Road, Air], code: mode_not_served}
  - {column: shipment_date, min: 2020-01-01, max: 2030-12-31, code: not_our_time}
  - {column: shipping_cost, max: 90000.5, code: too_dear}
  - {column: delay_days, max: 365, code: forgotten}
  - {column: updated_at, min: 2000-01-01, code: before_all}
  - {column: delivery_status, allowed: [Delivered, Delayed, In Transit, Cancelled, Returned], code: we_lose_nothing}
  - {expression: fuel_surcharge <= shipping_cost, code: surcharge_above_cost, message: more surcharge than cost}
  - {expression: "shipment_weight_kg < 50000 OR transport_mode = 'Road'"}
"""

NAMES = [
    "Id", "Note", "From", "To", "Carrier", "Mode", "Weight", "Volume", "Distance", "Shipped", "Promised", "Delivered",
    "Cost", "Fuel", "Currency", "Status", "Delay", "Updated",
]  # fmt: skip


def good(number: int) -> Record:
    return {
        "Id": f"S{number}",
        "Note": random.choice(["", "fragile", 'say "please"', "a,b;c\td", "été"]),
        "From": random.choice(["Basel", "Zürich"]),
        "To": random.choice(["Bern", "Genève", "Chur"]),
        "Carrier": random.choice(["UPS", "DHL", "Kühne + Nagel", ""]),
        "Mode": random.choice(["Truck", "plane", "ON FOOT", ""]),
        "Weight": random.choice(["12.5", "1,234.5", "7 lb", ""]),
        "Volume": random.choice(["1", "0.75", None]),
        "Distance": random.choice(["100", "12.5", ""]),
        "Shipped": "2025-03-03",
        "Promised": random.choice(["05.03.2025", "2025-03-05", ""]),
        "Delivered": random.choice(["2025-03-04", "2025-03-07", ""]),
        "Cost": random.choice(["100", "99.99", ""]),
        "Fuel": random.choice(["1.5", "0", "N/A"]),
        "Currency": random.choice(["EUR", "USD", "usd"]),
        "Status": random.choice(["zugestellt", "delayed", "Cancelled", "", "not known"]),
        "Delay": "",
        "Updated": random.choice(["2025-03-08 12:00:00", "2025-03-08T12:00:00Z", ""]),
    }


@dataclasses.dataclass
class Case:
    change: Record
    reasons: list[Reason]


def of_column(column: str, canonical: str, code: str, *texts: str | None, **others: str) -> list[Case]:
    return [Case({column: text, **others}, [(code, canonical, text or "")]) for text in texts]


def cases() -> list[Case]:
    """One reason each."""
    far = {"Mode": "Truck", "Weight": "", "Volume": "1", "Distance": "", "Fuel": "", "Currency": "EUR", "Status": ""}
    paid = {"Cost": "100", "Fuel": ""}
    return [
        *of_column("Id", "shipment_id", "missing", "", None, "   ", "N/A", " not KNOWN "),
        *of_column("From", "origin_warehouse", "missing", "", "-", "n/a"),
        *of_column("To", "destination_city", "missing", None, "See DN-304 (ID#:10589)", "see also"),
        *[
            Case(
                {"Shipped": a, "Delivered": b, "Promised": "2025-03-05", "Cost": "", "Fuel": ""}, [("no_date", "", "")]
            )
            for a, b in [("", ""), (None, "N/A"), ("not known", "  ")]
        ],
        *of_column("Weight", "shipment_weight_kg", "not_a_number", "heavy", "1e", "0x10", "12.5.1", "1,23", "-", "NaN"),
        *of_column("Weight", "shipment_weight_kg", "not_a_number", "12 kg", "Infinity", "١٢"),
        *of_column("Volume", "shipment_volume_m3", "not_a_number", "1,5", "1 m3", "--1", "."),
        *of_column("Distance", "route_distance_km", "not_a_number", "100 km", "1e+", "1'000"),
        *of_column("Cost", "shipping_cost", "not_a_number", "Freight Included in Commodity Cost", "$5", Fuel=""),
        *of_column("Fuel", "fuel_surcharge", "not_a_number", "2%", Cost="100"),
        *of_column("Delay", "delay_days", "not_a_number", "1.5", "two", "1e-1"),
        *of_column(
            "Shipped",
            "shipment_date",
            "not_a_date",
            "2025-02-30",
            "2025-13-01",
            "31.12.2025",
            "2025-3-3",
            Currency="EUR",
        ),
        *of_column(
            "Shipped", "shipment_date", "not_a_date", "0", "2025-03-03 10:00:00", "Date Not Captured", Currency="EUR"
        ),
        *of_column("Promised", "promised_delivery_date", "not_a_date", "29.02.2025", "5.3.2025", "2025/03/05"),
        *of_column("Delivered", "delivery_date", "not_a_date", "2025-00-01", "yesterday", "2025-03-04Z"),
        *of_column("Updated", "updated_at", "not_a_date", "2025-03-08 25:00:00", "noon", "1741435200"),
        *of_column("Weight", "shipment_weight_kg", "out_of_range", "1e400"),
        *of_column("Cost", "shipping_cost", "out_of_range", "123456789012345", "1e300", Fuel=""),
        *of_column("Delay", "delay_days", "out_of_range", "3000000000", "1e30"),
        *of_column("Weight", "shipment_weight_kg", "weight_not_positive", "0", "-1", "-0.0", "0 lb", "0e9"),
        *of_column("Volume", "shipment_volume_m3", "negative", "-0.1"),
        *of_column("Distance", "route_distance_km", "negative", "-1", "-1e-9"),
        *of_column("Cost", "shipping_cost", "negative", "-0.01", Fuel=""),
        *of_column("Fuel", "fuel_surcharge", "negative", "-1", Cost="100"),
        *of_column("Delay", "delay_days", "negative", "-1"),
        *of_column("Delivered", "delivery_date", "delivered_before_shipped", "2025-03-02", "1970-01-01"),
        *of_column("Status", "delivery_status", "unknown_status", "Teleported", "delivered!", "Delayed 3 days"),
        *of_column("Mode", "transport_mode", "not_translated", "Sledge", "Road", "Truck+Plane"),
        *of_column(
            "Carrier",
            "carrier",
            "control_character",
            "U\x07PS",
            "UPS\x7f",
            "D\x1fHL",
            "U\tPS",
            "x\u0081y",
            "U\0PS",
            "\0",
        ),
        *of_column("Id", "shipment_id", "control_character", "S\x01", "\0S1", "S1\0"),
        *of_column("To", "destination_city", "control_character", "Bern\nWest", "Bern\r\nWest", "\rBern"),
        *of_column("Id", "shipment_id", "too_long", "x" * 201, "ü" * 101),
        *of_column("Carrier", "carrier", "too_long", "c" * 1001, "é" * 501),
        *of_column("Status", "delivery_status", "too_long", "d" * 1001),
        *of_column("Currency", "currency", "no_currency", "zzy", "EURO", "€", "$", "US", **paid),
        *of_column("Currency", "currency", "no_currency", "", "N/A", None, **paid),
        *of_column("Currency", "currency", "no_currency", "", Cost="", Fuel="2"),
        *of_column("Currency", "currency", "no_exchange_rate", "JPY", "CHF", **paid),
        *of_column("Currency", "currency", "no_exchange_rate", "USD", **paid, Shipped="2024-12-31"),
        *of_column("Distance", "route_distance_km", "too_far", "12428", **{**far, "Distance": "12428"}),
        *of_column("Volume", "shipment_volume_m3", "client_rule", "0.001", "500.1"),
        *of_column("Carrier", "carrier", "no_contract", "FedEx", "ups"),
        *of_column("Mode", "transport_mode", "mode_not_served", "Ship", Weight="10"),
        *of_column("Shipped", "shipment_date", "not_our_time", "2019-12-31", **{**far, "Cost": ""}),
        *of_column(
            "Shipped", "shipment_date", "not_our_time", "2031-01-01", Delivered="", Promised="", Cost="", Fuel=""
        ),
        *of_column("Cost", "shipping_cost", "too_dear", "90000.5001", "112501", Fuel="", Currency="EUR"),
        *of_column("Delay", "delay_days", "forgotten", "366"),
        *of_column("Updated", "updated_at", "before_all", "1999-12-31 23:00:00"),
        *of_column("Status", "delivery_status", "we_lose_nothing", "lost"),
        Case({"Cost": "1", "Fuel": "1.01", "Currency": "USD"}, [("surcharge_above_cost", "", "")]),
        Case({"Mode": "plane", "Weight": "999,999"}, [("client_rule", "", "")]),
    ]


def many_reasons() -> list[Case]:
    """In the order of the contract's columns, then what is of the whole record, then the client's rules."""
    return [
        Case(
            {
                "Id": " ", "From": "N/A", "To": "See it", "Carrier": "FedEx", "Mode": "Sledge", "Weight": "heavy",
                "Volume": "-1", "Distance": "99999", "Shipped": "2025-02-30", "Promised": "soon", "Delivered": "N/A",
                "Cost": "-12", "Fuel": "x", "Currency": "euro", "Status": "Teleported", "Delay": "-3", "Updated": "?",
            },
            [
                ("missing", "shipment_id", " "), ("missing", "origin_warehouse", "N/A"),
                ("missing", "destination_city", "See it"), ("not_translated", "transport_mode", "Sledge"),
                ("not_a_number", "shipment_weight_kg", "heavy"), ("negative", "shipment_volume_m3", "-1"),
                ("not_a_date", "shipment_date", "2025-02-30"), ("not_a_date", "promised_delivery_date", "soon"),
                ("negative", "shipping_cost", "-12"), ("not_a_number", "fuel_surcharge", "x"),
                ("no_currency", "currency", "euro"), ("unknown_status", "delivery_status", "Teleported"),
                ("negative", "delay_days", "-3"), ("not_a_date", "updated_at", "?"), ("too_far", "route_distance_km", "99999"),
                ("no_contract", "carrier", "FedEx"),
            ],
        ),
        Case(
            {"Shipped": "2025-03-03", "Delivered": "2025-03-01", "Cost": "5", "Fuel": "9", "Currency": "JPY"},
            [("delivered_before_shipped", "delivery_date", "2025-03-01"), ("no_exchange_rate", "currency", "JPY")],
        ),
        Case(  # no day, no rate: the day is what is wrong
            {"Shipped": "noon", "Delivered": "", "Cost": "100", "Fuel": "", "Currency": "USD"},
            [("not_a_date", "shipment_date", "noon")],
        ),
        Case({"Shipped": "", "Delivered": "", "Cost": "100", "Fuel": "", "Currency": "USD"}, [("no_date", "", "")]),
        Case(
            {"Shipped": "", "Delivered": "", "Promised": "soon", "Cost": "", "Fuel": ""},
            [("not_a_date", "promised_delivery_date", "soon"), ("no_date", "", "")],
        ),
        Case(  # no amount in the lake's currency: nothing a rule could compare
            {"Cost": "200000", "Fuel": "", "Currency": "CHF"}, [("no_exchange_rate", "currency", "CHF")]
        ),
        Case(
            {"Volume": "0.001", "Shipped": "2019-01-01", "Delivered": "", "Cost": "", "Fuel": ""},
            [("client_rule", "shipment_volume_m3", "0.001"), ("not_our_time", "shipment_date", "2019-01-01")],
        ),
        Case({"Cost": "101", "Fuel": "", "Currency": "XTS"}, [("out_of_range", "shipping_cost", "101")]),
    ]  # fmt: skip


@dataclasses.dataclass
class Placed:
    """A record and where it came to stand."""

    record: Record
    reasons: list[Reason]  # none: a good one
    line: str | bytes | None = None  # how it stands in the file, where that is not the form's to say
    raw: bytes = b""
    row: int = 0
    last: bool = False  # nothing comes behind it, no line end either


class Csv:
    """CSV: records quoted where they must be and now and then where they need not."""

    def __init__(self, encoding: str = "utf-8", *, end: str = "\n", delimiter: str = ",", mark: bool = False,
                 titles: int = 0, header: bool = True):  # fmt: skip
        self.encoding, self.end, self.delimiter, self.mark = encoding, end, delimiter, mark
        self.titles, self.header, self.needless_quotes = titles, header, 0.1

    def mapping(self) -> str:
        delimiter = {"\t": "tab"}.get(self.delimiter, f'"{self.delimiter}"')
        header = "true" if self.header else "false"
        form = f"encoding: {self.encoding}, delimiter: {delimiter}, header: {header}, skip_lines: {self.titles}"
        return f"input: csv\nformat: {{{form}}}\n"

    def name(self, column: str) -> str:
        return column if self.header else f"column_{NAMES.index(column) + 1}"

    def encode(self, text: str) -> bytes:
        if self.encoding != "windows-1252":
            return text.encode(self.encoding)
        undefined = "\x81\x8d\x8f\x90\x9d"
        return b"".join(c.encode("latin-1" if c in undefined else "cp1252") for c in text)

    def field(self, text: str) -> str:
        must = any(c in text for c in f'{self.delimiter}"\r\n')
        if not must and random.random() >= self.needless_quotes:
            return text
        return '"' + text.replace('"', '""') + '"'

    def line(self, record: Record) -> str:
        return self.delimiter.join(self.field(record[name] or "") for name in NAMES)

    def head(self) -> str:
        text = "".join(f"Report {i}, of all shipments{self.end}" for i in range(self.titles))
        names = self.delimiter.join(f'"{name}"' if name == "To" else name for name in NAMES)
        return text + (names + self.end if self.header else "")

    def several_lines(self) -> str:
        return random.choice(["two\nlines", "with\r\n\r\nempty ones", 'and "quotes"\n', "\n", "a\rb", "1\n2\n3\n4,\n"])

    def write(self, placed: list[Placed]) -> bytes:
        head = self.head()
        return self.encode("\ufeff" if self.mark else "") + self.encode(head) + lay(self, placed, 1 + line_ends(head))


class Ndjson:
    """One object a line; numbers as numbers or as texts, members in any order, nested or not."""

    def __init__(self, encoding: str = "utf-8", *, end: str = "\n", mark: bool = False, nested: bool = False):
        self.encoding, self.end, self.mark, self.nested = encoding, end, mark, nested

    def mapping(self) -> str:
        return f"input: ndjson\nformat: {{encoding: {self.encoding}}}\n"

    def name(self, column: str) -> str:
        return f"shipment.{column}" if self.nested else column

    def encode(self, text: str) -> bytes:
        return text.encode(self.encoding)

    def several_lines(self) -> str:
        return "two\nlines"  # one line: escaped

    def value(self, text: str | None) -> str:
        if text and random.random() < 0.5 and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text):
            return text
        return json.dumps(text, ensure_ascii=random.random() < 0.5)

    def line(self, record: Record) -> str:
        members = [(name, text) for name, text in record.items() if text is not None or random.random() < 0.5]
        random.shuffle(members)
        blank = random.choice(["", " "])
        text = f",{blank}".join(f'"{name}":{blank}{self.value(text)}' for name, text in members)
        return f'{{"version": [1, {{}}], "shipment": {{{text}}}}}' if self.nested else f"{{{text}}}"

    def head(self) -> str:
        return ""

    def write(self, placed: list[Placed]) -> bytes:
        return self.encode("\ufeff" if self.mark else "") + lay(self, placed, 1)


class Parquet:
    def __init__(self, **options: object):
        self.options = options

    def mapping(self) -> str:
        return "input: parquet\n"

    def name(self, column: str) -> str:
        return column

    def encode(self, text: str) -> bytes:
        return text.encode()

    def several_lines(self) -> str:
        return "two\nlines"

    def write(self, placed: list[Placed]) -> bytes:
        for row, item in enumerate(placed):
            item.row = row + 1
            item.raw = json.dumps(item.record, ensure_ascii=False, separators=(",", ":")).encode()
        table = pyarrow.table({name: pyarrow.array([i.record[name] for i in placed], "string") for name in NAMES})
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink, **self.options)
        return sink.getvalue().to_pybytes()


FORMS = {
    "csv": Csv(),
    "csv-marked": Csv(mark=True, delimiter=";"),
    "csv-crlf": Csv(end="\r\n", titles=2),
    "csv-cr": Csv(end="\r"),
    "csv-headerless": Csv(header=False, delimiter="|"),
    "csv-utf16le": Csv("utf-16le", end="\r\n", delimiter="\t", mark=True),
    "csv-utf16be": Csv("utf-16be", titles=1),
    "csv-windows1252": Csv("windows-1252", end="\r\n", delimiter=";"),
    "ndjson": Ndjson(),
    "ndjson-crlf": Ndjson(end="\r\n", mark=True),
    "ndjson-nested": Ndjson(nested=True),
    "ndjson-utf16le": Ndjson("utf-16le", mark=True),
    "parquet": Parquet(),
    "parquet-plain": Parquet(use_dictionary=False, row_group_size=7, data_page_version="2.0", compression="zstd"),
    "parquet-large": Parquet(row_group_size=40, compression="none"),
}


def line_ends(text: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", text))


def lay(form: Csv | Ndjson, placed: list[Placed], row: int) -> bytes:
    """The records one behind the other from this row on, with an empty line now and then."""
    parts = []
    for item in placed:
        line = form.line(item.record) if item.line is None else item.line
        behind = "" if item.last else form.end * random.choice([1] * 9 + [2])
        whole = isinstance(line, bytes)
        item.row = row
        item.raw = item.raw or (line if whole else line.encode())
        parts.append((line if whole else form.encode(line)) + form.encode(behind))
        row += line_ends(behind) if whole else line_ends(line + behind)
    return b"".join(parts)


def mapping_of(form: Csv | Ndjson | Parquet) -> str:
    return form.mapping() + re.sub(r"@(\w+)", lambda found: form.name(found[1]), COLUMNS)


def tables_of(lake: Lake) -> tuple[dict, dict]:
    return lake.by_file("processed", ["source_file", "source_row"]), lake.by_file("quarantine")


def brief(text: object) -> str:
    return textwrap.shorten(repr(text), 300)


@dataclasses.dataclass
class Flaw:
    """A record that is wrong as such."""

    code: str
    line: str | bytes  # as it stands in the file
    raw: bytes = b""  # in quarantine, where it is not the line
    at_end: bool = False  # nothing comes behind it


def longest(line: str) -> bytes:
    """What is kept of a record that is too long: no character is cut."""
    return line.encode()[:LIMIT].decode(errors="ignore").encode()


def csv_flaws(form: Csv) -> list[Flaw]:
    d = form.delimiter
    fields = [f"Y{i}" for i in range(len(NAMES) - 2)]
    whole = ["X1", "", *fields]
    long = d.join(["X1", "é" * LIMIT, *fields])
    flaws = [
        Flaw("column_count", d.join(whole[:-1])),
        Flaw("column_count", d.join([*whole, ""])),
        Flaw("column_count", "alone"),
        Flaw("column_count", d.join(['"quoted"', *whole])),
        Flaw("stray_quote", d.join(["X1", '"note" and more', *fields])),
        Flaw("stray_quote", d.join(['"X1"2', *whole[1:]])),
        Flaw("stray_quote", d.join([*whole[:-1], '"last" '])),
        Flaw("stray_quote", d.join(["X1", '"two\nlines" and more', *fields])),
        Flaw("unclosed_quote", d.join(["X1", '"note', *fields])),
        Flaw("unclosed_quote", d.join([*whole[:-1], '"last'])),
        Flaw("unclosed_quote", d.join([*whole[:-1], '"']), at_end=True),
        Flaw("unclosed_quote", d.join(['"twice ""', *whole[1:]])),
        Flaw("record_too_long", long, longest(long)),
    ]
    if form.encoding == "utf-8":
        flaws += [
            Flaw("invalid_encoding", d.join(["X1", *whole[1:]]).encode() + wrong)
            for wrong in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", "Köln".encode("cp1252"))
        ]
    return flaws + utf16_flaws(form, d.join(whole))


def ndjson_flaws(form: Ndjson) -> list[Flaw]:
    whole = form.line(good(1))
    long = '{"Id": "X1", "Note": "' + "é" * LIMIT + '"}'
    wrong = [
        whole[:-1], whole[1:], whole + whole, whole + "x", "[" + whole + "]", "null", "7", '"text"', "{,}", "[]", "}",
        '{"Id": "X1",}', "{'Id': 'X1'}", '{"Id": 01}', '{"Id": NaN}', '{"Id": +1}', '{"Id": 1.}', '{"Id": .5}',
        '{"Id": "a\tb"}', '{"Id": "\\x41"}', '{"Id": "\\u12"}', '{"Id" "X1"}', '{"Id": truth}',
        '{"Id": "X1"', '{"Id": {"a": [1, 2}}', '{"deep": ' + "[" * 100 + "]" * 100 + "}", "Id,Note,From", "{}}",
    ]  # fmt: skip
    half = '{"Id": "\\ud800"}'  # grammar has no fault to find: only where its text is wanted is it none
    flaws = [Flaw("syntax", line) for line in [*wrong, f'{{"shipment": {half}}}' if form.nested else half]]
    flaws.append(Flaw("record_too_long", long, longest(long)))
    if form.encoding == "utf-8":
        flaws += [Flaw("invalid_encoding", b'{"Id": "' + bad + b'"}') for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80")]
    return flaws + utf16_flaws(form, whole)


def utf16_flaws(form: Csv | Ndjson, line: str) -> list[Flaw]:
    """Halves of pairs; in quarantine they are the three bytes that UTF-8 would write for them."""
    if not form.encoding.startswith("utf-16"):
        return []
    flaws = []
    for half in ("\ud800", "\udfff", "\udc00\ud800"):
        raw = line + half
        flaws.append(
            Flaw("invalid_encoding", raw.encode(form.encoding, "surrogatepass"), raw.encode("utf-8", "surrogatepass"))
        )
    flaws.append(
        Flaw("invalid_encoding", (line + "é").encode(form.encoding)[:-1], line.encode() + b"\xff", at_end=True)
    )
    return flaws


class Checker(unittest.TestCase):
    def check_file(self, lake: Lake, client: str, name: str, data: bytes, placed: list[Placed]) -> None:
        """Ingests the file; what is in the tables for it is compared when all are in (check_tables)."""
        result = lake.ingest(client, name, data)
        bad = [item for item in placed if item.reasons]
        self.assertEqual(
            (result["outcome"], result["records"], result["good"], result["rejected"]),
            ("ingested", len(placed), len(placed) - len(bad), len(bad)),
            name,
        )
        counted: dict[tuple[str, str], int] = {}
        for item in bad:
            for code, column in {(code, column) for code, column, _ in item.reasons}:
                counted[code, column] = counted.get((code, column), 0) + 1
        found = {(r["code"], r["column"]): r["records"] for r in result["reasons"]}
        differences = {key: (found.get(key), counted.get(key)) for key in found.keys() | counted.keys()}
        self.assertEqual({key: both for key, both in differences.items() if both[0] != both[1]}, {}, name)

    def check_replay(self, lake: Lake) -> None:
        """What is wrong stays wrong as long as nobody mends anything."""
        versions = lake.table("processed").version(), lake.table("quarantine").version()
        again = json.loads(run("--lake", lake.path, "quarantine", "replay", "--json").stdout)["clients"]
        self.assertEqual({client["client"]: client["passed"] for client in again if client["passed"]}, {})
        self.assertEqual((lake.table("processed").version(), lake.table("quarantine").version()), versions)

    def check_rows(self, lake: Lake, client: str, name: str, data: bytes, placed: list[Placed], tables: tuple) -> None:
        processed, quarantine = (table.get(name, []) for table in tables)
        bad = [item for item in placed if item.reasons]
        self.assertEqual([row["source_row"] for row in processed], [i.row for i in placed if not i.reasons], name)
        self.assertEqual([row["source_row"] for row in quarantine], [i.row for i in bad], name)
        mapping = (lake.path / "clients" / f"{client}.yaml").read_bytes()
        for row, item in zip(quarantine, bad, strict=True):
            reasons = json.loads(row["reasons"])
            found = [(r["code"], r["column"], r["value"]) for r in reasons]
            self.assertEqual(found, item.reasons, f"{name}, row {item.row}: {brief(item.raw)}")
            for reason in reasons:
                self.assertTrue(reason["message"], name)
            if item.raw:
                self.assertEqual(row["raw_record"], item.raw, f"{name}, row {item.row}")
            self.assertEqual(row["client"], client)
            self.assertEqual(row["source_hash"], hashlib.sha256(data).hexdigest())
            self.assertEqual(row["mapping_hash"], hashlib.sha256(mapping).hexdigest()[:32])


class Matrix(Checker):
    """Every reason in every form: what stands around a bad record does not matter to it, nor it to them."""

    def make(self, form: object, more: int) -> list[Placed]:
        bad = [case for case in cases() + many_reasons() if self.writes(form, case)]
        random.shuffle(bad)
        placed: list[Placed] = []
        for case in bad:
            for _ in range(random.randrange(0, more)):
                placed.append(Placed(good(len(placed)), []))
                if random.random() < 0.2:
                    placed[-1].record["Note"] = form.several_lines()
            placed.append(Placed({**good(len(placed)), **case.change}, case.reasons))
        placed.append(Placed(good(len(placed)), []))
        return placed

    def writes(self, form: object, case: Case) -> bool:
        """Not every encoding has every character."""
        try:
            form.encode("".join(text or "" for text in case.change.values()))
        except UnicodeEncodeError:
            return False
        return True

    def test_every_reason_in_every_form(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(folder, CONFIG)
            files = []
            for client, form in FORMS.items():
                suffix = client.split("-")[0]
                lake.map(client, mapping_of(form))
                for more in (3, 60):
                    placed = self.make(form, more)
                    data = form.write(placed)
                    files.append((client, f"{client}-{more}.{suffix}", data, placed))
                    with self.subTest(file=files[-1][1]):
                        self.check_file(lake, *files[-1])
            tables = tables_of(lake)
            for file in files:
                with self.subTest(file=file[1]):
                    self.check_rows(lake, *file, tables)
            self.check_replay(lake)

    def flawed_files(self, form: Csv | Ndjson) -> list[list[Placed]]:
        """Each flaw by itself where it could take something with it, and all others in one file."""
        flaws = csv_flaws(form) if isinstance(form, Csv) else ndjson_flaws(form)
        together, files = [Placed(good(0), [])], []
        random.shuffle(flaws)
        for flaw in flaws:
            wrong = Placed({}, [(flaw.code, "", "")], flaw.line, flaw.raw, last=flaw.at_end)
            if flaw.code != "unclosed_quote" and not flaw.at_end:
                several = {**good(1), "Note": form.several_lines()}
                together += [wrong, Placed(random.choice([several, good(2)]), [])]
                continue
            before = [Placed({**good(3), "Note": form.several_lines()}, []), Placed(good(4), [])]
            behind = [Placed({**good(5 + i), "Note": "", "Weight": "7"}, []) for i in range(random.randrange(3))]
            files.append([*before, wrong, *([] if flaw.at_end else behind)])
        return [together, *files]

    def test_every_flaw_in_every_form(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(folder, CONFIG)
            files = []
            for client, form in FORMS.items():
                if isinstance(form, Parquet):
                    continue
                lake.map(client, mapping_of(form))
                for i, placed in enumerate(self.flawed_files(form)):
                    form.needless_quotes = 0
                    data = form.write(placed)
                    files.append((client, f"{client}-{i}", data, placed))
                    with self.subTest(file=files[-1][1]):
                        self.check_file(lake, *files[-1])
            tables = tables_of(lake)
            for file in files:
                with self.subTest(file=file[1]):
                    self.check_rows(lake, *file, tables)
            self.check_replay(lake)

    def test_large_file(self) -> None:
        """Several threads, pieces and blocks, more ids than a dictionary holds: bad records stand where they stand."""
        form = Csv()
        bad = [case for case in cases() if not {"Id", "Note"} & case.change.keys()]
        tails = [form.line({**good(i), "Id": "", "Note": "n" * 150}) for i in range(40)]
        tails += [form.line({**good(i), "Id": "", "Note": form.several_lines() * 20}) for i in range(4)]
        positions = {2046, 2047, 2048, 2049, 4095, 4096, *random.sample(range(80_000), 300)}
        placed = [
            Placed({}, [], f"L{i}{random.choice(tails)}")
            if i not in positions
            else Placed({**good(i), **(case := random.choice(bad)).change}, case.reasons)
            for i in range(80_000)
        ]
        data = form.write(placed)
        self.assertGreater(len(data), 1 << 24)  # so that it is read by more than one thread
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(folder, CONFIG)
            lake.map("large", mapping_of(form))
            self.check_file(lake, "large", "large.csv", data, placed)
            self.check_rows(lake, "large", "large.csv", data, placed, tables_of(lake))

    def test_typed_parquet(self) -> None:
        """Parquet's own types, what a mapping gives them to mean, and texts that are none."""
        day, noon = datetime.date(2025, 1, 1), datetime.datetime(2025, 1, 2, 12)
        huge, tiny = decimal.Decimal("99999999999999999999.00000000"), decimal.Decimal("1.23456789")
        usual = {
            "id": 1, "from": b"Basel", "to": "Bern", "air": True, "weight": 1.5, "volume": 2.5, "distance": 7,
            "shipped": day, "delivered": noon, "cost": tiny, "delay": 0, "updated": noon, "blob": b"\xff",
        }  # fmt: skip
        nan, inf = float("nan"), float("inf")
        changes: list[tuple[dict, list[Reason]]] = [
            ({}, []),
            ({"id": None}, [("missing", "shipment_id", "")]),
            ({"from": b"B\xff"}, [("invalid_encoding", "", "")]),
            ({"to": b"\xed\xa0\x80"}, [("invalid_encoding", "", "")]),
            ({"to": b"\xc3", "weight": 0.0}, [("invalid_encoding", "", "")]),
            ({"from": b"B\0"}, [("control_character", "origin_warehouse", "B\0")]),
            ({"air": None, "weight": None, "volume": None, "cost": None, "updated": None}, []),
            ({"weight": nan, "volume": inf}, [
                ("not_a_number", "shipment_weight_kg", "NaN"), ("not_a_number", "shipment_volume_m3", "Infinity")]),
            ({"weight": -0.0}, [("weight_not_positive", "shipment_weight_kg", "-0.0")]),
            ({"weight": 5e-324, "volume": 0.0, "distance": 0}, []),
            ({"volume": -0.5, "distance": 2**63}, [("negative", "shipment_volume_m3", "-0.5")]),
            ({"cost": huge}, [("out_of_range", "shipping_cost", "99999999999999999999.00000000")]),
            ({"cost": -tiny}, [("negative", "shipping_cost", "-1.23456789")]),
            ({"delay": -7}, [("negative", "delay_days", "-7")]),
            ({"shipped": None, "delivered": None}, [("no_date", "", "")]),
            ({"shipped": datetime.date(2025, 1, 3)}, [
                ("delivered_before_shipped", "delivery_date", "2025-01-02 12:00:00")]),
        ]  # fmt: skip
        placed = [Placed({**usual, **change}, reasons) for change, reasons in changes * 3]
        types = {"id": "int64", "from": "binary", "to": "binary", "volume": "float32", "distance": "uint64",
                 "cost": pyarrow.decimal128(30, 8), "delay": "int8", "delivered": pyarrow.timestamp("us"),
                 "updated": pyarrow.timestamp("ms", "UTC")}  # fmt: skip
        columns = {name: pyarrow.array([i.record[name] for i in placed], types.get(name)) for name in usual}
        texts = columns["to"].buffers()  # a file may call bytes a text that are none
        columns["to"] = pyarrow.Array.from_buffers(pyarrow.string(), len(placed), texts)
        mapping = """
            input: parquet
            max_rejected_share: 1
            columns:
              shipment_id: id
              origin_warehouse: from
              destination_city: to
              transport_mode: {from: air, values: {"true": Air, "false": Road}, others: reject}
              shipment_weight_kg: weight
              shipment_volume_m3: volume
              route_distance_km: distance
              shipment_date: shipped
              delivery_date: {from: delivered, dates: ["yyyy-MM-dd HH:mm:ss"]}
              shipping_cost: cost
              currency: {constant: EUR}
              delay_days: delay
              updated_at: updated
            """
        with tempfile.TemporaryDirectory() as folder:
            lake = Lake(folder, CONFIG)
            lake.map("typed", textwrap.dedent(mapping))
            for dictionary in (True, False):
                name = f"typed-{dictionary}"
                sink = pyarrow.BufferOutputStream()
                pyarrow.parquet.write_table(pyarrow.table(columns), sink, use_dictionary=dictionary, row_group_size=20)
                data = sink.getvalue().to_pybytes()
                for row, item in enumerate(placed):
                    item.row = row + 1
                self.check_file(lake, "typed", name, data, placed)
                self.check_rows(lake, "typed", name, data, placed, tables_of(lake))
            kept = [row["raw_record"] for row in lake.rows("quarantine") if "invalid_encoding" in row["reasons"]]
            for wrong in (b'"from":"B\xff"', b'"to":"\xed\xa0\x80"', b'"to":"\xc3"'):
                self.assertEqual(sum(wrong in raw for raw in kept), 6, wrong)
            self.check_replay(lake)

    def test_every_code_is_tried(self) -> None:
        """The tables of the sources against those above."""
        reasons = set(re.findall(r'X\(\w+, "(\w+)"', (ROOT / "src/shipment/reason.h").read_text()))
        tried = {code for case in cases() + many_reasons() for code, _, _ in case.reasons}
        self.assertEqual(reasons - tried, {"duplicate_id"})
        flaws = set(re.findall(r'X\(\w+, "(\w+)"', (ROOT / "src/text/records.h").read_text()))
        self.assertEqual(flaws, {flaw.code for flaw in csv_flaws(Csv()) + ndjson_flaws(Ndjson())})


def main() -> int:
    print(f"seed {SEED}")
    random.seed(SEED)
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    failed = min(failed, result.testsRun)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

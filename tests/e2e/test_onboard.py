#!/usr/bin/env python3
"""`freightlake onboard` as its reader sees it: files of quite different clients, answers on a terminal, and the guide.

Runs the program in the environment variable FREIGHTLAKE; ends with the line `N passed, N failed, N skipped`.
"""

import datetime
import json
import os
import pathlib
import pty
import random
import re
import subprocess
import sys
import tempfile
import unittest

import pyarrow
import pyarrow.parquet

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED", "4"))
START = datetime.date(2025, 1, 6)
UTC = datetime.UTC


def run(*words: object, expect: int | None = 0, **options: object) -> subprocess.CompletedProcess:
    command = [PROGRAM, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{command}: exit code {done.returncode}, not {expect}:\n{done.stdout}{done.stderr}")
    return done


def shipments(n: int) -> list[tuple[int, datetime.date, datetime.date, datetime.date]]:
    """Number, shipped, promised, delivered."""
    made = []
    for i in range(n):
        shipped = START + datetime.timedelta(days=random.randrange(150))
        promised = shipped + datetime.timedelta(days=3)
        made.append((i, shipped, promised, promised + datetime.timedelta(days=random.choice([-1, 0, 0, 2]))))
    return made


def german_number(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def german(path: pathlib.Path) -> None:
    lines = [
        "Sendungsnummer;Versandlager;Zielort;Spediteur;Bruttogewicht (kg);Versanddatum;Liefertermin;Lieferdatum;"
        "Frachtkosten EUR;Status"
    ]
    for i, shipped, promised, delivered in shipments(300):
        lines.append(
            f"DE{i};Lager {random.choice('AB')};{random.choice(['München', 'Köln'])};Dachser;"
            f"{german_number(random.uniform(1, 5000))};{shipped:%d.%m.%Y};{promised:%d.%m.%Y};{delivered:%d.%m.%Y};"
            f"{german_number(random.uniform(20, 3000))};{random.choice(['zugestellt', 'storniert', 'k.A.'])}"
        )
    path.write_bytes("\r\n".join([*lines, ""]).encode("windows-1252"))


def american(path: pathlib.Path) -> None:
    lines = [
        "Tracking Number,Ship From,Ship To City,Carrier Name,Weight (lbs),Distance [mi],Ship Date,Delivered At,"
        "Freight Charge,Delivery Status"
    ]
    for i, shipped, _, delivered in shipments(300):
        lines.append(
            f'1Z{i:05d},Dallas DC,"{random.choice(["Austin", "St. Paul"])}",UPS,"{random.uniform(1, 5000):,.1f}",'
            f"{random.randrange(10, 2000)},{shipped.month}/{shipped.day}/{shipped.year} 6:05 AM,"
            f"{delivered.month}/{delivered.day}/{delivered.year} 11:59 PM,"
            f'"${random.uniform(20, 3000):,.2f}",{random.choice(["Delivered", "Canceled"])}'
        )
    path.write_text("\n".join([*lines, ""]))


def headerless(path: pathlib.Path) -> None:
    lines = [
        f"{5000 + i}\tNY_Warehouse\t{random.choice(['Boston', 'Miami'])}\tUPS\t{shipped}\t{delivered}\tDelivered"
        for i, shipped, _, delivered in shipments(300)
    ]
    path.write_text("\n".join([*lines, ""]))


def millis(day: datetime.date) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


def nested(path: pathlib.Path) -> None:
    with path.open("w") as file:
        for i, shipped, promised, delivered in shipments(300):
            record = {
                "shipmentId": f"S-{i}",
                "from": {"warehouse": "W1"},
                "to": {"city": random.choice(["Paris", "Lyon"])},
                "weight": {"value": round(random.uniform(1, 40), 2), "unit": "lb"},
                "shippedAt": millis(shipped),
                "eta": millis(promised),
                "deliveredAt": millis(delivered) if i % 9 else None,
                "cost": {"amount": round(random.uniform(5, 80), 2), "currency": "USD"},
                "status": random.choice(["DELIVERED", "IN_TRANSIT", "dlvd"]),
            }
            file.write(json.dumps(record) + "\n")


def wide(path: pathlib.Path) -> None:
    lines = ["Consignment No\tOrigin\tDestination\tCourier\tDespatch Date\tDue Date\tPOD Date\tCharge (£)\tMode"]
    for i, shipped, promised, delivered in shipments(300):
        lines.append(
            f"C{i:06d}\tLeeds\t{random.choice(['Hull', 'Bath'])}\tRoyal Mail\t{shipped:%d/%m/%y}\t{promised:%d/%m/%y}\t"
            f"{delivered:%d/%m/%y}\t£{random.uniform(3, 30):.2f}\tTruck"
        )
    path.write_bytes("\r\n".join([*lines, ""]).encode("utf-16"))


class Lake(unittest.TestCase):
    def setUp(self) -> None:
        random.seed(SEED)
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.lake = self.path / "lake"
        run("init", self.lake)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def onboard(self, sample: pathlib.Path, *words: object, expect: int = 0) -> str:
        return run("--lake", self.lake, "onboard", "emart", "--sample", sample, *words, expect=expect).stdout

    def mapping(self) -> str:
        return (self.lake / "clients" / "emart.yaml").read_text()


class Files(Lake):
    def check(self, make, name: str, records: int, good: int, *parts: str) -> None:
        sample = self.path / name
        make(sample)
        said = self.onboard(sample, "--yes")
        self.assertIn(f"{records} records: {good} would pass", said, self.mapping())
        for part in parts:
            self.assertIn(part, self.mapping())
        done = run("--lake", self.lake, "ingest", "emart", sample, "--dry-run", "--json", expect=None)
        self.assertEqual(json.loads(done.stdout)["good"], good, done.stderr)

    def test_american(self) -> None:
        self.check(american, "us.csv", 300, 300, "unit: lb", "unit: mi", "M/d/yyyy h:mm a", '"Canceled": Cancelled')

    def test_german(self) -> None:
        # amounts in euros need a rate that this lake does not have: that is said, and no cost is made up
        self.check(german, "german.csv", 300, 0, "windows-1252", 'delimiter: ";"', 'decimal: ","', "dd.MM.yyyy")
        self.assertIn("no_exchange_rate", self.onboard(self.path / "german.csv"))

    def test_headerless(self) -> None:
        self.check(headerless, "plain.tsv", 300, 300, "header: false", "from: column_1", "LOOK AT THIS")

    def test_nested(self) -> None:
        self.check(nested, "nested.ndjson", 300, 300, "from: from.warehouse", "epoch_milliseconds", "unit: lb")

    def test_wide(self) -> None:
        self.check(wide, "wide.csv", 300, 0, "utf-16le", "delimiter: tab", "dd/MM/yy", "constant: GBP")

    def test_own_columns(self) -> None:
        for form in ["csv", "ndjson", "parquet"]:
            out = self.path / form
            run("generate", "--rows", 2000, "--format", form, "--out", out)
            sample = next(out.glob(f"*.{form}"))
            self.assertIn("2000 records: 2000 would pass", self.onboard(sample, "--yes", "--force"))

    def test_trailing_delimiter(self) -> None:
        sample = self.path / "trailing.csv"
        rows = [f"{i},A,B,2025-01-{i:02d},{i}.5," for i in range(1, 20)]
        sample.write_text("\n".join(["id,origin,destination,ship date,weight kg", *rows, "20,A,B,2025-02-01,few,", ""]))
        self.assertIn("20 records: 19 would pass", self.onboard(sample, "--yes"))
        self.assertIn("  trailing_delimiter: true", self.mapping())
        run("--lake", self.lake, "ingest", "emart", sample)
        path = self.lake / "clients" / "emart.yaml"
        path.write_text(self.mapping().replace("unit: kg\n", "unit: kg\n    nulls: [few]\n"))
        run("--lake", self.lake, "quarantine", "replay")
        counted = run("--lake", self.lake, "query", "SELECT count(*) AS n FROM shipments", "--format", "csv").stdout
        self.assertEqual(counted.split(), ["n", "20"])

    def test_nothing_to_learn_from(self) -> None:
        for name, content in [("empty.csv", b""), ("header.csv", b"a,b,c\n"), ("zeros.csv", bytes(1000))]:
            (self.path / name).write_bytes(content)
            self.onboard(self.path / name, "--yes", expect=3)
            self.assertFalse((self.lake / "clients" / "emart.yaml").exists())

    def test_required_column_not_found(self) -> None:
        sample = self.path / "thin.csv"
        sample.write_text("id,temperature\n1,20\n2,21\n")
        said = self.onboard(sample, "--yes")
        self.assertIn("origin_warehouse", said)
        self.assertIn("REQUIRED", self.mapping())
        done = run("--lake", self.lake, "ingest", "emart", sample, expect=2)
        self.assertIn("is missing", done.stderr)


class Repeating(Lake):
    def test_mapping_is_kept(self) -> None:
        sample = self.path / "us.csv"
        american(sample)
        self.onboard(sample, "--yes")
        path = self.lake / "clients" / "emart.yaml"
        path.write_text(path.read_text() + "rules:\n  - {column: carrier, allowed: [FedEx], code: not_ours}\n")
        edited = self.mapping()
        said = self.onboard(sample)
        self.assertIn("was kept", said)
        self.assertIn("300 would be quarantined", said)
        self.assertIn("not_ours", said)
        self.assertEqual(self.mapping(), edited)
        self.onboard(sample, "--force", "--yes")
        self.assertNotEqual(self.mapping(), edited)

    def test_broken_mapping(self) -> None:
        sample = self.path / "us.csv"
        american(sample)
        self.onboard(sample, "--yes")
        path = self.lake / "clients" / "emart.yaml"
        path.write_text(self.mapping().replace("unit: lb", "unit: lbx"))
        done = run("--lake", self.lake, "onboard", "emart", "--sample", sample, expect=2)
        self.assertRegex(done.stderr, r"no such unit.*row \d+")


class Json(Lake):
    def test_what_was_found(self) -> None:
        sample = self.path / "de.csv"
        german(sample)
        words = ["--lake", self.lake, "onboard", "emart", "--sample", sample, "--json"]
        found = json.loads(run(*words).stdout)
        columns = {column["column"]: column for column in found["columns"]}
        self.assertEqual((found["client"], found["written"], found["missing"]), ("emart", True, None))
        self.assertEqual(columns["shipment_weight_kg"]["unit"], "kg")
        self.assertEqual(columns["shipment_date"]["dates"], ["dd.MM.yyyy"])
        self.assertEqual(columns["currency"]["constant"], "EUR")
        self.assertIsNone(columns["transport_mode"]["from"])
        self.assertEqual(columns["delivery_status"]["values"]["storniert"], "Cancelled")
        self.assertEqual(found["dry_run"]["records"], 300)
        form = {"encoding": "windows-1252", "delimiter": ";", "quote": '"', "header": True}
        form |= {"trailing_delimiter": False, "skip_lines": 0}
        self.assertEqual(found["format"], form)
        weight = columns["shipment_weight_kg"]
        self.assertEqual((weight["decimal"], weight["thousands"]), (",", "."))
        self.assertEqual(columns["delivery_status"]["nulls"], ["k.A."])
        self.assertEqual((found["unmapped"], found["unreadable"]), ([], []))
        again = json.loads(run(*words).stdout)
        self.assertEqual((again["written"], again["dry_run"]["records"]), (False, 300))
        sample.write_text("a;b\n1;2\n3;4\n")
        found = json.loads(run(*words, "--force").stdout)
        self.assertEqual((found["missing"], found["dry_run"]), ("origin_warehouse", None))

    def test_unreadable_columns(self) -> None:
        sample = self.path / "nested.parquet"
        table = pyarrow.table(
            {
                "id": ["1", "2"],
                "origin": ["A", "B"],
                "destination": ["C", "D"],
                "ship date": pyarrow.array([20000, 20001], pyarrow.int32()).cast(pyarrow.date32()),
                "stops": [["x"], ["y", "z"]],
                "huge": pyarrow.array([1, 2]).cast(pyarrow.decimal256(60, 2)),
                "two\nlines": [[1], [2]],
                "colour": ["red", "blue"],
            }
        )
        pyarrow.parquet.write_table(table, sample)
        words = ["--lake", self.lake, "onboard", "emart", "--sample", sample]
        found = json.loads(run(*words, "--json").stdout)
        self.assertEqual({column["name"] for column in found["unreadable"]}, {"stops", "huge", "two\nlines"})
        self.assertEqual((found["format"], found["unmapped"]), (None, ["colour"]))
        self.assertEqual(found["dry_run"]["good"], 2)
        said = run(*words, "--force", "--yes").stdout
        self.assertIn('not read:\n  "stops": ', said)
        for name in ("stops", "huge", "two\\x0alines"):
            self.assertIn(f'"{name}": ', self.mapping())


class Terminal(Lake):
    def test_answers(self) -> None:
        sample = self.path / "plain.tsv"
        headerless(sample)
        try:
            controller, terminal = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts
            self.skipTest(f"no terminal to be had: {error}")
        command = [PROGRAM, "--lake", self.lake, "onboard", "emart", "--sample", sample]
        process = subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, text=True)
        os.close(terminal)
        # shipment_id: yes; origin: by number; destination: an unknown name, then by name; all others: none
        os.write(controller, b"\n2\nnowhere\ncolumn_3\n" + b"-\n" * 2 + b"\n" * 8)
        said = process.communicate(timeout=60)[0]
        os.close(controller)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("origin_warehouse:\n    from: column_2  # confidence 1.00", self.mapping())
        self.assertIn("destination_city:\n    from: column_3  # confidence 1.00", self.mapping())
        self.assertNotIn("carrier:\n    from", self.mapping())

    def test_details(self) -> None:
        sample = self.path / "doubtful.csv"
        rows = "".join(f"{i};A;B;0{i}/03/2025;{i}.137;12\n" for i in range(1, 9))
        sample.write_text("id;origin;destination;ship date;weight;cost\n" + rows)
        try:
            controller, terminal = pty.openpty()
        except OSError as error:  # a chroot without /dev/pts
            self.skipTest(f"no terminal to be had: {error}")
        command = [PROGRAM, "--lake", self.lake, "onboard", "emart", "--sample", sample]
        process = subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, text=True)
        os.close(terminal)
        # weight: an unknown unit, then lb and a point; the date: the month first; the currency
        os.write(controller, b"unit=stone\nunit=lb\ndecimal=.\n\ndates=MM/dd/yyyy\n\nconstant=xyz\nconstant=eur\n\n")
        said = process.communicate(timeout=60)[0]
        os.close(controller)
        self.assertEqual(process.returncode, 0, said)
        mapping = self.mapping()
        for text in ("unit: lb\n", 'thousands: ","', 'dates: ["MM/dd/yyyy"]', "currency: {constant: EUR}"):
            self.assertIn(text, mapping)
        self.assertNotIn("LOOK AT THIS", mapping)


class Guide(unittest.TestCase):
    """Every command of docs/onboarding.md, in its order, gives what stands below it; a line `...` stands for any lines."""

    def test_commands(self) -> None:
        text = (ROOT / "docs" / "onboarding.md").read_text()
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "bin").mkdir()
            (pathlib.Path(folder) / "bin" / "freightlake").symlink_to(PROGRAM)
            (pathlib.Path(folder) / "examples").symlink_to(ROOT / "examples")
            environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}
            steps = 0
            for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
                for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
                    command, _, shown = step.partition("\n")
                    done = subprocess.run(
                        command,
                        shell=True,
                        cwd=folder,
                        env=environment,
                        capture_output=True,
                        text=True,
                        timeout=60,
                        check=False,
                    )
                    pattern = re.escape(shown.strip()).replace(r"\.\.\.", r"(.|\n)*?")
                    if not re.fullmatch(pattern, done.stdout.strip()):
                        self.fail(f"$ {command}\n{done.stdout}{done.stderr}\nis not\n{shown}")
                    steps += 1
            self.assertGreater(steps, 5)


def main() -> int:
    print(f"seed {SEED}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

"""S3 as people use it: files and marts at s3:// paths, profiles, and what is said when something is refused.

Against a real server (tests/s3_server.py).  Skipped, and said so, where that cannot be built.
"""

import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from s3_proxy import s3_proxy  # noqa: E402
from s3_server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server  # noqa: E402

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
ODD_NAMES = ["with space", "plus+and%percent", "käse", "a=b&c", "dollar$", "(round)"]


class S3(unittest.TestCase):
    server: S3Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.server = cls.enterClassContext(s3_server())
        cls.bucket = cls.server.bucket("freight")
        cls.run_local("generate", "--rows", 60000, "--out", cls.scratch / "local", "--files", 3)
        cls.files = sorted((cls.scratch / "local").glob("*.parquet"))
        for file in cls.files:
            cls.bucket.put(f"in/{file.name}", file.read_bytes())

    @classmethod
    def run_local(cls, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess:
        command = [PROGRAM, *map(str, words)]
        done = subprocess.run(
            command, env=cls.server.environment(**environment), capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != code:
            raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        if SECRET_KEY in done.stdout + done.stderr:
            raise AssertionError(f"{words}: the secret is shown")
        return done

    def rows(self, sql: str, **environment: str) -> list:
        said = self.run_local("query", sql, "--format", "ndjson", **environment).stdout
        return [json.loads(line) for line in said.splitlines()]


class Reading(S3):
    def test_query_and_patterns(self) -> None:
        self.assertEqual(self.rows("SELECT count(*) AS n FROM 's3://freight/in/*.parquet'"), [{"n": 60000}])
        one = self.rows("SELECT count(*) AS n FROM 's3://freight/in/part-0000[02].parquet'")
        self.assertEqual(one, [{"n": sum(pq.ParquetFile(self.files[i]).metadata.num_rows for i in (0, 2))}])

    def test_nothing_there(self) -> None:
        said = self.run_local("query", "SELECT * FROM 's3://freight/in/none-*.parquet'", code=3).stderr
        self.assertIn("no file matches 's3://freight/in/none-*.parquet'", said)
        said = self.run_local("query", "SELECT * FROM 's3://freight/x.parquet'", code=3).stderr
        self.assertIn("no file matches 's3://freight/x.parquet'", said)

    def test_odd_names(self) -> None:
        content = self.files[0].read_bytes()
        for name in ODD_NAMES:
            self.bucket.put(f"odd/{name}.parquet", content)
        n = pq.ParquetFile(self.files[0]).metadata.num_rows
        for name in ODD_NAMES:
            self.assertEqual(self.rows(f"SELECT count(*) AS n FROM 's3://freight/odd/{name}.parquet'"), [{"n": n}])
        every = self.rows("SELECT count(*) AS n FROM 's3://freight/odd/*.parquet'")
        self.assertEqual(every, [{"n": n * len(ODD_NAMES)}])

    def test_many_objects(self) -> None:
        small = self.scratch / "small"
        self.run_local("generate", "--rows", 10, "--out", small)
        content = next(small.glob("*.parquet")).read_bytes()
        for i in range(1100):  # more than a page of a list
            self.bucket.put(f"many/{i:05}.parquet", content)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM 's3://freight/many/*.parquet'"), [{"n": 11000}])


class Traffic(S3):
    """What a run asks for: the column chunks it needs, once, and the footers."""

    NEEDED = {
        "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3", "shipment_date",
        "delivery_date", "shipping_cost", "delivery_status", "delay_days", "route_distance_km",
    }  # fmt: skip

    def least(self, prefix: str) -> tuple[int, int]:
        """Requests and bytes: a run of neighbouring chunks in each row group, and a footer a file."""
        requests = n_bytes = 0
        for key in self.bucket.keys(prefix):
            if not key.endswith(".parquet"):
                continue
            metadata = pq.ParquetFile(io.BytesIO(self.bucket.get(key))).metadata
            self.assertGreater(metadata.num_row_groups, 1)
            requests += 1 + metadata.num_row_groups
            n_bytes += metadata.serialized_size + 8
            for i in range(metadata.num_row_groups):
                columns = [metadata.row_group(i).column(c) for c in range(metadata.num_columns)]
                n_bytes += sum(
                    column.total_compressed_size for column in columns if column.path_in_schema in self.NEEDED
                )
        return requests, n_bytes

    def asked(self, prefix: str, *words: object) -> tuple[int, int]:
        """What the command reads of the files below `prefix`."""
        with s3_proxy(self.server.port, lambda i, m, p: None) as proxy:
            self.run_local(*words, AWS_ENDPOINT_URL=proxy.endpoint)
        reads = [
            exchange for exchange in proxy.exchanges
            if exchange.path.startswith(f"/freight/{prefix}") and exchange.path.endswith(".parquet")
        ]  # fmt: skip
        return len(reads), sum(exchange.got_bytes for exchange in reads)

    def run_marts(self, to: str, *words: object) -> tuple[int, int]:
        return self.asked(
            "traffic/", "run", "--from", "s3://freight/traffic/*.parquet", "--to", f"s3://freight/{to}", *words
        )

    def test_a_lake(self) -> None:
        csv, lake = self.scratch / "traffic-csv", "s3://freight/traffic-lake"
        self.run_local("generate", "--rows", 1_500_000, "--format", "csv", "--unique-ids", "--out", csv)
        self.run_local("init", lake)
        self.run_local("--lake", lake, "onboard", "emart", "--sample", csv / "part-00000.csv", "--yes")
        self.run_local("--lake", lake, "ingest", "emart", csv / "part-00000.csv")
        least = self.least("traffic-lake/processed/")
        requests, n_bytes = self.asked("traffic-lake/processed/", "--lake", lake, "run")
        self.assertGreater(n_bytes, 0.9 * least[1])
        self.assertLessEqual(requests, 1.2 * least[0])
        self.assertLessEqual(n_bytes, 1.2 * least[1])
        with s3_proxy(self.server.port, lambda i, m, p: None) as proxy:
            self.run_local("--lake", lake, "run", AWS_ENDPOINT_URL=proxy.endpoint)
        looks = [exchange for exchange in proxy.exchanges if "uploads" in exchange.path]
        self.assertEqual(len(looks), 1, looks)  # for what dead processes left, below the whole lake
        self.assertLessEqual(len(proxy.exchanges), 12 + 5 * 5)

    def test_files(self) -> None:
        local = self.scratch / "traffic"
        self.run_local("generate", "--rows", 2_400_000, "--out", local, "--files", 2)
        for file in local.glob("*.parquet"):
            self.bucket.put(f"traffic/{file.name}", file.read_bytes())
        least = self.least("traffic/")
        requests, n_bytes = self.run_marts("traffic-marts")
        self.assertLessEqual(requests, 1.2 * least[0])
        self.assertLessEqual(n_bytes, 1.2 * least[1])
        # What does not fit into the memory is asked for again, and the answer is the same.
        more, _ = self.run_marts("traffic-marts-small", "--memory-limit", "64MB", "--threads", 2)
        self.assertGreater(more, requests)
        marts = self.bucket.keys("traffic-marts/")
        self.assertEqual(len(marts), 5)
        for mart in marts:
            small = mart.replace("traffic-marts/", "traffic-marts-small/")
            self.assertEqual(self.bucket.get(mart), self.bucket.get(small), mart)


class Writing(S3):
    def test_marts(self) -> None:
        self.run_local("run", "--from", self.scratch / "local" / "*.parquet", "--to", self.scratch / "marts")
        self.run_local("run", "--from", "s3://freight/in/*.parquet", "--to", "s3://freight/marts")
        for mart in sorted((self.scratch / "marts").glob("*/*.parquet")):
            far = self.bucket.get(f"marts/{mart.relative_to(self.scratch / 'marts')}")
            self.assertEqual(pq.read_table(io.BytesIO(far)), pq.read_table(mart), mart.name)

    def test_multipart(self) -> None:
        words = ["generate", "--rows", 2_000_000, "--unique-ids", "--codec", "uncompressed", "--out"]
        self.run_local(*words, self.scratch / "large")
        self.run_local(*words, "s3://freight/large")
        for file in (self.scratch / "large").glob("*.parquet"):
            self.assertGreater(file.stat().st_size, 3 << 23)
            far = self.bucket.get(f"large/{file.name}")
            self.assertEqual(*(hashlib.sha256(content).digest() for content in (file.read_bytes(), far)))


class Refused(S3):
    FILE = "s3://freight/in/part-00000.parquet"

    def refusal(self, path: str, code: int, **environment: str) -> str:
        return self.run_local("query", f"SELECT * FROM '{path}'", **environment, code=code).stderr

    def test_wrong_secret(self) -> None:
        said = self.refusal(self.FILE, 2, AWS_SECRET_ACCESS_KEY="not-the-secret-at-all")
        self.assertIn("SignatureDoesNotMatch", said)
        self.assertIn("AWS_SECRET_ACCESS_KEY", said)
        self.assertNotIn("not-the-secret-at-all", said)

    def test_unknown_key(self) -> None:
        self.assertIn("check AWS_ACCESS_KEY_ID", self.refusal(self.FILE, 2, AWS_ACCESS_KEY_ID="nobody"))

    def test_missing_bucket(self) -> None:
        said = self.refusal("s3://no-such-bucket/x.parquet", 3)
        self.assertIn("NoSuchBucket", said)
        self.assertIn("make the bucket", said)

    def test_no_credentials(self) -> None:
        done = self.run_local("query", f"SELECT * FROM '{self.FILE}'", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="",
                              code=2)  # fmt: skip
        self.assertIn("AWS_ACCESS_KEY_ID", done.stderr)

    def test_nobody_there(self) -> None:
        said = self.refusal(self.FILE, 3, AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="2")
        self.assertIn("127.0.0.1:1", said)


class Lake(S3):
    """A lake on S3 is one like any other."""

    def setUp(self) -> None:
        self.csv = self.scratch / "csv"
        if not self.csv.exists():
            self.run_local("generate", "--rows", 20000, "--format", "csv", "--files", 4, "--bad-rows", 0.01,
                           "--unique-ids", "--out", self.csv)  # fmt: skip
        self.parts = sorted(self.csv.glob("*.csv"))
        name = f"lake-{self._testMethodName.replace('_', '-')}"
        self.lake = f"s3://freight/{name}"
        self.run_local("init", self.lake)

    def command(self, *words: object, code: int = 0, **environment: str) -> str:
        return self.run_local("--lake", self.lake, *words, code=code, **environment).stdout

    def onboard(self) -> None:
        self.command("onboard", "emart", "--sample", self.parts[0], "--yes")

    def count(self, table: str) -> int:
        sql = f"SELECT count(*) AS n FROM {table}"
        return json.loads(self.command("query", sql, "--format", "ndjson"))["n"]

    def test_every_command(self) -> None:
        self.onboard()
        done = json.loads(self.command("ingest", "emart", *self.parts, "--json"))
        self.assertEqual(done["records"], 20000)
        self.assertEqual(self.count("shipments"), done["good"])
        self.assertEqual(self.count("quarantine"), done["rejected"])
        again = json.loads(self.command("ingest", "emart", *self.parts, "--json"))
        self.assertEqual(again["records"], 0)
        self.command("run")
        self.assertIn("nothing to do", self.command("run"))
        self.assertGreater(self.count("carrier_performance"), 0)
        self.command("table", "compact", "shipments")
        self.assertEqual(self.count("shipments"), done["good"])
        self.assertIn("no problem found", self.command("table", "fsck", "shipments"))
        self.command("table", "vacuum", "shipments")
        self.assertIn("WRITE", self.command("table", "history", "shipments"))
        self.assertIn("delivered_before_shipped", self.command("quarantine", "list"))
        self.command("rebuild", "emart")
        self.assertEqual(self.count("shipments"), done["good"])
        self.command("run")
        self.command("erase", "emart", "--file", self.parts[0].name, "--yes")
        self.assertLess(self.count("shipments"), done["good"])
        self.command("ingest", "emart", self.parts[0])
        self.assertEqual(self.count("shipments"), done["good"])
        self.assertIn("rebuild", self.command("history"))
        self.assertIn("shipments", self.command("status"))
        said = self.command("doctor")
        for words in ("the lake is well", "from the environment", "S3 If-None-Match heeded", "the server's",
                      "S3 ListBucket", "S3 DeleteObject"):  # fmt: skip
            self.assertIn(words, said)
        self.assertEqual([key for key in self.bucket.keys("lake-") if "_probe" in key], [])

    def test_many_at_once(self) -> None:
        self.onboard()
        command = [PROGRAM, "--lake", self.lake, "ingest", "emart"]
        environment = self.server.environment(FREIGHTLAKE_LEASE_SECONDS="8")
        jobs = [
            subprocess.Popen([*command, str(part)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for part in [*self.parts, *self.parts]
        ]
        for job in jobs:
            said = job.communicate(timeout=120)[1]
            self.assertEqual(job.returncode, 0, said)
        self.assertEqual(self.count("shipments") + self.count("quarantine"), 20000)

    def test_a_lock_whose_owner_died(self) -> None:
        self.onboard()
        locks = f"{self.lake.removeprefix('s3://freight/')}/_freightlake/locks/client-emart/"
        self.bucket.put(f"{locks}00000001", b'{"host":"gone","process":1,"beat":7}\n')
        self.command("ingest", "emart", self.parts[0], FREIGHTLAKE_LEASE_SECONDS="4")
        self.assertGreater(self.count("shipments"), 0)
        self.assertEqual(self.bucket.keys(locks), [])

    def test_a_killed_job(self) -> None:
        """Its lock outlives it: history and doctor say since when it is silent, and the next job finishes it."""
        self.onboard()
        large = self.scratch / "large"
        self.run_local("generate", "--rows", 1_500_000, "--format", "csv", "--unique-ids", "--out", large)
        job = subprocess.Popen(
            [PROGRAM, "--lake", self.lake, "ingest", "emart", str(large / "part-00000.csv")],
            env=self.server.environment(FREIGHTLAKE_LEASE_SECONDS="4"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        marks = f"{self.lake.removeprefix('s3://freight/')}/_freightlake/running/"
        while not self.bucket.keys(marks):
            self.assertIsNone(job.poll())
            time.sleep(0.01)
        job.kill()
        job.wait()
        deadline = time.monotonic() + 30
        while "not heard of" not in (said := self.command("history", FREIGHTLAKE_LEASE_SECONDS="4")):
            self.assertLess(time.monotonic(), deadline, said)
            time.sleep(0.5)
        said = self.run_local("--lake", self.lake, "doctor", code=1, FREIGHTLAKE_LEASE_SECONDS="4").stdout
        self.assertIn("no sign of life since", said)
        self.assertIn("start that job again", said)
        self.command("ingest", "emart", self.parts[0], FREIGHTLAKE_LEASE_SECONDS="4")
        self.assertIn("killed", self.command("history"))
        self.assertIn("the lake is well", self.command("doctor"))

    def test_zones_in_different_places(self) -> None:
        self.onboard()
        key = f"{self.lake.removeprefix('s3://freight/')}/freightlake.yaml"
        settings = self.bucket.get(key).decode()
        settings = re.sub(r"(?m)^  marts: .*$", f"  marts: {self.scratch}/marts-here", settings)
        self.bucket.put(key, settings.encode())
        self.command("ingest", "emart", self.parts[0])
        self.command("run")
        self.assertTrue(list((self.scratch / "marts-here" / "carrier_performance").glob("*.parquet")))


class Guide(S3):
    """Every command of docs/s3.md, in its order."""

    def test_commands(self) -> None:
        self.server.bucket("bucket")
        (self.scratch / "bin").mkdir()
        (self.scratch / "bin" / "freightlake").symlink_to(PROGRAM)
        environment = self.server.environment(PATH=f"{self.scratch}/bin:{os.environ['PATH']}")
        commands = re.findall(r"(?m)^\$ (.*)$", (ROOT / "docs" / "s3.md").read_text())
        self.assertGreater(len(commands), 5)
        for command in commands:
            done = subprocess.run(command, shell=True, cwd=self.scratch, env=environment, capture_output=True, text=True,
                                  timeout=60, check=False)  # fmt: skip
            self.assertEqual(done.returncode, 0, f"$ {command}\n{done.stdout}{done.stderr}")


class Profiles(S3):
    def test_profile_files(self) -> None:
        config, credentials = self.scratch / "config", self.scratch / "credentials"
        config.write_text(f"[profile night]\nregion = us-east-1\nendpoint_url = {self.server.endpoint}\n")
        credentials.write_text(f"[night]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        without = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"), "")
        files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        sql = "SELECT count(*) AS n FROM 's3://freight/in/*.parquet'"
        self.assertEqual(self.rows(sql, **without, **files, AWS_PROFILE="night"), [{"n": 60000}])
        said = self.run_local("query", sql, **without, **files, AWS_PROFILE="day", code=2).stderr
        self.assertIn("day", said)


def main(module: str = "__main__") -> int:
    try:
        with s3_server():
            pass
    except RuntimeError as error:
        print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
        return 0
    result = unittest.main(module, exit=False, verbosity=2).result
    failed = len({str(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

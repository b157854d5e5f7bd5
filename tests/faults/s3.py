#!/usr/bin/env python3
"""A lake on S3 through a proxy that does what networks and servers do on bad days (tests/s3_proxy.py).

Every fault at every n-th request, and at random ones: jobs end with the right rows in the tables, each record once, versions
without a gap, or with a clear error and nothing changed; never hang, and never show the secret.  Prints its seed.
"""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from s3_proxy import s3_proxy  # noqa: E402
from s3_server import SECRET_KEY, S3Server, s3_server  # noqa: E402

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.randrange(1 << 30))
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
PASSING = ["unavailable", "slow_down", "reset", "stalled", "lost"]
ROWS = 6000


class Faults(unittest.TestCase):
    server: S3Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.server = cls.enterClassContext(s3_server())
        cls.bucket = cls.server.make_bucket("freight")
        cls.random = random.Random(SEED)
        cls.lakes = 0
        cls.program("generate", "--rows", ROWS, "--format", "csv", "--files", 3, "--bad-rows", 0.01, "--unique-ids", "--out",
                    cls.scratch / "csv")  # fmt: skip
        cls.parts = sorted((cls.scratch / "csv").glob("*.csv"))

    @classmethod
    def program(cls, *words: object, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess:
        done = subprocess.run([PROGRAM, *map(str, words)], env=cls.server.environment(**environment), capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip
        if code is not None and done.returncode != code:
            raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        if SECRET_KEY in done.stdout + done.stderr:
            raise AssertionError(f"{words}: the secret is shown")
        return done

    def new_lake(self) -> str:
        type(self).lakes += 1
        lake = f"s3://freight/lake-{self.lakes}"
        self.program("init", lake)
        self.program("--lake", lake, "onboard", "emart", "--sample", self.parts[0], "--yes")
        return lake

    def check_lake(self, lake: str, files: int) -> None:
        """What the server itself holds: every record of so many files once, and versions without a gap."""
        rows = 0
        for table in ("shipments", "quarantine"):
            said = self.program(
                "--lake", lake, "query", f"SELECT count(*) AS n FROM {table}", "--format", "ndjson"
            ).stdout
            rows += json.loads(said)["n"]
        self.assertEqual(rows, sum(len(part.read_text().splitlines()) - 1 for part in self.parts[:files]))
        twice = self.program("--lake", lake, "query", "SELECT source_file, source_row, count(*) AS n FROM shipments "
                             "GROUP BY source_file, source_row HAVING count(*) > 1", "--format", "ndjson")  # fmt: skip
        self.assertEqual(twice.stdout, "")
        for log in (self.bucket / lake.removeprefix("s3://freight/")).rglob("_delta_log"):
            versions = sorted(int(path.stem) for path in log.glob("*.json"))
            self.assertEqual(versions, list(range(len(versions))), log)
        self.assertIn("the lake is well", self.program("--lake", lake, "doctor").stdout)

    def work(self, lake: str, endpoint: str) -> None:
        environment = {"AWS_ENDPOINT_URL": endpoint, "FREIGHTLAKE_S3_STALL_SECONDS": "2", "AWS_MAX_ATTEMPTS": "10"}
        self.program("--lake", lake, "ingest", "emart", self.parts[0], **environment)
        self.program("--lake", lake, "ingest", "emart", *self.parts[:2], **environment)
        self.program("--lake", lake, "run", **environment)

    def test_every_nth_request(self) -> None:
        for fault in PASSING:
            for n in (2, 3, 5, 7, 11, 13) if SLOW else (13,) if fault == "stalled" else (4,):
                if fault == "stalled" and n < 7:
                    continue
                with self.subTest(fault=fault, n=n):
                    lake = self.new_lake()
                    with s3_proxy(
                        self.server.port, lambda i, m, p, n=n, fault=fault: fault if i % n == 0 else None
                    ) as proxy:
                        self.work(lake, proxy.endpoint)
                        self.assertGreater(proxy.faults.get(fault, 0), 0)
                    self.check_lake(lake, 2)

    def test_random_faults(self) -> None:
        for round_ in range(20 if SLOW else 3):
            with self.subTest(round=round_):
                lake, chance = self.new_lake(), random.Random(self.random.random())

                def choose(_i: int, _method: str, _path: str, chance: random.Random = chance) -> str | None:
                    return (
                        chance.choice(["unavailable", "slow_down", "reset", "lost"]) if chance.random() < 0.2 else None
                    )

                with s3_proxy(self.server.port, choose) as proxy:
                    self.work(lake, proxy.endpoint)
                self.check_lake(lake, 2)

    def test_each_put_loses_its_answer(self) -> None:
        """The server has it, the program does not know: no commit twice, none lost."""
        lake = self.new_lake()
        seen: set[str] = set()

        def choose(_i: int, method: str, path: str) -> str | None:
            first = method == "PUT" and path not in seen
            seen.add(path)
            return "lost" if first else None

        with s3_proxy(self.server.port, choose) as proxy:
            self.work(lake, proxy.endpoint)
            self.assertGreater(proxy.faults["lost"], 10)
        self.check_lake(lake, 2)

    def test_damaged_bytes(self) -> None:
        """Whole objects have a checksum and are read again; of a part only the pages' own can tell: a clear error."""
        for n in (2, 3, 5) if SLOW else (3,):
            lake = self.new_lake()
            with s3_proxy(self.server.port, lambda i, m, p, n=n: "corrupt" if i % n == 0 else None) as proxy:
                for words in (["ingest", "emart", self.parts[0]], ["run"]):
                    done = self.program("--lake", lake, *words, code=None, AWS_ENDPOINT_URL=proxy.endpoint)
                    self.assertTrue(done.returncode == 0 or "checksum" in done.stderr, done.stderr)
                self.assertGreater(proxy.faults["corrupt"], 0)
            self.program("--lake", lake, "ingest", "emart", self.parts[0], FREIGHTLAKE_LEASE_SECONDS="4")
            self.program("--lake", lake, "run")
            self.check_lake(lake, 1)

    def test_sixteen_writers(self) -> None:
        """Clients have a lock each, so their commits race for the versions of the tables."""
        lake = self.new_lake()
        clients = self.bucket / lake.removeprefix("s3://freight/") / "clients"
        mapping = (clients / "emart.yaml").read_text()
        names = [f"client{i}" for i in range(16)]
        for name in names:
            (clients / f"{name}.yaml").write_text(mapping.replace("client: emart", f"client: {name}"))
        jobs = [
            subprocess.Popen([PROGRAM, "--lake", lake, "ingest", name, str(self.parts[0])], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, env=self.server.environment())
            for name in names
        ]  # fmt: skip
        for job in jobs:
            self.assertEqual((job.communicate(timeout=120)[1], job.returncode), (b"", 0))
        said = self.program("--lake", lake, "query", "SELECT client, count(*) AS n FROM shipments GROUP BY client",
                            "--format", "ndjson").stdout  # fmt: skip
        rows = [json.loads(line) for line in said.splitlines()]
        self.assertEqual(sorted(row["client"] for row in rows), sorted(names))
        self.assertEqual(len({row["n"] for row in rows}), 1)
        log = self.bucket / lake.removeprefix("s3://freight/") / "processed" / "shipments" / "_delta_log"
        self.assertEqual(sorted(int(path.stem) for path in log.glob("*.json")), list(range(17)))

    def test_an_erase_while_a_run_stands_still(self) -> None:
        """A run that is stopped before its commit for longer than its lease brings no erased shipment back."""
        lake, lease = self.new_lake(), {"FREIGHTLAKE_LEASE_SECONDS": "4"}
        folder = self.bucket / lake.removeprefix("s3://freight/")
        self.program("--lake", lake, "ingest", "emart", self.parts[0])
        said = self.program("--lake", lake, "query", "SELECT shipment_id FROM shipments ORDER BY shipment_id LIMIT 1",
                            "--format", "ndjson").stdout  # fmt: skip
        shipment = json.loads(said)["shipment_id"]
        jobs, stopped = [], threading.Event()

        def choose(_i: int, method: str, path: str) -> None:
            if method in ("GET", "HEAD") and "/marts/cost_analysis/" in path and path.endswith(".parquet"):
                if not stopped.is_set():
                    os.kill(jobs[0].pid, signal.SIGSTOP)
                stopped.set()

        with s3_proxy(self.server.port, choose) as proxy:
            words = [PROGRAM, "--lake", lake, "run", "--mart", "cost_analysis"]
            environment = self.server.environment(AWS_ENDPOINT_URL=proxy.endpoint, **lease)
            with subprocess.Popen(
                words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
            ) as job:
                jobs.append(job)
                try:
                    self.assertTrue(stopped.wait(60), "the run read no data file of its mart")
                    self.program("--lake", lake, "erase", "emart", "--shipment", shipment, "--yes", **lease)
                finally:
                    job.send_signal(signal.SIGCONT)
                complaint = job.communicate(timeout=120)[1]
        self.assertNotEqual(job.returncode, 0, complaint)
        self.assertIn("went meanwhile", complaint)
        self.assertFalse((folder / "marts" / "cost_analysis" / "_delta_log").exists())
        self.program("--lake", lake, "run", "--mart", "cost_analysis", **lease)
        wanted = re.compile(shipment.encode() + rb"(?![0-9])")  # not the beginning of a longer one
        files = [path for path in folder.rglob("*.parquet") if path.is_file()]
        found = [path for path in files if wanted.search(path.read_bytes())]
        self.assertEqual(found, [])

    def test_wrong_clock(self) -> None:
        lake = self.new_lake()
        with s3_proxy(self.server.port, lambda i, m, p: "skewed" if i == 1 else None) as proxy:
            done = self.program("--lake", lake, "status", code=None, AWS_ENDPOINT_URL=proxy.endpoint)
        self.assertIn("clock", done.stderr)

    def test_expired_token(self) -> None:
        lake = self.new_lake()
        with s3_proxy(self.server.port, lambda i, m, p: "expired" if i > 4 else None) as proxy:
            done = self.program(
                "--lake", lake, "ingest", "emart", self.parts[0], code=None, AWS_ENDPOINT_URL=proxy.endpoint
            )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ExpiredToken", done.stderr)
        self.program("--lake", lake, "ingest", "emart", self.parts[0], FREIGHTLAKE_LEASE_SECONDS="4")
        self.check_lake(lake, 1)

    def test_nothing_but_trouble(self) -> None:
        lake = self.new_lake()
        for fault in ("unavailable", "reset", "lost"):
            with s3_proxy(self.server.port, lambda i, m, p, fault=fault: fault) as proxy:
                done = self.program("--lake", lake, "status", code=None, AWS_ENDPOINT_URL=proxy.endpoint,
                                    AWS_MAX_ATTEMPTS="3")  # fmt: skip
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("given up after 3 attempts", done.stderr)


def main() -> int:
    print(f"seed {SEED}")
    try:
        with s3_server():
            pass
    except RuntimeError as error:
        print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
        return 0
    result = unittest.main(exit=False, verbosity=2).result
    failed = len({str(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What S3 costs: an ingest beside a local one and a plain upload of the same bytes; the requests and bytes of a run.

usage: s3.py FREIGHTLAKE [--rows N] [--rounds N]

The server is that of the tests (tests/s3_server.py), on the loopback and the same disk.  The plain upload is what a client that does
nothing else would do: every file of the lake, ten requests at once, parts of 8 MiB, payloads signed.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

import pyarrow.parquet as pq
from s3_client import Client
from s3_server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server

PART_BYTES, AT_ONCE = 8 << 20, 10


class Upload:
    """Plain PUTs and multipart uploads of files, side by side."""

    def __init__(self, server: S3Server):
        self.client = Client(server.port, ACCESS_KEY, SECRET_KEY)

    def ask(self, method: str, target: str, body: bytes = b"") -> bytes:
        answer, content = self.client.ask(method, target, body)
        return content + (answer.getheader("ETag") or "").encode()

    def put_part(self, target: str, file: pathlib.Path, offset: int) -> bytes:
        with file.open("rb") as source:
            source.seek(offset)
            return self.ask("PUT", target, source.read(PART_BYTES))

    def files(self, folder: pathlib.Path, prefix: str) -> float:
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = []
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                target = urllib.parse.quote(f"/{prefix}/{file.relative_to(folder)}")
                size = file.stat().st_size
                if size <= PART_BYTES:
                    waiting.append((pool.submit(self.put_part, target, file, 0), None, None))
                    continue
                begun = self.ask("POST", f"{target}?uploads=").decode()
                name = re.search(r"<UploadId>(.*?)</UploadId>", begun)[1]
                parts = [pool.submit(self.put_part, f"{target}?partNumber={i + 1}&uploadId={name}", file, i * PART_BYTES)
                         for i in range(-(-size // PART_BYTES))]  # fmt: skip
                waiting.append((parts, target, name))
            for parts, target, name in waiting:
                if target is None:
                    parts.result()
                    continue
                tags = "".join(f"<Part><PartNumber>{i + 1}</PartNumber><ETag>{part.result().decode()}</ETag></Part>"
                               for i, part in enumerate(parts))  # fmt: skip
                self.ask("POST", f"{target}?uploadId={name}",
                         f"<CompleteMultipartUpload>{tags}</CompleteMultipartUpload>".encode())  # fmt: skip
        return time.monotonic() - start


class Bench:
    def __init__(self, program: str, server: S3Server, folder: pathlib.Path, rows: int):
        self.program, self.server, self.folder, self.rows = program, server, folder, rows
        self.bucket = server.make_bucket("freight")

    def run(self, *words: object) -> tuple[float, str]:
        start = time.monotonic()
        done = subprocess.run([self.program, *map(str, words)], env=self.server.environment(), capture_output=True,
                              text=True, check=False)  # fmt: skip
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return time.monotonic() - start, done.stdout

    def ingest(self, lake: object, csv: pathlib.Path) -> float:
        self.run("init", lake)
        self.run("--lake", lake, "onboard", "emart", "--sample", csv / "part-00000.csv", "--yes")
        return self.run("--lake", lake, "ingest", "emart", *sorted(csv.glob("*.csv")))[0]

    def ingests(self, rounds: int) -> None:
        csv = self.folder / "csv"
        self.run("generate", "--rows", self.rows, "--unique-ids", "--format", "csv", "--files", 2, "--out", csv)
        local, plain, far = [], [], []
        for i in range(rounds):
            lake = self.folder / "lake"
            local.append(self.ingest(lake, csv))
            plain.append(Upload(self.server).files(lake, f"freight/plain-{i}"))
            far.append(self.ingest(f"s3://freight/lake-{i}", csv))
            for path in (lake, self.bucket / f"plain-{i}", self.bucket / f"lake-{i}"):
                shutil.rmtree(path)
        each = [statistics.median(times) for times in (local, plain, far)]
        print(f"\n### Ingest of {self.rows:,} rows of CSV\n\n| what | wall s |\n|---|---:|")
        for name, seconds in zip(("local", "plain upload of its bytes", "to S3"), each, strict=True):
            print(f"| {name} | {seconds:.2f} |")
        print(f"\nto S3 / (local + upload): {each[2] / (each[0] + each[1]):.2f}")

    def marts(self) -> None:
        self.run("generate", "--rows", self.rows, "--files", 4, "--out", self.bucket / "in")
        least = requests = 0
        for file in (self.bucket / "in").glob("*.parquet"):
            metadata = pq.ParquetFile(file).metadata
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            least += metadata.serialized_size + 8
            least += sum(
                group.column(c).total_compressed_size for group in groups for c in range(1, metadata.num_columns)
            )
            requests += 1 + len(groups)
        said = self.run("run", "--from", "s3://freight/in/*.parquet", "--to", "s3://freight/marts")[1]
        print(f"\n### The five marts over {self.rows:,} rows of Parquet on S3\n\n{said.strip().splitlines()[-1]}")
        print(f"least for its input: {requests} requests (a footer a file, a range a row group), {least / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("freightlake")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freightlake-bench-") as folder, s3_server() as server:
        bench = Bench(arguments.freightlake, server, pathlib.Path(folder), arguments.rows)
        bench.ingests(arguments.rounds)
        bench.marts()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Apache Spark reads every kind of Delta table we write; slow runs only.

Spark writes what it reads, of the newest and of older versions, as plain Parquet, which must be row by row what delta-rs
reads of the same version.  Spark also goes on with one of our tables.  Needs Java, and a network or a filled cache for
Spark's own packages.
"""

import datetime
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("FREIGHTLAKE_CACHE", pathlib.Path.home() / ".cache" / "freightlake"))
PACKAGE = "io.delta:delta-spark_2.12:3.3.2"
PARTS = ["plain", "with space", "a=b", "50 %", "ümlaut/slash", "quote'\"", "#?&", "colon: {x}"]


# ---- inside Spark ----


def in_spark(job_path: str) -> None:
    from pyspark.sql import SparkSession

    job = json.loads(pathlib.Path(job_path).read_text())
    settings = {
        "spark.jars.packages": PACKAGE,
        "spark.jars.ivy": str(CACHE / "ivy"),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for read in job["reads"]:
        table = spark.read.format("delta").option("versionAsOf", read["version"]).load(read["table"])
        table.coalesce(1).write.mode("overwrite").parquet(read["out"])
    for count in job["counts"]:
        counted = spark.sql(f"SELECT count(*) FROM delta.`{count['table']}` WHERE {count['condition']}").first()[0]
        pathlib.Path(count["out"]).write_text(str(counted))
    for table in job["continued"]:
        frame = spark.read.format("delta").load(table)
        frame.limit(3).write.format("delta").mode("append").save(table)
        spark.sql(f"OPTIMIZE delta.`{table}`")
    spark.stop()


# ---- outside ----


def give_up(why: str) -> None:
    print(f"skipped: {why}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


class Tables:
    def __init__(self, folder: pathlib.Path):
        self.program = os.environ["FREIGHTLAKE"]
        self.tool = str(pathlib.Path(os.environ["FREIGHTLAKE_BUILD"]) / "tests" / "tools" / "delta_table")
        self.folder = folder
        self.job: dict[str, list] = {"reads": [], "counts": [], "continued": []}

    def run(self, *words: object) -> str:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    def ours(self, name: str, files: int) -> pathlib.Path:
        path = self.folder / name
        self.run(self.tool, "create", path)
        for i in range(files):
            self.run(self.tool, "append", path, PARTS[i % len(PARTS)], i * 40, 40, f"app-{i}", 1)
        return path

    def read(self, path: pathlib.Path, *versions: int) -> None:
        import deltalake

        newest = deltalake.DeltaTable(str(path)).version()
        for version in (*versions, newest):
            out = str(self.folder / "out" / f"{path.name}-{version}")
            self.job["reads"].append({"table": str(path), "version": version, "out": out})

    def count(self, path: pathlib.Path, condition: str) -> None:
        out = str(self.folder / f"count-{len(self.job['counts'])}")
        self.job["counts"].append({"table": str(path), "condition": condition, "out": out})

    def make(self) -> None:
        (self.folder / "out").mkdir()
        self.read(self.ours("empty", 0))
        few = self.ours("few", 9)
        self.read(few, 1, 5)
        self.count(few, "id >= 100 AND note IS NULL")
        self.count(few, "part = 'ümlaut/slash'")
        self.count(few, "seen_at < timestamp'2025-06-15 15:07:00' AND day > date'2025-01-01'")
        many = self.ours("many", 64)
        self.run(self.program, "table", "compact", many, "--sort-by", "day")
        self.run(self.tool, "append", many, "more", 100000, 40)
        self.run(self.tool, "delete", many, "a=b")
        self.read(many, 9, 10, 11, 63, 65)
        self.count(many, "amount > 12.5")
        self.run(self.program, "table", "restore", many, "--version", "30")
        self.read(many)
        cleaned = self.ours("cleaned", 12)
        self.run(self.program, "table", "compact", cleaned)
        self.run(self.program, "table", "vacuum", cleaned, "--retention", "0", "--force")
        self.read(cleaned)
        continued = self.ours("continued", 12)
        self.read(continued)
        self.job["continued"].append(str(continued))

    def lake(self) -> None:
        """A whole lake: shipments, quarantine and marts."""
        lake, data = self.folder / "lake", self.folder / "data"
        self.run(self.program, "generate", "--rows", "5000", "--bad-rows", "0.02", "--format", "csv", "--out", data)
        self.run(self.program, "init", lake)
        (file,) = data.glob("*.csv")
        self.run(self.program, "--lake", lake, "onboard", "emart", "--sample", file, "--yes")
        self.run(self.program, "--lake", lake, "ingest", "emart", file)
        self.run(self.program, "--lake", lake, "run")
        for path in (lake / "processed" / "shipments", lake / "quarantine" / "shipments", *(lake / "marts").iterdir()):
            if (path / "_delta_log").is_dir():
                named = self.folder / f"{path.parent.name}-{path.name}"
                named.symlink_to(path)
                self.read(named)


def plain(value: object) -> object:
    """An instant whatever its zone is called."""
    return value.timestamp() if isinstance(value, datetime.datetime) else value


def rows_of(table) -> list[str]:
    columns = [[plain(value) for value in table.column(name).to_pylist()] for name in sorted(table.column_names)]
    return sorted(repr(row) for row in zip(*columns, strict=True))


def compare(tables: Tables) -> list[str]:
    import deltalake
    import duckdb
    import pyarrow.parquet

    failed = []
    for read in tables.job["reads"]:
        table = deltalake.DeltaTable(read["table"], version=read["version"]).to_pyarrow_table()
        spark = pyarrow.parquet.read_table(read["out"])
        if sorted(table.column_names) != sorted(spark.column_names):
            failed.append(f"{read['table']}: columns {spark.column_names}")
        elif rows_of(table) != rows_of(spark):
            failed.append(f"{read['table']}@{read['version']}: {spark.num_rows} rows by Spark, {table.num_rows}")
    for count in tables.job["counts"]:
        found = int(pathlib.Path(count["out"]).read_text())
        rows = deltalake.DeltaTable(count["table"]).to_pyarrow_table()
        duckdb.execute("SET TimeZone = 'UTC'")
        expected = duckdb.sql(f"SELECT count(*) FROM rows WHERE {count['condition']}").fetchall()[0][0]
        if found != expected:
            failed.append(f"{count['table']}: {count['condition']} gives {found} instead of {expected}")
    for path in tables.job["continued"]:
        words = [tables.program, "table", "fsck", path, "--deep"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        words = [tables.tool, "read", path]
        rows = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0 or rows.stdout.split()[1:2] != ["483"]:
            failed.append(f"{path} after Spark went on with it: {done.stdout}{rows.stdout}{rows.stderr}")
    return failed


def main() -> int:
    if len(sys.argv) > 1:
        in_spark(sys.argv[1])
        return 0
    if not os.environ.get("FREIGHTLAKE_SLOW"):
        give_up("Spark reads our tables in slow runs only (make test-slow)")
    if not importlib.util.find_spec("deltalake"):
        give_up("deltalake is missing")
    sys.path.insert(0, str(ROOT / "tests"))
    import spark_cluster

    try:
        spark_cluster.find_java()
        python = spark_cluster.find_python()
    except spark_cluster.Unavailable as error:
        give_up(f"Spark does not read our tables: {error}")
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        tables = Tables(folder)
        tables.make()
        tables.lake()
        job = folder / "job.json"
        job.write_text(json.dumps(tables.job))
        words = [python, __file__, str(job)]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=1800)
        if done.returncode != 0 and "unresolved dependency" in done.stdout + done.stderr:
            give_up(f"{PACKAGE} cannot be downloaded")
        failed = [f"Spark: {done.stderr[-3000:]}"] if done.returncode != 0 else compare(tables)
    finally:
        shutil.rmtree(folder)
    for what in failed:
        print(f"FAILED {what}")
    count = len(tables.job["reads"]) + len(tables.job["counts"]) + len(tables.job["continued"])
    print(f"{max(count - len(failed), 0)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

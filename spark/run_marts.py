#!/usr/bin/env python3
"""The marts of a lake on Apache Spark: spark-submit spark/run_marts.py --lake LAKE --run ID

`freightlake marts export --run ID` wrote LAKE/_freightlake/staging/ID/plan.json: the files of one version of the shipments
and the SQL of each mart with the columns it promises.  This job makes the view `shipments` of exactly those files, runs each
mart's SQL as it is, writes what comes out as Parquet beside the plan, one folder a mart, and last of all outcome.json, which
says what it made.  It never touches a table's log: `freightlake publish ID` tests what lies in staging and commits it.

A mart that fails keeps no other from being made.  The same ID can be run again: it replaces its own staging.  A plan that goes
while the job works says that its data was erased or the run given up: what was written behind it is removed.  Exit code 0
when all marts were made, 1 when one was not, 2 when there was nothing to work on (arguments, plan, Spark itself).
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

    from pyspark.sql import Column, DataFrame, SparkSession

    Staging: TypeAlias = "LocalStaging | RemoteStaging"

SPARK_VERSION = "3.5"
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MART_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
ERROR_CHARACTERS = 2000

# What the marts' dialect means on Spark, whatever the cluster's own defaults are.
SESSION_SETTINGS = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.groupByAliases": "true",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.orderByOrdinal": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "snappy",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
}

# The names that a Delta log or PostgreSQL's grammar gives to types of Spark SQL.
TYPE_NAMES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint", "bool": "boolean"}
INTEGERS = ("tinyint", "smallint", "int", "bigint")
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


class JobError(Exception):
    """What stops the job or one mart, said with the next step."""


# ---- the plan ----


class Field(NamedTuple):
    name: str
    type: str  # as Spark SQL writes it


class DataFile(NamedTuple):
    path: str
    partition_values: dict[str, str | None]


class Mart(NamedTuple):
    name: str
    hash: str
    sql: str
    columns: tuple[Field, ...]


class Plan(NamedTuple):
    run: str
    version: int
    schema: tuple[Field, ...]
    partition_columns: tuple[str, ...]
    files: tuple[DataFile, ...]
    marts: tuple[Mart, ...]


@dataclass
class MartOutcome:
    name: str
    hash: str
    outcome: str = "failed"
    error: str | None = None
    rows: int = 0
    seconds: float = 0.0
    files: list[str] = field(default_factory=list)


def spark_type(name: str) -> str:
    """A type of the plan as Spark SQL writes it: `long` is `bigint`, blanks and case do not count."""
    plain = re.sub(r"\s+", "", name.lower())
    return TYPE_NAMES.get(plain, plain)


def parse_fields(entries: Iterable[dict[str, Any]]) -> tuple[Field, ...]:
    return tuple(Field(entry["name"], spark_type(entry["type"])) for entry in entries)


def parse_plan(text: str, run: str, where: str) -> Plan:
    """JobError names what is wrong in the plan; nothing of it is taken on trust that could leave its staging folder."""
    again = "prepare it again: freightlake --lake LAKE marts export --run ID"
    try:
        document = json.loads(text)
        shipments = document["shipments"]
        plan = Plan(
            run=str(document["run"]),
            version=int(shipments["version"]),
            schema=parse_fields(shipments["schema"]),
            partition_columns=tuple(map(str, shipments["partition_columns"])),
            files=tuple(DataFile(str(file["path"]), dict(file["partition_values"])) for file in shipments["files"]),
            marts=tuple(
                Mart(str(mart["name"]), str(mart["definition_hash"]), str(mart["sql"]), parse_fields(mart["columns"]))
                for mart in document["marts"]
            ),
        )
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise JobError(f"{where} is no plan: {what}; {again}") from error
    if plan.run != run:
        raise JobError(f"{where} is the plan of run {plan.run}, not of {run}; {again}")
    for mart in plan.marts:
        if not MART_NAME.fullmatch(mart.name):
            raise JobError(f"{where}: {mart.name!r} is no name of a mart; {again}")
    for name in set(plan.partition_columns).difference(column.name for column in plan.schema):
        raise JobError(f"{where}: the partition column {name} is not in the schema; {again}")
    return plan


def widens(source: str, target: str) -> bool:
    """Whether every value of `source` is the same value in `target`: what else a mart gives is an error, never a cast."""
    if source in (target, "void") or (source, target) == ("float", "double"):
        return True
    if source in INTEGERS and target in INTEGERS:
        return INTEGERS.index(source) <= INTEGERS.index(target)
    have, want = DECIMAL.fullmatch(source), DECIMAL.fullmatch(target)
    if have and want:
        (p, s), (q, t) = (map(int, match.groups()) for match in (have, want))
        return t >= s and q - t >= p - s
    return False


def check_columns(mart: Mart, found: Sequence[Field]) -> None:
    """Spark's columns are the promised ones: names, order, and types that lose nothing on the way."""
    wanted, got = [column.name for column in mart.columns], [column.name for column in found]
    if wanted != got:
        raise JobError(f"Spark gives the columns {', '.join(got)} where the plan promises {', '.join(wanted)}")
    for column, promised in zip(found, mart.columns):
        if not widens(column.type, promised.type):
            raise JobError(
                f"column {column.name}: Spark gives {column.type} where the plan promises {promised.type}; "
                "write the CAST that is meant into the mart's SQL"
            )


# ---- paths ----


def s3_path(path: str, scheme: str) -> str:
    """An S3 path in the scheme that has a file system here; any other path as it is."""
    return re.sub(r"^s3[an]?://", lambda _: f"{scheme}://", path)


def is_local(path: str) -> bool:
    return path.startswith("file:") or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path)


def local_path(path: str) -> pathlib.Path:
    return pathlib.Path(re.sub(r"^file:(//)?", "", path)).absolute()


def spark_path(path: str, scheme: str) -> str:
    """With its scheme always: a bare path would be looked for on the cluster's default file system."""
    return f"file://{local_path(path)}" if is_local(path) else s3_path(path, scheme)


def is_data_file(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith(("_", "."))


class LocalStaging:
    """The folder of one run.  `path` is as Spark names it; names are relative to it."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.path = folder, f"file://{folder}"

    def read(self, name: str) -> bytes | None:  # None when there is none
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        path = self.folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def data_files(self, name: str) -> list[str]:
        return sorted(f"{name}/{path.name}" for path in (self.folder / name).iterdir() if is_data_file(path.name))

    def replace(self, name: str, content: bytes) -> None:  # whole or not at all
        temporary = self.folder / f".{name}.{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / name)


class RemoteStaging:
    """Through the Hadoop file system of the session; an object of S3 appears whole when it is closed."""

    def __init__(self, spark: SparkSession, path: str):
        jvm: Any = spark.sparkContext._jvm
        self.path, self._new_path = path, jvm.org.apache.hadoop.fs.Path
        self._files = self._new_path(path).getFileSystem(hadoop_settings(spark))

    def _at(self, name: str) -> Any:
        return self._new_path(f"{self.path}/{name}")

    def read(self, name: str) -> bytes | None:
        if not self._files.exists(self._at(name)):
            return None
        stream = self._files.open(self._at(name))
        try:
            return bytes(stream.readAllBytes())
        finally:
            stream.close()

    def remove(self, name: str) -> None:
        self._files.delete(self._at(name), True)

    def data_files(self, name: str) -> list[str]:
        names = [str(status.getPath().getName()) for status in self._files.listStatus(self._at(name))]
        return sorted(f"{name}/{found}" for found in names if is_data_file(found))

    def replace(self, name: str, content: bytes) -> None:
        stream = self._files.create(self._at(name), True)
        stream.write(bytearray(content))
        stream.close()


# ---- Spark ----


def hadoop_settings(spark: SparkSession) -> Any:
    context: Any = spark.sparkContext
    return context._jsc.hadoopConfiguration()


def start_session(run: str) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise JobError(f"{error}; run this file by spark-submit of Spark {SPARK_VERSION}") from error
    try:
        spark = SparkSession.builder.appName(f"freightlake {run}").getOrCreate()
    except Exception as error:
        raise JobError(
            f"Spark gives no session: {describe(error)}; look at the master's address and that its workers are alive"
        ) from error
    if not spark.version.startswith(f"{SPARK_VERSION}."):
        raise JobError(f"this is Spark {spark.version}; the marts mean what {SPARK_VERSION} makes of them: use that")
    return spark


def s3_settings(environment: dict[str, str]) -> dict[str, str]:
    """What the usual AWS variables say, in the words of the s3a file system; it reads none but the keys by itself, and
    executors do not see the environment of who submits."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
    addressing = environment.get("FREIGHTLAKE_S3_ADDRESSING", "auto")
    settings = {
        "fs.s3a.endpoint": endpoint,
        "fs.s3a.endpoint.region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "",
        "fs.s3a.access.key": environment.get("AWS_ACCESS_KEY_ID", ""),
        "fs.s3a.secret.key": environment.get("AWS_SECRET_ACCESS_KEY", ""),
        "fs.s3a.session.token": environment.get("AWS_SESSION_TOKEN", ""),
        "fs.s3a.connection.ssl.enabled": endpoint and str(endpoint.startswith("https:")).lower(),
        "fs.s3a.path.style.access": "true" if addressing == "path" or (addressing == "auto" and endpoint) else "",
        "fs.s3a.directory.marker.retention": "keep",
        "mapreduce.fileoutputcommitter.algorithm.version": "2",
    }
    return {name: value for name, value in settings.items() if value}


def configure(spark: SparkSession, environment: dict[str, str]) -> str:
    """Sets what the marts' meaning depends on, and S3 where the cluster says nothing of its own; gives the scheme of S3."""
    for name, value in SESSION_SETTINGS.items():
        spark.conf.set(name, value)
    hadoop = hadoop_settings(spark)
    hadoop.set("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    if hadoop.get("fs.s3.impl"):  # EMR and its like bring their own
        return "s3"
    for name, value in s3_settings(environment).items():
        if not str(spark.sparkContext.getConf().get(f"spark.hadoop.{name}", "")):
            hadoop.set(name, value)
    return "s3a"


def describe(error: BaseException) -> str:
    """The messages of an exception and of its causes, once each, without Java's stack."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    messages = [] if java is not None else [str(error) or type(error).__name__]
    while java is not None and len(messages) < 20:
        text = str(java.getMessage() or java.getClass().getSimpleName())
        messages.append(text.split("\nDriver stacktrace")[0].split("\n\tat ")[0].strip())
        java = java.getCause()
    kept: list[str] = []
    for message in messages:
        if message and not any(message in other for other in kept):
            kept.append(message)
    return ": ".join(kept)[:ERROR_CHARACTERS]


def read_shipments(spark: SparkSession, plan: Plan, scheme: str) -> DataFrame:
    """Exactly the plan's files under the table's schema; a column that a file does not have is NULL."""
    from pyspark.sql import functions

    stored = [column for column in plan.schema if column.name not in plan.partition_columns]
    schema = ", ".join(f"`{column.name}` {column.type}" for column in stored)
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for file in plan.files:
        key = tuple(file.partition_values.get(name) for name in plan.partition_columns)
        groups.setdefault(key, []).append(spark_path(file.path, scheme))

    def shaped(part: DataFrame, literals: dict[str, str | None]) -> DataFrame:
        columns: list[Column] = [
            functions.lit(literals[name]).cast(kind).alias(name) if name in literals else functions.col(f"`{name}`")
            for name, kind in ((column.name, column.type) for column in plan.schema)
        ]
        return part.select(*columns)

    if not groups:
        return shaped(spark.range(0).toDF("_"), dict.fromkeys((column.name for column in plan.schema), None))
    reader = spark.read.schema(schema).option("__globPaths__", "false")
    parts = [shaped(reader.parquet(*paths), dict(zip(plan.partition_columns, key))) for key, paths in groups.items()]
    return functools.reduce(lambda all_parts, part: all_parts.unionAll(part), parts)


def make_mart(spark: SparkSession, mart: Mart, staging: Staging, folder: str) -> MartOutcome:
    """Runs the mart, writes it to the folder and counts what lies there."""
    made = MartOutcome(mart.name, mart.hash)
    started = time.monotonic()
    try:
        frame = spark.sql(mart.sql)
        check_columns(mart, [Field(column.name, column.dataType.simpleString()) for column in frame.schema.fields])
        frame = frame.select(*(frame[column.name].cast(column.type).alias(column.name) for column in mart.columns))
        frame.write.parquet(f"{staging.path}/{folder}")
        made.files = staging.data_files(folder)
        made.rows = spark.read.schema(frame.schema).parquet(*(f"{staging.path}/{name}" for name in made.files)).count()
        made.outcome = "ok"
        say(f"{mart.name}: {made.rows} rows in {time.monotonic() - started:.1f} s")
    except Exception as error:
        made.error = describe(error)
        say(f"{mart.name}: failed: {made.error}")
    made.seconds = round(time.monotonic() - started, 3)
    return made


# ---- the job ----


def say(text: str) -> None:
    print(f"run_marts: {text}", file=sys.stderr, flush=True)


def outcome_text(plan: Plan, version: str, seconds: float, marts: Sequence[MartOutcome], error: str | None) -> bytes:
    failed = error is not None or any(mart.outcome != "ok" for mart in marts)
    document = {
        "run": plan.run,
        "engine": "spark",
        "engine_version": version,
        "outcome": "failed" if failed else "ok",
        "error": error,
        "shipments_version": plan.version,
        "seconds": round(seconds, 3),
        "marts": [vars(mart) for mart in marts],
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def load_plan(staging: Staging, run: str) -> tuple[Plan, bytes]:
    where = f"{staging.path}/plan.json"
    content = staging.read("plan.json")
    if content is None:
        raise JobError(f"there is no {where}; prepare the run first: freightlake --lake LAKE marts export --run {run}")
    return parse_plan(content.decode("utf-8", "replace"), run, where), content


class Attempt:
    """What one job writes: a folder of its own below each mart's, for as long as the plan is the one it read."""

    def __init__(self, staging: Staging, plan: bytes, marts: Sequence[Mart]):
        self.staging, self.plan, name = staging, plan, uuid.uuid4().hex
        self.folders = {mart.name: f"{mart.name}/{name}" for mart in marts}

    def stands(self) -> bool:
        """To be asked behind each write; where the answer is no, nothing of the attempt is left."""
        plan = self.staging.read("plan.json")
        if plan == self.plan:
            return True
        for mart, folder in self.folders.items():
            self.staging.remove(mart if plan is None else folder)
        return False

    def finish(self, outcome: bytes) -> None:
        self.staging.replace("outcome.json", outcome)
        if not self.stands() and self.staging.read("outcome.json") == outcome:
            self.staging.remove("outcome.json")


def run_marts(spark: SparkSession, lake: str, run: str) -> int:
    """The whole job on a session that is there; JobError where there is nothing to work on.  Gives the exit code."""
    started = time.monotonic()
    scheme = configure(spark, dict(os.environ))
    folder = f"{spark_path(lake, scheme).rstrip('/')}/_freightlake/staging/{run}"
    staging: Staging = LocalStaging(local_path(folder)) if is_local(lake) else RemoteStaging(spark, folder)
    plan, content = load_plan(staging, run)
    attempt = Attempt(staging, content, plan.marts)
    staging.remove("outcome.json")
    for mart in plan.marts:
        staging.remove(mart.name)
    say(f"run {run}: {len(plan.marts)} marts of {len(plan.files)} files, shipments version {plan.version}")
    made: list[MartOutcome] = []
    error = None
    try:
        read_shipments(spark, plan, scheme).createOrReplaceTempView("shipments")
    except Exception as failure:
        error = f"the shipments cannot be read: {describe(failure)}"
        say(error)
    for mart in plan.marts if error is None else ():
        made.append(make_mart(spark, mart, staging, attempt.folders[mart.name]))
        if not attempt.stands():
            raise JobError(f"the plan of run {run} went meanwhile: data was erased, or the run published or given up")
    attempt.finish(outcome_text(plan, spark.version, time.monotonic() - started, made, error))
    return 1 if error is not None or any(mart.outcome != "ok" for mart in made) else 0


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run_marts.py", description="Runs the marts of a prepared run on Spark.")
    parser.add_argument("--lake", required=True, help="the lake: a folder that all workers see, or s3://bucket/prefix")
    parser.add_argument("--run", required=True, help="what marts export --run was given")
    arguments = parser.parse_args(words)
    if not RUN_ID.fullmatch(arguments.run):
        parser.error(f"--run {arguments.run}: letters, digits, - and _, at most 64")
    return arguments


def main(words: Sequence[str]) -> int:
    arguments = parse_arguments(words)
    try:
        spark = start_session(arguments.run)
        try:
            return run_marts(spark, arguments.lake, arguments.run)
        finally:
            spark.stop()
    except JobError as error:
        say(f"error: {error}")
    except Exception as error:
        say(f"error: {describe(error)}; look at the lake's path, its permissions and the cluster's log")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""The same rows from Freightlake and from Apache Spark: every shipped mart and random queries, over a lake on a real S3 server,
on a real standalone cluster, in one Spark application.

The marts go the whole way: `marts export --run`, spark/run_marts.py, `publish`; what is published must be what `run` makes here.
Random queries are those of query.py with more functions, over the lake's shipments and over random tables.  Rows are compared
as multisets and types exactly; doubles exactly, too, but where a sum, an average or a moment is in the query: those within relative
1e-11.  FREIGHTLAKE_SLOW=1 runs many more.  A failing query is printed with the seed, which repeats it.
"""

import collections
import concurrent.futures
import contextlib
import importlib.util
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW = bool(os.environ.get("FREIGHTLAKE_SLOW"))
QUERIES, TABLES = (320, 8) if SLOW else (50, 3)
RUN = "parity"
THREADS = 3  # that ask Spark
MOST_REFUSED = 0.1


# ---- inside Spark ----


def in_spark(job_path: str) -> int:
    specification = importlib.util.spec_from_file_location("run_marts", ROOT / "spark" / "run_marts.py")
    run_marts = importlib.util.module_from_spec(specification)
    sys.modules["run_marts"] = run_marts
    specification.loader.exec_module(run_marts)
    job = json.loads(pathlib.Path(job_path).read_text())
    spark = run_marts.start_session(RUN)
    code = run_marts.run_marts(spark, job["lake"], RUN)
    for name, paths in job["tables"].items():
        spark.read.parquet(*paths).createOrReplaceTempView(name)

    def answer(sql: str) -> tuple[list[str], list[tuple]] | str:
        try:
            frame = spark.sql(sql)
            types = [field.dataType.simpleString() for field in frame.schema.fields]
            return types, [tuple(row) for row in frame.collect()]
        except Exception as error:
            return run_marts.describe(error)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(answer, job["queries"]))
    pathlib.Path(job["answers"]).write_bytes(pickle.dumps(answers))
    spark.stop()
    return code


# ---- outside ----


def give_up(why: str) -> int:
    print(f"skipped: {why}")
    print("0 passed, 0 failed, 1 skipped")
    return 0


def make_generators():
    """query.py's generator needs the oracles of the tests, which Spark's Python does not have."""
    import query

    word = query.Expression

    class Functions(query.Generator):
        """A column may come as a function of columns, of the same kind."""

        words: tuple[str, ...] = tuple(word for word in query.WORDS if "'" not in word)
        ties = False

        def bare(self, kind: str) -> str:
            names = [name for name, k in self.columns.items() if k == kind]
            return self.rng.choice(names) if names else f"({self.bare('int')} > 1)"  # only booleans may be missing

        def constant(self, kind: str):
            return word(f"'{self.rng.choice(self.words)}'") if kind == "string" else super().constant(kind)

        def column(self, kind: str):
            if self.rng.random() < 0.6:
                return word(self.bare(kind))
            template = self.rng.choice(FORMS[kind])
            if kind == "boolean":
                text = self.condition(0).ours
                return word(text if text.isidentifier() else f"({text})")  # of WHERE (column) docs/sql.md speaks
            return word(re.sub(r"\{(\w+)\}", lambda match: self.fill(match[1]), template))

        def fill(self, what: str) -> str:
            rng = self.rng
            match what:
                case "n":
                    return str(rng.randint(-3, 12))
                case "digits":
                    return str(rng.randint(-2, 4))
                case "word":
                    return f"'{rng.choice(self.words)}'"
                case "unit":
                    return rng.choice(["'month'", "'year'", "'quarter'", "'week'"])
            return self.bare(what)

    class Shipments(Functions):
        columns = {
            "shipment_id": "string", "client": "string", "carrier": "string", "origin_warehouse": "string",
            "destination_city": "string", "delivery_status": "string", "shipment_weight_kg": "double",
            "shipment_volume_m3": "double", "route_distance_km": "double", "shipment_date": "date",
            "promised_delivery_date": "date", "delivery_date": "date", "shipping_cost": "decimal",
            "fuel_surcharge": "decimal", "delay_days": "int", "schedule_variance_days": "int", "source_row": "bigint",
        }  # fmt: skip
        words = ("FedEx", "DHL", "Delivered", "Delayed", "Zürich", "Boston", "a", "")

    return Functions, Shipments


# Kind: how a value of it comes out of columns.
FORMS = {
    "string": [
        "upper({string})", "lower({string})", "trim({string})", "substring({string}, {n}, 3)", "substr({string}, {n})",
        "concat({string}, '-', {string})", "concat_ws('/', {string}, {string})", "replace({string}, {word}, 'z')",
        "coalesce({string}, {word})", "nullif({string}, {word})", "split_part({string}, ' ', 1)", "ltrim({string})",
        "CAST({int} AS STRING)", "CAST({date} AS STRING)", "CAST({decimal} AS STRING)", "CAST({bigint} AS STRING)",
        "greatest({string}, {string})", "if({int} > 2, {string}, {word})", "rtrim({string})",
    ],
    "int": [
        "length({string})", "month({date})", "quarter({date})", "dayofweek({date})", "weekofyear({date})", "year({date})",
        "datediff({date}, {date})", "CAST({double} AS INT)", "CAST({string} AS INT)", "weekday({date})", "dayofyear({date})",
        "({int} % 7)", "abs({int} % 100)", "coalesce({int}, 3)", "greatest({int}, {n})", "least({int}, {int})",
        "EXTRACT(WEEK FROM {date})", "CASE WHEN {int} > {n} THEN 1 ELSE 0 END", "CAST({decimal} AS INT)",
    ],
    "bigint": [
        "CAST({int} AS BIGINT)", "({bigint} % 1000)", "CAST({decimal} AS BIGINT)", "floor({double})", "ceil({double})",
        "coalesce({bigint}, 7)", "({bigint} - {int})", "CAST({double} AS BIGINT)",
    ],
    "double": [
        "CAST({decimal} AS DOUBLE)", "round({double}, {digits})", "sqrt(abs({double}))", "CAST({int} AS DOUBLE)",
        "({double} / {double})", "({int} / {int})", "abs({double})", "coalesce({double}, 1e0)", "(CAST({decimal} AS DOUBLE) / {double})",
        "greatest({double}, {double})", "({double} * 1.609344)", "nullif({double}, 0e0)", "months_between({date}, {date})",
        "CAST({string} AS DOUBLE)", "mod({double}, 7)", "({double} % {double})",
    ],
    "decimal": [
        "({decimal} + {decimal})", "({decimal} - {decimal})", "({decimal} * {decimal})", "({decimal} / {decimal})",
        "round({decimal}, {digits})", "abs({decimal})", "CAST({double} AS DECIMAL(18,4))", "coalesce({decimal}, 0.5)",
        "({decimal} * 1.609344)", "({decimal} % 3)", "CAST({int} AS DECIMAL(10,2))", "greatest({decimal}, {int})",
        "CAST({decimal} AS DECIMAL(9,1))", "nullif({decimal}, 1.50)",
    ],
    "date": [
        "date_add({date}, {n})", "date_sub({date}, {n})", "add_months({date}, {n})", "last_day({date})", "trunc({date}, {unit})",
        "coalesce({date}, DATE '2025-01-31')", "greatest({date}, {date})", "CAST(CAST({date} AS STRING) AS DATE)",
        "({date} + {n})", "CAST({string} AS DATE)",
    ],
    "boolean": [""],
}  # fmt: skip


# Of the lake's shipments; what min_by and max_by choose by is unique.
STATISTICS = [
    "SELECT carrier AS k0, stddev(shipping_cost) AS c0, var_pop(delay_days) AS c1, corr(shipment_weight_kg, shipping_cost) AS c2, "
    "percentile(shipment_weight_kg, 0.95) AS c3, median(shipping_cost) AS c4, percentile(DISTINCT delay_days, 0.3) AS c5, "
    "median(route_distance_km) FILTER (WHERE delay_days > 0) AS c6 FROM shipments GROUP BY carrier",
    "SELECT client AS k0, min_by(carrier, shipment_id) AS k1, max_by(delay_days, shipment_id) AS k2, "
    "max_by(shipping_cost, shipment_id) FILTER (WHERE delay_days > 1) AS k3 FROM shipments GROUP BY client",
    "SELECT stddev(DISTINCT delay_days) AS c0, corr(DISTINCT delay_days, source_row) AS c1, variance(shipment_id) AS c2, "
    "median(shipment_volume_m3) AS c3, min_by(client, shipping_cost) AS k0 FROM shipments WHERE shipment_id < ''",
    "SELECT shipment_id, source_row, rank() OVER (PARTITION BY carrier ORDER BY delay_days DESC) AS k0, "
    "dense_rank() OVER (ORDER BY shipment_date NULLS LAST) AS k1, cume_dist() OVER (ORDER BY delay_days) AS c0, "
    "percent_rank() OVER (PARTITION BY carrier ORDER BY shipment_date DESC) AS c1, "
    "ntile(7) OVER (ORDER BY shipment_id, source_row) AS k2 FROM shipments",
    "SELECT shipment_id, source_row, lag(carrier, 2, 'none') OVER w AS k0, lead(delay_days) OVER w AS k1, "
    "first_value(shipment_date) OVER w AS k2, last_value(carrier) OVER w AS k3, sum(delay_days) OVER w AS k4, "
    "avg(shipping_cost) OVER w AS c0, max(delivery_date) OVER w AS k5 FROM shipments "
    "WINDOW w AS (PARTITION BY origin_warehouse ORDER BY shipment_date DESC NULLS FIRST, shipment_id, source_row)",
    "SELECT shipment_id, source_row, sum(shipment_weight_kg) OVER (ORDER BY shipment_id, source_row "
    "ROWS BETWEEN 6 PRECEDING AND 2 FOLLOWING) AS c0, count(delivery_date) OVER (PARTITION BY carrier ORDER BY delay_days "
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS k0, min(carrier) OVER (ORDER BY shipment_date, shipment_id, "
    "source_row ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS k1, sum(delay_days) OVER () AS k2 FROM shipments",
    "SELECT carrier AS k0, count(*) AS k1, rank() OVER (ORDER BY count(*) DESC) AS k2, "
    "sum(sum(delay_days)) OVER (ORDER BY carrier) AS k3 FROM shipments GROUP BY carrier",
    "SELECT shipment_id, source_row, delay_days - (SELECT min(delay_days) FROM shipments WHERE carrier > 'F') AS k0 FROM shipments "
    "WHERE carrier IN (SELECT carrier FROM shipments GROUP BY carrier HAVING count(*) > 20) "
    "AND delay_days NOT IN (SELECT delay_days FROM shipments WHERE origin_warehouse = 'TX_Warehouse' AND delay_days > 2) "
    "AND shipping_cost > (SELECT avg(shipping_cost) FROM shipments)",
    "SELECT carrier AS k0, count(*) AS k1 FROM shipments WHERE destination_city NOT IN (SELECT CASE WHEN delay_days > 2 THEN "
    "destination_city END FROM shipments) GROUP BY carrier HAVING count(*) > (SELECT count(DISTINCT carrier) FROM shipments)",
]


class Parity:
    def __init__(self, folder: pathlib.Path, s3, cluster, seed: int):
        import pyarrow.fs
        import s3_server

        self.folder, self.s3, self.cluster, self.seed = folder, s3, cluster, seed
        self.program = os.environ["FREIGHTLAKE"]
        self.environment = cluster.environment(s3.environment())
        self.lake = "s3://bucket/lake"
        s3.make_bucket("bucket")
        self.bucket = pyarrow.fs.S3FileSystem(
            endpoint_override=f"127.0.0.1:{s3.port}", scheme="http", region="us-east-1",
            access_key=s3_server.ACCESS_KEY, secret_key=s3_server.SECRET_KEY,
        )  # fmt: skip
        self.passed, self.failed = 0, 0
        self.started = time.monotonic()

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {what}", flush=True)

    def check(self, what: str, problem: str | None) -> None:
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: seed {self.seed}: {what}: {problem}", flush=True)

    def run(self, *words: object, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess:
        done = subprocess.run(
            list(map(str, words)), env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=timeout,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.returncode}: {done.stdout}{done.stderr[-4000:]}")
        return done

    def freightlake(self, *words: object, check: bool = True) -> subprocess.CompletedProcess:
        return self.run(self.program, "--lake", self.lake, *words, check=check)

    def submit(self, *words: object, check: bool = True) -> subprocess.CompletedProcess:
        return self.run("spark-submit", *words, check=check, timeout=1800)

    def answer(self, sql: str):
        """Our answer as an Arrow table, or the refusal."""
        import pyarrow.parquet

        output = self.folder / "answer.parquet"
        done = self.freightlake("query", sql, "--output", output, check=False)
        return pyarrow.parquet.read_table(output) if done.returncode == 0 else done.stderr.strip()

    # ---- the lake and the tables ----

    def make_lake(self) -> None:
        """Two clients; one's file has what the other's lacks: NULLs, names beyond ASCII, zeros, dates far off."""
        rng = random.Random(self.seed)
        self.run(
            self.program,
            "generate",
            "--rows",
            8000,
            "--bad-rows",
            "0.01",
            "--format",
            "csv",
            "--out",
            "data",
            "--seed",
            5,
        )
        self.run(self.program, "init", self.lake)
        odd = self.folder / "odd.csv"
        with odd.open("w") as file:
            with (self.folder / "data" / "part-00000.csv").open() as regular:
                names = [*regular.readline().strip().split(","), "fuel_surcharge"]
            file.write(",".join(names) + "\n")
            for i in range(600):
                file.write(",".join(self.odd_value(rng, name, i) for name in names) + "\n")
        for client, path in (("emart", self.folder / "data" / "part-00000.csv"), ("acme", odd)):
            self.freightlake("onboard", client, "--sample", path, "--yes")
            self.freightlake("ingest", client, path)

    @staticmethod
    def odd_value(rng: random.Random, name: str, i: int) -> str:
        fixed = {
            "shipment_id": f"odd {i}",
            "shipment_date": f"{rng.choice([1970, 2000, 2024])}-02-{rng.randint(1, 28):02}",
        }
        choices = {
            "origin_warehouse": ["Zürich", "東京", "a b"], "destination_city": ["Ørsta", "a/b=c", "50%"],
            "carrier": ["", "FedEx", "Ärger & Söhne"], "shipment_weight_kg": ["0.001", "1e3", "33.333333333"],
            "shipping_cost": ["0", "0.00005", "99999999.9999"], "route_distance_km": ["0", "0.1", "12345.678"],
            "delivery_status": ["Delivered", "In Transit", "Cancelled"], "fuel_surcharge": ["", "1.5", "0.0001"],
            "delay_days": ["", "0", "7"], "shipment_volume_m3": ["", "2.25", "0"],
        }  # fmt: skip
        return fixed[name] if name in fixed else rng.choice(choices.get(name, [""]))

    def make_tables(self) -> list[str]:
        import query

        names = []
        for i in range(TABLES):
            folder = self.folder / f"random{i}"
            rng = random.Random(f"{self.seed}/{i}")
            rows = 0
            while rows < 2:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                rows = query.write_table(rng, folder)
            for file in folder.iterdir():
                with self.bucket.open_output_stream(f"bucket/{folder.name}/{file.name}") as out:
                    out.write(file.read_bytes())
            names.append(folder.name)
        return names

    def make_queries(self, tables: list[str]) -> list[tuple[str, str]]:
        """Each as (ours, Spark's): only the table is named otherwise."""
        functions, shipments = make_generators()
        queries = []
        for i in range(QUERIES):
            rng = random.Random(f"{self.seed}/query/{i}")
            if i % 2:
                text = shipments(rng).query().ours
                queries.append((text.format(files="shipments"), text.format(files="shipments")))
            else:
                table = tables[i // 2 % len(tables)]
                text = functions(rng).query().ours
                queries.append((text.format(files=f"'s3://bucket/{table}/*.parquet'"), text.format(files=table)))
        return queries + [(text, text) for text in STATISTICS]

    # ---- what is proved ----

    def compare_queries(self, queries: list[tuple[str, str]], answers: list) -> None:
        refused = 0
        for i, ((ours, _), answer) in enumerate(zip(queries, answers)):
            table = self.answer(ours)
            if isinstance(table, str):
                refused += 1
                print(f"refused here: {ours}\n    {table}")
                continue
            problem = f"Spark: {answer}" if isinstance(answer, str) else difference(table, *answer, ours)
            self.check(f"query {i}", problem and f"{problem[:600]}\n    {ours}")
        problem = None if refused <= MOST_REFUSED * len(queries) else f"{refused} of {len(queries)}"
        self.check("queries that are refused here", problem)

    def local_marts(self) -> dict:
        self.freightlake("run", "--full")
        marts = json.loads(self.freightlake("marts", "list", "--json").stdout)["marts"]
        return {mart["name"]: self.answer(f"SELECT * FROM {mart['name']}") for mart in marts}

    def compare_marts(self, wanted: dict, how: str) -> None:
        for name, table in wanted.items():
            got = self.answer(f"SELECT * FROM {name}")
            if isinstance(got, str):
                self.check(f"{name} {how}", got)
                continue
            types = [spark_type(field.type) for field in got.schema]
            self.check(
                f"{name} {how}", difference(table, types, list(zip(*[c.to_pylist() for c in got.columns])), "avg(")
            )

    def prove(self) -> None:
        self.make_lake()
        tables = self.make_tables()
        queries = self.make_queries(tables)
        wanted = self.local_marts()
        self.freightlake("marts", "export", "--run", RUN, "--full")
        self.say(f"a lake on S3 with {len(wanted)} marts, {len(tables)} random tables, {len(queries)} queries")
        job = {
            "lake": self.lake,
            "tables": {name: [f"s3a://bucket/{name}/*.parquet"] for name in tables},
            "queries": [theirs for _, theirs in queries],
            "answers": str(self.folder / "answers"),
        }
        (self.folder / "job.json").write_text(json.dumps(job))
        done = self.submit(__file__, self.folder / "job.json", check=False)
        self.check("the Spark application", None if done.returncode == 0 else done.stderr[-3000:])
        self.say("Spark is done")
        secret = self.environment["AWS_SECRET_ACCESS_KEY"]
        self.check("no secret in Spark's log", "it is there" if secret in done.stdout + done.stderr else None)
        done = self.freightlake("publish", RUN, check=False)
        self.check("publish", done.stderr if done.returncode else None)
        self.compare_marts(wanted, "published from Spark")
        self.compare_queries(queries, pickle.loads((self.folder / "answers").read_bytes()))
        self.say("compared")
        self.guide()
        self.compare_marts(wanted, "after the guide")
        if SLOW:
            self.failures()

    def guide(self) -> None:
        """Every command of docs/spark.md, in its order."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "freightlake").symlink_to(self.program)
        (self.folder / "spark").symlink_to(ROOT / "spark")
        self.environment["PATH"] = f"{bin_folder}:{self.environment['PATH']}"
        commands = re.findall(r"(?m)^\$ (.*)$", (ROOT / "docs" / "spark.md").read_text())
        for command in commands:
            done = self.run("sh", "-c", command.replace("spark://HOST:7077", self.cluster.master), check=False)
            problem = f"{done.returncode}: {done.stdout}{done.stderr[-3000:]}" if done.returncode else None
            self.check(f"$ {command}", problem)
        self.check("commands of the guide", None if len(commands) > 8 else "hardly any was found")
        self.say("the guide's commands are done")

    def failures(self) -> None:
        """Each ends with its exit code and says what to do; what failed is in outcome.json."""
        lake = self.folder / "lake"
        (file,) = (lake / "processed" / "shipments").rglob("*.parquet")
        self.run(self.program, "--lake", lake, "marts", "export", "--run", "broken", "warehouse_demand")
        local = ("--master", "local[1]", ROOT / "spark" / "run_marts.py", "--lake")
        whole = file.read_bytes()
        for what, content, words, code, wanted in (
            ("no plan", whole, (lake, "--run", "never"), 2, "marts export --run never"),
            ("no plan on S3", whole, (self.lake, "--run", "never"), 2, "marts export --run never"),
            ("a damaged file", whole[:-9] + b"damaged!!", (lake, "--run", "broken"), 1, file.name),
            ("a missing file", None, (lake, "--run", "broken"), 1, "the shipments cannot be read"),
            ("all is well again", whole, (lake, "--run", "broken"), 0, "warehouse_demand: "),
        ):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_bytes(content)
            done = self.submit(*local, *words, check=False)
            said = done.stdout + done.stderr  # spark-submit gives both of the job's as its own standard output
            good = done.returncode == code and wanted in said and "Traceback" not in said
            self.check(what, None if good else f"{done.returncode}: {said[-2000:]}")
            if code < 2:
                outcome = json.loads((lake / "_freightlake" / "staging" / "broken" / "outcome.json").read_text())
                self.check(
                    f"{what}: the outcome", None if (outcome["outcome"] == "ok") == (code == 0) else str(outcome)
                )


def spark_type(kind) -> str:
    import pyarrow

    names = {
        pyarrow.int32(): "int", pyarrow.int64(): "bigint", pyarrow.float64(): "double", pyarrow.string(): "string",
        pyarrow.bool_(): "boolean", pyarrow.date32(): "date", pyarrow.timestamp("us", tz="UTC"): "timestamp",
    }  # fmt: skip
    if pyarrow.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return names.get(kind, str(kind))


def difference(table, types: list[str], rows: list[tuple], sql: str) -> str | None:
    """What is not the same in our Arrow table and Spark's rows."""
    import query

    ours = [spark_type(field.type) for field in table.schema]
    if ours != types:
        return f"types {ours} here, {types} in Spark"
    got = [tuple(map(query.plain, row)) for row in zip(*[c.to_pylist() for c in table.columns])]
    want = [tuple(map(query.plain, row)) for row in rows]
    if len(got) != len(want):
        return f"{len(got)} rows here, {len(want)} in Spark"
    here, there = counted(got), counted(want)
    if here == there:
        return None
    if not re.search(r"\b(sum|avg|std\w*|var\w*|corr|percentile|median)\(", sql):
        return f"only here: {next((here - there).elements())}, only in Spark: {next((there - here).elements())}"
    exact = [name.startswith("k") or kind != "double" for name, kind in zip(table.column_names, types)]

    def key(row: tuple) -> tuple:
        """What identifies a row first: sums that are nearly the same may change places."""
        return tuple(x for x, is_key in zip(row, exact) if is_key), query.order_key(row)

    for a, b in zip(sorted(got, key=key), sorted(want, key=key)):
        if not all(map(query.equal, a, b)):
            return f"{a} here, {b} in Spark"
    return None


def counted(rows: list[tuple]) -> collections.Counter:
    """As a multiset: NaN equals itself, 0.0 equals -0.0."""
    return collections.Counter(tuple((kind, "NaN" if x != x else x) for kind, x in row) for row in rows)


def main() -> int:
    if len(sys.argv) > 1:
        return in_spark(sys.argv[1])
    sys.path.insert(0, str(ROOT / "tests"))
    import s3_server
    import spark_cluster

    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.SystemRandom().randrange(2**31))
    print(f"seed {seed}")
    with contextlib.ExitStack() as stack:
        try:
            s3 = stack.enter_context(s3_server.s3_server())
            cluster = stack.enter_context(spark_cluster.spark_cluster())
        except (RuntimeError, spark_cluster.Unavailable) as error:
            return give_up(f"no parity with Spark was tested: {error}")
        parity = Parity(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())), s3, cluster, seed)
        parity.say("the cluster and the S3 server are up")
        parity.prove()
    print(f"{parity.passed} passed, {parity.failed} failed, 0 skipped")
    return 1 if parity.failed or not parity.passed else 0


if __name__ == "__main__":
    sys.exit(main())

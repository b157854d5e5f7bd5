#!/usr/bin/env python3
"""Random queries of the dialect against DuckDB, over random tables.

The oracle speaks another dialect in a few places, so the generator writes each expression twice: division becomes
`x / nullif(y, 0)`, `%` likewise, NULL order is spelled out.  Results are compared as multisets, doubles within relative
1e-11.  FREIGHTLAKE_SLOW=1 runs many more.  A failing query is printed with its seed, which repeats it.
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = os.environ["FREIGHTLAKE"]
SEED = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.SystemRandom().randrange(2**31))
TABLES = 10
QUERIES = 300 if os.environ.get("FREIGHTLAKE_SLOW") else 25  # a table

COLUMNS = {  # name: kind
    "i": "int",
    "j": "int",
    "b": "bigint",
    "x": "double",
    "y": "double",
    "d": "decimal",
    "s": "string",
    "t": "string",
    "a": "date",
    "e": "date",
    "o": "boolean",
}
WORDS = ["", "a", "A", "late", "on time", "Zürich", "München", "50%", "under_score", "x" * 40, "東京", "a b c"]


def random_value(rng: random.Random, kind: str):
    match kind:
        case "int":
            return rng.choice([rng.randint(-5, 5), rng.randint(-100, 100), rng.randint(-(2**31), 2**31 - 1)])
        case "bigint":
            return rng.choice([rng.randint(-3, 3), rng.randint(-(2**40), 2**40)])
        case "double":
            return rng.choice(
                [0.0, -1.5, 2.25, float(rng.randint(-9, 9)), rng.uniform(-1000, 1000), round(rng.uniform(0, 100), 2)]
            )
        case "decimal":
            return decimal.Decimal(rng.choice([rng.randint(-500, 500), rng.randint(-(10**9), 10**9)])).scaleb(-2)
        case "string":
            return rng.choice(WORDS)
        case "date":
            return datetime.date(2024, 1, 1) + datetime.timedelta(
                days=rng.choice([rng.randint(0, 20), rng.randint(-30000, 30000)])
            )
        case _:
            return rng.random() < 0.5


TYPES = {
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "decimal": pa.decimal128(12, 2),
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def write_table(rng: random.Random, folder: pathlib.Path) -> int:
    rows = rng.choice([0, 1, 40, 700, 5000])
    share = rng.choice([0, 0.1, 0.9])
    few = rng.random() < 0.5
    data = {}
    for name, kind in COLUMNS.items():
        pool = [random_value(rng, kind) for _ in range(7 if few else 4000)]
        data[name] = pa.array([None if rng.random() < share else rng.choice(pool) for _ in range(rows)], TYPES[kind])
    table = pa.table(data)
    if rng.random() < 0.6:  # sorted rows in small pages: statistics and page index have something to skip
        table = table.sort_by(rng.choice(list(COLUMNS)))
    files = rng.choice([1, 3])
    for i in range(files):
        part = table.slice(rows * i // files, rows * (i + 1) // files - rows * i // files)
        pq.write_table(
            part,
            folder / f"part-{i}.parquet",
            row_group_size=rng.choice([100, 1000, 10**6]),
            use_dictionary=rng.choice([True, False, ["s", "i"]]),
            data_page_version=rng.choice(["1.0", "2.0"]),
            compression=rng.choice(["snappy", "none", "zstd", "gzip"]),
            write_page_index=rng.choice([True, True, False]),
            data_page_size=rng.choice([100, 2**20]),
            write_batch_size=rng.choice([20, 1024]),
        )
    return rows


class Expression:
    """Text for us and text for the oracle."""

    def __init__(self, ours: str, oracle: str | None = None):
        self.ours = ours
        self.oracle = ours if oracle is None else oracle


def join(template: str, *parts: Expression, oracle: str | None = None) -> Expression:
    return Expression(
        template.format(*[p.ours for p in parts]), (oracle or template).format(*[p.oracle for p in parts])
    )


def over(query: Expression, source: Expression) -> Expression:
    """The query with another source in place of the files."""
    return Expression(query.ours.replace("{files}", source.ours), query.oracle.replace("{files}", source.oracle))


class Generator:
    columns = COLUMNS
    ties = True  # whether the oracle can be asked for our choice among equals

    def __init__(self, rng: random.Random):
        self.rng = rng

    def column(self, kind: str) -> Expression:
        return Expression(self.rng.choice([name for name, k in self.columns.items() if k == kind]))

    def constant(self, kind: str) -> Expression:
        rng = self.rng
        match kind:
            case "int":
                return Expression(str(rng.randint(0, 20)))
            case "bigint":
                return Expression(f"CAST({rng.randint(0, 10**6)} AS BIGINT)")
            case "double":
                return Expression(f"CAST({rng.choice(['1.5', '0.25', '3', '100'])} AS DOUBLE)")
            case "decimal":
                return Expression(rng.choice(["1.50", "12.25", "0.01"]))
            case "string":
                word = rng.choice([w for w in WORDS if "'" not in w])
                return Expression(f"'{word}'")
            case "date":
                return Expression(f"DATE '2024-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}'")
            case _:
                return Expression(rng.choice(["TRUE", "FALSE"]))

    def number(self, depth: int) -> tuple[Expression, str]:
        """int and double expressions; their arithmetic is the same in both engines away from overflow."""
        rng = self.rng
        choice = rng.random()
        if depth == 0 or choice < 0.35:
            kind = rng.choice(["int", "double"])
            if kind == "int":  # small values only: sums must not overflow in the oracle, which would fail
                return join("({0} % 1000)", self.column("int")), "int"
            return self.column("double"), "double"
        if choice < 0.6:
            (a, ka), (b, kb) = self.number(depth - 1), self.number(depth - 1)
            return join(rng.choice(["({0} + {1})", "({0} - {1})"]), a, b), "double" if "double" in (ka, kb) else "int"
        if choice < 0.7:
            (a, _), (b, _) = self.number(depth - 1), self.number(depth - 1)
            oracle = "(CAST({0} AS DOUBLE) / nullif(CAST({1} AS DOUBLE), 0))"
            return join("({0} / {1})", a, b, oracle=oracle), "double"
        if choice < 0.8:
            a, k = self.number(depth - 1)
            b, other = self.number(depth - 1)
            if k != other:
                return a, k
            return join("CASE WHEN {2} THEN {0} ELSE {1} END", a, b, self.condition(depth - 1)), k
        if choice < 0.87:
            a, k = self.number(depth - 1)
            return join(f"coalesce({{0}}, {'7' if k == 'int' else 'CAST(7 AS DOUBLE)'})", a), k
        if choice < 0.94:
            return (
                join(
                    "datediff({0}, {1})", self.column("date"), self.column("date"), oracle="CAST({0} - {1} AS INTEGER)"
                ),
                "int",
            )
        part = rng.choice(["year", "month", "day"])
        return join(part + "({0})", self.column("date"), oracle=f"CAST({part}({{0}}) AS INTEGER)"), "int"

    def condition(self, depth: int) -> Expression:
        rng = self.rng
        choice = rng.random()
        if depth > 0 and choice < 0.3:
            return join(
                rng.choice(["({0} AND {1})", "({0} OR {1})"]), self.condition(depth - 1), self.condition(depth - 1)
            )
        if depth > 0 and choice < 0.38:
            return join("(NOT {0})", self.condition(depth - 1))
        if choice < 0.55:
            kind = rng.choice(["int", "bigint", "double", "string", "date", "decimal"])
            sign = rng.choice(["=", "<>", "<", "<=", ">", ">="])
            right = self.column(kind) if rng.random() < 0.4 else self.constant(kind)
            return join(f"({{0}} {sign} {{1}})", self.column(kind), right)
        if choice < 0.63:
            kind = rng.choice(list(set(COLUMNS.values())))
            return join(rng.choice(["({0} IS NULL)", "({0} IS NOT NULL)"]), self.column(kind))
        if choice < 0.72:
            kind = rng.choice(["int", "double", "date", "decimal"])
            return join("({0} BETWEEN {1} AND {2})", self.column(kind), self.constant(kind), self.constant(kind))
        if choice < 0.82:
            kind = rng.choice(["int", "string", "date"])
            return join("({0} IN ({1}, {2}))", self.column(kind), self.constant(kind), self.constant(kind))
        if choice < 0.92:
            pattern = rng.choice(["a%", "%e%", "_", "%ü%", "", "%", "50!%", "under!_%"])
            return join(f"({{0}} LIKE '{pattern}' ESCAPE '!')", self.column("string"))
        return self.column("boolean")

    def aggregate(self) -> Expression:
        rng = self.rng
        kind = rng.random()
        filter_text = Expression("")
        if rng.random() < 0.25:
            filter_text = join(" FILTER (WHERE {0})", self.condition(1))
        if kind < 0.15:
            return join("count(*){0}", filter_text)
        if kind < 0.3:
            column = self.column(rng.choice(list(COLUMNS.values())))
            return join("count({1}{0}){2}", column, Expression(rng.choice(["", "DISTINCT "])), filter_text)
        if kind < 0.5:
            value, value_kind = self.number(2)
            function = rng.choice(["sum", "avg"])
            cast = "CAST({0}({1}){2} AS BIGINT)" if function == "sum" and value_kind == "int" else "{0}({1}){2}"
            return join("{0}({1}){2}", Expression(function), value, filter_text, oracle=cast)
        if kind < 0.6:
            return join("sum({0}){1}", self.column("decimal"), filter_text)
        if kind < 0.72:
            return self.moment(filter_text)
        if kind < 0.8 and self.ties:  # of several values at one extreme the least is ours; any is the oracle's
            x, y = (self.column(rng.choice(["int", "bigint", "double", "string", "date"])) for _ in range(2))
            word, extreme = rng.choice([("min_by", "min"), ("max_by", "max")])
            ours = join(f"{word}({{0}}, {{1}}){{2}}", x, y, filter_text).ours
            order = "DESC" if word == "max_by" else "ASC"
            first = f"first({{0}} ORDER BY {{1}} {order} NULLS LAST, {{0}} ASC NULLS LAST)"
            where = " FILTER (WHERE {1} IS NOT NULL{2})"
            condition = filter_text.oracle.removeprefix(" FILTER (WHERE ").removesuffix(")")
            condition = f" AND {condition}" if condition else ""
            return Expression(ours, (first + where).format(x.oracle, y.oracle, condition))
        column = self.column(rng.choice(["int", "bigint", "double", "string", "date", "decimal"]))
        return join("{0}({1}){2}", Expression(rng.choice(["min", "max"])), column, filter_text)

    def moment(self, filter_text: Expression) -> Expression:
        """Of modest values: the oracle's own rounding grows with the mean, and what it leaves of equal values is noise."""
        rng = self.rng
        x, y = (f"CAST({c} AS DOUBLE)" for c in (self.column("double").ours, f"({self.column('int').ours} % 100)"))
        word = rng.choice(["stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "corr"])
        if word == "corr":
            return Expression(
                f"round(corr({x}, {y}){filter_text.ours}, 7)",
                f"round(nullif(corr({x}, {y}){filter_text.oracle}, 'nan'::DOUBLE), 7)",
            )
        distinct = rng.choice(["", "", "DISTINCT "])
        value = rng.choice([x, y])
        if rng.random() < 0.4:
            share = rng.choice([0, 0.25, 0.5, 0.9, 1])
            median = share == 0.5 and rng.random() < 0.5
            percentile = f"median({distinct}{value})" if median else f"percentile({distinct}{value}, {share})"
            oracle = f"quantile_cont({distinct}{value}, {share})"
            return Expression(percentile + filter_text.ours, oracle + filter_text.oracle)
        return join("{0}({1}){2}", Expression(word), Expression(distinct + value), filter_text)

    def query(self) -> Expression:
        """A SELECT over the files, over a subquery, or over what WITH names."""
        query = self.select()
        form = self.rng.random()
        if form < 0.6:
            return query
        inner = self.relation(2)
        if form < 0.8:
            return over(query, Expression(f"({inner.ours}) AS n", f"({inner.oracle}) AS n"))
        query = over(query, Expression("n"))
        return Expression(f"WITH n AS ({inner.ours}) {query.ours}", f"WITH n AS ({inner.oracle}) {query.oracle}")

    def relation(self, depth: int) -> Expression:
        """A query that gives all of the columns, with their types."""
        rng = self.rng
        form = rng.random()
        if depth > 0 and form < 0.25:
            union = rng.choice(["UNION ALL", "UNION ALL", "UNION"])
            return join(f"{{0}} {union} {{1}}", self.relation(depth - 1), self.relation(depth - 1))
        if depth > 0 and form < 0.45:
            return self.joined(depth)
        where = join(" WHERE {0}", self.condition(1)) if rng.random() < 0.5 else Expression("")
        if form < 0.65:
            key = rng.choice(list(self.columns))
            outputs = [
                f"{name if name == key else rng.choice(['min', 'max']) + f'({name})'} AS {name}"
                for name in self.columns
            ]
            select = join(f"SELECT {', '.join(outputs)} FROM {{{{files}}}}{{0}} GROUP BY {key}", where)
        else:
            swapped = {}
            for kind in set(self.columns.values()):
                one, *more = [name for name, k in self.columns.items() if k == kind]
                swapped |= {one: more[0], more[0]: one} if more else {}
            swap = rng.random() < 0.4
            outputs = [f"{swapped.get(name, name)} AS {name}" if swap else name for name in self.columns]
            distinct = rng.choice(["", "", "DISTINCT "])
            select = join(f"SELECT {distinct}{', '.join(outputs)} FROM {{{{files}}}}{{0}}", where)
        if depth > 0 and rng.random() < 0.4:
            inner = self.relation(depth - 1)
            return over(select, Expression(f"({inner.ours}) AS n{depth}", f"({inner.oracle}) AS n{depth}"))
        return select

    def joined(self, depth: int) -> Expression:
        """All of the columns, of two or three tables; what is on the right has few rows for each key, so that rows do not multiply."""
        rng = self.rng
        names = list(self.columns)
        source, aliases = self.relation(depth - 1), ["l"]
        text = Expression(f"({source.ours}) AS l", f"({source.oracle}) AS l")
        for alias in ["r", "q"][: rng.choice([1, 1, 2])]:
            key = rng.choice(names)
            more = rng.choice([[], [rng.choice(names)]])
            grouped = [f"{n if n in [key, *more] else rng.choice(['min', 'max']) + f'({n})'} AS {n}" for n in names]
            right = f"SELECT {', '.join(grouped)} FROM {{files}} GROUP BY {', '.join(dict.fromkeys([key, *more]))}"
            left = rng.choice(aliases)
            same = [n for n, kind in self.columns.items() if kind == self.columns[key]]
            on = [f"{left}.{rng.choice(same)} = {alias}.{key}", *(f"{left}.{n} = {alias}.{n}" for n in more)]
            on += rng.choice([[], [f"{alias}.{rng.choice(names)} IS NOT NULL"], [f"{left}.{key} >= {alias}.{key}"]])
            on += rng.choice([[], [], [f"({left}.{key} < {alias}.{key} OR {left}.{names[0]} IS NULL)"]])
            kind = rng.choice(["JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN"])
            text = Expression(
                *(f"{t} {kind} ({right}) AS {alias} ON {' AND '.join(on)}" for t in (text.ours, text.oracle))
            )
            aliases.append(alias)
        outputs = ", ".join(f"{rng.choice(aliases)}.{n} AS {n}" for n in names)
        tested = f"{rng.choice(aliases)}.{rng.choice(names)}"
        where = rng.choice(
            ["", f" WHERE {tested} IS NULL", f" WHERE {tested} IS NOT NULL AND l.{names[0]} IS NOT NULL"]
        )
        return join(f"SELECT {outputs} FROM {{0}}{where}", text)

    def select(self) -> Expression:
        rng = self.rng
        where = Expression("")
        if rng.random() < 0.6:
            where = join(" WHERE {0}", self.condition(2))
        if rng.random() < 0.6:
            return self.grouped(where)
        outputs = []
        for i in range(rng.randint(1, 4)):
            value = self.number(2)[0] if rng.random() < 0.5 else self.column(rng.choice(list(COLUMNS.values())))
            outputs.append(join(f"{{0}} AS c{i}", value))
        distinct = rng.choice(["", "", "DISTINCT "])
        select = self.listed(outputs)
        order = Expression("")
        if rng.random() < 0.5:
            order = Expression(f" ORDER BY c0{rng.choice(['', ' DESC'])}", "")
        return join(f"SELECT {distinct}{{0}} FROM {{{{files}}}}{{1}}{{2}}", select, where, order)

    def grouped(self, where: Expression) -> Expression:
        rng = self.rng
        keys = [self.column(rng.choice(list(COLUMNS.values()))) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        if keys and rng.random() < 0.2:
            keys.append(join("({0} % 5)", self.column("int")))
        outputs = [join(f"{{0}} AS k{i}", key) for i, key in enumerate(keys)]
        outputs += [join(f"{{0}} AS c{i}", self.aggregate()) for i in range(rng.randint(1, 4))]
        group = Expression(" GROUP BY " + ", ".join(str(i + 1) for i in range(len(keys)))) if keys else Expression("")
        having = Expression("")
        if keys and rng.random() < 0.2:
            having = Expression(" HAVING count(*) > 2")
        select = self.listed(outputs)
        return join("SELECT {0} FROM {{files}}{1}{2}{3}", select, where, group, having)

    @staticmethod
    def listed(outputs: list[Expression]) -> Expression:
        return Expression(", ".join(o.ours for o in outputs), ", ".join(o.oracle for o in outputs))


def plain(value):
    if isinstance(value, float):
        return ("number", value)
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, decimal.Decimal)):
        return ("number", value)
    if isinstance(value, datetime.date):
        return ("text", value.isoformat())
    return ("null", 0) if value is None else ("text", value)


def order_key(row):
    """Rounded first, since the engines differ in last digits; rows that are the same then, by all their digits."""
    rounded, exact = [], []
    for kind, value in row:
        if kind == "number":
            value = float(value)
            value = -math.inf if math.isnan(value) else value
            rounded.append((kind, float(f"{value:.7g}") + 0.0))
        else:
            rounded.append((kind, value))
        exact.append((kind, value))
    return rounded, exact


def equal(a, b) -> bool:
    if a[0] != b[0]:
        return False
    if a[0] != "number":
        return a[1] == b[1]
    if isinstance(a[1], float) or isinstance(b[1], float):
        x, y = float(a[1]), float(b[1])
        return x == y or (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-11, abs_tol=1e-9)
    return a[1] == b[1]


def ours(sql: str, folder: pathlib.Path) -> list:
    output = folder / "result.parquet"
    command = [PROGRAM, "query", sql, "--output", str(output), "--threads", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    table = pq.read_table(output)
    return [tuple(map(plain, row)) for row in zip(*[c.to_pylist() for c in table.columns])]


def check(query: Expression, data: pathlib.Path, folder: pathlib.Path, connection) -> None:
    files = str(data / "*.parquet")
    wanted = connection.execute(query.oracle.format(files="data")).fetchall()
    got = ours(query.ours.format(files=f"'{files}'"), folder)
    wanted = [tuple(map(plain, row)) for row in wanted]
    if len(got) != len(wanted):
        raise AssertionError(f"{len(got)} rows, the oracle has {len(wanted)}")
    for a, b in zip(sorted(got, key=order_key), sorted(wanted, key=order_key)):
        if not all(map(equal, a, b)):
            raise AssertionError(f"row {a} is not {b}")


def main() -> int:
    print(f"seed {SEED}")
    passed = failed = 0
    for table in range(TABLES):
        rng = random.Random(f"{SEED}/{table}")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            data = folder / "data"
            data.mkdir()
            rows = write_table(rng, data)
            connection = duckdb.connect()
            connection.execute(f"CREATE TABLE data AS SELECT * FROM read_parquet('{data}/*.parquet')")
            for number in range(QUERIES):
                query = Generator(random.Random(f"{SEED}/{table}/{number}")).query()
                try:
                    check(query, data, folder, connection)
                    passed += 1
                except duckdb.Error as error:
                    print(f"the oracle refuses: {json.dumps(query.oracle)}: {error}")
                except AssertionError as error:
                    failed += 1
                    print(f"FAILED: seed {SEED} table {table} ({rows} rows) query {number}: {str(error)[:500]}")
                    print(f"    {query.ours}\n    {query.oracle}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

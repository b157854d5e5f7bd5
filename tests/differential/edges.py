#!/usr/bin/env python3
"""Answers at the edges, each the reproduction of a mistake once made: all-NULL row groups under WHERE, the order of groups
and rows, sums that overflow on the way, signs of zero, running extremes, statistics of few or odd values, and limits on keys and memory.
"""

import decimal
import os
import pathlib
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = os.environ["FREIGHTLAKE"]


class Edges:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.passed = self.failed = 0

    def check(self, what: str, got, want) -> None:
        if got == want:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}: {got!r} is not {want!r}")

    def query(self, sql: str, *more: str) -> subprocess.CompletedProcess:
        command = [PROGRAM, "query", sql, "--format", "csv", *more]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)

    def rows(self, sql: str, *more: str) -> list[str]:
        done = self.query(sql, *more)
        return done.stdout.splitlines()[1:] if done.returncode == 0 else [done.stderr]

    def write(self, name: str, row_group_size: int = 2**20, **columns) -> None:
        pq.write_table(pa.table(columns), self.folder / name, row_group_size=row_group_size, write_page_index=True)

    def all_null_row_groups(self) -> None:
        values = [None] * 1000 + [True] * 500 + [False] * 500
        self.write("nulls.parquet", 1000, b=pa.array(values, pa.bool_()), n=range(2000))
        expected = {
            "coalesce(b, TRUE)": 1500,
            "nvl(b, TRUE)": 1500,
            "b OR TRUE": 2000,
            "TRUE OR b": 2000,
            "b IS NOT DISTINCT FROM TRUE": 500,
            "b IS DISTINCT FROM TRUE": 1500,
            "NOT coalesce(b, FALSE)": 1500,
            "b IS NULL": 1000,
            "b IS NOT NULL": 1000,
            "b = TRUE": 500,
            "b <> TRUE": 500,
            "n < 10 AND b IS NULL": 10,
        }
        for condition, count in expected.items():
            got = self.rows(f"SELECT count(*) AS n FROM 'nulls.parquet' WHERE {condition}")
            self.check(condition, got, [str(count)])

    def groups_have_one_order(self) -> None:
        for part in range(3):
            self.write(f"g{part}.parquet", 7000, k=[i * 7919 % 9973 for i in range(part, 40000, 3)])
        sql = "SELECT k, count(*) AS n FROM 'g*.parquet' GROUP BY k LIMIT 5"
        want = self.rows(sql, "--threads", "1")
        for threads in ["2", "2", "7"]:
            self.check(f"groups with {threads} threads", self.rows(sql, "--threads", threads), want)

    def sums_overflow_only_at_the_end(self) -> None:
        most, least = decimal.Decimal(10**38 - 1), decimal.Decimal(1 - 10**38)
        for name, terms in {"a": [most, most, least], "b": [most, least, most]}.items():
            column = pa.array(terms, pa.decimal128(38, 0))
            self.write(f"sum-{name}.parquet", d=column)
            self.check(f"sum {name}", self.rows(f"SELECT sum(d) AS s FROM 'sum-{name}.parquet'"), [str(most)])
        self.write("sum-c.parquet", d=pa.array([most, most], pa.decimal128(38, 0)))
        self.check("sum beyond the type", self.rows("SELECT sum(d) AS s FROM 'sum-c.parquet'"), [""])

    def sorted_results_have_one_zero(self) -> None:
        for name, rows in {"few": 5, "many": 20000}.items():
            self.write(f"zero-{name}.parquet", x=[-0.0, 0.0] * rows)
            self.check(f"zero of {name}", self.rows(f"SELECT x FROM 'zero-{name}.parquet' ORDER BY x LIMIT 1"), ["0.0"])
        for name, values in {"p": [0.0, -0.0], "m": [-0.0, 0.0]}.items():
            self.write(f"extreme-{name}.parquet", x=values)
            got = self.rows(f"SELECT min(x) AS a, max(x) AS b FROM 'extreme-{name}.parquet'")
            self.check(f"extremes of {name}", got, ["0.0,0.0"])

    def files_without_rows_are_sorted_with_others(self) -> None:
        texts = [f"SH{i * 7919 % 20011}" for i in range(20000)]
        self.write("empty-1.parquet", text=pa.array([], pa.string()))
        self.write("empty-2.parquet", text=texts)
        self.write("empty-3.parquet", text=pa.array([], pa.string()))
        got = self.rows("SELECT text FROM 'empty-*.parquet' ORDER BY coalesce(text, '')", "--threads", "1")
        self.check("rows beside empty files", got == sorted(texts), True)

    def memory_stays_bounded(self) -> None:
        names = [f"{i:012d}" + "x" * 100 for i in range(300_000)]
        self.write("ascending.parquet", 100_000, s=names)
        self.check(
            "running maximum",
            self.rows("SELECT max(s) AS m FROM 'ascending.parquet'", "--memory-limit", "40MiB"),
            names[-1:],
        )
        one = self.query("SELECT * FROM 'ascending.parquet' LIMIT 1", "--memory-limit", "40MiB")
        self.check("one row", one.stdout.splitlines()[1:], names[:1])
        many = self.query("SELECT s, count(*) AS n FROM 'ascending.parquet' GROUP BY s", "--memory-limit", "20MiB")
        self.check("too many groups", (many.returncode, "--memory-limit" in many.stderr), (4, True))

    def too_many_keys_are_refused(self) -> None:
        self.write("wide.parquet", **{f"c{i}": [i] for i in range(70)})
        keys = ", ".join(f"c{i}" for i in range(65))
        for sql in [
            f"SELECT count(*) AS n FROM 'wide.parquet' GROUP BY {keys}",
            f"SELECT DISTINCT {keys} FROM 'wide.parquet'",
            f"SELECT count(DISTINCT {keys}) AS n FROM 'wide.parquet'",
        ]:
            done = self.query(sql)
            self.check(sql[:40], (done.returncode, "hint" in done.stderr), (2, True))

    def whole_files_are_counted_without_reading(self) -> None:
        got = self.rows("SELECT count(*) AS n, sum(2) AS s, count(DISTINCT 3) AS d FROM 'nulls.parquet'")
        self.check("counts", got, ["2000,4000,1"])

    def statistics_are_those_of_spark(self) -> None:
        nan, inf = float("nan"), float("inf")
        listed = (
            "var_samp(x) AS a, var_pop(x) AS b, stddev(DISTINCT x) AS c, corr(x, y) AS d, percentile(x, 0.3) AS e, "
            "median(x) AS f, percentile(DISTINCT x, 0.25) AS g, max_by(x, y) AS h, min_by(y, x) AS i, "
            "percentile(x, 0.5) FILTER (WHERE y > 1) AS j"
        )
        expected = {
            "one": ([5.0], ",0.0,,,5.0,5.0,5.0,5.0,1.0,"),
            "none": ([], ",,,,,,,,,"),
            "equal": ([0.1] * 3, "0.0,0.0,,,0.1,0.1,0.1,0.1,1.0,0.1"),
            "nan": ([nan, 1.0, 2.0], "NaN,NaN,NaN,NaN,1.6,2.0,1.5,2.0,2.0,1.5"),
            "infinite": ([inf, 1.0, 2.0], "NaN,NaN,NaN,NaN,1.6,2.0,1.5,2.0,2.0,1.5"),
            "huge": (
                [1e200, 2e200],
                "NaN,NaN,NaN,NaN,1.2999999999999999E200,1.5E200,1.2499999999999999E200,2.0E200,1.0,2.0E200",
            ),
            "nulls": ([None, 1.0, None], ",0.0,,,1.0,1.0,1.0,,2.0,1.0"),
        }
        for name, (values, want) in expected.items():
            x = pa.array(values, pa.float64())
            self.write(f"some-{name}.parquet", x=x, y=pa.array([i + 1.0 for i in range(len(values))], pa.float64()))
            self.check(f"statistics of {name}", self.rows(f"SELECT {listed} FROM 'some-{name}.parquet'"), [want])

    def statistics_do_not_depend_on_threads(self) -> None:
        listed = "k, median(x) AS m, percentile(y, 0.9) AS p, stddev(x) AS s, corr(x, y) AS c, min_by(y, x) AS b"
        sql = f"SELECT {listed} FROM 'h*.parquet' GROUP BY k ORDER BY k"
        for part in range(3):
            rows = range(part, 30000, 3)
            x, y = [i * 7919 % 9973 / 7 for i in rows], [i * i % 31 / 10 for i in rows]
            self.write(f"h{part}.parquet", 3000, k=[i % 17 for i in rows], x=x, y=y)
        want = self.rows(sql, "--threads", "1")
        self.check("groups with statistics", len(want), 17)
        for threads in ["2", "7"]:
            self.check(f"statistics with {threads} threads", self.rows(sql, "--threads", threads), want)
        self.write("values.parquet", 100_000, x=[i * 0.1 for i in range(1_000_000)])
        done = self.query("SELECT median(x) AS m FROM 'values.parquet'", "--memory-limit", "20MiB")
        self.check("too many values", (done.returncode, "--memory-limit" in done.stderr), (4, True))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        edges = Edges(pathlib.Path(folder))
        edges.all_null_row_groups()
        edges.groups_have_one_order()
        edges.sums_overflow_only_at_the_end()
        edges.sorted_results_have_one_zero()
        edges.files_without_rows_are_sorted_with_others()
        edges.memory_stays_bounded()
        edges.too_many_keys_are_refused()
        edges.statistics_are_those_of_spark()
        edges.statistics_do_not_depend_on_threads()
        edges.whole_files_are_counted_without_reading()
    print(f"{edges.passed} passed, {edges.failed} failed, 0 skipped")
    return 1 if edges.failed or not edges.passed else 0


if __name__ == "__main__":
    sys.exit(main())

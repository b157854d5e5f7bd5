#!/usr/bin/env python3
"""The 22 queries of TPC-H (bench/tpch) over small tables of random rows in the benchmark's domains, against DuckDB, with all the
memory and with so little that joins spill.  Small tables that are dense where the queries look: a query whose answer is empty is
counted, and few may be."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    import duckdb
except ImportError as missing:
    print(f"skipped: {missing}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import tpch

PROGRAM = os.environ["FREIGHTLAKE"]
ROUNDS = 6 if os.environ.get("FREIGHTLAKE_SLOW") else 1
LIMIT = "5MB"
NATIONS = ["FRANCE", "GERMANY", "BRAZIL", "CANADA", "SAUDI ARABIA", "CHINA", "INDIA", "KENYA"]
REGIONS = ["EUROPE", "EUROPE", "AMERICA", "AMERICA", "MIDDLE EAST", "ASIA", "ASIA", "AFRICA"]
WORDS = {
    "p_type": ["ECONOMY ANODIZED STEEL", "PROMO BURNISHED BRASS", "MEDIUM POLISHED TIN", "LARGE PLATED BRASS"],
    "p_brand": ["Brand#12", "Brand#23", "Brand#34", "Brand#45"],
    "p_container": ["SM CASE", "SM BOX", "MED BOX", "MED BAG", "LG CASE", "LG PKG"],
    "p_name": ["forest green", "green lace", "dim red", "forest pink"],
    "o_orderpriority": ["1-URGENT", "2-HIGH", "3-MEDIUM", "5-LOW"],
    "c_mktsegment": ["BUILDING", "MACHINERY"],
    "l_shipmode": ["MAIL", "SHIP", "AIR", "AIR REG", "RAIL"],
    "l_shipinstruct": ["DELIVER IN PERSON", "NONE"],
    "comment": ["quick special blue requests", "Customer slow Complaints", "even deposits", "special packages"],
    "l_returnflag": ["R", "A", "N"],
    "status": ["F", "O"],
    "phone": ["13", "31", "23", "29", "30", "18", "17", "40"],
}


class Maker:
    def __init__(self, rng: random.Random):
        self.rng = rng

    def number(self, below: int) -> str:
        return f"(hash(r, {self.rng.randrange(10**9)}) % {below})::BIGINT"

    def word(self, kind: str) -> str:
        return f"([{', '.join(repr(word) for word in WORDS[kind])}])[1 + {self.number(len(WORDS[kind]))}]"

    def money(self, below: int) -> str:
        return f"({self.number(below * 100)} / 100.0)::DECIMAL(15,2)"

    def day(self, first: str, days: int) -> str:
        return f"(DATE '{first}' + {self.number(days)}::INT)"

    def tables(self) -> dict[str, str]:
        """Each table's SELECT over r, the number of its row."""
        key = "r::BIGINT"
        nations = f"([{', '.join(repr(name) for name in NATIONS)}])[1 + r]"
        parts, suppliers, customers, orders = 200, 60, 300, 25000
        ordered = self.day("1992-01-01", 2500)
        price = self.money(900)
        return {
            "region": f"SELECT {key} AS r_regionkey, (['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[1 + r] AS r_name FROM range(5) AS x(r)",
            "nation": f"SELECT {key} AS n_nationkey, {nations} AS n_name, list_position(['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'], ([{', '.join(map(repr, REGIONS))}])[1 + r])::BIGINT - 1 AS n_regionkey FROM range({len(NATIONS)}) AS x(r)",
            "supplier": f"SELECT {key} AS s_suppkey, 'Supplier ' || r AS s_name, 'street ' || r AS s_address, {self.number(len(NATIONS))} AS s_nationkey, {self.word('phone')} || '-555' AS s_phone, {self.money(9000)} AS s_acctbal, {self.word('comment')} AS s_comment FROM range({suppliers}) AS x(r)",
            "customer": f"SELECT {key} AS c_custkey, 'Customer ' || r AS c_name, 'street ' || r AS c_address, {self.number(len(NATIONS))} AS c_nationkey, {self.word('phone')} || '-555' AS c_phone, {self.money(9000)} AS c_acctbal, {self.word('c_mktsegment')} AS c_mktsegment, {self.word('comment')} AS c_comment FROM range({customers}) AS x(r)",
            "part": f"SELECT {key} AS p_partkey, {self.word('p_name')} AS p_name, 'maker ' || (r % 5) AS p_mfgr, {self.word('p_brand')} AS p_brand, {self.word('p_type')} AS p_type, ([15, 49, 14, 23, 3, 9, 5, 1])[1 + {self.number(8)}]::INT AS p_size, {self.word('p_container')} AS p_container FROM range({parts}) AS x(r)",
            "partsupp": f"SELECT (r // 4)::BIGINT AS ps_partkey, (((r // 4) + (r % 4) * 15) % {suppliers})::BIGINT AS ps_suppkey, {self.number(9000)}::INT AS ps_availqty, {self.money(1000)} AS ps_supplycost FROM range({parts * 4}) AS x(r)",
            "orders": f"SELECT {key} AS o_orderkey, {self.number(customers * 2 // 3)} AS o_custkey, {self.word('status')} AS o_orderstatus, {self.money(90000)} AS o_totalprice, {ordered} AS o_orderdate, {self.word('o_orderpriority')} AS o_orderpriority, 0::INT AS o_shippriority, {self.word('comment')} AS o_comment FROM range({orders}) AS x(r)",
            "lineitem": f"SELECT (r // 6)::BIGINT AS l_orderkey, p AS l_partkey, ((p + {self.number(4)} * 15) % {suppliers})::BIGINT AS l_suppkey, (1 + {self.number(80)})::DECIMAL(15,2) AS l_quantity, {price} AS l_extendedprice, (({self.number(11)}) / 100.0)::DECIMAL(15,2) AS l_discount, (({self.number(9)}) / 100.0)::DECIMAL(15,2) AS l_tax, {self.word('l_returnflag')} AS l_returnflag, {self.word('status')} AS l_linestatus, s AS l_shipdate, s + {self.number(60)}::INT - 20 AS l_commitdate, s + {self.number(40)}::INT AS l_receiptdate, {self.word('l_shipinstruct')} AS l_shipinstruct, {self.word('l_shipmode')} AS l_shipmode FROM (SELECT r, {self.number(parts)} AS p, {self.day('1992-02-01', 2500)} AS s FROM range({orders * 6}) AS y(r))",
        }  # fmt: skip


def run_query(query: int, folder: pathlib.Path, *more: str) -> str | None:
    sql = tpch.with_files(tpch.text_of(query, 1), folder)
    command = [PROGRAM, "query", sql, "-o", str(folder / "ours.parquet"), "--threads", "2", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stderr if done.returncode else None


def plan_of(query: int, folder: pathlib.Path) -> str:
    sql = tpch.with_files(tpch.text_of(query, 1), folder)
    command = [PROGRAM, "explain", "--analyze", sql, "--threads", "2", "--memory-limit", LIMIT]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout


def main() -> int:
    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time_ns() % 2**31)
    rng = random.Random(seed)
    passed = failed = empty = spilled = unfit = 0
    print(f"seed {seed}")
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name, duckdb.connect() as connection:
            folder = pathlib.Path(name)
            for table, select in Maker(rng).tables().items():
                connection.execute(
                    f"COPY ({select}) TO '{folder}/{table}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 4096)"
                )
                connection.execute(f"CREATE VIEW {table} AS FROM '{folder}/{table}.parquet'")
            for query in range(1, 23):
                want = connection.sql(tpch.text_of(query, 1)).fetchall()
                empty += not want or all(value is None for value in want[0])
                spilled += " spilled" in plan_of(query, folder)
                for more in ([], ["--memory-limit", LIMIT, "--spill-dir", name]):
                    problem = run_query(query, folder, *more)
                    if problem and more and ("grouping" in problem or "groups" in problem):
                        unfit += 1
                        continue
                    problem = problem or tpch.difference(tpch.rows_of(folder / "ours.parquet"), want)
                    passed += not problem
                    failed += bool(problem)
                    if problem:
                        print(f"FAILED: q{query:02} {' '.join(more)}\n  {problem}")
    print(f"{empty} answers without rows, {spilled} queries spilled, of {unfit} the groups do not fit in {LIMIT}")
    if not spilled or unfit > 5 * ROUNDS:
        print("FAILED: nothing spilled, or too few queries ran")
        failed += 1
    if empty > 3 * ROUNDS:
        print("FAILED: too many answers have no rows")
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

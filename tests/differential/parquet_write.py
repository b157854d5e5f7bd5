"""Compares files of Freightlake's Parquet writer, as pyarrow, DuckDB and Polars read them, with what went in.

usage: parquet_write.py [PARQUET_COPY] [--seed N] [--files N]

Random tables of all types, with NULLs, extremes, NaN, long strings and sorted, constant, repeating and unique columns, are
written by pyarrow, copied by the test tool parquet_copy (our reader, then our writer, by rows or by row groups, with random
options), and read back by three other readers.  Values must be equal bit by bit, page checksums right, statistics and the
page index true bounds.  The seed is printed, and --seed repeats a run.

Exit code 0 when nothing differs.
"""

import argparse
import datetime
import decimal
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 60

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("FREIGHTLAKE_BUILD", REPOSITORY / "build"))
CODECS = {"none": "UNCOMPRESSED", "snappy": "SNAPPY", "zstd": "ZSTD"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Difference(Exception):
    """A reader sees something else than what was written."""


# ---- tables ----


def random_text(rng, longest):
    alphabet = rng.choice(["abc", "abcdefghijklmnopqrstuvwxyz ", "aä€😀", "\U0010ffff\ud7ff", "\x00\x7f\x80"])
    return "".join(rng.choices(alphabet, k=rng.randrange(longest + 1)))


def value_maker(rng, kind):
    """A function that gives random values of a pyarrow type, extremes among them."""
    if pa.types.is_boolean(kind):
        return lambda: rng.random() < 0.3
    if pa.types.is_integer(kind):
        top = 2 ** (kind.bit_width - 1)
        return lambda: rng.choice([-top, top - 1, 0, rng.randrange(-top, top), rng.randrange(-50, 50)])
    if pa.types.is_floating(kind):
        special = [math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308]
        if rng.random() < 0.4:
            special.append(math.nan)
        if kind.bit_width == 32:
            special = [math.inf, -math.inf, 0.0, -0.0, 1.401298464324817e-45]
        plain = rng.random() < 0.5

        def number():
            value = rng.uniform(-1e6, 1e6) if plain or rng.random() < 0.95 else rng.choice(special)
            return struct.unpack("f", struct.pack("f", value))[0] if kind.bit_width == 32 else value

        return number
    if pa.types.is_decimal(kind):
        top = 10**kind.precision - 1
        return lambda: decimal.Decimal(
            rng.choice([top, -top, 0, rng.randint(-top, top), rng.randint(-99, 99) % (top + 1)])
        ).scaleb(-kind.scale)
    if pa.types.is_date(kind):
        return lambda: datetime.date.fromordinal(rng.choice([1, 3652059, 719163, rng.randrange(1, 3652059)]))
    if pa.types.is_timestamp(kind):
        low, high = -62135596800000000, 253402300799999999
        return lambda: EPOCH + datetime.timedelta(microseconds=rng.choice([low, high, 0, rng.randint(low, high)]))
    longest = rng.choice([3, 20, 100, 1000])
    if pa.types.is_string(kind):
        return lambda: random_text(rng, longest).encode("utf-8", "ignore").decode("utf-8", "ignore")
    return lambda: rng.choice([b"\xff" * rng.randrange(100), rng.randbytes(rng.randrange(longest + 1))])


def sort_key(value):
    return value != value, 0.0 if value != value else value


def random_values(rng, kind, n):
    """Values in one of the shapes that choose between encodings."""
    make = value_maker(rng, kind)
    shape = rng.choice(["random", "few", "few", "few_sorted_first", "sorted", "constant", "runs", "unique_then_few"])
    if shape == "random":
        return [make() for _ in range(n)]
    if shape == "constant":
        return [make()] * n
    pool = [make() for _ in range(rng.choice([2, 3, 17, 300, 5000]))]
    if shape == "few":
        return rng.choices(pool, k=n)
    if shape == "few_sorted_first":
        pool = sorted((v for v in dict.fromkeys(pool) if v == v), key=sort_key)[: max(n, 1)]
        return (pool + rng.choices(pool or [make()], k=n))[:n]
    if shape == "sorted":
        return sorted(rng.choices(pool, k=n), key=sort_key)
    if shape == "runs":
        values = []
        while len(values) < n:
            values += [rng.choice(pool)] * rng.choice([1, 2, 7, 8, 9, 63, 64, 65, 1000])
        return values[:n]
    return ([make() for _ in range(n // 2)] + rng.choices(pool, k=n))[:n]


def random_type(rng):
    precision = rng.choice([1, 2, 4, 9, 10, 17, 18, 19, 20, 28, 37, 38])
    return rng.choice(
        [
            pa.bool_(),
            pa.int32(),
            pa.int64(),
            pa.float32(),
            pa.float64(),
            pa.float64(),
            pa.string(),
            pa.string(),
            pa.binary(),
            pa.date32(),
            pa.timestamp("us", tz="UTC"),
            pa.decimal128(precision, rng.randrange(precision + 1)),
        ]
    )


def random_table(rng):
    n = rng.choice([0, 1, 2, 7, 8, 9, 100, 1000, 4095, 4096, 4097, 20000, rng.randrange(1, 30000)])
    fields, columns = [], []
    for index in range(rng.randrange(1, 7)):
        kind = random_type(rng)
        nullable = rng.random() < 0.6
        values = random_values(rng, kind, n)
        if nullable:
            share = rng.choice([0, 0, 0.001, 0.3, 0.99, 1])
            values = [None if rng.random() < share else v for v in values]
            if rng.random() < 0.2:
                values = [None] * (n // 2) + values[n // 2 :]
        fields.append(pa.field(f"c{index}", kind, nullable=nullable))
        columns.append(pa.array(values, kind))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def large_table(rng, kind):
    """Tables that reach the limits of pages and dictionaries."""
    if kind == "long strings":
        texts = ["x" * 900_000 + str(i) for i in range(3)]
        return pa.table({"s": pa.array(rng.choices(texts, k=40) + [None, ""] + ["é" * 300_000] * 6)})
    if kind == "dictionary overflow":
        n = 300_000
        ids = [f"SH{rng.randrange(90_000):08d}-{'y' * 10}" for _ in range(n)]
        return pa.table({"s": pa.array(ids), "d": pa.array([rng.randrange(200_000) / 7 for _ in range(n)])})
    n = 200_000
    return pa.table(
        {
            "u": pa.array([f"u{i:012d}" for i in range(n)]),
            "b": pa.array([i * 1000 for i in range(n)]),
            "t": pa.array(["a", "b", None, "d"] * (n // 4)),
        }
    )


def random_nested_type(rng, depth):
    shape = rng.choice(["leaf", "struct", "list", "map"]) if depth else "leaf"
    if shape == "struct":
        return pa.struct([(f"f{i}", random_nested_type(rng, depth - 1)) for i in range(rng.randrange(1, 4))])
    if shape == "list":
        return pa.list_(random_nested_type(rng, depth - 1))
    if shape == "map":
        return pa.map_(pa.string(), random_nested_type(rng, depth - 1))
    return rng.choice(
        [pa.string(), pa.int64(), pa.int32(), pa.bool_(), pa.float64(), pa.decimal128(20, 2), pa.binary()]
    )


def nested_value(rng, kind, makers):
    if rng.random() < 0.15:
        return None
    if pa.types.is_struct(kind):
        return {field.name: nested_value(rng, field.type, makers) for field in kind}
    size = rng.choice([0, 1, 2, 3, rng.randrange(12)])
    if pa.types.is_map(kind):
        return [(f"k{i}", nested_value(rng, kind.item_type, makers)) for i in range(size)]
    if pa.types.is_list(kind):
        return [nested_value(rng, kind.value_type, makers) for _ in range(size)]
    if kind not in makers:
        makers[kind] = value_maker(rng, kind)
    return makers[kind]()


def nested_table(rng):
    n = rng.choice([1, 2, 8, 100, 1500])
    columns = {}
    for index in range(rng.randrange(1, 4)):
        kind, makers = random_nested_type(rng, rng.randrange(1, 5)), {}
        columns[f"c{index}"] = pa.array([nested_value(rng, kind, makers) for _ in range(n)], kind)
    return pa.table(columns)


# ---- comparison ----


def plain_form(value):
    """A nested value with floats that compare bit by bit."""
    if isinstance(value, dict):
        return {name: plain_form(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_form(part) for part in value]
    return canonical([value])[0]


def canonical(values):
    """Values that compare equal only when they are the same to the last bit (NaN apart)."""
    out = []
    for value in values:
        if isinstance(value, float):
            out.append("nan" if math.isnan(value) else struct.pack("d", value))
        elif isinstance(value, datetime.datetime):
            if value.tzinfo is None:
                value = value.replace(tzinfo=datetime.UTC)
            out.append((value - EPOCH) // datetime.timedelta(microseconds=1))
        elif isinstance(value, (bytearray, memoryview)):
            out.append(bytes(value))
        else:
            out.append(value)
    return out


def micros(column):
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def compare(what, name, got, wanted):
    got, wanted = canonical(got), canonical(wanted)
    if got == wanted:
        return
    if len(got) != len(wanted):
        raise Difference(f"{what}, column {name}: {len(got)} values, not {len(wanted)}")
    row = next(i for i, (a, b) in enumerate(zip(got, wanted)) if a != b)
    raise Difference(f"{what}, column {name}, row {row}: {got[row]!r:.200} instead of {wanted[row]!r:.200}")


def check_pyarrow(path, table):
    copy = pq.ParquetFile(path, page_checksum_verification=True)
    read = copy.read()
    for field in table.schema:
        kind = read.schema.field(field.name)
        if kind.type != field.type or kind.nullable != field.nullable:
            raise Difference(f"pyarrow, column {field.name}: {kind} instead of {field}")
        compare("pyarrow", field.name, micros(read[field.name]).to_pylist(), micros(table[field.name]).to_pylist())


def check_duckdb(path, table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for field in table.schema:
        expression = f'epoch_us("{field.name}")' if pa.types.is_timestamp(field.type) else f'"{field.name}"'
        read = connection.execute(f"SELECT {expression} FROM read_parquet('{path}')").fetchall()
        wanted = micros(table[field.name]).to_pylist()
        compare("duckdb", field.name, [row[0] for row in read], wanted)


def check_polars(path, table):
    read = pl.read_parquet(path)
    for field in table.schema:
        column = read[field.name]
        if pa.types.is_timestamp(field.type):
            column = column.dt.epoch("us")
        compare("polars", field.name, column.to_list(), micros(table[field.name]).to_pylist())


def comparable(value):
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def check_statistics(path, table):
    """Bounds must be bounds, and exact unless they say otherwise."""
    metadata = pq.read_metadata(path)
    first = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        for index, field in enumerate(table.schema):
            chunk = metadata.row_group(group).column(index)
            where = f"statistics, row group {group}, column {field.name}"
            values = [comparable(v) for v in table[field.name].slice(first, rows).to_pylist()]
            known = [v for v in values if v is not None]
            statistics = chunk.statistics
            if statistics is None or statistics.null_count != len(values) - len(known):
                raise Difference(f"{where}: null count {statistics and statistics.null_count}")
            has_nan = any(isinstance(v, float) and math.isnan(v) for v in known)
            if statistics.has_min_max != bool(known and not has_nan):
                raise Difference(f"{where}: has_min_max is {statistics.has_min_max}")
            if statistics.has_min_max:
                check_bounds(where, statistics, known)
        first += rows
    if first != len(table):
        raise Difference(f"{first} rows in the row groups, not {len(table)}")


def check_bounds(where, statistics, known):
    low, high = comparable(statistics.min), comparable(statistics.max)
    if statistics.physical_type in ("FLOAT", "DOUBLE") and (
        (low == 0 and math.copysign(1, low) > 0) or (high == 0 and math.copysign(1, high) < 0)
    ):
        raise Difference(f"{where}: a zero bound of the wrong sign")
    if low > min(known) or high < max(known):
        raise Difference(f"{where}: {low!r:.80}..{high!r:.80} does not hold {min(known)!r:.80}..{max(known)!r:.80}")
    cut = isinstance(low, bytes) and max(len(min(known)), len(max(known))) > 64
    if not cut and (low != min(known) or high != max(known)):
        raise Difference(f"{where}: {low!r:.80}..{high!r:.80} is not {min(known)!r:.80}..{max(known)!r:.80}")


def check_filters(path, table, rng):
    """Readers that skip by statistics and page index must find what a plain search finds."""
    connection = duckdb.connect()
    for field in table.schema:
        values = [v for v in table[field.name].to_pylist() if v is not None and v == v]
        plain = pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_date(field.type)
        if not values or not plain:
            continue
        pivot = rng.choice(values)
        wanted = sum(comparable(v) >= comparable(pivot) for v in values)
        found = connection.execute(
            f"SELECT count(*) FROM read_parquet('{path}') WHERE \"{field.name}\" >= ?", [pivot]
        ).fetchone()[0]
        lazy = pl.scan_parquet(path).filter(pl.col(field.name) >= pivot).select(pl.len()).collect().item()
        if found != wanted or lazy != wanted:
            raise Difference(f"column {field.name} >= {pivot!r:.60}: duckdb {found}, polars {lazy}, truth {wanted}")


def check_options(path, options, table):
    metadata = pq.read_metadata(path)
    if not metadata.created_by.startswith("freightlake version "):
        raise Difference(f"created by {metadata.created_by}")
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            if chunk.compression not in ("UNCOMPRESSED", CODECS[options["codec"]]):
                raise Difference(f"codec {chunk.compression} where {options['codec']} was asked for")
            if options["no_dictionary"] and chunk.has_dictionary_page:
                raise Difference(f"column {index} has a dictionary")
            if not chunk.has_offset_index:
                raise Difference(f"column {index} has no offset index")
            known = chunk.statistics.has_min_max or chunk.statistics.null_count == chunk.num_values
            if chunk.has_column_index != known:
                raise Difference(f"column {index}: column index {chunk.has_column_index}")
    limit = options["group_rows"]
    if not options["chunks"] and limit and metadata.num_row_groups != -(-len(table) // limit):
        raise Difference(f"{metadata.num_row_groups} row groups of {limit} rows for {len(table)}")


def check_table(tool, table, rng, folder, thorough=True):
    options = {
        "chunks": rng.random() < 0.5,
        "codec": rng.choice(list(CODECS)),
        "group_rows": rng.choice([0, 0, 1, 777, 4096, 10000]) if len(table) < 2000 else rng.choice([0, 5000, 8192]),
        "page_rows": rng.choice([0, 0, 8, 100, 1000, 4096]),
        "batch_rows": rng.choice([1, 13, 1000, 4096, 100000]) if len(table) < 5000 else rng.choice([999, 65536]),
        "no_dictionary": rng.random() < 0.15,
    }
    source, path, again = (os.path.join(folder, name) for name in ("source.parquet", "copy.parquet", "again.parquet"))
    pq.write_table(table, source, row_group_size=rng.choice([None, 1000, 10000]), write_page_checksum=True)
    arguments = ["--codec", options["codec"]] + ["--chunks"] * options["chunks"]
    arguments += ["--no-dictionary"] * options["no_dictionary"]
    for name in ("group_rows", "page_rows"):
        arguments += [f"--{name.replace('_', '-')}", str(options[name])]
    for target, batch_rows in ((path, options["batch_rows"]), (again, options["batch_rows"] * 3 + 1)):
        command = [tool, source, target, *arguments, "--batch-rows", str(batch_rows)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if run.returncode != 0:
            raise Difference(f"{' '.join(arguments)}: exit code {run.returncode}: {run.stderr.strip()[-2000:]}")
    try:
        if Path(path).read_bytes() != Path(again).read_bytes():
            raise Difference("the bytes depend on the size of batches")
        check_pyarrow(path, table)
        check_duckdb(path, table)
        check_polars(path, table)
        check_options(path, options, table)
        check_statistics(path, table)
        if thorough:
            check_filters(path, table, rng)
    except (Difference, OSError, ValueError, pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError) as difference:
        raise Difference(
            f"{type(difference).__name__}: {difference}; options {options}; {table.schema.to_string(show_field_metadata=False)}"
        ) from None


def check_nested_table(tool, table, rng, folder):
    """Structs, lists and maps: the copy must read as the source, and be what went in."""
    source, path = os.path.join(folder, "source.parquet"), os.path.join(folder, "copy.parquet")
    pq.write_table(table, source, row_group_size=rng.choice([None, 7, 500]))
    arguments = ["--nested", "--codec", rng.choice(list(CODECS)), "--page-rows", str(rng.choice([0, 1, 10, 300]))]
    run = subprocess.run([tool, source, path, *arguments], capture_output=True, text=True, timeout=300)
    try:
        if run.returncode != 0:
            raise Difference(f"exit code {run.returncode}: {run.stderr.strip()[-2000:]}")
        read = pq.ParquetFile(path, page_checksum_verification=True).read()
        for field in table.schema:
            if read.schema.field(field.name).type != field.type:
                raise Difference(f"column {field.name}: {read.schema.field(field.name).type} instead of {field.type}")
            wanted = plain_form(table[field.name].to_pylist())
            if plain_form(read[field.name].to_pylist()) != wanted:
                raise Difference(f"pyarrow, column {field.name} differs")
        ours, theirs = (
            plain_form(duckdb.sql(f"SELECT * FROM read_parquet('{file}')").fetchall()) for file in (path, source)
        )
        if ours != theirs:
            raise Difference("duckdb reads the copy otherwise than the source")
        polars_ours, polars_theirs = pl.read_parquet(path), pl.read_parquet(source)
        if not polars_ours.equals(polars_theirs):
            raise Difference("polars reads the copy otherwise than the source")
    except (Difference, OSError, ValueError, pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError) as difference:
        raise Difference(
            f"{type(difference).__name__}: {difference}; {arguments}; {table.schema.to_string()}"
        ) from None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("copy", nargs="?", default=str(BUILD / "tests" / "tools" / "parquet_copy"))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--files", type=int, default=600 if os.environ.get("FREIGHTLAKE_SLOW") else 80)
    arguments = parser.parse_args()
    seed = arguments.seed
    if seed is None:
        seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or random.SystemRandom().randrange(2**31))
    print(f"seed {seed}")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        jobs = [(f"random table {number}", number) for number in range(arguments.files)]
        jobs += [(f"nested table {number}", number) for number in range(arguments.files // 3)]
        jobs += [(name, None) for name in ("long strings", "dictionary overflow", "unique values")]
        for name, number in jobs:
            rng = random.Random(f"{seed}-{name}")
            try:
                if name.startswith("nested"):
                    check_nested_table(arguments.copy, nested_table(rng), rng, folder)
                    passed += 1
                    continue
                table = random_table(rng) if number is not None else large_table(rng, name)
                check_table(arguments.copy, table, rng, folder, thorough=len(table) < 100_000)
                passed += 1
            except Difference as difference:
                print(f"NOT OK {name} (--seed {seed}): {difference}")
                failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Compares Freightlake's Parquet reader with pyarrow, value by value.

usage: parquet_read.py [PARQUET_DUMP] [--seed N] [--files N] [--data FOLDER] [--only TEXT]

1. Every file of the parquet-testing collection (skipped, loudly, when it is not there) is read as pyarrow reads it, or
   refused by the name of the feature.
2. Files over the options of pyarrow, pandas, DuckDB and Polars, with random types, values, NULLs and page sizes; the
   seed is printed, and --seed repeats a run.

Exit code 0 when nothing differs.
"""

import argparse
import decimal
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 100

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_DATA = REPOSITORY.parent / "shared" / "data" / "parquet-testing" / "data"

# Features that may be refused, by the words with which they are.
REFUSABLE = (
    "BROTLI",
    "TIME (time of day)",
    "INTERVAL",
    "encryption",
    "decimal with more than 38 digits",
)
# Files that must be refused, and the words in the error.
BROKEN = {
    "datapage_v1-corrupt-checksum.parquet": "checksum",
    "rle-dict-uncompressed-corrupt-checksum.parquet": "checksum",
}
# Where pyarrow's own arithmetic overflows, the values that the collection's documentation gives.
DOCUMENTED = {
    "int96_from_spark.parquet": {
        "a": [1704141296123456, 1704070800000000, 253402225200000000, 1735599600000000, None, 9089380393200000000]
    }
}
# Files on which pyarrow itself fails; ours must read them or refuse them, and not crash.
PYARROW_FAILS = {"incorrect_map_schema.parquet", "large_string_map.brotli.parquet"}


class Difference(Exception):
    """Two readers disagree."""


def float_bits(values, code):
    out = []
    for value in values:
        if value is None:
            out.append(None)
        elif value != value:
            out.append("nan")
        else:
            out.append(struct.pack(code, value).hex())
    return out


def scaled(values, numerator, denominator):
    return [None if v is None else (v * numerator) // denominator for v in values]


def canonical(array):
    """The values of a pyarrow array in the form of parquet_dump."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return canonical(array.storage)
    if pa.types.is_dictionary(kind):
        return canonical(array.dictionary_decode())
    if pa.types.is_struct(kind):
        valid = array.is_valid().to_pylist()
        columns = [canonical(array.field(i)) for i in range(kind.num_fields)]
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return [
            {name: column[i] for name, column in zip(names, columns, strict=True)} if ok else None
            for i, ok in enumerate(valid)
        ]
    if pa.types.is_map(kind):
        keys, items = canonical(array.keys), canonical(array.items)
        offsets, valid = array.offsets.to_pylist(), array.is_valid().to_pylist()
        return [
            {"map": [[keys[k], items[k]] for k in range(offsets[i], offsets[i + 1])]} if ok else None
            for i, ok in enumerate(valid)
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values = canonical(array.values)
        offsets, valid = array.offsets.to_pylist(), array.is_valid().to_pylist()
        return [values[offsets[i] : offsets[i + 1]] if ok else None for i, ok in enumerate(valid)]
    return canonical_leaf(array, kind)


def canonical_leaf(array, kind):
    if pa.types.is_timestamp(kind):
        values = array.cast(pa.int64()).to_pylist()
        numerator, denominator = {"s": (10**6, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[kind.unit]
        return scaled(values, numerator, denominator)
    if pa.types.is_date32(kind):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_duration(kind):
        return array.cast(pa.int64()).to_pylist()
    if pa.types.is_decimal(kind):
        return [None if v is None else int(v.scaleb(kind.scale)) for v in array.to_pylist()]
    if pa.types.is_float16(kind):
        return float_bits([None if v is None else float(v) for v in array.to_pylist()], "<f")
    if pa.types.is_float32(kind):
        return float_bits(array.to_pylist(), "<f")
    if pa.types.is_float64(kind):
        return float_bits(array.to_pylist(), "<d")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return [None if v is None else v.hex() for v in array.cast(pa.binary()).to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if v is None else v.hex() for v in array.to_pylist()]
    return array.to_pylist()


def is_nan_bits(text):
    if len(text) == 8:
        return struct.unpack("<f", bytes.fromhex(text))[0] != struct.unpack("<f", bytes.fromhex(text))[0]
    return struct.unpack("<d", bytes.fromhex(text))[0] != struct.unpack("<d", bytes.fromhex(text))[0]


def same(ours, theirs):
    if theirs == "nan":
        return isinstance(ours, str) and is_nan_bits(ours)
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    return ours == theirs


def order_key(kind, value):
    """A canonical value as something that Python orders as the type does."""
    if kind == "double":
        return struct.unpack("<d", bytes.fromhex(value))[0]
    if kind == "float":
        return struct.unpack("<f", bytes.fromhex(value))[0]
    if kind in ("string", "binary"):
        return bytes.fromhex(value)
    return value


def check_statistics(name, statistics, kind, values):
    present = [v for v in values if v is not None and v != "nan"]
    if "null_count" in statistics and statistics["null_count"] != sum(v is None for v in values):
        raise Difference(f"{name}: null_count {statistics['null_count']} is wrong")
    if "min" in statistics and present:
        low, high = (order_key(kind, statistics[k]) for k in ("min", "max"))
        if any(not low <= order_key(kind, v) <= high for v in present):
            raise Difference(f"{name}: a value lies outside of min and max")


def check_pages(name, pages, kind, values):
    row = 0
    for i, page in enumerate(pages):
        part = values[page["first"] : page["first"] + page["n"]]
        if page["first"] != row or (page["all_null"] and any(v is not None for v in part)):
            raise Difference(f"{name}: page {i} of the page index is wrong")
        check_statistics(f"{name} page {i}", page["statistics"], kind, part)
        row += page["n"]
    if pages and row != len(values):
        raise Difference(f"{name}: the page index does not cover all rows")


def run_dump(dump, path, options):
    done = subprocess.run([dump, str(path), *options], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode not in (0, 3):
        raise Difference(f"parquet_dump ended with {done.returncode}: {done.stderr[:2000]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def expected_columns(path):
    """{row group: {column: canonical values}} as pyarrow reads the file."""
    file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    table = file.read()
    groups, first = [], 0
    for i in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(i).num_rows
        part = table.slice(first, rows)
        first += rows
        groups.append(
            {part.schema.field(c).name: canonical(part.column(c).combine_chunks()) for c in range(part.num_columns)}
        )
    return groups


def compare(dump, path, options, expected):
    """Number of columns refused by name."""
    refused, lines, kinds, pages = set(), run_dump(dump, path, options), {}, {}
    seen = {(g, c): 0 for g, columns in enumerate(expected) for c in columns}
    for line in lines:
        if "error" in line:
            error = line["error"]
            if error["code"] != "unsupported" or not any(word in error["message"] for word in REFUSABLE):
                raise Difference(f"{path}: {line}")
            refused.add((line.get("row_group"), line.get("column")))
            if "column" not in line:
                return len(seen)
            continue
        key = (line["row_group"], line["column"])
        values = expected[key[0]][key[1]]
        if "statistics" in line:
            kinds[key] = line["statistics"]
            continue
        if "pages" in line:
            pages[key] = line["pages"]
            continue
        part = values[line["first"] : line["first"] + line["n"]]
        if len(line["values"]) != line["n"] or not same(line["values"], part):
            at = next((i for i, (a, b) in enumerate(zip(line["values"], part, strict=False)) if not same(a, b)), "?")
            ours = line["values"][at] if isinstance(at, int) else None
            theirs = part[at] if isinstance(at, int) else None
            raise Difference(f"{path}: {key} {line['type']} row {line['first']} + {at}: {ours!r} is not {theirs!r}")
        seen[key] += line["n"]
        if key in kinds and line["first"] == 0:
            check_statistics(f"{path}: {key}", kinds[key], line["type"], values)
            check_pages(f"{path}: {key}", pages.get(key, []), line["type"], values)
    for (group, column), n in seen.items():
        rows = len(expected[group][column])
        partial = "--skip" in options or ("--together" in options and n == 0)
        if (group, column) not in refused and n != rows and not partial:
            raise Difference(f"{path}: row group {group} column {column}: {n} of {rows} rows")
    return len(refused)


# ---- 1. The collection ----


def check_collection_file(dump, path):
    if path.name in BROKEN:
        errors = [line["error"] for line in run_dump(dump, path, []) if "error" in line]
        if not any(BROKEN[path.name] in e["message"] and "page" in e["message"] for e in errors):
            raise Difference(f"{path.name} must be refused with {BROKEN[path.name]!r}, naming the page: {errors}")
        return "refused"
    if path.name in PYARROW_FAILS:
        run_dump(dump, path, [])
        return "read where pyarrow fails"
    expected = [DOCUMENTED[path.name]] if path.name in DOCUMENTED else expected_columns(path)
    refused = 0
    for options in ([], ["--step", "7"], ["--step", "3", "--skip"], ["--step", "100000"]):
        refused = compare(dump, path, options, expected)
    return f"{refused} columns refused by name" if refused else "equal"


# ---- 2. Random files ----

CITIES = ["Los Angeles", "Chicago", "Miami", "Seattle", "Boston", "Denver", "Atlanta", "Houston", "", "Zürich", "東京"]


def with_nulls(rng, values):
    share = rng.choice([0, 0, 0, 0.01, 0.3, 0.9, 1])
    if rng.random() < 0.3:  # NULLs in runs
        out, null = [], False
        for value in values:
            if rng.random() < 0.01:
                null = not null
            out.append(None if null and share else value)
        return out
    return [None if share and rng.random() < share else v for v in values]


def repeats(rng, n, make):
    """n values of a few or of many different ones, in runs or mixed."""
    distinct = rng.choice([1, 2, 3, 7, 100, 255, 256, 257, 3000, 70000])
    pool = [make() for _ in range(min(distinct, n))] or [make()]
    if rng.random() < 0.4:
        out = []
        while len(out) < n:
            out.extend([rng.choice(pool)] * rng.choice([1, 2, 8, 50, 1000]))
        return out[:n]
    return rng.choices(pool, k=n)


def random_decimal(rng, precision, scale):
    return decimal.Decimal(rng.randrange(-(10**precision) + 1, 10**precision)).scaleb(-scale)


def random_column(rng, n):
    """(arrow array) of a random flat type."""
    precision = rng.randrange(1, 39)
    scale = rng.randrange(0, precision + 1)
    makers = [
        (pa.bool_(), lambda: rng.random() < 0.5),
        (pa.int8(), lambda: rng.randrange(-128, 128)),
        (pa.int16(), lambda: rng.randrange(-32768, 32768)),
        (pa.int32(), lambda: rng.randrange(-(2**31), 2**31)),
        (pa.int64(), lambda: rng.choice([rng.randrange(-(2**63), 2**63), rng.randrange(100)])),
        (pa.uint8(), lambda: rng.randrange(256)),
        (pa.uint16(), lambda: rng.randrange(65536)),
        (pa.uint32(), lambda: rng.randrange(2**32)),
        (pa.uint64(), lambda: rng.randrange(2**64)),
        (pa.float16(), lambda: np.float16(rng.uniform(-1000, 1000))),
        (pa.float32(), lambda: rng.choice([rng.uniform(-1, 1), 0.0, -0.0, float("nan"), float("inf")])),
        (pa.float64(), lambda: rng.choice([round(rng.uniform(1, 50), 2), rng.random(), -0.0, float("nan")])),
        (pa.decimal128(precision, scale), lambda: random_decimal(rng, precision, scale)),
        (pa.date32(), lambda: rng.randrange(-100000, 100000)),
        (pa.timestamp("ms"), lambda: rng.randrange(-(10**13), 10**13)),
        (pa.timestamp("us", "UTC"), lambda: rng.randrange(-(10**16), 10**16)),
        (pa.timestamp("ns"), lambda: rng.randrange(-(10**18), 10**18)),
        (pa.string(), lambda: rng.choice(CITIES)),
        (pa.string(), lambda: f"SH{rng.randrange(10**9):09d}" * rng.choice([1, 1, 1, 3])),
        (pa.binary(), lambda: rng.randbytes(rng.randrange(0, 20))),
        (pa.binary(7), lambda: rng.randbytes(7)),
        (pa.int64(), None),
    ]
    kind, make = rng.choice(makers)
    if make is None:  # a rising sequence, what DELTA_BINARY_PACKED is for
        return pa.array(with_nulls(rng, list(range(rng.randrange(1000), 10**6 + n))[:n]), kind)
    return pa.array(with_nulls(rng, repeats(rng, n, make)), kind)


def random_nested(rng, n):
    leaf = pa.array(with_nulls(rng, repeats(rng, n, lambda: rng.choice(CITIES))), pa.string())
    number = pa.array(with_nulls(rng, repeats(rng, n, lambda: rng.randrange(1000))), pa.int64())
    shape = rng.randrange(4)
    if shape == 0:
        return pa.StructArray.from_arrays([leaf, number], ["path", "size"])
    if shape == 1:
        rows = [[rng.choice(CITIES + [None]) for _ in range(rng.randrange(4))] for _ in range(n)]
        return pa.array(with_nulls(rng, rows), pa.list_(pa.string()))
    pairs = [[(rng.choice(CITIES), rng.choice([None, "x", "y"])) for _ in range(rng.randrange(3))] for _ in range(n)]
    maps = pa.array(with_nulls(rng, pairs), pa.map_(pa.string(), pa.string()))
    if shape == 2:
        return maps
    rows = [
        None
        if rng.random() < 0.3
        else {"a": rng.randrange(9), "tags": None if rng.random() < 0.3 else ["t"] * rng.randrange(3), "parts": pair}
        for pair in maps.to_pylist()
    ]
    kind = pa.struct([("a", pa.int32()), ("tags", pa.list_(pa.string())), ("parts", pa.map_(pa.string(), pa.string()))])
    return pa.array(rows, kind)


def pyarrow_encoding(rng, kind):
    if pa.types.is_boolean(kind):
        return rng.choice(["PLAIN", "RLE"])
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return rng.choice(["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"])
    if pa.types.is_floating(kind):
        return rng.choice(["PLAIN", "BYTE_STREAM_SPLIT"])
    if pa.types.is_string(kind) or kind == pa.binary():
        return rng.choice(["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
    if pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind):
        return rng.choice(["PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"])
    return "PLAIN"


def write_pyarrow(rng, path, n):
    arrays = [random_column(rng, n) for _ in range(rng.randrange(1, 6))]
    if rng.random() < 0.4:
        arrays.append(random_nested(rng, n))
    fields = []
    for i, array in enumerate(arrays):
        required = array.null_count == 0 and rng.random() < 0.3
        fields.append(pa.field(f"c{i}", array.type, nullable=not required))
    table = pa.table(arrays, schema=pa.schema(fields))
    dictionary = rng.random() < 0.5
    options = {
        "compression": rng.choice(["NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4"]),
        "version": rng.choice(["1.0", "2.4", "2.6"]),
        "data_page_version": rng.choice(["1.0", "2.0"]),
        "use_dictionary": dictionary,
        "data_page_size": rng.choice([100, 1000, 10000, 2**20]),
        "write_batch_size": rng.choice([1, 50, 1024]),
        "dictionary_pagesize_limit": rng.choice([100, 5000, 2**20]),
        "row_group_size": rng.choice([max(1, n // 3), 2**20]),
        "write_statistics": rng.random() < 0.8,
        "write_page_index": rng.random() < 0.5,
        "write_page_checksum": rng.random() < 0.5,
        "use_deprecated_int96_timestamps": rng.random() < 0.1,
        "store_decimal_as_integer": rng.random() < 0.3,
    }
    if not dictionary:
        encodings = {f.name: pyarrow_encoding(rng, f.type) for f in fields if not pa.types.is_nested(f.type)}
        if not options["use_deprecated_int96_timestamps"] and not options["store_decimal_as_integer"]:
            options["column_encoding"] = encodings
    if options["version"] == "1.0" and any(pa.types.is_timestamp(f.type) for f in fields):
        options["version"] = "2.6"
    pq.write_table(table, path, **options)
    return options


def write_pandas(rng, path, n):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "shipment_id": [f"SH{rng.randrange(1000, 100000)}" for _ in range(n)],
            "carrier": pd.Categorical(rng.choices(["FedEx", "UPS", "DHL"], k=n)),
            "weight": [round(rng.uniform(1, 50), 1) for _ in range(n)],
            "delay": [rng.choice([None, 0, 1, 2]) for _ in range(n)],
            "date": pd.to_datetime(rng.choices(["2025-01-01", "2025-06-30"], k=n)),
        }
    )
    compression = rng.choice(["snappy", "gzip", "zstd", None])
    frame.to_parquet(path, compression=compression, index=rng.random() < 0.5)
    return {"pandas": compression}


def write_duckdb(rng, path, n):
    import duckdb

    codec = rng.choice(["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"])
    version = rng.choice(["V1", "V2"])
    group = rng.choice([2048, 10000, 122880])
    sql = f"""
        COPY (SELECT i, i % 7 AS small, CASE WHEN i % 5 = 0 THEN NULL ELSE 'city ' || (hash(i) % 40) END AS city,
                     'SH' || hash(i) AS id, (i % 1000)::decimal(12, 2) AS cost, i::decimal(30, 4) AS wide,
                     date '2025-01-01' + (i % 191)::int AS day, timestamp '2025-01-01' + interval (i) second AS at,
                     i % 3 = 0 AS flag, (hash(i) % 100000) / 7.0 AS ratio, (i % 200)::utinyint AS tiny,
                     [i % 3, NULL, i] AS list, {{'a': i, 'b': 'x' || i % 3}} AS pair, (i % 77)::float AS single
              FROM range({n}) t(i))
        TO '{path}' (FORMAT parquet, CODEC '{codec}', ROW_GROUP_SIZE {group}, PARQUET_VERSION {version})"""
    duckdb.sql(sql)
    return {"duckdb": codec, "version": version, "row_group_size": group}


def write_polars(rng, path, n):
    import polars as pl

    compression = rng.choice(["uncompressed", "snappy", "gzip", "zstd", "lz4"])
    frame = pl.DataFrame(
        {
            "id": [f"SH{rng.randrange(10**6)}" for _ in range(n)],
            "city": with_nulls(rng, repeats(rng, n, lambda: rng.choice(CITIES))),
            "weight": [round(rng.uniform(1, 50), 1) for _ in range(n)],
            "delay": with_nulls(rng, repeats(rng, n, lambda: rng.randrange(9))),
            "flag": with_nulls(rng, repeats(rng, n, lambda: rng.random() < 0.5)),
            "tags": [[rng.choice(CITIES)] * rng.randrange(3) for _ in range(n)],
        },
        schema_overrides={"city": pl.String, "delay": pl.Int64, "flag": pl.Boolean},
    )
    size, group = rng.choice([None, 500, 10000]), rng.choice([None, 1000])
    statistics = rng.random() < 0.5
    frame.write_parquet(path, compression=compression, data_page_size=size, row_group_size=group, statistics=statistics)
    return {"polars": compression, "data_page_size": size, "row_group_size": group}


def check_random_file(dump, rng, folder, number):
    n = rng.choice([0, 1, 7, 8, 9, 100, 1000, 5000, 20000])
    path = os.path.join(folder, f"{number}.parquet")
    writers = [write_pyarrow] * 6 + [write_pandas, write_duckdb, write_polars]
    writer = writers[number % len(writers)]
    try:
        options = writer(rng, path, n)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as refusal:
        return f"not written: {refusal}"
    try:
        expected = expected_columns(path)
        for arguments in (
            [],
            ["--step", str(rng.randrange(1, 3000))],
            ["--step", str(rng.randrange(1, 700)), "--skip"],
        ):
            compare(dump, path, arguments, expected)
    except Difference as difference:
        raise Difference(f"{writer.__name__}, {n} rows, {options}: {difference}") from None
    os.remove(path)
    return "equal"


def main():
    parser = argparse.ArgumentParser(description="compare the Parquet reader with pyarrow")
    build = Path(os.environ.get("FREIGHTLAKE_BUILD", REPOSITORY / "build"))
    parser.add_argument("dump", nargs="?", default=build / "tests" / "tools" / "parquet_dump", help="the binary")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--files", type=int, default=450 if os.environ.get("FREIGHTLAKE_SLOW") else 90)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--only", default="", help="only collection files whose name has this text")
    arguments = parser.parse_args()
    passed = failed = skipped = 0

    if arguments.data.is_dir():
        for path in sorted(arguments.data.glob("*.parquet")):
            if arguments.only not in path.name:
                continue
            try:
                print(f"ok {path.name}: {check_collection_file(arguments.dump, path)}")
                passed += 1
            except Difference as difference:
                print(f"NOT OK {path.name}: {difference}")
                failed += 1
    else:
        print(f"skipped: the parquet-testing collection is not there ({arguments.data})")
        skipped += 1

    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.files):
            rng = random.Random(f"{arguments.seed}-{number}")
            try:
                result = check_random_file(arguments.dump, rng, folder, number)
                if result == "equal":
                    passed += 1
                else:
                    print(f"skipped: random file {number}: {result}")
                    skipped += 1
            except Difference as difference:
                print(f"NOT OK random file {number} (--seed {arguments.seed}): {difference}")
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

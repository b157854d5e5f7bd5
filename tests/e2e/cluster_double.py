"""Plays the cluster of a run: reads plan.json, makes the marts, leaves files and outcome.json; for the scripts beside this one."""

import json
import pathlib
import random

import pyarrow
import pyarrow.parquet


def plan_of(lake: pathlib.Path, run_id: str) -> dict:
    return json.loads((lake / "_freightlake" / "staging" / run_id / "plan.json").read_text())


def make(lake: pathlib.Path, run_id: str, query, rng: random.Random, parts: int = 3, **changes: object) -> dict:
    """`query(sql, version, file)` writes a SELECT over a version of the lake's shipments to a Parquet file.  The rows are
    shuffled over several files, as a cluster gives no order.  `changes` go into the outcome."""
    plan = plan_of(lake, run_id)
    folder = lake / "_freightlake" / "staging" / run_id
    made = []
    for mart in plan["marts"]:
        place = folder / mart["name"]
        place.mkdir()
        whole = place / "whole.parquet"
        query(mart["sql"], plan["shipments"]["version"], whole)
        table = pyarrow.parquet.read_table(whole)
        whole.unlink()
        order = list(range(table.num_rows))
        rng.shuffle(order)
        files = []
        for part in range(parts):
            name = f"part-{part:05}-{rng.randrange(1 << 60):016x}.c000.zstd.parquet"
            rows = pyarrow.array(order[part::parts], pyarrow.int64())
            pyarrow.parquet.write_table(
                table.take(rows), place / name, compression="zstd", store_decimal_as_integer=True
            )
            files.append(f"{mart['name']}/{name}")
        (place / "_SUCCESS").touch()
        (place / f".{files[0].split('/')[1]}.crc").write_bytes(b"crc")
        made.append(
            {
                "name": mart["name"],
                "hash": mart["definition_hash"],
                "outcome": "ok",
                "error": None,
                "rows": table.num_rows,
                "seconds": 0.5,
                "files": files,
            }
        )
    outcome = {
        "run": run_id,
        "engine": "double",
        "engine_version": "1",
        "outcome": "ok",
        "error": None,
        "shipments_version": plan["shipments"]["version"],
        "seconds": 1.5,
        "marts": made,
    } | changes
    write(lake, run_id, outcome)
    return outcome


def write(lake: pathlib.Path, run_id: str, outcome: dict) -> None:
    (lake / "_freightlake" / "staging" / run_id / "outcome.json").write_text(json.dumps(outcome))

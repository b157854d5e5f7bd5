"""A lake to try clients' files on; for the scripts beside this one."""

import json
import os
import pathlib
import subprocess

import deltalake

PROGRAM = os.path.abspath(os.environ["FREIGHTLAKE"])


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != code:
        raise AssertionError(f"{words}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done


class Lake:
    def __init__(self, folder: str, config: str):
        self.path = pathlib.Path(folder) / "lake"
        self.inbox = pathlib.Path(folder) / "in"
        self.inbox.mkdir()
        run("init", self.path)
        (self.path / "freightlake.yaml").write_text(config)

    def map(self, client: str, mapping: str) -> None:
        (self.path / "clients" / f"{client}.yaml").write_text(mapping)

    def ingest(self, client: str, name: str, data: bytes, *options: str, code: int = 0) -> dict:
        file = self.inbox / name
        file.write_bytes(data)
        done = run("--lake", self.path, "ingest", client, file, *options, "--json", code=code)
        return json.loads(done.stdout)["files"][0]

    def table(self, zone: str) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(str(self.path / zone / "shipments"))

    def rows(self, zone: str, columns: list[str] | None = None) -> list[dict]:
        """The rows of a table in the order of their lines."""
        rows = self.table(zone).to_pyarrow_table(columns=columns).to_pylist()
        return sorted(rows, key=lambda row: row["source_row"])

    def by_file(self, zone: str, columns: list[str] | None = None) -> dict[str, list[dict]]:
        files: dict[str, list[dict]] = {}
        for row in self.rows(zone, columns):
            files.setdefault(row["source_file"], []).append(row)
        return files

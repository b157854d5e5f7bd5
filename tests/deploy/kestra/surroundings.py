"""What flows meet in the tests: a lake, a webhook, and an AWS whose EMR steps end as they are told to."""

import base64
import http.server
import json
import logging
import os
import pathlib
import shutil
import subprocess
import threading
import time
import warnings

# The one that moto takes calls by an address for.
REGION = "us-east-1"
ACCOUNT = "123456789012"
PROGRAM = os.path.abspath(os.environ.get("FREIGHTLAKE", "build/freightlake"))
JOB_FLOW = {
    "Name": "freightlake-test-marts",
    "ReleaseLabel": "emr-7.2.0",
    "LogUri": "s3://logs/emr/",
    "Applications": [{"Name": "Spark"}],
    "ServiceRole": "freightlake-test-emr",
    "JobFlowRole": "freightlake-test-emr-node",
    "VisibleToAllUsers": True,
    "Tags": [{"Key": "Project", "Value": "freightlake"}, {"Key": "Environment", "Value": "test"}],
    "Instances": {
        "KeepJobFlowAliveWhenNoSteps": True,
        "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1, "Name": "primary"}],
    },
}  # fmt: skip


def freightlake(*words: object) -> dict:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if "json" in str(words[-1]) else {}


class Lake:
    """A lake in a folder with a client emart, and an inbox with its files."""

    def __init__(self, folder: pathlib.Path, seed: int, rows: int = 400):
        self.path, self.inbox = folder / "lake", folder / "inbox"
        (self.inbox / "emart").mkdir(parents=True)
        freightlake("generate", "--rows", rows, "--seed", seed, "--format", "csv", "--out", folder / "made")
        self.sample = next((folder / "made").glob("*.csv"))
        freightlake("init", self.path)
        freightlake("--lake", self.path, "onboard", "emart", "--sample", self.sample, "--yes")

    def arrive(self, name: str = "orders.csv", client: str = "emart") -> None:
        """The whole sample as a file of the inbox."""
        target = self.inbox / client / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.sample, target)

    def arrive_part(self, name: str, part: int, parts: int) -> int:
        """One part of the sample's lines, as a file of its own; gives the number of its records."""
        header, *lines = self.sample.read_text().splitlines()
        target = self.inbox / "emart" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join([header, *lines[part::parts]]) + "\n")
        return len(lines[part::parts])

    def arrive_broken(self, name: str = "broken.csv") -> None:
        (self.inbox / "emart" / name).write_text("this is no file of shipments\n1\n2\n")

    def rows(self) -> int:
        said = freightlake("--lake", self.path, "query", "SELECT count(*) AS n FROM shipments", "--format", "json")
        return said[0]["n"]

    def mart_versions(self) -> list[int]:
        return [len(list(log.glob("*.json"))) for log in sorted(self.path.glob("marts/*/_delta_log"))]


class Webhook(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), WebhookHandler)
        self.told: list[dict] = []
        self.failures = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class WebhookHandler(http.server.BaseHTTPRequestHandler):
    server: Webhook

    def log_message(self, *words: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.failures:
            self.server.failures -= 1
            self.send_response(503)
        else:
            self.server.told.append(json.loads(body))
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Api(http.server.ThreadingHTTPServer):
    """Kestra's two requests that setup.py makes, in front of the real engine, which judges the flows."""

    daemon_threads = True

    def __init__(self, engine, login: str):
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.engine, self.login = engine, base64.b64encode(login.encode()).decode()
        self.flows: set[str] = set()
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ApiHandler(http.server.BaseHTTPRequestHandler):
    server: Api

    def log_message(self, *words: object) -> None:
        pass

    def answer(self) -> int:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.asked.append(f"{self.command} {self.path}")
        if self.headers["Authorization"] != f"Basic {self.server.login}":
            return 401
        place = self.path.removeprefix("/api/v1/main")
        if place.startswith("/namespaces/freightlake/kv/") and self.headers["Content-Type"] == "text/plain":
            self.server.engine.run("set-value", key=place.split("/")[-1], value=json.loads(body)).expect("SUCCESS")
            return 200
        if self.headers["Content-Type"] != "application/x-yaml" or not place.startswith("/flows"):
            return 400
        if self.command == "PUT" and place not in self.server.flows:
            return 404
        if self.server.engine.violations(body):
            return 422
        name = self.server.engine.load(body)
        self.server.flows.add(f"/flows/freightlake/{name}")
        return 200

    def do_PUT(self) -> None:
        self.send_response(self.answer())
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT


class Cloud:
    """moto in this process.  `step` says what becomes of steps: complete, fail, never, or refused (the outcome lacks rows)."""

    def __init__(self):
        warnings.simplefilter("ignore")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        from moto.emr.models import ElasticMapReduceBackend, emr_backends
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self.server.start()
        self.url = "http://127.0.0.1:%d" % self.server.get_host_and_port()[1]
        self.backend = emr_backends[ACCOUNT][REGION]
        self.step, self.create = "complete", "works"
        # How many more calls to terminate clusters fail.
        self.refused_ends = 0
        self.lake: Lake | None = None
        self.seen: set[int] = set()
        self.errors: list[str] = []
        self.running = True
        made = ElasticMapReduceBackend.run_job_flow

        def run_job_flow(backend, **words):
            from moto.emr.exceptions import ValidationException

            if self.create == "fails":
                raise ValidationException("no capacity")
            cluster = made(backend, **words)
            if self.create == "answer lost":
                raise ValidationException("the cluster is made, and the answer is lost")
            return cluster

        ended = ElasticMapReduceBackend.terminate_job_flows

        def terminate_job_flows(backend, *words, **more):
            from moto.emr.exceptions import ValidationException

            if self.refused_ends:
                self.refused_ends -= 1
                raise ValidationException("not at the moment")
            return ended(backend, *words, **more)

        ElasticMapReduceBackend.run_job_flow = run_job_flow
        ElasticMapReduceBackend.terminate_job_flows = terminate_job_flows
        threading.Thread(target=self.play, daemon=True).start()

    def clusters(self) -> list:
        return list(self.backend.clusters.values())

    def reset(self, lake: Lake, step: str = "complete", create: str = "works") -> None:
        self.backend.clusters.clear()
        self.lake, self.step, self.create = lake, step, create
        self.errors.clear()

    def play(self) -> None:
        while self.running:
            for cluster in self.clusters():
                for step in list(cluster.steps):
                    if id(step) not in self.seen:
                        self.seen.add(id(step))
                        self.end(step)
            time.sleep(0.1)

    def end(self, step) -> None:
        try:
            words = list(step.args)
            run = words[words.index("--run") + 1]
            if self.step in ("complete", "refused"):
                make_marts(self.lake, run, spoil=self.step == "refused")
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")
            step.state = "FAILED"
            return
        step.state = {"complete": "COMPLETED", "refused": "COMPLETED", "fail": "FAILED", "never": "RUNNING"}[self.step]

    def close(self) -> None:
        self.running = False
        self.server.stop()


def make_marts(lake: Lake, run: str, spoil: bool) -> None:
    """Plays the Spark job: the marts of the plan as Parquet files, and outcome.json last."""
    staging = lake.path / "_freightlake" / "staging" / run
    plan = json.loads((staging / "plan.json").read_text())
    out = staging.parent.parent.parent.parent / f"made-{run}"
    freightlake("run", "--from", f"{lake.path}/processed/shipments/**/*.parquet", "--to", out)
    made = []
    for mart in plan["marts"]:
        name = mart["name"]
        (staging / name).mkdir()
        file = next((out / name).glob("*.parquet"))
        shutil.copy(file, staging / name / "part-0.parquet")
        said = freightlake("query", f"SELECT count(*) AS n FROM '{file}'", "--format", "json")
        made.append({"name": name, "hash": mart["definition_hash"], "outcome": "ok", "error": None,
                     "rows": said[0]["n"] + (1 if spoil else 0), "seconds": 0.1, "files": [f"{name}/part-0.parquet"]})  # fmt: skip
    outcome = {"run": run, "engine": "double", "engine_version": "1", "outcome": "ok", "error": None,
               "shipments_version": plan["shipments"]["version"], "seconds": 0.1, "marts": made}  # fmt: skip
    (staging / "outcome.json").write_text(json.dumps(outcome))

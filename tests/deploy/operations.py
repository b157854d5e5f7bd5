#!/usr/bin/env python3
"""docs/operations.md: every alarm and every error code has its runbook, and the runbooks' commands do what they say.

Each failure is brought about in a lake of its own, its error must have the code of the section, and then the section's
commands run one after the other.  Commands of the AWS CLI meet a double that only notes which operation was asked for.
Ends with `N passed, N failed, N skipped`.
"""

import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("FREIGHTLAKE") or ROOT / "build" / "freightlake").absolute()
TEXT = (ROOT / "docs" / "operations.md").read_text()
# No test can bring these about in a second: a race that is lost again and again, a code that nothing gives, a defect.
NOT_PROVOKED = {"conflict", "spill_limit", "internal"}
# Commands that are read here, but not run: they want a service manager, or a cluster's run.
NOT_RUN = ("systemctl ", "journalctl ", "freightlake publish RUN --discard")
OPERATIONS = {
    "cloudwatch describe-alarms": "DescribeAlarms",
    "logs filter-log-events": "FilterLogEvents",
    "emr list-steps": "ListSteps",
    "emr describe-cluster": "DescribeCluster",
    "emr terminate-clusters": "TerminateJobFlows",
    "emr list-clusters": "ListClusters",
    "ec2 describe-instance-status": "DescribeInstanceStatus",
    "ec2 stop-instances": "StopInstances",
    "ec2 start-instances": "StartInstances",
    "ce get-cost-and-usage": "GetCostAndUsage",
    "ssm get-parameter": "GetParameter",
    "ssm put-parameter": "PutParameter",
    "ssm send-command": "SendCommand",
    "emr add-steps": "AddJobFlowSteps",
}


# What the deploy guide's commands name.
GUIDES = {
    "URL": "https://example.com/hook",
    "ARTEFACTS": "artefacts",
    "PARAMETERS": "/freightlake/dev",
    "CLUSTER": "j-EXAMPLE",
    "FREIGHTLAKE_LAKE": "s3://b/lake",
}


class Tests:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name: str, check, *arguments) -> None:
        try:
            check(*arguments)
        except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError) as error:
            self.failed += 1
            print(f"FAILED {name}: {error}", flush=True)
        else:
            self.passed += 1
            print(f"ok     {name}", flush=True)

    def skip(self, name: str, reason: str) -> None:
        self.skipped += 1
        print(f"skipped: {name}: {reason}", flush=True)

    def end(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def sections() -> dict[str, str]:
    """The text below each heading of the third level; under "" what stands before the first chapter."""
    parts = re.split(r"^### (.+)\n", TEXT, flags=re.M)
    found = dict(zip(parts[1::2], (text.split("\n## ")[0] for text in parts[2::2]), strict=True))
    return {"": TEXT.split("\n## ")[0], **found}


def commands(text: str, kind: str) -> list[str]:
    lines = "\n".join(re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)).splitlines()
    return [line.removeprefix("$ ") for line in lines if line and (kind != "console" or line.startswith("$ "))]


def codes() -> dict[str, int]:
    """The error codes of the program with their exit codes."""
    table = (ROOT / "src" / "base" / "status.h").read_text()
    found = re.findall(r'^ +X\([A-Z_]+, "(\w+)", (\d+), ', table, re.M)
    return {label: int(code) for label, code in found if label != "ok"}


class Site:
    """A lake with a client, its files, and whatever goes wrong."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "freightlake").symlink_to(PROGRAM)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FREIGHTLAKE_"))}
        self.environment = {**kept, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "FREIGHTLAKE_LAKE": "lake"}
        self.shell("freightlake generate --rows 3000 --seed 7 --files 2 --format csv --bad-rows 0.01 --out first")
        self.shell("freightlake generate --rows 500 --seed 8 --format csv --bad-rows 0.5 --out inbox")
        (folder / "inbox" / "part-00000.csv").rename(folder / "inbox" / "today.csv")
        self.shell("freightlake init lake && freightlake onboard emart --sample first/part-00000.csv --yes")
        self.shell("freightlake ingest emart first && freightlake run")
        self.shell("freightlake query 'SELECT carrier, client FROM shipments' --output inbox/other.parquet")

    def shell(self, command: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env={**self.environment, **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == code, f"$ {command}\nexit {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
        return done

    def fails(self, command: str, label: str, **environment: str) -> None:
        """The command ends with the code's exit code, and its log says the code."""
        done = self.shell(f"freightlake --log-format json {command}", codes()[label], **environment)
        self.says(done.stderr, label)

    @staticmethod
    def says(log: str, label: str) -> None:
        errors = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        found = [one.get("code") for one in errors if one["level"] == "error"]
        assert found and set(found) == {label}, f"the log says {found}: {log[-600:]}"

    # One method a code: what goes wrong.
    def check_failed(self) -> None:
        self.fails("ingest emart inbox/today.csv", "check_failed")

    def usage(self) -> None:
        self.fails("ingst emart", "usage")

    def sql(self) -> None:
        self.fails("query 'SELECT nosuch FROM shipments'", "sql")

    def config(self) -> None:
        with (self.folder / "lake" / "freightlake.yaml").open("a") as file:
            file.write("currncy: EUR\n")
        self.fails("run", "config")

    def io(self) -> None:
        self.fails("query \"SELECT * FROM 's3://bucket/x.parquet'\"", "io", AWS_ENDPOINT_URL="http://127.0.0.1:9",
                   AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_MAX_ATTEMPTS="2")  # fmt: skip

    def not_found(self) -> None:
        self.fails("ingest newclient inbox/today.csv", "not_found")

    def disk_full(self) -> None:
        self.fails("query 'SELECT * FROM shipments' --format csv > /dev/full", "disk_full")

    def data(self) -> None:
        self.fails("run --from inbox/other.parquet --to marts", "data")

    def corrupt(self) -> None:
        file = min((self.folder / "lake" / "processed" / "shipments").rglob("*.parquet"))
        file.write_bytes(file.read_bytes()[:500])
        self.fails("run --full", "corrupt")

    def unsupported(self) -> None:
        shutil.copytree(self.folder / "lake" / "marts" / "delay_trends", self.folder / "theirs")
        log = self.folder / "theirs" / "_delta_log" / f"{0:020}.json"
        log.write_text(log.read_text().replace('"minReaderVersion":1', '"minReaderVersion":9'))
        self.fails("query \"SELECT * FROM 'theirs'\"", "unsupported")

    def memory_limit(self) -> None:
        self.fails("run --full --memory-limit 1MB", "memory_limit")

    def interrupted(self) -> None:
        words = [str(PROGRAM), "--log-format", "json", "generate", "--rows", "100000000", "--out", "big"]
        process = subprocess.Popen(words, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True)
        try:
            while not (self.folder / "big").exists():
                assert process.poll() is None, "it ended before it began"
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            log = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        assert process.returncode == codes()["interrupted"], f"exit {process.returncode}"
        self.says(log, "interrupted")


def runbook(site: Site, text: str) -> None:
    found = commands(text, "console")
    for command in found:
        expected = re.search(r"# exits with (\d+)$", command)
        site.shell(command, int(expected[1]) if expected else 0)


def one_code(folder: pathlib.Path, label: str) -> None:
    site = Site(folder / label)
    if label not in NOT_PROVOKED:
        getattr(site, label)()
    runbook(site, sections()[label])


def every_code_has_its_section() -> None:
    table = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", TEXT.split("## Exit codes")[1], re.M))
    named = {label: int(code) for code, labels in table.items() for label in re.findall(r"`(\w+)`", labels)}
    assert named == codes(), f"the table and src/base/status.h differ in {set(named.items()) ^ set(codes().items())}"
    missing = set(codes()) - set(sections())
    assert not missing, f"no section for {sorted(missing)}"
    for label in codes():
        assert label == "spill_limit" or commands(sections()[label], "console"), f"{label}: no command"


def every_alarm_has_its_section() -> None:
    alarms = set()
    for path in sorted((ROOT / "deploy" / "terraform" / "modules").rglob("*.tf")):
        kinds = "aws_(?:cloudwatch_metric_alarm|budgets_budget|cloudwatch_event_rule)"
        for block in re.findall(rf'^resource "{kinds}" .*?^}}', path.read_text(), re.M | re.S):
            if "event_rule" in block.splitlines()[0] and "FAILED" not in block:
                continue  # it counts commits for the alarms
            name = re.search(r'^  (?:alarm_)?name +=.*?"\$\{[^}]+\}-([^"]*)"$', block, re.M)[1]
            alarms |= {name.replace("${each.key}", table) for table in ("shipments", "marts")}
    assert {"shipments-stale", "marts-stale", "month", "machine"} <= alarms, f"alarms found: {sorted(alarms)}"
    missing = alarms - set(sections())
    assert not missing, f"no section for the alarms {sorted(missing)}"


class Double(http.server.BaseHTTPRequestHandler):
    """An AWS that has nothing: it notes the operation and answers with an empty result, in JSON or XML."""

    asked: list[str] = []
    # What the CLI reads of an answer before it asks for more.
    answers = {"DescribeCluster": {"Cluster": {"Id": "j-EXAMPLE", "InstanceCollectionType": "INSTANCE_FLEET"}}}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace")
        target = self.headers.get("X-Amz-Target")
        path = self.path.rsplit("/", 1)[-1]  # smithy's /service/NAME/operation/OPERATION
        form = urllib.parse.parse_qs(body).get("Action")
        operation = target.split(".")[-1] if target else form[0] if form else path
        self.asked.append(operation)
        xml = form is not None and not target
        answer = f"<{operation}Response><{operation}Result/></{operation}Response>" if xml else ""
        answer = answer or json.dumps(self.answers.get(operation, {}))
        if path and "operation" in self.path and "cbor" in self.headers.get("Content-Type", ""):
            self.reply("application/cbor", b"\xa0")
        else:
            self.reply("text/xml" if xml else "application/x-amz-json-1.1", answer.encode())

    def reply(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if kind == "application/cbor":
            self.send_header("smithy-protocol", "rpc-v2-cbor")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words) -> None:
        pass


@contextlib.contextmanager
def double():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Double)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cloud_command(endpoint: str, command: str) -> None:
    operation = OPERATIONS[" ".join(command[command.index("aws ") :].split()[1:3])]
    Double.asked.clear()
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_CONFIG_FILE": "/nonexistent",
                   "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "key",
                   "AWS_SECRET_ACCESS_KEY": "secret", **GUIDES}  # fmt: skip
    terraform = "terraform() { echo i-EXAMPLE; }\n"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-c", f"{terraform}{command} --endpoint-url {endpoint}"], cwd=folder,
                              env=environment, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-600:]}"
    assert operation in Double.asked, f"it asked for {Double.asked}, not {operation}"


def cloud_commands(tests: Tests) -> None:
    found = [line for text in sections().values() for line in commands(text, "sh")]
    found += commands(TEXT.split("### ")[0].split("## Alarms")[1], "sh")
    shown = [line for line in found if line.startswith("aws ")]
    others = [line for line in found if not line.startswith("aws ")]
    for line in others:
        assert line == "freightlake run" or line.startswith(NOT_RUN), f"nothing runs this command: {line}"
    assert len(shown) > 8, "hardly any command of the AWS CLI was found"
    # The same of the deploy guide; what copies files or opens a session is tried by orchestrator.py and workflow_steps.py.
    guide = commands((ROOT / "docs" / "deploy.md").read_text(), "sh")
    apart = re.compile(r"aws (s3|\w+ wait|ssm start-session) ")
    shown += [line for line in guide if re.match(r"(printf .*\| )?aws ", line) and not apart.match(line)]
    if not shutil.which("aws"):
        tests.skip("commands of the AWS CLI", "the AWS CLI is not there: scripts/setup build deploy")
        return
    with double() as endpoint:
        for command in dict.fromkeys(shown):
            tests.run(f"$ {command[:70]}", cloud_command, endpoint, command)


def main() -> int:
    tests = Tests()
    tests.run("every code has its section", every_code_has_its_section)
    tests.run("every alarm has its section", every_alarm_has_its_section)
    cloud_commands(tests)
    if not PROGRAM.exists():
        tests.skip("the runbooks", f"{PROGRAM.name} is not built: make build")
        return tests.end()
    with tempfile.TemporaryDirectory(prefix="freightlake-operations-") as name:
        folder = pathlib.Path(name)
        tests.run("the three looks", lambda: runbook(Site(folder / "looks"), sections()[""]))
        for label in codes():
            tests.run(f"{label}{' (only its commands)' if label in NOT_PROVOKED else ''}", one_code, folder, label)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""deploy/kestra: its names, its flows as text, and its flows on Kestra's real engine.

The engine runs in a network of its own, where only the loopback is: flows call the real freightlake, a webhook and an AWS
double whose EMR steps complete, fail or hang on command.  Two things differ from the files that people deploy: retries
wait a second, and the schedule's test has its cron in seconds.  The shell task is a stand-in (tests/deploy/kestra/standins).
Ends with `N passed, N failed, N skipped`.
"""

import base64
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE / "kestra"), str(ROOT / "tests"), str(ROOT / "deploy" / "kestra")]

import freightlake_flow  # noqa: E402
import go_tools  # noqa: E402
import setup  # noqa: E402

TERRAFORM = ROOT / "deploy" / "terraform"
# Another folder is given by kestra_mutations.py.
FLOWS = pathlib.Path(os.environ.get("FREIGHTLAKE_KESTRA_FLOWS") or ROOT / "deploy" / "kestra" / "flows")
ONLY = [name for name in os.environ.get("FREIGHTLAKE_KESTRA_ONLY", "").split(",") if name]
INSIDE = "FREIGHTLAKE_KESTRA_INSIDE"
COMMANDS = "io.kestra.plugin.scripts.shell.Commands"
SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
ZONE = "Europe/Berlin"


def section(name: str) -> list[str]:
    """The keys of one of names.yaml's two mappings, in order."""
    text = (ROOT / "deploy" / "kestra" / "names.yaml").read_text()
    body = re.search(rf"^{name}:\n((?:  .+\n)+)", text, re.M)
    return re.findall(r"^  ([\w/-]+): \S", body[1], re.M) if body else []


def given_values() -> list[str]:
    """The keys of Terraform's kestra_values."""
    body = re.search(r"^  kestra_values = \{\n(.*?)^  \}", (TERRAFORM / "outputs.tf").read_text(), re.M | re.S)
    return re.findall(r"^    (\w+) +=", body[1], re.M) if body else []


def given_secrets() -> list[str]:
    """The SSM parameters that Terraform makes for a person to fill."""
    text = (TERRAFORM / "modules" / "orchestration" / "main.tf").read_text()
    body = re.search(r"^  secrets +=  *\[(.*?)\]", text, re.M | re.S)
    return re.findall(r'"([^"]+)"', body[1]) if body else []


def names_are_terraforms(read: list[str], given: list[str]) -> None:
    assert read and len(set(read)) == len(read), f"names.yaml has {read}"
    assert sorted(read) == sorted(given), (
        f"only in names.yaml {sorted(set(read) - set(given))}, only in Terraform {sorted(set(given) - set(read))}"
    )


def flow_text(name: str) -> str:
    return (FLOWS / f"{name}.yaml").read_text()


def quick(text: str) -> str:
    """A flow whose retries do not wait."""
    text = re.sub(r"^(\s+interval: ).*$", r"\1PT1S", text, flags=re.M)
    return re.sub(r"^(\s+maxInterval: ).*$", r"\1PT2S", text, flags=re.M)


def all_tasks(flow: dict) -> list[dict]:
    found = []
    waiting = [task for key in ("tasks", "errors", "finally") for task in flow.get(key, [])]
    while waiting:
        task = waiting.pop()
        found.append(task)
        waiting += [child for key in ("tasks", "then", "else", "errors", "finally") for child in task.get(key, [])]
    return found


def rules(flows: dict[str, dict], texts: dict[str, str]) -> None:
    """What the engine would run all the same, and what must not be."""
    for name, flow in flows.items():
        assert flow["id"] == name and flow["namespace"] == "freightlake", f"{name}: id and namespace"
        assert flow.get("labels", {}).get("system") == "freightlake", f"{name}: it has no label `system`"
        for task in all_tasks(flow):
            unseen = [key for key in task.get("env", {}) if not freightlake_flow.KEPT.fullmatch(key)]
            where = f"{name}.{task['id']}"
            assert not unseen, f"{where}: `freightlake-flow clean` takes {unseen} away"
            clean = task.get("interpreter", [])[:2] == ["freightlake-flow", "clean"]
            assert clean or task["type"] != COMMANDS, f"{where}: the step sees Kestra's secrets"
            if task["type"] in (COMMANDS, "io.kestra.plugin.core.http.Request"):
                assert "timeout" in task, f"{where}: it has no timeout"
            for command in task.get("commands", []):
                assert "{{" not in command, f"{where}: a value within a command is read by the shell; give it in env"
                if re.match(r"freightlake-flow (ingest|run|cluster-start|cluster-end)\b", command):
                    assert task.get("retry", {}).get("type") == "exponential", f"{where}: it has no retry with backoff"
        for trigger in flow.get("triggers", []):
            assert trigger["type"] != SCHEDULE or trigger.get("timezone"), f"{name}.{trigger['id']}: it has no timezone"
        assert flow.get("concurrency", {}).get("limit") == 1, f"{name}: its concurrency has no limit"
        told = [task for task in flow.get("errors", []) if "ALERT_WEBHOOK_URL" in task.get("uri", "")]
        assert told and told[0].get("retry"), f"{name}: nobody is told when it fails"
    ended = [task for task in flows["daily-emr"].get("finally", []) if "cluster-end" in str(task.get("tasks"))]
    assert ended, "daily-emr: the cluster is not terminated in `finally`"
    assert "ALERT_WEBHOOK_URL" in str(ended[0].get("errors")), "daily-emr: nobody is told of a cluster that stays"
    read = {"kv": set(), "secret": set()}
    for text in texts.values():
        for kind, key in re.findall(r"\b(kv|secret)\('([^']+)'\)", text):
            read[kind].add(key)
    assert read["kv"] == set(section("kv")), f"flows read {sorted(read['kv'])}"
    assert read["secret"] == {"ALERT_WEBHOOK_URL"}, f"flows read the secrets {sorted(read['secret'])}"


def compose_rules() -> None:
    """compose.yaml cannot be started here: that it has no default for a secret, and that all fits together, is read."""
    import yaml

    folder = ROOT / "deploy" / "kestra"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    asked = set()
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: its image has no version"
        assert service["healthcheck"]["test"] and service["volumes"], f"{name}: it has no health check or no volume"
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), f"{name}: its ports"
        for key, value in service["environment"].items():
            found = re.fullmatch(r"\$\{(\w+):\?.+\}", value)
            assert found or key in ("POSTGRES_DB", "POSTGRES_USER"), f"{name}: {key} has a default"
            asked |= {found[1]} if found else set()
    mounted = re.findall(r"\$\{(\w+):\?", str(services["kestra"]["volumes"]))
    given = re.findall(r"^(\w+)=$", (folder / ".env.example").read_text(), re.M)
    assert sorted(given) == sorted(asked | set(mounted)), f".env.example has {given}"
    read = set(re.findall(r"\$\{(\w+)\}", (folder / "application.yaml").read_text()))
    assert read <= set(services["kestra"]["environment"]), f"application.yaml reads {sorted(read)}"
    image = (folder / "Dockerfile").read_text()
    assert "\nFROM kestra/kestra:v2.0.0\n" in image and image.rstrip().endswith("USER kestra")
    assert (folder / "freightlake_flow.py").is_file() and "deploy/kestra/freightlake_flow.py" in image


class Tests:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name: str, check: Callable, *arguments) -> None:
        started = time.monotonic()
        try:
            check(*arguments)
        except go_tools.Unavailable as error:
            self.skipped += 1
            print(f"skipped: {name}: {error}", flush=True)
        except Exception as error:
            self.failed += 1
            what = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            print(f"FAILED {name}: {what}", flush=True)
        else:
            self.passed += 1
            print(f"ok     {name} ({time.monotonic() - started:.1f} s)", flush=True)

    def end(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


class World:
    """The engine with all flows, the webhook, the AWS double; a fresh lake for each test."""

    def __init__(self, engine, hook, cloud, work: pathlib.Path, seed: int, environment: dict[str, str]):
        self.environment = environment
        self.engine, self.hook, self.cloud, self.work, self.seed = engine, hook, cloud, work, seed
        self.count = 0
        self.spans = work / "spans"

    def load(self) -> None:
        for path in sorted(FLOWS.glob("*.yaml")):
            text = path.read_text()
            # What is not valid has failed a test of its own.
            if not self.engine.violations(text):
                self.engine.load(quick(text))
        self.engine.load(SET_VALUE)

    def value(self, key: str, value: str) -> None:
        self.engine.run("set-value", key=key, value=value).expect("SUCCESS")

    def lake(self, config: str = ""):
        from surroundings import Lake

        self.count += 1
        folder = self.work / f"lake-{self.count}"
        folder.mkdir()
        lake = Lake(folder, self.seed + self.count)
        if config:
            with (lake.path / "freightlake.yaml").open("a") as file:
                file.write(config)
        self.value("lake", str(lake.path))
        self.hook.told.clear()
        return lake

    def step(self, *words: str, lake=None, code: int = 0, **more: str) -> dict:
        """Runs freightlake-flow as a flow would; gives the outputs, or what it said as `error`."""
        environment = {**self.environment, "AWS_DEFAULT_REGION": "us-east-1", **more}
        if lake:
            environment["FREIGHTLAKE_LAKE"] = str(lake.path)
        program = shutil.which("freightlake-flow", path=environment["PATH"])
        done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=120)
        assert done.returncode == code, f"{words}: exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
        told = re.findall(r"^::(.+)::$", done.stdout, re.M)
        return json.loads(told[-1])["outputs"] if told else {"error": done.stderr}

    def told(self, flow: str, execution: str, reason: str) -> None:
        assert len(self.hook.told) == 1, f"the webhook was told {self.hook.told}"
        said = self.hook.told[0]
        assert said["flow"] == flow and said["execution"] == execution, said
        assert reason in said["reason"] and said["reason"] in said["text"], said


SET_VALUE = """
id: set-value
namespace: freightlake
inputs:
  - {id: key, type: STRING}
  - {id: value, type: STRING}
tasks:
  - {id: set, type: io.kestra.plugin.core.kv.Set, key: "{{ inputs.key }}", value: "{{ inputs.value }}", kvType: STRING}
"""


def flow_is_valid(world: World, name: str) -> None:
    said = world.engine.violations(flow_text(name))
    assert not said, said


def validator_refuses(world: World) -> None:
    """The validator that passes the flows is one that does refuse."""
    good = flow_text("daily-local")
    mistakes = {
        "an unknown type": good.replace(COMMANDS, COMMANDS + "s", 1),
        "a bad cron": good.replace('"0 4 * * *"', '"no cron"'),
        "an unknown property": good.replace("    timeout: PT6H", "    timeOut: PT6H", 1),
    }
    for what, text in mistakes.items():
        assert text != good and world.engine.violations(text), f"{what} passes"


def daily_local(world: World) -> None:
    lake = world.lake()
    lake.arrive()
    done = world.engine.run("daily-local", inbox=str(lake.inbox)).expect("SUCCESS")
    assert done.outputs == {"files": 1, "rows": 400, "rejects": 0, "published": 5}, done.outputs
    for key, value in {("ingest", "rows"): 400, ("ingest", "rejects"): 0, ("run", "published"): 5}.items():
        assert done.metrics.get(key) == value, f"{key}: {done.metrics}"
    assert ("ingest", "seconds") in done.metrics and ("run", "seconds") in done.metrics, done.metrics
    assert lake.rows() == 400 and not world.hook.told
    again = world.engine.run("daily-local", inbox=str(lake.inbox)).expect("SUCCESS")
    assert again.outputs["rows"] == again.outputs["published"] == 0 and lake.rows() == 400, again.outputs


def daily_local_broken(world: World) -> None:
    """A refused file fails the flow and is told; the other files are in the marts.  The webhook is not there at first."""
    lake = world.lake()
    lake.arrive()
    lake.arrive_broken()
    world.hook.failures = 2
    done = world.engine.run("daily-local", inbox=str(lake.inbox)).expect("FAILED")
    assert done.tasks["run"] == "SUCCESS" and lake.mart_versions() == [1] * 5, done.tasks
    assert lake.rows() == 400 and world.hook.failures == 0
    world.told("daily-local", done.id, "broken.csv")


def daily_local_strange_folders(world: World) -> None:
    """A broken mapping and a folder without a client are told; hidden folders are passed over; all others are taken."""
    lake = world.lake()
    lake.arrive("sub/not-of-today.csv")
    for client in ("bad", "stray", "_old", ".snapshot", "-h", "zulu"):
        lake.arrive(client=client)
    mapping = (lake.path / "clients" / "emart.yaml").read_text()
    (lake.path / "clients" / "zulu.yaml").write_text(mapping.replace("emart", "zulu"))
    (lake.path / "clients" / "bad.yaml").write_text(mapping + "\nnonsense: [\n")
    done = world.engine.run("daily-local", inbox=str(lake.inbox)).expect("FAILED")
    assert done.tasks["run"] == "SUCCESS" and lake.rows() == 400 and lake.mart_versions() == [1] * 5, done.tasks
    world.told("daily-local", done.id, "bad: 1 of 1 files")
    reason = world.hook.told[0]["reason"]
    assert "stray: 1 of 1 files: client 'stray' has no mapping" in reason and "-h: 1 of 1" in reason, reason
    assert "_old" not in reason and "snapshot" not in reason and "zulu" not in reason, reason


def many_files(world: World) -> None:
    """More names than one command takes."""
    lake = world.lake()
    folder = lake.inbox / "emart"
    folder = folder / ("d" * 200) / ("e" * 200) / ("f" * 200)
    folder.mkdir(parents=True)
    count = 4000
    for index in range(count):
        os.link(lake.sample, folder / f"{'n' * 200}-2026-11-01-{index}.csv")
    said = world.step("ingest", str(lake.inbox), "--day", "2026-11-01", lake=lake)
    assert said["files"] == count and said["refused"] == 0 and lake.rows() == 400, said


def many_files_of_the_timer(world: World) -> None:
    """The package's daily script: more names than one command takes, and folders that are no client's."""
    folder = world.work / "timer"
    for client in ("emart", "_old", ".snapshot"):
        (folder / "inbox" / client).mkdir(parents=True)
        (folder / "inbox" / client / "a.csv").touch()
    for index in range(9000):
        os.link(folder / "inbox" / "emart" / "a.csv", folder / "inbox" / "emart" / f"{'n' * 200}-{index}.csv")
    tools = folder / "bin"
    tools.mkdir()
    (tools / "freightlake").write_text(
        f'#!/bin/sh\necho "$1 $2 $(($# - 3))" >> "{folder}/calls"\n[ "$1" != ingest ] || exit 3\n'
    )
    (tools / "freightlake").chmod(0o755)
    environment = {**world.environment, "PATH": f"{tools}:{os.environ['PATH']}", "FREIGHTLAKE_LAKE": str(folder)}
    environment["FREIGHTLAKE_INBOX"] = str(folder / "inbox")
    done = subprocess.run([ROOT / "packaging" / "freightlake-daily"], capture_output=True, text=True, env=environment)
    calls = [line.split() for line in (folder / "calls").read_text().splitlines()]
    assert done.returncode == 3 and calls[-1][0] == "run", (done.returncode, done.stderr[-500:], calls[-3:])
    assert {client for verb, client, _ in calls if verb == "ingest"} == {"emart"}, calls
    assert sum(int(count) for verb, _, count in calls if verb == "ingest") == 9001, calls


def archive(world: World) -> None:
    """What the lake has leaves the inbox; a refused file stays, and none of the archive is written over."""
    lake = world.lake()
    lake.arrive()
    lake.arrive_broken()
    away = lake.inbox.parent / "archive"
    done = world.engine.run("daily-local", inbox=str(lake.inbox), archive=str(away)).expect("FAILED")
    assert done.outputs["rows"] == 400 or done.tasks["run"] == "SUCCESS", done.outputs
    left = sorted(path.name for path in (lake.inbox / "emart").iterdir())
    assert left == ["broken.csv"] and (away / "emart" / "orders.csv").is_file(), left
    (lake.inbox / "emart" / "broken.csv").unlink()
    lake.arrive()
    world.engine.run("daily-local", inbox=str(lake.inbox), archive=str(away)).expect("SUCCESS")
    assert sorted(path.name for path in (away / "emart").iterdir()) == ["orders.2.csv", "orders.csv"]
    said = world.step("ingest", str(lake.inbox), "--archive", str(lake.inbox / "old"), lake=lake, code=1)
    assert "is within the inbox" in said["error"], said


def environment_of_steps(world: World) -> None:
    """A step sees what the flow gives it, and none of Kestra's own secrets."""
    lake = world.lake()
    seen = lake.inbox.parent / "seen"
    text = flow_text("daily-local").replace("id: daily-local", "id: daily-peek")
    peek = text.replace(
        '- freightlake-flow ingest "$INBOX"', f'- env > {seen}\n      - freightlake-flow ingest "$INBOX"'
    )
    assert peek != text
    world.engine.load(quick(peek))
    world.engine.run("daily-peek", inbox=str(lake.inbox)).expect("SUCCESS")
    names = {line.split("=", 1)[0] for line in seen.read_text().splitlines()}
    assert {"PATH", "INBOX", "FREIGHTLAKE_LAKE", "AWS_ACCESS_KEY_ID"} <= names, names
    secret = [name for name in names if name.startswith(("SECRET_", "KESTRA_"))]
    assert not secret and "SECRET_ALERT_WEBHOOK_URL" in world.environment, secret


def daily_local_without_lake(world: World) -> None:
    lake = world.lake()
    lake.arrive()
    world.value("lake", str(world.work / "nowhere"))
    done = world.engine.run("daily-local", inbox=str(lake.inbox)).expect("FAILED")
    world.told("daily-local", done.id, "")


def schedule(world: World) -> None:
    """Every other second of this hour and the next in the flow's zone, which no hour of UTC is."""
    lake = world.lake()
    lake.arrive()
    hour = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).hour
    text = quick(flow_text("daily-local"))
    often = text.replace('cron: "0 4 * * *"', f'cron: "*/2 * {hour},{(hour + 1) % 24} * * *"\n    withSeconds: true')
    often = often.replace("id: daily-local", "id: daily-often").replace("/var/lib/freightlake/inbox", str(lake.inbox))
    assert often.count("daily-often") == 1 and "withSeconds" in often and f"timezone: {ZONE}" in often
    world.engine.load(often)
    ended: list = []
    until = time.monotonic() + 60
    while len(ended) < 2 and time.monotonic() < until:
        time.sleep(0.5)
        ended = [one for one in world.engine.executions("daily-often") if one.state in ("SUCCESS", "FAILED")]
    world.engine.load(often.replace("    timezone:", "    disabled: true\n    timezone:"))
    assert len(ended) >= 2, f"{len(ended)} executions in a minute"
    assert {(one.trigger, one.state) for one in ended} == {("daily", "SUCCESS")}, [one.logs for one in ended]
    assert lake.rows() == 400 and not world.hook.told


def most_at_once(spans: list[tuple[float, float]]) -> int:
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)


def backfill(world: World) -> None:
    lake = world.lake()
    days = [f"2026-11-{day:02}" for day in range(1, 7)]
    wanted = sum(lake.arrive_part(f"{day}/orders.csv", part, len(days) + 1) for part, day in enumerate(days))
    lake.arrive_part("2026-11-07/orders.csv", len(days), len(days) + 1)
    world.spans.write_text("")
    done = world.engine.run("backfill", inbox=str(lake.inbox), first=days[0], last=days[-1]).expect("SUCCESS")
    assert done.outputs == {
        "days": 6, "empty_days": "", "files": 6, "rows": wanted, "rejects": 0, "published": 5,
    }, done.outputs  # fmt: skip
    assert lake.rows() == wanted, f"{lake.rows()} rows, not {wanted}: a day outside the range, or one is missing"
    spans = [tuple(map(float, line.split())) for line in world.spans.read_text().splitlines()]
    most = most_at_once(spans)
    assert len(spans) == 6 and most == 2, f"{most} days at once, of {len(spans)}"
    print(f"       backfill: 6 days, at most {most} at once", flush=True)


def backfill_refused(world: World) -> None:
    """One refused file, of one day, keeps no mart back; the message names both, and days without files are told."""
    lake = world.lake()
    lake.arrive_part("20261101120000.csv", 0, 2)
    lake.arrive_broken("20261102_broken.csv")
    days = {"first": "2026-11-01", "last": "2026-11-03", "day_forms": "%Y-%m-%d %Y%m%d"}
    done = world.engine.run("backfill", inbox=str(lake.inbox), **days).expect("FAILED")
    assert done.tasks["run"] == "SUCCESS" and lake.mart_versions() == [1] * 5, done.tasks
    assert lake.rows() == 200, lake.rows()
    world.told("backfill", done.id, "2026-11-02: emart: 1 of 1 files")
    assert "20261102_broken.csv" in world.hook.told[0]["reason"], world.hook.told
    assert any("no client has a file of 2026-11-03" in line for line in done.logs), done.logs


def backfill_empty_days(world: World) -> None:
    lake = world.lake()
    lake.arrive("2026/11/01/orders.csv")
    days = {"inbox": str(lake.inbox), "first": "2026-11-01", "last": "2026-11-02", "day_forms": "%Y/%m/%d"}
    done = world.engine.run("backfill", **days).expect("SUCCESS")
    assert done.outputs["empty_days"] == "2026-11-02" and done.outputs["files"] == 1, done.outputs
    assert not world.hook.told
    done = world.engine.run("backfill", **days, empty_days="fail").expect("FAILED")
    world.told("backfill", done.id, "2026-11-02")


def backfill_wrong(world: World) -> None:
    lake = world.lake()
    for wrong in ({"first": "2026-11-02", "last": "2026-11-01"},
                  {"first": "2026-11-01", "last": "2026-11-02", "day_forms": "%m"}):  # fmt: skip
        world.hook.told.clear()
        done = world.engine.run("backfill", inbox=str(lake.inbox), **wrong).expect("FAILED")
        assert "run" not in done.tasks, done.tasks
        world.told("backfill", done.id, "")


def onboard_client(world: World) -> None:
    lake = world.lake()
    done = world.engine.run("onboard-client", client="bravo", sample=str(lake.sample)).expect("SUCCESS")
    assert (lake.path / "clients" / "bravo.yaml").is_file() and lake.rows() == 0
    assert done.outputs["mapping"].endswith("bravo.yaml") and done.outputs["rejects"] == 0, done.outputs
    done = world.engine.run("onboard-client", client="bravo", sample=str(lake.sample), ingest=True).expect("SUCCESS")
    assert lake.rows() == 400, f"{lake.rows()} rows, unsure of {done.outputs['unsure']!r}"
    strange = lake.inbox / "strange.csv"
    strange.write_text("a,b\n1,2\n")
    done = world.engine.run("onboard-client", client="charlie", sample=str(strange)).expect("FAILED")
    world.told("onboard-client", done.id, "")


BIG = "spark: {master: spark://unused:7077, auto_bytes: 1}\n"


def emr(world: World, step: str = "complete", create: str = "works", **inputs: object):
    """A day whose marts are a cluster's; gives the lake and what became of the flow."""
    lake = world.lake(BIG)
    lake.arrive()
    world.cloud.reset(lake, step, create)
    done = world.engine.run("daily-emr", 60, inbox=str(lake.inbox), check_seconds=1, **inputs)
    assert not world.cloud.errors, world.cloud.errors
    states = [cluster.state for cluster in world.cloud.clusters()]
    assert all(state == "TERMINATED" for state in states), f"clusters are {states}"
    assert done.tasks.get("terminate") == "SUCCESS", done.tasks
    assert not list(lake.path.glob("_freightlake/staging/*")), "a plan is left"
    return lake, done


def emr_small_day_needs_no_cluster(world: World) -> None:
    lake = world.lake()
    lake.arrive()
    world.cloud.reset(lake)
    done = world.engine.run("daily-emr", inbox=str(lake.inbox)).expect("SUCCESS")
    assert done.outputs == {"files": 1, "rows": 400, "rejects": 0, "engine": "local", "published": 5}, done.outputs
    assert not world.cloud.clusters()


def emr_step_completes(world: World) -> None:
    lake, done = emr(world)
    done.expect("SUCCESS")
    assert done.outputs == {"files": 1, "rows": 400, "rejects": 0, "engine": "spark", "published": 5}, done.outputs
    assert lake.mart_versions() == [1] * 5 and not world.hook.told
    (cluster,) = world.cloud.clusters()
    (step,) = cluster.steps
    assert step.args[:4] == ["spark-submit", "--deploy-mode", "cluster", "s3://artefacts/jobs/run_marts.py"], step.args
    assert step.args[4:6] == ["--lake", str(lake.path)] and cluster.release_label == "emr-7.2.0", step.args
    tags = str(cluster.tags)
    assert "freightlake" in tags and "Environment" in tags, tags


def emr_step_fails(world: World) -> None:
    lake, done = emr(world, "fail")
    done.expect("FAILED")
    assert done.tasks["step"] == "FAILED" and "publish" not in done.tasks, done.tasks
    assert lake.mart_versions() == [] and len(world.cloud.clusters()) == 1
    world.told("daily-emr", done.id, "")
    assert any("ended as FAILED" in line for line in done.logs), done.logs[-8:]


def emr_step_never_ends(world: World) -> None:
    """Given up by its own limit, and where that does not hold, by the task's."""
    lake = world.lake(BIG)
    lake.arrive()
    world.cloud.reset(lake, "never")
    text = quick(flow_text("daily-emr")).replace("id: daily-emr", "id: daily-emr-hasty")
    hasty = text.replace("        timeout: PT4H", "        timeout: PT6S")
    assert hasty != text
    world.engine.load(hasty)
    done = world.engine.run("daily-emr-hasty", inbox=str(lake.inbox), check_seconds=1).expect("FAILED")
    (cluster,) = world.cloud.clusters()
    assert cluster.state == "TERMINATED" and done.tasks["terminate"] == "SUCCESS", (cluster.state, done.tasks)
    assert lake.mart_versions() == [] and not list(lake.path.glob("_freightlake/staging/*"))
    world.told("daily-emr-hasty", done.id, "")


def emr_creation_fails(world: World) -> None:
    lake, done = emr(world, create="fails")
    done.expect("FAILED")
    assert not world.cloud.clusters() and lake.mart_versions() == []
    world.told("daily-emr", done.id, "")


def emr_answer_of_the_creation_is_lost(world: World) -> None:
    """The cluster is there, and the flow has no ID of it: the retry finds it by its name, and it is paid once."""
    lake, done = emr(world, create="answer lost")
    done.expect("SUCCESS")
    assert len(world.cloud.clusters()) == 1 and lake.mart_versions() == [1] * 5


def emr_publish_refuses(world: World) -> None:
    lake, done = emr(world, "refused")
    done.expect("FAILED")
    assert done.tasks["step"] == "SUCCESS" and done.tasks["publish"] == "FAILED" and lake.mart_versions() == []
    world.told("daily-emr", done.id, "")


def emr_termination_is_tried_again(world: World) -> None:
    world.cloud.refused_ends = 2
    lake, done = emr(world)
    done.expect("SUCCESS")
    assert world.cloud.refused_ends == 0 and not world.hook.told, world.hook.told


def emr_termination_fails(world: World) -> None:
    """The marts are there, and a cluster that nobody could end; that is told, with what ends it."""
    lake = world.lake(BIG)
    lake.arrive()
    world.cloud.reset(lake)
    world.cloud.refused_ends = 1000
    # What `finally` does leaves the state of an execution as it is.
    done = world.engine.run("daily-emr", 90, inbox=str(lake.inbox), check_seconds=1).expect("SUCCESS")
    world.cloud.refused_ends = 0
    assert done.tasks["publish"] == "SUCCESS" and done.tasks["end"] == "FAILED" and lake.mart_versions() == [1] * 5, (
        done.tasks
    )
    (cluster,) = world.cloud.clusters()
    world.told("daily-emr", done.id, f"aws emr terminate-clusters --cluster-ids {cluster.id}")
    assert "may still be alive" in world.hook.told[0]["text"], world.hook.told
    # The step failed and so did the end: both are told.
    world.hook.told.clear()
    world.cloud.reset(lake, "fail")
    world.cloud.refused_ends = 1000
    lake.arrive_part("more.csv", 0, 2)
    done = world.engine.run("daily-emr", 90, inbox=str(lake.inbox), check_seconds=1).expect("FAILED")
    world.cloud.refused_ends = 0
    texts = [said["text"] for said in world.hook.told]
    assert len(texts) == 2 and "may still be alive" in texts[1] and "--cluster-ids" in texts[1], texts


def emr_step_is_given_up(world: World) -> None:
    """By the limit of the step itself, which is in minutes."""
    lake = world.lake()
    world.cloud.refused_ends = 0
    world.cloud.reset(lake, "never")
    request = {"FREIGHTLAKE_JOB_FLOW": json.dumps(world.request)}
    cluster = world.step("cluster-start", "given-up", lake=lake, **request)["cluster"]
    again = world.step("cluster-start", "given-up", lake=lake, **request)["cluster"]
    assert cluster == again, (cluster, again)
    limits = ["--minutes", "0.02", "--every", "0.2"]
    started = time.monotonic()
    said = world.step("cluster-step", "given-up", cluster, "s3://job", *limits, lake=lake, code=1, **request)
    assert "after 0.02 minutes" in said["error"] and time.monotonic() - started < 20, said
    ended = world.step("cluster-end", "given-up", "--seconds", "3", lake=lake, **request)
    assert ended["terminated"] == [cluster] and world.cloud.clusters()[0].state == "TERMINATED", ended


def guide_lines() -> list[str]:
    """The lines of docs/kestra.md that call setup.py."""
    text = (ROOT / "docs" / "kestra.md").read_text()
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).splitlines()
    return [line for line in lines if "setup.py" in line]


def setup_from_the_guide(world: World) -> None:
    """The guide's lines as they are written: the real AWS CLI asks moto, and flows are judged by the real engine."""
    import boto3
    import surroundings

    if not shutil.which("aws"):
        raise go_tools.Unavailable("the AWS CLI: apt-get install awscli")
    work = world.work / "setup"
    work.mkdir()
    place = work / "deploy" / "kestra"
    shutil.copytree(ROOT / "deploy" / "kestra", place, ignore=shutil.ignore_patterns("__pycache__", ".env"))
    secrets = {
        "kestra/database-password": "da$ta #base",
        "kestra/admin-password": 'Pa$sw0rd" \\x',
        "kestra/encryption-key": base64.b64encode(b"k" * 32).decode(),
    }
    values = {
        "lake": str(work / "lake"), "aws_region": surroundings.REGION, "spark_job_uri": "s3://artefacts/jobs/run_marts.py",
        "emr_job_flow": json.dumps(surroundings.JOB_FLOW),
    }  # fmt: skip
    words = {"endpoint_url": world.cloud.url, "region_name": surroundings.REGION}
    words |= {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    ssm, s3 = boto3.client("ssm", **words), boto3.client("s3", **words)
    for name, value in [*secrets.items(), *((f"kestra/{key}", value) for key, value in values.items())]:
        ssm.put_parameter(
            Name=f"/freightlake/prod/{name}", Value=value, Type="SecureString", Tier="Intelligent-Tiering"
        )
    s3.create_bucket(Bucket="artefacts")
    for path in FLOWS.glob("*.yaml"):
        s3.put_object(Bucket="artefacts", Key=f"flows/{path.name}", Body=path.read_bytes())
    api = surroundings.Api(world.engine, f"ops@example.com:{secrets['kestra/admin-password']}")
    environment = {key: value for key, value in world.environment.items() if not key.startswith("KESTRA_ADMIN")}
    environment |= {"KESTRA_URL": api.url, "AWS_ENDPOINT_URL": world.cloud.url, "BUCKET": "artefacts",
                    "AWS_DEFAULT_REGION": surroundings.REGION}  # fmt: skip

    def line(text: str, code: int = 0, **more: str) -> str:
        done = subprocess.run(
            ["sh", "-c", text], cwd=place, capture_output=True, text=True, env={**environment, **more}, timeout=120
        )
        assert done.returncode == code, f"{text}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    given = "terraform() { cat kestra_values.json; }\n"
    (place / "kestra_values.json").write_text(json.dumps(values))
    lines = guide_lines()
    kinds = [re.search(r"setup\.py (\w+)", text)[1] for text in lines]
    assert {"secrets", "values", "flows"} <= set(kinds), lines
    made = next(text for text in lines if "setup.py secrets" in text)
    assert "SSM has no /freightlake/prod/alert-webhook-url" in line(made, code=1) and not (place / ".env").exists()
    ssm.put_parameter(Name="/freightlake/prod/alert-webhook-url", Value=world.hook.url, Type="SecureString")
    line(made)
    assert (place / ".env").stat().st_mode & 0o777 == 0o600, oct((place / ".env").stat().st_mode)
    written = dict(text.split("=", 1) for text in (place / ".env").read_text().splitlines())
    asked = re.findall(r"^(\w+)=$", (place / ".env.example").read_text(), re.M)
    assert sorted(written) == sorted(asked) and written["KESTRA_DATABASE_PASSWORD"] == "'da$ta #base'", written
    assert base64.b64decode(written["ALERT_WEBHOOK_URL_BASE64"].strip("'")).decode() == world.hook.url
    # Again, without the user: that of .env stays.
    line("./setup.py secrets /freightlake/prod")
    assert "ops@example.com" in (place / ".env").read_text() and len(list(place.glob(".env*"))) == 2
    for text in lines:
        line(given + text)
    assert len(api.flows) == 4, api.flows
    for key in values:
        assert f"PUT /api/v1/main/namespaces/freightlake/kv/{key}" in api.asked, api.asked
    assert "Kestra answers 401" in line("./setup.py flows", code=1, KESTRA_ADMIN_PASSWORD="wrong")
    (place / "flows" / "daily-local.yaml").write_text(flow_text("daily-local").replace("cron:", "crom:"))
    assert "Kestra answers 422" in line("./setup.py flows", code=1)
    assert "flows read no lakes" in line("./setup.py values lakes=x", code=1)
    api.shutdown()
    assert "no Kestra at" in line("./setup.py flows", code=1, KESTRA_URL="http://127.0.0.1:9")


def write_shim(path: pathlib.Path, spans: pathlib.Path, program: str) -> None:
    """freightlake, which notes when each ingestion began and ended; a third of a second longer, so that they can meet."""
    path.write_text(f"""#!/bin/sh
[ "$1" = ingest ] || exec "{program}" "$@"
begin=$(date +%s.%N)
"{program}" "$@"
code=$?
sleep 0.3
echo "$begin $(date +%s.%N)" >> "{spans}"
exit $code
""")
    path.chmod(0o755)


def on_the_engine(tests: Tests, work: pathlib.Path) -> None:
    import engine
    import surroundings

    seed = int(os.environ.get("FREIGHTLAKE_TEST_SEED") or time.time())
    print(f"seed {seed}")
    tools = work / "bin"
    tools.mkdir()
    (tools / "freightlake-flow").symlink_to(ROOT / "deploy" / "kestra" / "freightlake_flow.py")
    write_shim(tools / "freightlake", work / "spans", surroundings.PROGRAM)
    (tools / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python3").chmod(0o755)
    hook, cloud = surroundings.Webhook(), surroundings.Cloud()
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "KESTRA_ADMIN_PASSWORD": "not-for-steps",
        "SECRET_ALERT_WEBHOOK_URL": base64.b64encode(hook.url.encode()).decode(),
        "AWS_ENDPOINT_URL_EMR": cloud.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    prepared = json.loads(os.environ[INSIDE])
    with engine.engine(prepared, work, environment) as running:
        world = World(running, hook, cloud, work, seed, environment)
        for path in sorted(FLOWS.glob("*.yaml")):
            tests.run(f"validator: {path.stem}", flow_is_valid, world, path.stem)
        tests.run("validator refuses mistakes", validator_refuses, world)
        world.load()
        world.request = surroundings.JOB_FLOW
        world.value("aws_region", surroundings.REGION)
        world.value("emr_job_flow", json.dumps(surroundings.JOB_FLOW))
        world.value("spark_job_uri", "s3://artefacts/jobs/run_marts.py")
        for check in CHECKS:
            if not ONLY or check.__name__ in ONLY:
                tests.run(check.__name__.replace("_", " "), check, world)
    cloud.close()


CHECKS = [
    daily_local,
    daily_local_broken,
    daily_local_strange_folders,
    daily_local_without_lake,
    many_files,
    many_files_of_the_timer,
    archive,
    environment_of_steps,
    schedule,
    backfill,
    backfill_refused,
    backfill_empty_days,
    backfill_wrong,
    onboard_client,
    emr_small_day_needs_no_cluster,
    emr_step_completes,
    emr_step_fails,
    emr_step_never_ends,
    emr_creation_fails,
    emr_answer_of_the_creation_is_lost,
    emr_publish_refuses,
    emr_termination_is_tried_again,
    emr_termination_fails,
    emr_step_is_given_up,
    # Behind all others: the flows come as they are deployed, with retries that wait.
    setup_from_the_guide,
]


def enter() -> None:
    """Starts this script again with the packages, and in a network that has the loopback alone."""
    import engine

    python = go_tools.python_with("tests/requirements-kestra.txt")
    prepared = json.dumps(engine.prepare())
    if not shutil.which("unshare") or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        raise go_tools.Unavailable("`unshare -n`, a network of its own: run as root")
    script = 'ip link set lo up && exec "$@"'
    command = ["unshare", "-n", "sh", "-c", script, "sh", str(python), *sys.argv]
    os.execvpe("unshare", command, {**os.environ, INSIDE: prepared})


def main() -> int:
    tests = Tests()
    if INSIDE not in os.environ:
        try:
            enter()
        except go_tools.Unavailable as error:
            print(f"skipped: the engine: {error}")
            tests.skipped += 1
    tests.run("kv names are Terraform's", names_are_terraforms, section("kv"), given_values())
    tests.run("kv names are those of setup.py", names_are_terraforms, section("kv"), setup.VALUES)
    tests.run(
        "secret names are those of setup.py", names_are_terraforms, section("secrets"), list(setup.SECRETS.values())
    )
    tests.run("secret names are Terraform's", names_are_terraforms, section("secrets"), given_secrets())
    if INSIDE in os.environ:
        import yaml

        texts = {path.stem: path.read_text() for path in sorted(FLOWS.glob("*.yaml"))}
        tests.run("rules for flows", rules, {name: yaml.safe_load(text) for name, text in texts.items()}, texts)
        tests.run("compose", compose_rules)
    if INSIDE in os.environ and ONLY != ["rules"]:
        with tempfile.TemporaryDirectory(prefix="freightlake-kestra-") as folder:
            tests.run("the engine runs", on_the_engine, tests, pathlib.Path(folder))
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

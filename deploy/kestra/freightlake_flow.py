#!/usr/bin/env python3
"""freightlake-flow: the steps of Kestra's flows; calls `freightlake ... --json` and tells Kestra the numbers.

Each step prints one line `::{"outputs": ..., "metrics": ...}::`, which Kestra's script tasks read, and ends with a code
that is not 0 when the flow is to go no further.  The lake is FREIGHTLAKE_LAKE.  The cluster's steps call EMR by boto3,
with the RunJobFlow request that Terraform makes in FREIGHTLAKE_JOB_FLOW: Kestra's own task for clusters knows neither tags
nor security configurations, and takes a cluster whose step failed for a success.  A cluster carries its run's ID in its
name, so `cluster-end` finds it also where the answer of its creation was lost.  `clean` is the flows' interpreter: what it
runs sees none of Kestra's own secrets in its environment.
"""

import argparse
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
from collections.abc import Iterator
from typing import NamedTuple

# A cluster in one of these states costs money or is about to.
ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
ENDED = ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"]
STILL_COPIED = (".part", ".filepart", ".tmp")
MOST_DAYS = 1000
# Of the names in one command; Linux takes two megabytes, the environment included.
BATCH_BYTES = 256 * 1024
# What a step sees of the environment: the machine's, the programs', and what flows give their steps.
KEPT = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|SSL_CERT_\w+|\w+_PROXY|\w+_proxy|AWS_\w+|FREIGHTLAKE_\w+"
    r"|ARCHIVE|CLIENT|CLUSTER|DAY|EVERY|FIRST|FORMS|INBOX|JOB|LAST|MINUTES|RUN|SAMPLE"
)


class Said(NamedTuple):
    """What became of a freightlake: its exit code, its summary (empty when it gave none), its first error."""

    code: int
    summary: dict
    why: str


def tell(outputs: dict, **metrics: float) -> None:
    """`seconds` is a timer, all else are counters."""
    entries = [
        {"name": name, "type": "timer" if name == "seconds" else "counter", "value": value}
        for name, value in metrics.items()
    ]
    print("::" + json.dumps({"outputs": outputs, "metrics": entries}) + "::", flush=True)


def stop(message: str) -> None:
    sys.exit(f"freightlake-flow: error: {message}")


def freightlake(*words: str) -> Said:
    """What it says goes to Kestra's log as it comes, by standard output: what comes by standard error Kestra calls an error
    of the flow, and tells the webhook the first one."""
    why = ""
    with (
        tempfile.TemporaryFile("w+") as out,
        subprocess.Popen(
            ["freightlake", *words, "--json"], stdout=out, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as child,
    ):
        for line in child.stderr:
            # A line with colons first would be outputs to Kestra; a file's header may have one.
            print(f" {line}" if line.startswith("::") else line, end="", flush=True)
            if not why and "error: " in line:
                why = line.split("error: ", 1)[1].strip()
        code = child.wait()
        out.seek(0)
        try:
            return Said(code, json.load(out), why)
        except ValueError:
            return Said(code, {}, why)


def outcome(said: Said) -> int:
    """The exit code of a step that ends as its freightlake did; the reason is the step's error."""
    if said.code:
        print(f"freightlake: error: {said.why or f'exit code {said.code}'}", file=sys.stderr)
    return said.code


def day_texts(day: datetime.date, forms: str) -> list[str]:
    """A day as each of the forms has it, such as %Y-%m-%d; a form that does not tell days apart is refused."""
    texts = [day.strftime(form) for form in forms.split()]
    for form, text in zip(forms.split(), texts, strict=True):
        try:
            same = datetime.datetime.strptime(text, form).date() == day
        except ValueError:
            same = False
        if not same:
            stop(f"the form {form!r} does not say which day it is; hint: %Y-%m-%d, %Y%m%d or %Y/%m/%d for folders")
    if not texts:
        stop("there is no form of days; hint: %Y-%m-%d")
    return texts


def files_of(folder: pathlib.Path, texts: list[str]) -> list[str]:
    """A client's files that are whole; of one day: those whose path below the folder has one of its texts in it."""
    day = re.compile("|".join(rf"(?<!\d){re.escape(text)}" for text in texts))
    found = []
    for path in sorted(folder.rglob("*") if texts else folder.iterdir()):
        below = path.relative_to(folder)
        hidden = any(part.startswith((".", "_")) for part in below.parts)
        if path.is_file() and not hidden and not path.name.endswith(STILL_COPIED) and day.search(str(below)):
            found.append(str(path))
    return found


def batches(names: list[str]) -> Iterator[list[str]]:
    """An inbox may have more names than one command takes."""
    batch, size = [], 0
    for name in names:
        length = len(os.fsencode(name)) + 1
        if batch and size + length > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += length
    if batch:
        yield batch


def state_of(name: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def put_away(name: str, folder: pathlib.Path) -> None:
    """Moves a file; one of its name that is there stays, and it gets a number."""
    source = pathlib.Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / source.name, 1
    while target.exists():
        number += 1
        target = folder / f"{source.stem}.{number}{source.suffix}"
    try:
        source.rename(target)
    except OSError:
        # Another file system: whole under its name, or not at all.
        part = target.with_name(f"{target.name}.part")
        shutil.copy2(source, part)
        part.rename(target)
        source.unlink()


def take(client: str, names: list[str], archive: pathlib.Path | None) -> tuple[dict, str]:
    """A batch without a summary (no such client, a mapping that is broken) is refused as a whole."""
    sums, reason = {"rows": 0, "rejects": 0, "refused": 0, "files": len(names)}, ""
    for batch in batches(names):
        before = {name: state_of(name) for name in batch} if archive else {}
        said = freightlake("ingest", client, *batch)
        files = said.summary.get("files", [])
        bad = sum(file["outcome"] == "refused" for file in files) + said.summary.get("failed_files", 0)
        sums["refused"] += max(bad, 1 if said.code else 0) if said.summary else len(batch)
        sums["rows"] += said.summary.get("good", 0)
        sums["rejects"] += said.summary.get("rejected", 0)
        reason = reason or said.why or (f"exit code {said.code}" if said.code else "")
        for file in files if archive else []:
            name = file["file"]
            taken = file["outcome"] in ("ingested", "known") and file.get("undone_by_version") is None
            # A file that has changed meanwhile is another one.
            if taken and before.get(name) and before[name] == state_of(name):
                put_away(name, archive / client)
    return sums, reason


def ingest(args: argparse.Namespace) -> int:
    """A client whose files are refused keeps no other client out; `refused` says how many files were."""
    inbox = pathlib.Path(args.inbox)
    if not inbox.is_dir():
        stop(f"there is no inbox {inbox}; hint: one folder per client, named as in LAKE/clients/CLIENT.yaml")
    texts = day_texts(datetime.date.fromisoformat(args.day), args.forms) if args.day else []
    archive = pathlib.Path(args.archive) if args.archive else None
    if archive and archive.resolve().is_relative_to(inbox.resolve()):
        stop(f"the archive {archive} is within the inbox, whose folders are clients; hint: a folder beside it")
    started = time.monotonic()
    sums = {"rows": 0, "rejects": 0, "refused": 0, "files": 0}
    why = []
    for folder in sorted(path for path in inbox.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))):
        try:
            names = files_of(folder, texts)
            one, reason = take(folder.name, names, archive)
        except OSError as error:
            names, one, reason = [], {"refused": 1}, str(error)
        for name, value in one.items():
            sums[name] += value
        if one["refused"]:
            why.append(f"{folder.name}: {one['refused']} of {len(names)} files: {reason}")
    seconds = round(time.monotonic() - started, 3)
    outputs = {**sums, "day": args.day, "seconds": seconds, "refused_files": "; ".join(why)}
    tell(outputs, **sums, seconds=seconds)
    return 0


def tell_marts(summary: dict) -> None:
    numbers = {name: summary[name] for name in ("published", "failed", "broken", "seconds") if name in summary}
    if "rows_read" in summary:
        numbers["rows"] = summary["rows_read"]
    tell(numbers, **numbers)


def run(args: argparse.Namespace) -> int:
    said = freightlake("run")
    if said.summary:
        tell_marts(said.summary)
    return outcome(said)


def choose(args: argparse.Namespace) -> int:
    """local, spark, or nothing: what `run --engine auto` would take, before anything is paid for."""
    said = freightlake("run", "--engine", "auto", "--explain")
    if said.code == 0:
        names = ("engine", "bytes", "stale_marts", "why")
        tell({name: said.summary[name] for name in names}, bytes=said.summary["bytes"])
    return outcome(said)


def plan(args: argparse.Namespace) -> int:
    said = freightlake("marts", "export", "--run", args.run)
    if said.code == 0:
        tell({"run": said.summary["run"], "marts": said.summary["marts"]}, bytes=said.summary["bytes"])
    return outcome(said)


def publish(args: argparse.Namespace) -> int:
    started = time.monotonic()
    said = freightlake("publish", args.run)
    if said.summary:
        tell_marts({"seconds": round(time.monotonic() - started, 3)} | said.summary)
    return outcome(said)


def discard(args: argparse.Namespace) -> int:
    return subprocess.run(["freightlake", "publish", args.run, "--discard"]).returncode


def days(args: argparse.Namespace) -> int:
    first, last = (datetime.date.fromisoformat(day) for day in (args.first, args.last))
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        stop(f"from {first} to {last} are {count} days; hint: at least 1 and at most {MOST_DAYS}")
    day_texts(first, args.forms)
    tell({"days": [str(first + datetime.timedelta(days=index)) for index in range(count)]}, days=count)
    return 0


def total(args: argparse.Namespace) -> int:
    """Sums over the days of a backfill; the file has the outputs of Kestra's Loop, and so what `ingest` told of each day."""
    told = [json.loads(one["outputs"]["day"]) for one in json.loads(pathlib.Path(args.file).read_text())]
    told.sort(key=lambda day: day["day"])
    sums = {name: sum(day[name] for day in told) for name in ("rows", "rejects", "refused", "files")}
    empty = [day["day"] for day in told if not day["files"]]
    if empty:
        print(f"freightlake-flow: warning: no client has a file of {', '.join(empty)}")
    why = [f"{day['day']}: {day['refused_files']}" for day in told if day["refused"]]
    tell({**sums, "empty_days": ", ".join(empty), "refused_files": "; ".join(why)}, **sums, empty_days=len(empty))
    return 0


def onboard(args: argparse.Namespace) -> int:
    """Writes the mapping by guesses and tries it on the sample; changes no table.  A mapping that is there has none."""
    guessed = freightlake("onboard", args.client, "--sample", args.sample, "--yes")
    if guessed.code:
        return outcome(guessed)
    unsure = [column["column"] for column in guessed.summary.get("columns", []) if column.get("look_at_this")]
    tried = freightlake("ingest", args.client, args.sample, "--dry-run")
    numbers = {"rows": tried.summary.get("good", 0), "rejects": tried.summary.get("rejected", 0)}
    tell({"mapping": guessed.summary["mapping"], "unsure": unsure, **numbers}, **numbers)
    return outcome(tried)


def emr():
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        stop("Python's package boto3 is missing; hint: the image of deploy/kestra/Dockerfile has it")
    # A throttled question must not cost a cluster's work of hours.
    return boto3.client("emr", config=Config(retries={"mode": "standard", "max_attempts": 8}))


def cluster_name(request: dict, run_id: str) -> str:
    return f"{request['Name']}-{run_id}"


def job_flow() -> dict:
    text = os.environ.get("FREIGHTLAKE_JOB_FLOW", "")
    try:
        request = json.loads(text)
        return request | {"Instances": request["Instances"], "Name": request["Name"]}
    except (ValueError, KeyError, TypeError):
        stop("FREIGHTLAKE_JOB_FLOW is no RunJobFlow request; hint: `terraform output -json job_flow` is emr_job_flow")


def clusters_of(client, name: str, states: list[str]) -> list[str]:
    pages = client.get_paginator("list_clusters").paginate(ClusterStates=states)
    return [one["Id"] for page in pages for one in page["Clusters"] if one["Name"] == name]


def cluster_start(args: argparse.Namespace) -> int:
    """A retry takes the cluster that is there, so none is paid twice."""
    request = job_flow()
    client, name = emr(), cluster_name(request, args.run)
    there = clusters_of(client, name, ALIVE)
    cluster = there[0] if there else client.run_job_flow(**request | {"Name": name})["JobFlowId"]
    print(f"the cluster is {cluster}, {name}")
    tell({"cluster": cluster}, clusters=1)
    return 0


def cluster_step(args: argparse.Namespace) -> int:
    """Submits the Spark job and waits for its outcome, which alone decides."""
    client, started = emr(), time.monotonic()
    words = ["spark-submit", "--deploy-mode", "cluster", args.job, "--lake", os.environ["FREIGHTLAKE_LAKE"]]
    step = {
        "Name": f"marts {args.run}",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": [*words, "--run", args.run]},
    }
    step_id = client.add_job_flow_steps(JobFlowId=args.cluster, Steps=[step])["StepIds"][0]
    print(f"the step is {step_id}", flush=True)
    while True:
        status = client.describe_step(ClusterId=args.cluster, StepId=step_id)["Step"]["Status"]
        cluster = client.describe_cluster(ClusterId=args.cluster)["Cluster"]["Status"]["State"]
        seconds = round(time.monotonic() - started, 3)
        if status["State"] == "COMPLETED":
            tell({"step": step_id, "seconds": seconds}, seconds=seconds)
            return 0
        if status["State"] not in ("PENDING", "RUNNING"):
            details = status.get("FailureDetails", {})
            why = details.get("Message") or details.get("Reason") or "no reason given"
            stop(f"the step {step_id} ended as {status['State']}: {why}; hint: {details.get('LogFile', 'emr_log_uri')}")
        if cluster in ENDED:
            stop(f"the cluster {args.cluster} is {cluster} while its step is {status['State']}")
        if seconds > args.minutes * 60:
            stop(f"the step {step_id} is {status['State']} after {args.minutes:g} minutes; the cluster is terminated")
        time.sleep(args.every)


def cluster_end(args: argparse.Namespace) -> int:
    """Terminates every cluster of the run, also one that the flow never heard of, and sees that it is so."""
    client, name = emr(), cluster_name(job_flow(), args.run)
    found = clusters_of(client, name, ALIVE)
    hint = f"hint: aws emr terminate-clusters --cluster-ids {' '.join(found)}"
    if found:
        try:
            client.terminate_job_flows(JobFlowIds=found)
        except Exception as error:
            stop(f"not terminated: {', '.join(found)}: {error}; {hint}")
    until = time.monotonic() + args.seconds
    while left := clusters_of(client, name, ALIVE):
        if time.monotonic() > until:
            stop(f"still alive: {', '.join(left)}; {hint}")
        time.sleep(2)
    tell({"terminated": found}, terminated=len(found))
    return 0


def run_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no ID of a run")
    return text


def clean(command: list[str]) -> None:
    os.execvpe(command[0], command, {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)})


def main() -> int:
    if sys.argv[1:2] == ["clean"] and len(sys.argv) > 2:
        clean(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="freightlake-flow", description="Steps of Kestra's flows.")
    steps = parser.add_subparsers(required=True, metavar="STEP")

    def step(name: str, function, *words: str, of_run: bool = False) -> argparse.ArgumentParser:
        one = steps.add_parser(name, description=function.__doc__)
        one.set_defaults(function=function)
        if of_run:
            one.add_argument("run", type=run_id)
        for word in words:
            one.add_argument(word)
        return one

    taking = step("ingest", ingest, "inbox")
    taking.add_argument("--day")
    taking.add_argument("--archive", default="")
    step("run", run)
    step("choose", choose)
    step("plan", plan, of_run=True)
    step("publish", publish, of_run=True)
    step("discard", discard, of_run=True)
    range_of_days = step("days", days, "first", "last")
    for one in (taking, range_of_days):
        one.add_argument("--forms", default="%Y-%m-%d")
    step("total", total, "file")
    step("onboard", onboard, "client", "sample")
    step("cluster-start", cluster_start, of_run=True)
    step("cluster-end", cluster_end, of_run=True).add_argument("--seconds", type=float, default=180)
    waiting = step("cluster-step", cluster_step, "cluster", "job", of_run=True)
    waiting.add_argument("--minutes", type=float, default=120)
    waiting.add_argument("--every", type=float, default=15)
    args = parser.parse_args()
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())

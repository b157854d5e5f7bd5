#!/usr/bin/env python3
"""freightlake-flow: the steps of Kestra's flows; calls `freightlake ... --json` and tells Kestra the numbers.

Each step prints one line `::{"outputs": ..., "metrics": ...}::`, which Kestra's script tasks read, and ends with a code
that is not 0 when the flow is to go no further.  The lake is FREIGHTLAKE_LAKE.  The cluster's steps call EMR by boto3,
with the RunJobFlow request that Terraform makes in FREIGHTLAKE_JOB_FLOW: Kestra's own task for clusters knows neither tags
nor security configurations, and takes a cluster whose step failed for a success.  A cluster carries its run's ID in its
name, so `cluster-end` finds it also where the answer of its creation was lost.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

# A cluster in one of these states costs money or is about to.
ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
ENDED = ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"]
STILL_COPIED = (".part", ".filepart", ".tmp")
MOST_DAYS = 1000


def tell(outputs: dict, **metrics: float) -> None:
    """`seconds` is a timer, all else are counters."""
    entries = [
        {"name": name, "type": "timer" if name == "seconds" else "counter", "value": value}
        for name, value in metrics.items()
    ]
    print("::" + json.dumps({"outputs": outputs, "metrics": entries}) + "::", flush=True)


def stop(message: str) -> None:
    sys.exit(f"freightlake-flow: error: {message}")


def freightlake(*words: str) -> tuple[int, dict]:
    """The exit code and the summary; what freightlake says on standard error goes to Kestra's log."""
    done = subprocess.run(["freightlake", *words, "--json"], stdout=subprocess.PIPE, text=True)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {}


def files_of(folder: pathlib.Path, day: str | None) -> list[str]:
    """A client's files that are whole; of one day: those whose path below the folder has the day in it."""
    found = []
    for path in sorted(folder.rglob("*") if day else folder.iterdir()):
        below = path.relative_to(folder)
        hidden = any(part.startswith((".", "_")) for part in below.parts)
        if path.is_file() and not hidden and not path.name.endswith(STILL_COPIED) and (not day or day in str(below)):
            found.append(str(path))
    return found


def ingest(args: argparse.Namespace) -> int:
    """A client whose files are refused keeps no other client out; `refused` says how many files were."""
    inbox = pathlib.Path(args.inbox)
    if not inbox.is_dir():
        stop(f"there is no inbox {inbox}; hint: one folder per client, named as in LAKE/clients/CLIENT.yaml")
    started = time.monotonic()
    sums = {"rows": 0, "rejects": 0, "refused": 0, "files": 0}
    why = []
    for folder in sorted(path for path in inbox.iterdir() if path.is_dir()):
        names = files_of(folder, args.day)
        if not names:
            continue
        code, summary = freightlake("ingest", folder.name, *names)
        if code not in (0, 1, 3):
            return code
        bad = sum(file["outcome"] == "refused" for file in summary.get("files", []))
        bad += summary.get("failed_files", 0)
        # A client without a mapping gives no summary: all of its files are refused.
        bad = max(bad, 1 if code else 0) if summary else len(names)
        sums["rows"] += summary.get("good", 0)
        sums["rejects"] += summary.get("rejected", 0)
        sums["files"] += len(names)
        sums["refused"] += bad
        if bad:
            why.append(f"{folder.name}: {bad} of {len(names)} files")
    seconds = round(time.monotonic() - started, 3)
    tell({**sums, "seconds": seconds, "refused_files": "; ".join(why)}, **sums, seconds=seconds)
    return 0


def tell_marts(summary: dict) -> None:
    numbers = {name: summary[name] for name in ("published", "failed", "broken", "seconds") if name in summary}
    if "rows_read" in summary:
        numbers["rows"] = summary["rows_read"]
    tell(numbers, **numbers)


def run(args: argparse.Namespace) -> int:
    code, summary = freightlake("run")
    if summary:
        tell_marts(summary)
    return code


def choose(args: argparse.Namespace) -> int:
    """local, spark, or nothing: what `run --engine auto` would take, before anything is paid for."""
    code, summary = freightlake("run", "--engine", "auto", "--explain")
    if code == 0:
        names = ("engine", "bytes", "stale_marts", "why")
        tell({name: summary[name] for name in names}, bytes=summary["bytes"])
    return code


def plan(args: argparse.Namespace) -> int:
    code, summary = freightlake("marts", "export", "--run", args.run)
    if code == 0:
        tell({"run": summary["run"], "marts": summary["marts"]}, bytes=summary["bytes"])
    return code


def publish(args: argparse.Namespace) -> int:
    started = time.monotonic()
    code, summary = freightlake("publish", args.run)
    if summary:
        tell_marts({"seconds": round(time.monotonic() - started, 3)} | summary)
    return code


def discard(args: argparse.Namespace) -> int:
    return subprocess.run(["freightlake", "publish", args.run, "--discard"]).returncode


def days(args: argparse.Namespace) -> int:
    first, last = (datetime.date.fromisoformat(day) for day in (args.first, args.last))
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        stop(f"from {first} to {last} are {count} days; hint: at least 1 and at most {MOST_DAYS}")
    tell({"days": [str(first + datetime.timedelta(days=index)) for index in range(count)]}, days=count)
    return 0


def onboard(args: argparse.Namespace) -> int:
    """Writes the mapping by guesses and tries it on the sample; changes no table.  A mapping that is there has none."""
    code, summary = freightlake("onboard", args.client, "--sample", args.sample, "--yes")
    if code:
        return code
    unsure = [column["column"] for column in summary.get("columns", []) if column.get("look_at_this")]
    tried, trial = freightlake("ingest", args.client, args.sample, "--dry-run")
    numbers = {"rows": trial.get("good", 0), "rejects": trial.get("rejected", 0)}
    tell({"mapping": summary["mapping"], "unsure": unsure, **numbers}, **numbers)
    return tried


def emr():
    try:
        import boto3
    except ImportError:
        stop("Python's package boto3 is missing; hint: the image of deploy/kestra/Dockerfile has it")
    return boto3.client("emr")


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
    if found:
        client.terminate_job_flows(JobFlowIds=found)
    left = clusters_of(client, name, ALIVE)
    tell({"terminated": found}, terminated=len(found))
    if left:
        stop(f"still alive: {', '.join(left)}; hint: aws emr terminate-clusters --cluster-ids {' '.join(left)}")
    return 0


def run_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no ID of a run")
    return text


def main() -> int:
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

    step("ingest", ingest, "inbox").add_argument("--day")
    step("run", run)
    step("choose", choose)
    step("plan", plan, of_run=True)
    step("publish", publish, of_run=True)
    step("discard", discard, of_run=True)
    step("days", days, "first", "last")
    step("onboard", onboard, "client", "sample")
    step("cluster-start", cluster_start, of_run=True)
    step("cluster-end", cluster_end, of_run=True)
    waiting = step("cluster-step", cluster_step, "cluster", "job", of_run=True)
    waiting.add_argument("--minutes", type=float, default=120)
    waiting.add_argument("--every", type=float, default=15)
    args = parser.parse_args()
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())

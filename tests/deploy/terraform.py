#!/usr/bin/env python3
"""deploy/terraform without AWS: its form, its plans, what it makes, its policies, and that the docs say what it does.

The real provider's schemas stand behind a small stand-in (tests/deploy/terraform/standin), so validate, test, plan, apply
and destroy run as they are; rules.py reads the state that an apply leaves, on_moto.py makes it in an AWS double.  What
this cannot prove about AWS itself is in docs/terraform.md.  Ends with `N passed, N failed, N skipped`.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "terraform"), str(HERE.parents[1] / "deploy" / "terraform")]

import tools  # noqa: E402

tools.with_packages()

import costs  # noqa: E402
import on_moto  # noqa: E402
import parliament  # noqa: E402
import rules  # noqa: E402
import yaml  # noqa: E402

# Beside dev and prod, all that can be asked for at once.
EVERYTHING = """
eraser_principals = ["arn:aws:iam::123456789012:role/officer"]
emr               = { standing = true }
"""
# parliament's findings that are no mistake here: issue, part of the address, part of the detail; each with its reason.
PARLIAMENT_EXCEPTIONS = [
    # A key's policy is about that key, and can only say so by "*".
    ("RESOURCE_STAR", "aws_kms_key", ""),
    # It takes whole numbers alone for a number; and a Deny on s3:* names actions that have no TLS.
    ("MISMATCHED_TYPE", "aws_s3_bucket_policy", "s3:TlsVersion"),
    ("UNKNOWN_CONDITION_FOR_ACTION", "aws_s3_bucket_policy", "s3:TlsVersion"),
    ("RESOURCE_MISMATCH", "aws_s3_bucket_policy", "s3:"),
    # Who writes the policies of buckets can let itself in: hence the approval before an apply.
    ("RESOURCE_POLICY_PRIVILEGE_ESCALATION", "module.cicd.aws_iam_role_policy.apply", "s3:"),
    # It takes the boundary for an ARN; IAM's guide says that this key works with the operators of strings.
    ("MISMATCHED_TYPE_BUT_USABLE", "module.cicd.aws_iam_role_policy.apply", ""),
    # The ceiling of roles names the services that a cluster's machines need as a whole, in one region.
    ("RESOURCE_STAR", "module.cicd.aws_iam_policy.boundary", ""),
]


class Tests:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name: str, check: Callable, *arguments) -> None:
        started = time.monotonic()
        try:
            check(*arguments)
        except tools.Unavailable as error:
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


def terraform_is_formatted(workspace: tools.Workspace) -> None:
    shutil.rmtree(workspace.folder / ".terraform", ignore_errors=True)
    said = workspace.run("fmt", "-check", "-recursive", str(tools.SOURCE), expect=(0, 3)).stdout
    assert not said.strip(), f"terraform fmt would change {said.split()}"


def apply(workspace: tools.Workspace, name: str) -> None:
    variables = f"-var-file={'environments/' if name != 'everything' else ''}{name}.tfvars"
    workspace.run("plan", f"-state={name}.tfstate", f"-out={name}.tfplan", variables)
    workspace.run("apply", f"-state={name}.tfstate", f"{name}.tfplan")
    again = workspace.run("plan", "-detailed-exitcode", f"-state={name}.tfstate", variables, expect=(0, 1, 2))
    assert again.returncode == 0, "the second plan is not empty: " + again.stdout[-600:]


def destroy(workspace: tools.Workspace, name: str) -> None:
    variables = f"-var-file={'environments/' if name != 'everything' else ''}{name}.tfvars"
    workspace.run("destroy", "-auto-approve", f"-state={name}.tfstate", variables)
    left = json.loads((workspace.folder / f"{name}.tfstate").read_text())["resources"]
    assert not left, f"destroy leaves {[one['type'] for one in left]}"


def parliament_finds_nothing(state: list[dict]) -> None:
    found = []
    for address, document in rules.documents(state).items():
        if "assume_role_policy" in address:
            continue
        for statement in document["Statement"]:
            # It reads identity policies; a policy of a bucket, key, topic or endpoint has a principal besides.
            statement.pop("Principal", None)
        for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
            excepted = any(
                finding.issue == issue and part in address and detail in str(finding.detail)
                for issue, part, detail in PARLIAMENT_EXCEPTIONS
            )
            if not excepted:
                found.append(f"{address}: {finding.issue} {finding.detail}"[:300])
    assert not found, f"{len(found)} findings: " + "; ".join(sorted(set(found))[:8])


def checkov_fails_nothing() -> None:
    program = pathlib.Path(sys.executable).with_name("checkov")
    command = [
        sys.executable,
        str(program),
        "-d",
        str(tools.SOURCE),
        "--framework",
        "terraform",
        "-o",
        "json",
        "--skip-download",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    results = json.loads(done.stdout)
    failed = [f"{one['check_id']} {one['resource']}" for one in results["results"]["failed_checks"]]
    assert not failed, f"{len(failed)} failed: {failed[:10]}"
    assert results["summary"]["passed"] > 200, f"checkov looked at {results['summary']}"
    for path in tools.SOURCE.rglob("*.tf"):
        for line in re.findall(r"#checkov:skip=.*", path.read_text()):
            assert re.fullmatch(r"#checkov:skip=CKV2?_AWS_\d+:.{20,}", line), (
                f"{path.name}: a skip without a reason: {line}"
            )


def tflint_warns_of_nothing(workspace: tools.Workspace) -> None:
    done = subprocess.run([tools.tflint(), "--recursive", f"--config={tools.SOURCE}/.tflint.hcl", "--no-color"],
                          cwd=workspace.folder, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[:600]


def names_of_flows(text: str) -> set[str]:
    """The KV keys of names.yaml that Terraform fills: below `kv`, entries with a name; those `from` elsewhere are left out."""
    entries = yaml.safe_load(text).get("kv", [])
    if isinstance(entries, dict):
        entries = [{"name": name, **(rest if isinstance(rest, dict) else {})} for name, rest in entries.items()]
    return {entry["name"] for entry in entries if entry.get("from", "terraform") == "terraform"}


def flows_find_their_names(outputs: dict) -> None:
    """deploy/kestra/names.yaml lists what the flows read; the output kestra_values has a value for each."""
    assert names_of_flows("kv: [{name: a}, {name: b, from: person}]") == {"a"}
    assert names_of_flows("kv: {a: {about: x}, b: text}") == {"a", "b"}
    names = tools.ROOT / "deploy" / "kestra" / "names.yaml"
    if not names.exists():
        raise tools.Unavailable("deploy/kestra/names.yaml is not there")
    wanted = names_of_flows(names.read_text())
    assert wanted, "deploy/kestra/names.yaml has no names below kv"
    missing = wanted - set(outputs["kestra_values"])
    assert not missing, f"the flows want {sorted(missing)}, which the output kestra_values does not have"


def docs_name_every_output(folder: pathlib.Path) -> None:
    text = (tools.ROOT / "docs" / "terraform.md").read_text()
    table = set(re.findall(r"^\| `(\w+)` \|", text.split("## Outputs")[1].split("\n## ")[0], re.M))
    declared = set(re.findall(r'^output "(\w+)"', (folder / "outputs.tf").read_text(), re.M))
    assert table == declared, f"docs/terraform.md and outputs.tf differ in {sorted(table ^ declared)}"
    text = (tools.ROOT / "docs" / "deploy.md").read_text()
    used = set(re.findall(r"terraform output (?:-raw|-json) (\w+)", text))
    assert used and used <= declared, f"docs/deploy.md reads {sorted(used - declared)}"


def verbs_are_those_of_the_docs() -> None:
    text = (tools.ROOT / "docs" / "s3.md").read_text().split("## What it needs to be allowed")[1].split("\n## ")[0]
    assert set(re.findall(r"`(s3:\w+)`", text)) == rules.LAKE_VERBS, "docs/s3.md lists other verbs than the rules"


def examples_fit(folder: pathlib.Path) -> None:
    for name in ("dev", "prod"):
        backend = (folder / "environments" / f"{name}.s3.tfbackend").read_text()
        assert f'"freightlake/{name}/terraform.tfstate"' in backend, (
            f"{name}: the state's key is not what the roles may read"
        )
    versions = (folder / "versions.tf").read_text()
    assert re.search(r"use_lockfile\s*=\s*true", versions) and re.search(r"encrypt\s*=\s*true", versions), (
        "the state has no lock"
    )


def providers_are_pinned(folder: pathlib.Path) -> None:
    """Each root has a lock file, of one version that its constraints allow, with hashes for more than this machine."""
    locks = []
    for root in (folder, folder / "bootstrap"):
        path = root / ".terraform.lock.hcl"
        assert path.exists(), f"{root.name} has no lock file of its providers"
        lock = path.read_text()
        assert re.findall(r'^provider "(.+)" {$', lock, re.M) == [tools.PROVIDER], f"{root.name} locks other providers"
        version, constraint = re.search(r'version += "(6\.\d+\.\d+)"\n  constraints = "(.+)"\n', lock).groups()
        for versions in [root / "versions.tf", *(root.glob("modules/*/versions.tf"))]:
            assert f'version = "{constraint}"' in versions.read_text(), (
                f"{versions}: another constraint than the lock's"
            )
        # One h1 a platform, one zh a published file: Linux and macOS on amd64 and arm64 are four at least.
        for kind, form in (("h1", r"[A-Za-z0-9+/]{43}="), ("zh", "[0-9a-f]{64}")):
            hashes = re.findall(rf'^    "{kind}:({form})",$', lock, re.M)
            assert len(set(hashes)) == len(hashes) >= 4, f"{root.name} has {len(hashes)} hashes of the kind {kind}"
        locks.append((version, lock))
    assert len(set(locks)) == 1, f"the roots lock different providers: {[version for version, _ in locks]}"
    script = (tools.ROOT / "scripts" / "infra").read_text()
    inits = re.findall(r"^.*\binit\b.*$", script, re.M)
    assert inits and all("-lockfile=readonly" in line for line in inits), "scripts/infra takes what no lock file names"


def another_provider_is_refused(folder: pathlib.Path) -> None:
    """The repository's lock file is read by terraform, and holds against a mirror that has another version."""
    workspace = tools.Workspace(folder / "locked")
    shutil.copy(tools.SOURCE / ".terraform.lock.hcl", workspace.folder)
    version = re.search(r'version += "(.+)"', (workspace.folder / ".terraform.lock.hcl").read_text())[1]
    done = workspace.run("init", "-lockfile=readonly", expect=(1,))
    said = " ".join((done.stdout + done.stderr).split())
    assert version in said and "lock" in said, f"init says {said[-600:]}"


def costs_are_what_the_script_gives() -> None:
    page = (tools.ROOT / "docs" / "costs.md").read_text()
    assert page == costs.page(), "docs/costs.md is stale: deploy/terraform/costs.py > docs/costs.md"
    assert costs.hours(3600) == 1 and costs.money(0.004) == "< 0.01"
    assert costs.cluster_price("spot") < costs.cluster_price("on_demand")
    for rows in costs.load()["rows"]:
        assert costs.small_cost(rows) < costs.cluster_cost(rows, "spot"), "the page says that one machine is cheaper"
    measured = (tools.ROOT / "docs" / "benchmarks.md").read_text()
    for one in costs.load()["measured"]:
        assert one["as_written"] in measured, f"docs/benchmarks.md no longer says {one['as_written']}"


def write_everything(folder: pathlib.Path) -> None:
    prod = (folder / "environments" / "prod.tfvars").read_text()
    without = re.sub(r"^emr = \{.*?^\}\n", "", prod, flags=re.M | re.S)
    (folder / "everything.tfvars").write_text(without + EVERYTHING)


def with_terraform(tests: Tests, folder: pathlib.Path) -> None:
    root, bootstrap = tools.Workspace(folder / "root"), tools.Workspace(folder / "bootstrap", "bootstrap")
    tests.run("fmt", terraform_is_formatted, root)
    for name, workspace in (("root", root), ("bootstrap", bootstrap)):
        tests.run(f"init {name}", workspace.run, "init")
        tests.run(f"validate {name}", workspace.run, "validate")
    tests.run("bootstrap applies", bootstrap.run, "apply", "-auto-approve", "-var=region=eu-central-1")
    tests.run("terraform test", root.run, "test")
    write_everything(root.folder)
    for name in ("dev", "prod", "everything"):
        tests.run(f"{name}: plan, apply, empty second plan", apply, root, name)
        try:
            state, outputs = root.state(name), root.outputs(name)
        except (AssertionError, KeyError):
            continue
        for rule in rules.STATE_RULES:
            tests.run(f"{name}: {rule.__name__}", rule, state)
        tests.run(f"{name}: clusters_end", rules.clusters_end, state, outputs)
        tests.run(f"{name}: parliament", parliament_finds_nothing, state)
        tests.run(f"{name}: moto: buckets", on_moto.buckets_lock_raw, state)
        tests.run(f"{name}: moto: roles", on_moto.roles_are_taken, state)
        tests.run(f"{name}: moto: parameters", on_moto.parameters_feed_the_flows, state, outputs)
        tests.run(f"{name}: moto: cluster", on_moto.the_cluster_starts, outputs)
        if name == "prod":
            tests.run("names of the flows", flows_find_their_names, outputs)
        tests.run(f"{name}: destroy", destroy, root, name)
    tests.run("another provider is refused", another_provider_is_refused, folder)
    tests.run("tflint", tflint_warns_of_nothing, root)


def main() -> int:
    tests = Tests()
    with tempfile.TemporaryDirectory(prefix="freightlake-terraform-") as folder:
        try:
            with_terraform(tests, pathlib.Path(folder))
        except tools.Unavailable as error:
            tests.skipped += 1
            print(f"skipped: all that needs terraform: {error}", flush=True)
    tests.run("providers are pinned", providers_are_pinned, tools.SOURCE)
    tests.run("docs", docs_name_every_output, tools.SOURCE)
    tests.run("examples", examples_fit, tools.SOURCE)
    tests.run("verbs", verbs_are_those_of_the_docs)
    tests.run("costs", costs_are_what_the_script_gives)
    tests.run("checkov", checkov_fails_nothing)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

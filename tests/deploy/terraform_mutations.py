#!/usr/bin/env python3
"""Mistakes made on purpose in deploy/terraform, each of which a test must catch; what no test can catch here is listed, too.

Each mistake is one replacement in one file of a copy.  The copy goes through what tests/deploy/terraform.py does, the quick
parts first, until something objects; the unchanged copy must pass all of it.  Ends with `N passed, N failed, N skipped`.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import terraform
from terraform import rules, tools

MODULES = "modules/"
# Name, file, what is replaced, by what.
MISTAKES = [
    ("a security group open to the world", MODULES + "network/main.tf", "cidr_ipv4         = local.private_cidr", 'cidr_ipv4         = "0.0.0.0/0"'),
    ("a bucket without encryption", MODULES + "lake/main.tf", '_configuration" "zone" {\n  for_each = local.zones', '_configuration" "zone" {\n  for_each = setsubtract(local.zones, ["marts"])'),
    ("a bucket that is public", MODULES + "lake/main.tf", "block_public_policy     = true", "block_public_policy     = false"),
    ("a policy with *", MODULES + "compute/roles.tf", '"s3:AbortMultipartUpload", "s3:DeleteObject"', '"s3:*", "s3:DeleteObject"'),
    ("a node that reads raw", MODULES + "compute/roles.tf", '${var.bucket_arns["processed"]}/lake/processed/*', '${var.bucket_arns["raw"]}/*'),
    ("plain http to a bucket", MODULES + "lake/policies.tf", '"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"'),
    ("object lock removed", MODULES + "lake/main.tf", '"aws_s3_bucket_object_lock_configuration" "raw" {', '"aws_s3_bucket_object_lock_configuration" "raw" {\n  count = 0'),
    ("an eraser that cannot erase", MODULES + "lake/policies.tf", '"s3:BypassGovernanceRetention", "s3:GetObjectRetention"', '"s3:GetObjectRetention"'),
    ("an alarm on a metric that nobody makes", MODULES + "observability/main.tf", 'metric_name         = "JobErrors-', 'metric_name         = "JobErrrors-'),
    ("an alarm that tells nobody", MODULES + "observability/main.tf", "alarm_actions       = [aws_sns_topic.alarms.arn]\n  ok_actions", "ok_actions"),
    ("a wrong type", MODULES + "network/main.tf", "enable_dns_hostnames = true", "enable_dns_hostnames = [true]"),
    ("an attribute that does not exist", MODULES + "network/main.tf", "map_public_ip_on_launch = false", "map_public_ip_on_lunch = false"),
    ("any workflow of the repository plans", MODULES + "cicd/main.tf", "${local.subject}:pull_request", "${local.subject}:*"),
    ("a pull request that applies", MODULES + "cicd/main.tf", 'workflow["apply"].id', 'workflow["plan"].id'),
    ("an output renamed", "outputs.tf", 'output "job_flow"', 'output "jobflow"'),
    ("a state without a lock", "versions.tf", "use_lockfile = true", "use_lockfile = false"),
    ("a cluster that never ends", MODULES + "compute/main.tf", "    AutoTerminationPolicy = { IdleTimeout = var.emr.idle_timeout_seconds }\n", ""),
    ("task nodes on demand", MODULES + "compute/main.tf", "TargetSpotCapacity = var.emr.task_count", "TargetOnDemandCapacity = var.emr.task_count"),
    ("a machine with a public address", MODULES + "orchestration/main.tf", "associate_public_ip_address = false", "associate_public_ip_address = true"),
    ("a plain parameter", MODULES + "orchestration/main.tf", 'type   = "SecureString"', 'type   = "String"'),
    ("any Spark", "variables.tf", "^emr-7", "^emr-[67]"),
    ("a lock that nobody can lift", MODULES + "lake/main.tf", '"GOVERNANCE"', '"COMPLIANCE"'),
    ("versions of raw that go before their lock", MODULES + "lake/main.tf", "raw       = var.raw_lock_days", "raw       = 7"),
    ("an orchestrator that erases for good", MODULES + "orchestration/policies.tf", '"s3:DeleteObject", "s3:GetObject"', '"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject"'),
    ("an orchestrator without a verb of docs/s3.md", MODULES + "orchestration/policies.tf", '["s3:ListBucket", "s3:ListBucketMultipartUploads"]', '"s3:ListBucket"'),
    ("a node that writes the tables", MODULES + "compute/roles.tf", "lake/_freightlake/staging/*", "lake/*"),
    ("every role to pass on", MODULES + "orchestration/policies.tf", "Resource  = var.emr_role_arns", 'Resource  = "*"'),
    ("a machine that takes IMDSv1", MODULES + "orchestration/main.tf", '"required"', '"optional"'),
    ("an apply that makes any role", MODULES + "cicd/policies.tf", 'StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }\n    },\n    {\n      Sid      = "Only', 'StringLike = { "iam:PermissionsBoundary" = "*" } }\n    },\n    {\n      Sid      = "Only'),
    ("an apply that changes itself", MODULES + "cicd/policies.tf", "Resource = [local.own_role_arns, ", "Resource = ["),
    ("an apply that lifts the boundary", MODULES + "cicd/policies.tf", "local.policy_arns, local.boundary_arn, local.provider_arn]", "local.policy_arns, local.provider_arn]\n    },\n    {\n      Sid      = \"Lift\"\n      Effect   = \"Allow\"\n      Action   = \"iam:CreatePolicyVersion\"\n      Resource = local.boundary_arn"),
    ("a boundary that lets IAM through", MODULES + "cicd/boundary.tf", 'Action   = "iam:PassRole"', 'Action   = ["iam:PassRole", "iam:CreateUser", "iam:PutRolePolicy"]'),
    ("a role without the boundary", MODULES + "compute/roles.tf", "  permissions_boundary = var.boundary_arn\n", ""),
    ("a branch's plan from any workflow", MODULES + "cicd/main.tf", 'ref:refs/heads/${var.github.branch}", workflow = "infra" }', 'ref:refs/heads/${var.github.branch}", workflow = null }'),
    ("a cluster alarm that looks back too far", MODULES + "observability/main.tf", "evaluation_periods  = 30", "evaluation_periods  = 48"),
    ("a cluster alarm on a metric that nobody makes", MODULES + "observability/main.tf", "COUNT(IsIdle)", "COUNT(Age)"),
    ("a machine that logs where nobody counts", MODULES + "orchestration/main.tf", "LOG_GROUP       = var.job_log_group", 'LOG_GROUP       = "/freightlake/jobs"'),
    ("an endpoint that keeps the agent away", MODULES + "network/main.tf", '            "amazoncloudwatch-agent-${var.context.region}",\n', ""),
    ("errors counted where nobody logs", "main.tf", "machine             = var.orchestrator != null", "machine             = false"),
    ("a budget that does not look ahead", MODULES + "observability/main.tf", '{ type = "FORECASTED", percent = 100 },', ""),
    ("an action that does not exist", MODULES + "lake/policies.tf", '"s3:GetObjectRetention"', '"s3:ReadObjectRetention"'),
]  # fmt: skip
# What only AWS knows.
NOT_CATCHABLE = [
    ("a machine that AWS does not have", "variables.tf", '"m6g.xlarge"', '"m6q.xlarge"'),
]


def objections(workspace: tools.Workspace, name: str) -> str | None:
    """Which test objects first; None where none does."""
    applied: dict = {}

    def apply() -> None:
        workspace.run("plan", f"-state={name}.tfstate", f"-out={name}.tfplan", "-var-file=everything.tfvars")
        workspace.run("apply", f"-state={name}.tfstate", f"{name}.tfplan")
        applied.update(state=workspace.state(name), outputs=workspace.outputs(name))

    steps = [
        ("validate", lambda: workspace.run("validate")),
        ("examples", lambda: terraform.examples_fit(workspace.folder)),
    ]
    steps += [("plan and apply", apply)]
    steps += [(rule.__name__, lambda rule=rule: rule(applied["state"])) for rule in rules.STATE_RULES]
    steps += [
        ("clusters_end", lambda: rules.clusters_end(applied["state"], applied["outputs"])),
        ("docs", lambda: terraform.docs_name_every_output(workspace.folder)),
        ("parliament", lambda: terraform.parliament_finds_nothing(applied["state"])),
        ("terraform test", lambda: workspace.run("test")),
    ]
    for step, check in steps:
        try:
            check()
        except (AssertionError, KeyError, IndexError):
            return step
    return None


def try_one(workspace: tools.Workspace, at: int, name: str, file: str, before: str, after: str, caught: bool) -> None:
    path = workspace.folder / file
    text = path.read_text()
    assert before in text, f"{file} no longer has what the mistake replaces: {before!r}"
    path.write_text(text.replace(before, after, 1))
    try:
        step = objections(workspace, f"mistake-{at}")
    finally:
        path.write_text(text)
    assert bool(step) == caught, f"caught by {step}" if step else "no test objects"
    print(f"       {name}: {f'caught by {step}' if step else 'not catchable here'}", flush=True)


def docs_name_what_is_not_catchable() -> None:
    text = (tools.ROOT / "docs" / "terraform.md").read_text()
    assert "**Not catchable here:** an instance type" in text, "docs/terraform.md does not say what cannot be caught"


def unchanged(workspace: tools.Workspace) -> None:
    step = objections(workspace, "unchanged")
    assert step is None, f"{step} objects to the unchanged configuration"


def main() -> int:
    tests = terraform.Tests()
    with tempfile.TemporaryDirectory(prefix="freightlake-mutations-") as folder:
        try:
            workspace = tools.Workspace(pathlib.Path(folder))
            workspace.run("init")
        except tools.Unavailable as error:
            print(f"skipped: all mistakes: {error}")
            tests.skipped += len(MISTAKES)
            return tests.end()
        terraform.write_everything(workspace.folder)
        tests.run("unchanged", unchanged, workspace)
        for at, mistake in enumerate(MISTAKES):
            tests.run(mistake[0], try_one, workspace, at, *mistake, True)
        for at, mistake in enumerate(NOT_CATCHABLE, len(MISTAKES)):
            tests.run(mistake[0], try_one, workspace, at, *mistake, False)
    tests.run("docs", docs_name_what_is_not_catchable)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

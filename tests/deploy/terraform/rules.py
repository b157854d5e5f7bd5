"""What must hold of an applied configuration, whatever the environment: each rule is a function that raises AssertionError.

The rules read the state, in which every ARN is known.  `allowed` decides what a policy allows as IAM does for a single
document (an explicit deny wins, conditions are taken as met unless a context is given).
"""

import fnmatch
import json
import re

ROOT_STATEMENT = "AccountDecidesByIam"
# Statements on resource "*", each because its actions know no resource, and what it is held by instead.
EVERY_RESOURCE = {
    "FindClusters",
    "OwnMetrics",
    "DescribeInRegion",
    "ChangeInRegion",
    "MakeKey",
    "StartTagged",
    "StartClusters",
    "MachinesAndClusters",
    "SessionManager",
}
UNHELD = {"FindClusters"}
# What the ceiling of roles names as a whole: AWS extends the policy that it must not be below.
WHOLE_SERVICES = {"MachinesAndClusters": {"application-autoscaling:*", "ec2:*", "elasticmapreduce:*"}}
AWS_METRICS = {
    ("AWS/EC2", "StatusCheckFailed"): {"InstanceId"},
    ("AWS/Events", "MatchedEvents"): {"RuleName"},
    ("AWS/ElasticMapReduce", "IsIdle"): {"JobFlowId"},
}
LAKE_VERBS = {
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
}
ZONES = {"raw", "processed", "marts", "artefacts", "logs"}


def of(state: list[dict], kind: str) -> list[dict]:
    return [one for one in state if one["type"] == kind]


def many(value) -> list:
    return value if isinstance(value, list) else [value]


def documents(state: list[dict]) -> dict[str, dict]:
    """Every policy document: address and attribute -> document."""
    found = {}
    for one in state:
        for key in ("policy", "assume_role_policy", "policy_document"):
            text = one["values"].get(key)
            if text and text.startswith("{"):
                found[f"{one['address']} {key}"] = json.loads(text)
    return found


def allowed(document: dict, action: str, resource: str, context: dict | None = None) -> bool:
    verdict = False
    for statement in many(document["Statement"]):
        if not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in many(statement["Action"])):
            continue
        if not any(fnmatch.fnmatchcase(resource, pattern) for pattern in many(statement.get("Resource", "*"))):
            continue
        if context is not None:
            keys = [(key, want) for test in statement.get("Condition", {}).values() for key, want in test.items()]
            if not all(
                any(fnmatch.fnmatchcase(context.get(key, ""), pattern) for pattern in many(want)) for key, want in keys
            ):
                continue
        if statement["Effect"] == "Deny":
            return False
        verdict = True
    return verdict


def role_allows(state: list[dict], role: str, action: str, resource: str, context: dict | None = None) -> bool:
    policies = [
        one["values"]["policy"] for one in of(state, "aws_iam_role_policy") if one["values"]["role"].endswith(role)
    ]
    attached = [one["values"] for one in of(state, "aws_iam_role_policy_attachment")]
    arns = {one["policy_arn"] for one in attached if one["role"].endswith(role)}
    policies += [one["values"]["policy"] for one in of(state, "aws_iam_policy") if one["values"]["arn"] in arns]
    assert policies, f"there is no policy of a role {role}"
    return allowed(
        {"Statement": [s for text in policies for s in json.loads(text)["Statement"]]}, action, resource, context
    )


def nothing_comes_in(state: list[dict]) -> None:
    for one in of(state, "aws_vpc_security_group_ingress_rule"):
        for key in ("cidr_ipv4", "cidr_ipv6"):
            cidr = one["values"].get(key)
            assert not cidr or cidr.startswith(("10.", "172.16.", "192.168.")), f"{one['address']} lets {cidr} in"
    for one in of(state, "aws_security_group") + of(state, "aws_default_security_group"):
        assert not one["values"].get("ingress"), f"{one['address']} has rules of its own"
    for one in of(state, "aws_subnet"):
        assert not one["values"]["map_public_ip_on_launch"], f"{one['address']} gives public addresses"
    for one in of(state, "aws_instance"):
        assert one["values"]["associate_public_ip_address"] is False, f"{one['address']} has a public address"
        assert one["values"]["metadata_options"][0]["http_tokens"] == "required", f"{one['address']}: IMDSv1"


def buckets_are_kept(state: list[dict]) -> None:
    names = {one["index"]: one["values"]["bucket"] for one in of(state, "aws_s3_bucket")}
    assert set(names) == ZONES, f"buckets: {sorted(names)}"

    def by_bucket(kind: str) -> dict:
        return {one["values"]["bucket"]: one["values"] for one in of(state, kind)}

    versions, keys = (
        by_bucket("aws_s3_bucket_versioning"),
        by_bucket("aws_s3_bucket_server_side_encryption_configuration"),
    )
    blocks, policies = by_bucket("aws_s3_bucket_public_access_block"), by_bucket("aws_s3_bucket_policy")
    lives, locks = (
        by_bucket("aws_s3_bucket_lifecycle_configuration"),
        by_bucket("aws_s3_bucket_object_lock_configuration"),
    )
    logs = by_bucket("aws_s3_bucket_logging")
    for zone, name in names.items():
        assert name in versions and versions[name]["versioning_configuration"][0]["status"] == "Enabled", (
            f"{zone}: versions"
        )
        assert name in keys, f"{zone}: not encrypted"
        how = keys[name]["rule"][0]["apply_server_side_encryption_by_default"][0]
        assert how["sse_algorithm"] == ("AES256" if zone == "logs" else "aws:kms"), f"{zone}: encrypted by {how}"
        shut = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        assert name in blocks and all(blocks[name][key] for key in shut), f"{zone}: public access"
        assert name in policies, f"{zone}: no policy"
        document = json.loads(policies[name]["policy"])
        plain = [s for s in document["Statement"] if s["Effect"] == "Deny" and s["Action"] == "s3:*"
                 and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]  # fmt: skip
        arn = f"arn:aws:s3:::{name}"
        assert plain and set(plain[0]["Resource"]) == {arn, f"{arn}/*"}, f"{zone}: speaks without TLS"
        assert name in lives, f"{zone}: no lifecycle"
        for rule in lives[name]["rule"]:
            assert rule["status"] == "Enabled" and rule["noncurrent_version_expiration"], f"{zone}: {rule['id']}"
        assert zone == "logs" or name in logs, f"{zone}: accesses are not logged"
    raw = names["raw"]
    assert set(locks) == {raw}, "raw, and raw alone, is locked"
    lock = locks[raw]["rule"][0]["default_retention"][0]
    assert lock["mode"] == "GOVERNANCE" and lock["days"] >= 1, f"raw is locked by {lock}"
    raw_lives = lives[raw]["rule"][0]["noncurrent_version_expiration"][0]["noncurrent_days"]
    assert raw_lives >= lock["days"], "versions of raw go before their lock does"
    flags = {one["index"]: one["values"]["object_lock_enabled"] for one in of(state, "aws_s3_bucket")}
    assert flags["raw"] is True, "raw was made without object lock: it cannot be added by an apply"


def policies_are_narrow(state: list[dict]) -> None:
    for address, document in documents(state).items():
        for statement in many(document["Statement"]):
            sid = statement.get("Sid", "")
            if statement["Effect"] == "Deny" or sid == ROOT_STATEMENT:
                continue
            for action in many(statement["Action"]):
                reading = re.fullmatch(r"[a-z0-9-]+:(Get|List|Describe)[A-Za-z]+\*", action)
                whole = action in WHOLE_SERVICES.get(sid, ())
                assert "*" not in action or reading or whole, f"{address} {sid}: {action}"
            about_others = "assume_role" in address or ".aws_kms_key." in address
            if "*" in many(statement.get("Resource", [] if about_others else "*")) and not about_others:
                assert sid in EVERY_RESOURCE, f'{address} {sid}: resource "*"'
                assert sid in UNHELD or statement.get("Condition"), f'{address} {sid}: resource "*" without a condition'
            principal = statement.get("Principal")
            everyone = principal == "*" or isinstance(principal, dict) and "*" in sum(map(many, principal.values()), [])
            assert not everyone or "aws_vpc_endpoint" in address, f"{address} {sid}: everyone"
    sizes: dict[str, int] = {}
    for one in of(state, "aws_iam_role_policy"):
        role = one["values"]["role"]
        sizes[role] = sizes.get(role, 0) + len(re.sub(r"\s", "", one["values"]["policy"]))
    for role, size in sizes.items():
        assert size <= 10240, f"the inline policies of {role} have {size} characters, IAM takes 10,240"
    for one in of(state, "aws_iam_policy"):
        size = len(re.sub(r"\s", "", one["values"]["policy"]))
        assert size <= 6144, f"{one['address']} has {size} characters, IAM takes 6,144"


def roles_do_their_work_alone(state: list[dict]) -> None:
    names = {one["index"]: one["values"]["bucket"] for one in of(state, "aws_s3_bucket")}

    def arn(zone: str, key: str = "") -> str:
        return f"arn:aws:s3:::{names[zone]}" + (f"/{key}" if key else "")

    for zone, key in (("raw", "raw/emart/x.csv"), ("processed", "lake/_freightlake/locks/x"), ("marts", "marts/m/x")):
        for verb in LAKE_VERBS:
            target = arn(zone) if verb.startswith("s3:ListBucket") else arn(zone, key)
            assert role_allows(state, "-orchestrator", verb, target), f"the orchestrator lacks {verb} on {zone}"
        for verb in ("s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutBucketPolicy"):
            assert not role_allows(state, "-orchestrator", verb, arn(zone, key)), f"the orchestrator has {verb}"
        assert role_allows(state, "-eraser", "s3:DeleteObjectVersion", arn(zone, key)), (
            f"the eraser cannot erase {zone}"
        )
    assert role_allows(state, "-eraser", "s3:BypassGovernanceRetention", arn("raw", "raw/x")), (
        "the eraser lifts no lock"
    )
    node = {
        ("s3:GetObject", arn("processed", "lake/processed/shipments/p.parquet")): True,
        ("s3:GetObject", arn("processed", "lake/_freightlake/staging/r/plan.json")): True,
        ("s3:PutObject", arn("processed", "lake/_freightlake/staging/r/m/p.parquet")): True,
        ("s3:DeleteObject", arn("processed", "lake/_freightlake/staging/r/outcome.json")): True,
        ("s3:GetObject", arn("artefacts", "jobs/run_marts.py")): True,
        ("s3:PutObject", arn("logs", "emr/j-1/x.gz")): True,
        ("s3:PutObject", arn("processed", "lake/processed/shipments/_delta_log/1.json")): False,
        ("s3:PutObject", arn("artefacts", "jobs/run_marts.py")): False,
        ("s3:GetObject", arn("raw", "raw/emart/x.csv")): False,
        ("s3:GetObject", arn("marts", "marts/m/x.parquet")): False,
        ("s3:GetObject", arn("processed", "lake/quarantine/shipments/p.parquet")): False,
        ("s3:PutObject", arn("marts", "marts/m/_delta_log/1.json")): False,
    }
    for (verb, target), wanted in node.items():
        assert role_allows(state, "-emr-node", verb, target) == wanted, f"a node: {verb} on {target}"
    secret = "arn:aws:ssm:eu-central-1:123456789012:parameter/freightlake/x/alert-webhook-url"
    for role in ("-ci-plan", "-ci-apply", "-ci-deploy"):
        for zone in ("raw", "processed", "marts"):
            assert not role_allows(state, role, "s3:GetObject", arn(zone, "x")), f"{role} reads {zone}"
        assert not role_allows(state, role, "ssm:GetParameter", secret), f"{role} reads secrets"
    role = next(
        one["values"]["arn"] for one in of(state, "aws_iam_role") if one["values"]["name"].endswith("-emr-node")
    )
    changes = {
        "s3:PutBucketPolicy": arn("raw"),
        "s3:DeleteBucket": arn("marts"),
        "iam:PutRolePolicy": role,
        "iam:PassRole": role,
        "iam:CreateRole": role,
        "ec2:RunInstances": "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
        "ssm:PutParameter": of(state, "aws_ssm_parameter")[0]["values"]["arn"],
    }
    for verb, target in changes.items():
        assert role_allows(state, "-ci-apply", verb, target), f"an apply lacks {verb}"
        assert not role_allows(state, "-ci-plan", verb, target), f"a plan may {verb}"
        assert not role_allows(state, "-ci-deploy", verb, target), f"a deploy may {verb}"
    assert role_allows(state, "-ci-deploy", "s3:PutObject", arn("artefacts", "jobs/run_marts.py")), (
        "deploy writes no job"
    )


def workflows_are_held(state: list[dict]) -> None:
    issuer = "token.actions.githubusercontent.com"
    roles = {one["index"]: json.loads(one["values"]["assume_role_policy"])["Statement"]
             for one in of(state, "aws_iam_role") if one["address"].startswith("module.cicd.")}  # fmt: skip
    assert set(roles) == {"plan", "apply", "deploy"}, f"roles of workflows: {sorted(roles)}"
    trusted = []
    for name, statement in ((name, one) for name, statements in roles.items() for one in statements):
        assert set(statement["Condition"]) == {"StringEquals"}, f"{name}: compares by pattern"
        equal = statement["Condition"]["StringEquals"]
        assert equal.get(f"{issuer}:aud") == "sts.amazonaws.com", f"{name}: any audience"
        subject, workflow = equal.get(f"{issuer}:sub", ""), equal.get(f"{issuer}:job_workflow_ref", "")
        part = r"(pull_request|ref:refs/heads/[\w./-]+)" if name == "plan" else r"(environment:[\w-]+)"
        found = re.fullmatch(rf"repo:[\w.-]+/[\w.-]+:{part}", subject)
        assert found, f"{name}: subject {subject}"
        # A pull request's workflow is its own; everything else is held to a file on the branch.
        file = re.search(r"/([\w-]+)\.yml@refs/heads/[\w./-]+$", workflow)
        assert file or found[1] == "pull_request", f"{name}: any workflow"
        trusted.append((name, found[1].split(":")[0], file[1] if file else None))
    wanted = [
        ("plan", "pull_request", None),
        ("plan", "ref", "infra"),
        ("apply", "environment", "infra"),
        ("deploy", "environment", "deploy"),
    ]
    assert sorted(trusted, key=str) == sorted(wanted, key=str), f"trusted are {trusted}"


def applies_are_bounded(state: list[dict]) -> None:
    """The role that applies gives rights within the boundary alone, and changes neither the boundary nor the workflows."""
    arns = {one["values"]["name"]: one["values"]["arn"] for one in of(state, "aws_iam_policy")}
    boundary = next(arn for name, arn in arns.items() if name.endswith("-boundary"))
    policy = next(one["values"] for one in of(state, "aws_iam_policy") if one["values"]["arn"] == boundary)
    ceiling = json.loads(policy["policy"])
    roles = {one["values"]["name"]: one["values"] for one in of(state, "aws_iam_role")}
    own = [name for name in roles if re.search(r"-ci-\w+$", name)]
    held = {
        "iam:PermissionsBoundary": boundary,
        "iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    }
    gives = ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary")
    for name in set(roles) - set(own):
        assert roles[name].get("permissions_boundary") == boundary, f"{name} has no boundary"
        for verb in gives:
            assert role_allows(state, "-ci-apply", verb, roles[name]["arn"], held), f"an apply lacks {verb}"
            for other in ({}, {**held, "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}):
                assert not role_allows(state, "-ci-apply", verb, roles[name]["arn"], other), (
                    f"an apply has {verb} unbounded"
                )
        assert not role_allows(state, "-ci-apply", "iam:DeleteRolePermissionsBoundary", roles[name]["arn"]), name
    untouched = [roles[name]["arn"] for name in own] + list(arns.values())
    untouched += [one["values"]["arn"] for one in of(state, "aws_iam_openid_connect_provider")]
    for target in untouched:
        for verb in (*gives, "iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:PassRole",
                     "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy",
                     "iam:UpdateOpenIDConnectProviderThumbprint", "iam:DeleteOpenIDConnectProvider"):  # fmt: skip
            assert not role_allows(state, "-ci-apply", verb, target, held), f"an apply may {verb} on {target}"
    beyond = {
        "iam:CreateUser": "arn:aws:iam::123456789012:user/x",
        "iam:PutRolePolicy": roles[own[0]]["arn"],
        "iam:PassRole": roles[own[0]]["arn"],
        "sts:AssumeRole": "arn:aws:iam::123456789012:role/admin",
        "s3:GetObject": "arn:aws:s3:::of-another/x",
        "kms:Decrypt": "arn:aws:kms:eu-central-1:123456789012:key/of-another",
        "ssm:GetParameter": "arn:aws:ssm:eu-central-1:123456789012:parameter/of-another",
        "ssm:SendCommand": "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
    }
    for verb, target in beyond.items():
        assert not allowed(ceiling, verb, target), f"the boundary lets {verb} on {target} through"
    # What the roles are given is below the ceiling, or it would not work.
    for one in of(state, "aws_iam_role_policy"):
        if one["values"]["role"] in own:
            continue
        for statement in json.loads(one["values"]["policy"])["Statement"]:
            for verb in many(statement["Action"]):
                for target in many(statement["Resource"]):
                    assert allowed(ceiling, verb, target), (
                        f"the boundary takes {verb} on {target} from {one['values']['role']}"
                    )


def clusters_end(state: list[dict], outputs: dict) -> None:
    flow = outputs["job_flow"]
    assert 60 <= flow["AutoTerminationPolicy"]["IdleTimeout"] <= 7200, "the daily cluster does not end itself"
    assert flow["Instances"]["TerminationProtected"] is False, "a protected cluster is never ended"
    fleets = {fleet["InstanceFleetType"]: fleet for fleet in flow["Instances"]["InstanceFleets"]}
    assert fleets["TASK"]["TargetSpotCapacity"] > 0 and not fleets["TASK"].get("TargetOnDemandCapacity"), (
        "task: no spot"
    )
    assert fleets["MASTER"]["TargetOnDemandCapacity"] == 1, "the primary node must not be taken away"
    tags = {tag["Key"] for tag in flow["Tags"]}
    assert {"Project", "Environment", "for-use-with-amazon-emr-managed-policies"} <= tags, f"tags: {tags}"
    for one in of(state, "aws_emr_cluster"):
        assert one["values"]["auto_termination_policy"][0]["idle_timeout"] > 0, (
            "the standing cluster does not end itself"
        )
    for one in of(state, "aws_emr_security_configuration"):
        rest = json.loads(one["values"]["configuration"])["EncryptionConfiguration"]
        assert rest["EnableAtRestEncryption"] is True, "disks and objects of a cluster are not encrypted"


def query_rings(address: str, values: dict) -> None:
    """A query over the reports of all clusters: of a metric that is made, and not over more than CloudWatch looks back."""
    (query,) = values["metric_query"]
    asked = re.fullmatch(r'SELECT COUNT\((\w+)\) FROM SCHEMA\("([\w/]+)", (\w+)\)', query["expression"])
    assert asked and AWS_METRICS.get((asked[2], asked[1])) == {asked[3]}, (
        f"{address}: nobody makes {query['expression']}"
    )
    assert query["period"] * values["evaluation_periods"] <= 3 * 3600, f"{address}: a query's alarm sees three hours"
    # EMR reports every five minutes.
    assert query["period"] >= 300 and values["datapoints_to_alarm"] < values["evaluation_periods"], (
        f"{address}: too strict"
    )
    assert values["treat_missing_data"] == "notBreaching", f"{address} rings when there is no cluster"


def alarms_ring(state: list[dict]) -> None:
    topics = {one["values"]["arn"] for one in of(state, "aws_sns_topic")}
    filters = {(t["namespace"], t["name"]) for one in of(state, "aws_cloudwatch_log_metric_filter")
               for t in one["values"]["metric_transformation"]}  # fmt: skip
    rules = {one["values"]["name"] for one in of(state, "aws_cloudwatch_event_rule")}
    alarms = of(state, "aws_cloudwatch_metric_alarm")
    assert len(alarms) >= 3, "alarms are missing"
    assert any(one["values"]["alarm_name"].endswith("-cluster-age") for one in alarms), "a cluster may live for ever"
    for one in alarms:
        values = one["values"]
        assert set(values["alarm_actions"] or []) & topics, f"{one['address']} tells nobody"
        if values["metric_query"]:
            query_rings(one["address"], values)
            continue
        metric = (values["namespace"], values["metric_name"])
        dimensions = values["dimensions"] or {}
        assert metric in filters or set(dimensions) == AWS_METRICS.get(metric), (
            f"{one['address']}: nobody makes {metric}"
        )
        assert dimensions.get("RuleName", next(iter(rules))) in rules, f"{one['address']}: there is no such rule"
        assert values["period"] * values["evaluation_periods"] <= 604800, f"{one['address']} looks back too far"
    assert of(state, "aws_sns_topic_subscription"), "nobody hears the alarms"
    targets = {one["values"]["rule"] for one in of(state, "aws_cloudwatch_event_target")}
    assert rules == targets, f"rules without a target: {sorted(rules - targets)}"
    for one in of(state, "aws_budgets_budget"):
        kinds = {n["notification_type"] for n in one["values"]["notification"]}
        assert kinds == {"ACTUAL", "FORECASTED"}, f"{one['address']} warns of {kinds}"
    assert of(state, "aws_budgets_budget"), "there is no budget"
    for one in of(state, "aws_cloudwatch_log_group"):
        assert one["values"]["kms_key_id"] and one["values"]["retention_in_days"] >= 365, one["address"]


def jobs_are_heard(state: list[dict]) -> None:
    """Errors are counted where a machine sends what its jobs log, and nowhere else; the machine can fetch and send."""
    machines, filters = of(state, "aws_instance"), of(state, "aws_cloudwatch_log_metric_filter")
    assert bool(machines) == bool(filters), (
        "errors are counted where nobody logs" if filters else "nobody counts errors"
    )
    endpoint = next(
        json.loads(one["values"]["policy"])
        for one in of(state, "aws_vpc_endpoint")
        if one["values"]["vpc_endpoint_type"] == "Gateway"
    )
    for one in machines:
        text = one["values"]["user_data"]
        assert text.startswith("#!/bin/bash\n") and len(text) <= 16384, f"{one['address']}: user data"
        settings = dict(re.findall(r"^([A-Z_]+)='([^']*)'$", text, re.M))
        used = set(re.findall(r"\$([A-Z][A-Z_]*)\b", text)) - {"AWS_DEFAULT_REGION"}
        assert used == set(settings), f"{one['address']}: told {sorted(settings)}, used {sorted(used)}"
        groups = {two["values"]["log_group_name"] for two in filters}
        assert groups == {settings["LOG_GROUP"]}, (
            f"{one['address']} logs to {settings['LOG_GROUP']}, counted is {groups}"
        )
        group = next(two["values"]["arn"] for two in of(state, "aws_cloudwatch_log_group")
                     if two["values"]["name"] == settings["LOG_GROUP"])  # fmt: skip
        for verb in ("logs:CreateLogStream", "logs:PutLogEvents"):
            assert role_allows(state, "-orchestrator", verb, f"{group}:log-stream:i-1"), f"the machine lacks {verb}"
        package = f"arn:aws:s3:::{settings['ARTEFACTS']}/packages/SHA256SUMS"
        assert role_allows(state, "-orchestrator", "s3:GetObject", package), "the machine cannot fetch the package"
        for host in re.findall(r"https://([\w$.-]+)\.s3\.\$REGION\.amazonaws\.com/", text):
            bucket = host.replace("$REGION", settings["REGION"])
            assert allowed(endpoint, "s3:GetObject", f"arn:aws:s3:::{bucket}/x"), f"the endpoint keeps {bucket} away"
        assert of(state, "aws_nat_gateway"), f"{one['address']} does not reach Debian's archive"


def parameters_are_secret(state: list[dict]) -> None:
    for one in of(state, "aws_ssm_parameter"):
        assert one["values"]["type"] == "SecureString" and one["values"]["key_id"], f"{one['address']} is plain"
    assert not of(state, "aws_iam_access_key"), "a key in the state"


STATE_RULES = [
    nothing_comes_in,
    buckets_are_kept,
    policies_are_narrow,
    roles_do_their_work_alone,
    workflows_are_held,
    applies_are_bounded,
    alarms_ring,
    jobs_are_heard,
    parameters_are_secret,
]

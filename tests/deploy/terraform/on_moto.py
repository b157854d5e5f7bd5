"""The planned buckets, roles, parameters and cluster, made in moto, an AWS double that runs in this process.

moto checks the form of what it is given (policies, lifecycle rules, the RunJobFlow request) and keeps object locks; it does
not decide by policies, so who may do what is tested in rules.py on the documents themselves.
"""

import contextlib
import io
import json
import pathlib
import re
import tempfile

import boto3
import botocore.exceptions
from moto import mock_aws
from rules import of

REGION = "eu-central-1"


def clients():
    session = boto3.Session("testing", "testing", region_name=REGION)
    return lambda name: session.client(name)


def make_buckets(s3, state: list[dict]) -> dict[str, str]:
    names = {}
    for one in of(state, "aws_s3_bucket"):
        values = one["values"]
        names[one["index"]] = values["bucket"]
        s3.create_bucket(Bucket=values["bucket"], ObjectLockEnabledForBucket=bool(values["object_lock_enabled"]),
                         CreateBucketConfiguration={"LocationConstraint": REGION})  # fmt: skip
    for one in of(state, "aws_s3_bucket_versioning"):
        s3.put_bucket_versioning(Bucket=one["values"]["bucket"], VersioningConfiguration={"Status": "Enabled"})
    for one in of(state, "aws_s3_bucket_server_side_encryption_configuration"):
        how = one["values"]["rule"][0]["apply_server_side_encryption_by_default"][0]
        default = {"SSEAlgorithm": how["sse_algorithm"]}
        if how["sse_algorithm"] == "aws:kms":
            default["KMSMasterKeyID"] = how["kms_master_key_id"]
        rule = {
            "ApplyServerSideEncryptionByDefault": default,
            "BucketKeyEnabled": one["values"]["rule"][0]["bucket_key_enabled"],
        }
        s3.put_bucket_encryption(Bucket=one["values"]["bucket"], ServerSideEncryptionConfiguration={"Rules": [rule]})
    for one in of(state, "aws_s3_bucket_lifecycle_configuration"):
        s3.put_bucket_lifecycle_configuration(
            Bucket=one["values"]["bucket"],
            LifecycleConfiguration={"Rules": [lifecycle_rule(rule) for rule in one["values"]["rule"]]},
        )
    for one in of(state, "aws_s3_bucket_object_lock_configuration"):
        lock = one["values"]["rule"][0]["default_retention"][0]
        s3.put_object_lock_configuration(
            Bucket=one["values"]["bucket"],
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": lock["mode"], "Days": lock["days"]}}},
        )  # fmt: skip
    return names


def lifecycle_rule(rule: dict) -> dict:
    prefix = rule["filter"][0].get("prefix") if rule["filter"] else ""
    made = {"ID": rule["id"], "Status": rule["status"], "Filter": {"Prefix": prefix or ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": rule["noncurrent_version_expiration"][0]["noncurrent_days"]}}  # fmt: skip
    if rule["abort_incomplete_multipart_upload"]:
        days = rule["abort_incomplete_multipart_upload"][0]["days_after_initiation"]
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    if rule["transition"]:
        made["Transitions"] = [{"Days": t["days"], "StorageClass": t["storage_class"]} for t in rule["transition"]]
    if rule["expiration"]:
        made["Expiration"] = {"Days": rule["expiration"][0]["days"]}
    return made


@mock_aws
def buckets_lock_raw(state: list[dict]) -> None:
    s3 = clients()("s3")
    names = make_buckets(s3, state)
    for zone, name in names.items():
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled", zone
        assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"], zone
    raw = names["raw"]
    first = s3.put_object(Bucket=raw, Key="raw/emart/x.csv", Body=b"a")["VersionId"]
    s3.delete_object(Bucket=raw, Key="raw/emart/x.csv")  # what an erase does: the version stays
    try:
        s3.delete_object(Bucket=raw, Key="raw/emart/x.csv", VersionId=first)
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
    else:
        raise AssertionError("a locked version of raw was removed")
    s3.delete_object(Bucket=raw, Key="raw/emart/x.csv", VersionId=first, BypassGovernanceRetention=True)
    left = [one["VersionId"] for one in s3.list_object_versions(Bucket=raw).get("Versions", [])]
    assert first not in left, "the eraser's way leaves the version"
    marts = s3.put_object(Bucket=names["marts"], Key="marts/x", Body=b"a")["VersionId"]
    s3.delete_object(Bucket=names["marts"], Key="marts/x", VersionId=marts)
    for one in of(state, "aws_s3_bucket_policy"):  # last: moto takes a Deny without looking at its condition
        s3.put_bucket_policy(Bucket=one["values"]["bucket"], Policy=one["values"]["policy"])


@mock_aws
def roles_are_taken(state: list[dict]) -> None:
    iam = clients()("iam")
    for one in of(state, "aws_iam_role"):
        iam.create_role(RoleName=one["values"]["name"], AssumeRolePolicyDocument=one["values"]["assume_role_policy"])
    for one in of(state, "aws_iam_role_policy"):
        values = one["values"]
        iam.put_role_policy(RoleName=values["role"], PolicyName=values["name"], PolicyDocument=values["policy"])
    for one in of(state, "aws_iam_policy"):
        iam.create_policy(PolicyName=one["values"]["name"], PolicyDocument=one["values"]["policy"])
    for one in of(state, "aws_iam_instance_profile"):
        iam.create_instance_profile(InstanceProfileName=one["values"]["name"])
        iam.add_role_to_instance_profile(InstanceProfileName=one["values"]["name"], RoleName=one["values"]["role"])
    assert len(iam.list_roles()["Roles"]) == len(of(state, "aws_iam_role"))


@mock_aws
def parameters_feed_the_flows(state: list[dict], outputs: dict) -> None:
    ssm = clients()("ssm")
    for one in of(state, "aws_ssm_parameter"):
        ssm.put_parameter(
            Name=one["values"]["name"], Type=one["values"]["type"], Value=one["values"]["value"], Tier="Advanced"
        )
    environment = of(state, "aws_ssm_parameter")[0]["values"]["name"].split("/")[2]
    path = f"/freightlake/{environment}/kestra/"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    found = {one["Name"].removeprefix(path): one["Value"] for page in pages for one in page["Parameters"]}
    assert found == outputs["kestra_values"], f"SSM has {sorted(found)}"
    assert json.loads(found["emr_job_flow"]) == outputs["job_flow"], "the cluster in SSM is another than the output's"
    for name in outputs["kestra_secrets"]:
        assert name not in {one["values"]["name"] for one in of(state, "aws_ssm_parameter")}, f"{name} is in the state"


@mock_aws
def the_cluster_starts(outputs: dict) -> None:
    """The request as it stands, started by the line of docs/deploy.md, passes botocore's model of RunJobFlow and moto."""
    emr = clients()("emr")
    page = pathlib.Path(__file__).resolve().parents[3] / "docs" / "deploy.md"
    line = re.search(r"^CLUSTER=\$\(python3 -c '(.+)'\)$", page.read_text(), re.M)
    assert line, "docs/deploy.md no longer starts a cluster by python3"
    boto3.setup_default_session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(said):
        pathlib.Path("cluster.json").write_text(json.dumps(outputs["job_flow"]))
        exec(line.group(1), {})
    started = said.getvalue().strip()
    cluster = emr.describe_cluster(ClusterId=started)["Cluster"]
    assert cluster["ReleaseLabel"].startswith("emr-7."), cluster["ReleaseLabel"]
    step = {"Name": "marts", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["spark-submit"]}}
    assert emr.add_job_flow_steps(JobFlowId=started, Steps=[step])["StepIds"]
    emr.terminate_job_flows(JobFlowIds=[started])
    assert emr.describe_cluster(ClusterId=started)["Cluster"]["Status"]["State"].startswith("TERMINAT")

#!/usr/bin/env python3
"""A fresh access key for an orchestrator outside AWS: rotate_key.py --user NAME --parameter PATH [--key-id KMS] [--retire]

Makes a key for the user and stores it, as `{"AccessKeyId": ..., "SecretAccessKey": ...}`, in the SSM parameter (SecureString).
The key before stays valid until --retire, which removes every key of the user but the stored one: rotate, let the
orchestrator take the new one up, retire.  Nothing is printed but key ids.  Needs boto3 and the rights of a person.
"""

import argparse
import json
import sys


def stored_id(ssm, parameter: str) -> str | None:
    try:
        value = ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return json.loads(value)["AccessKeyId"]


def rotate(iam, ssm, user: str, parameter: str, key_id: str | None) -> str:
    """Makes and stores a key; gives its id.  A key that could not be stored is removed again."""
    if len(iam.list_access_keys(UserName=user)["AccessKeyMetadata"]) > 1:
        sys.exit(f"error: {user} has two keys already\nhint: --retire removes the one that is not in {parameter}")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    value = json.dumps({name: key[name] for name in ("AccessKeyId", "SecretAccessKey")})
    extra = {"KeyId": key_id} if key_id else {}
    try:
        ssm.put_parameter(Name=parameter, Type="SecureString", Value=value, Overwrite=True, **extra)
    except Exception:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        raise
    return key["AccessKeyId"]


def retire(iam, ssm, user: str, parameter: str) -> list[str]:
    """Removes the user's keys but the stored one; gives their ids."""
    kept = stored_id(ssm, parameter)
    keys = [key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    if kept not in keys:
        sys.exit(f"error: the key in {parameter} is none of {user}'s: nothing was removed\nhint: rotate first")
    for key in keys:
        if key != kept:
            iam.delete_access_key(UserName=user, AccessKeyId=key)
    return [key for key in keys if key != kept]


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--user", required=True, help="output external_user")
    parser.add_argument("--parameter", required=True, help="such as /freightlake/prod/orchestrator-key")
    parser.add_argument("--key-id", help="the KMS key that encrypts the parameter")
    parser.add_argument("--retire", action="store_true", help="remove the keys that are not stored")
    options = parser.parse_args()
    iam, ssm = boto3.client("iam"), boto3.client("ssm")
    if options.retire:
        print("removed:", *retire(iam, ssm, options.user, options.parameter) or ["none"])
    else:
        print("stored:", rotate(iam, ssm, options.user, options.parameter, options.key_id))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The names that flows read are the ones that deploy/terraform gives values to.

Reads deploy/kestra/names.yaml and Terraform's files as text, so it needs neither engine nor cloud.  It says nothing of
flows.  Ends with `N passed, N failed, N skipped`.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "deploy" / "terraform"


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


def main() -> int:
    failed = 0
    checks = [("kv", section("kv"), given_values()), ("secrets", section("secrets"), given_secrets())]
    for name, read, given in checks:
        if read and len(set(read)) == len(read) and sorted(read) == sorted(given):
            print(f"ok {name}: {len(read)} names are Terraform's")
            continue
        failed += 1
        print(f"FAILED {name}: only in names.yaml {sorted(set(read) - set(given))}, only in Terraform", end=" ")
        print(f"{sorted(set(given) - set(read))}, names {len(read)} and {len(given)}")
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""sbom.py BUILD: the software bill of materials of BUILD/freightlake, CycloneDX 1.5 as JSON, to standard output.

What is linked in is read from the commands that ninja built the program with, what is loaded at the start from ldd, and
what is loaded on demand from the table below; dpkg says which Debian source package and version each file is of.  The
same build gives the same bytes: there is no serial number and no time of day.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Loaded by name when a path says s3:// (src/storage/s3/curl_library.c).
ON_DEMAND = ["libcurl.so.4"]


def output(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(str(word) for word in command)}: {done.stderr.strip()}")
    return done.stdout


def libraries(build: pathlib.Path) -> dict[str, str]:
    """How each library comes into the program, by its file."""
    found = {}
    for word in output("ninja", "-C", build, "-t", "commands", "freightlake").split():
        if re.fullmatch(r"/.+/lib[\w+.-]+\.a", word):
            found[str(pathlib.Path(word).resolve())] = "linked in"
    for path in re.findall(r"(/\S+\.so\S*)", output("ldd", build / "freightlake")):
        found[path] = "loaded"
    known = dict(re.findall(r"^\t(\S+) .* => (\S+)$", output("/sbin/ldconfig", "-p"), re.M))
    for name in ON_DEMAND:
        if name in known:
            found[known[name]] = "loaded on demand"
    return found


def source_package(path: str) -> tuple[str, str]:
    """Debian's source package of a file, and its version.  Its database has some files below /lib, some below /usr/lib."""
    places = {path, str(pathlib.Path(path).resolve()), path.removeprefix("/usr"), f"/usr{path}"}
    for place in sorted(places):
        done = subprocess.run(["dpkg-query", "-S", place], capture_output=True, text=True)
        if done.returncode == 0:
            owner = done.stdout.split(": ")[0].split(",")[0]
            fields = output("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", owner).split()
            return fields[0], fields[1]
    sys.exit(f"error: no Debian package has {path}\nhint: a release is built on Debian 12, with its packages alone")


def component(name: str, version: str, how: set[str]) -> dict:
    reference = (
        f"pkg:deb/debian/{name.replace('+', '%2B')}@{version.replace('+', '%2B').replace(':', '%3A')}?arch=source"
    )
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "scope": "optional" if how == {"loaded on demand"} else "required",
        "purl": reference,
        "properties": [{"name": "freightlake:how", "value": ", ".join(sorted(how))}],
    }


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    version = output(build / "freightlake", "--version").split()[1]
    packages: dict[tuple[str, str], set[str]] = {}
    for path, how in libraries(build).items():
        packages.setdefault(source_package(path), set()).add(how)
    components = [component(name, number, how) for (name, number), how in sorted(packages.items())]
    own = f"pkg:generic/freightlake@{version}"
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "freightlake",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in components]}],
    }
    print(json.dumps(bill, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

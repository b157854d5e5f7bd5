"""Schemas of hashicorp/aws from its published CDK bindings (PyPI cdktn-provider-aws), without the provider itself.

The bindings are generated from `terraform providers schema -json` and keep all of it in the text of their JavaScript: above
each accessor a comment `// NAME - computed: B, optional: B, required: B`, the kind of each nested block in its constructor,
and in the `...ToHclTerraform` functions whether a name is a block, a list, a set or a scalar of which type.  This reads them
back.  What the bindings do not keep: the upper limit of repeated blocks other than one, and what is sensitive.
"""

import json
import pathlib
import re

ACCESSOR = re.compile(
    r"^    // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\s*$", re.M
)
CLASS = re.compile(r"^(?:export )?class (\w+) extends", re.M)
TO_HCL = re.compile(r"^(?:export )?function (\w+)ToHclTerraform\(", re.M)
HCL_ENTRY = re.compile(
    r'^\s+(\w+): \{\n\s+value:[^\n]*\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "([^"]+)",',
    re.M,
)
MAIN_CLASS = re.compile(r"class (\w+) extends cdktn\.Terraform(?:Resource|DataSource)")
RESOURCE_TYPE = re.compile(r'tfResourceType = "(aws_\w+)"')
SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
GETTERS = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "string"],
}


class Module:
    """One file of the bindings: a resource, a data source or the provider."""

    def __init__(self, text: str):
        starts = list(CLASS.finditer(text)) + [None]
        self.classes = {
            match.group(1): text[match.start() : following.start() if following else len(text)]
            for match, following in zip(starts, starts[1:], strict=False)
            if match
        }
        self.functions = {}
        for match in TO_HCL.finditer(text):
            self.functions.setdefault(match.group(1).lower(), text[match.start() : text.find("\n}", match.start())])

    @staticmethod
    def entries(text: str) -> dict:
        """Of a ToHclTerraform function: name -> (is it a block, list or set or simple, its type)."""
        return {m.group(1): (m.group(2) == "true", m.group(3), m.group(4)) for m in HCL_ENTRY.finditer(text)}

    def block(self, name: str, main: bool = False) -> dict:
        text = self.classes[name]
        if main:
            entries = self.entries(text[text.find("synthesizeHclAttributes") :])
        else:
            base = re.sub(r"(OutputReference|List|Map)$", "", name)
            entries = self.entries(self.functions.get(base.lower(), ""))
        out: dict = {"attributes": {}, "block_types": {}}
        accessors = list(ACCESSOR.finditer(text))
        for at, match in enumerate(accessors):
            end = accessors[at + 1].start() if at + 1 < len(accessors) else len(text)
            self._member(out, match, text[match.end() : end][:1500], entries)
        return out

    def _member(self, out: dict, match: re.Match, body: str, entries: dict) -> None:
        name = match.group(1)
        computed, optional, required = (match.group(i) == "true" for i in (2, 3, 4))
        flags = {"computed": computed, "optional": optional, "required": required}
        attribute: dict = {key: True for key, value in flags.items() if value}
        made = re.search(rf'new (\w+)\(this, "{name}"(?:, (true|false))?\)', body)
        if made and made.group(1) in self.classes:
            kind = made.group(1)
            single = kind.endswith("OutputReference")
            inner = kind if single else re.sub(r"(List|Map)$", "", kind) + "OutputReference"
            nesting = "map" if kind.endswith("Map") else "set" if made.group(2) == "true" else "list"
            if not computed and (optional or required):
                out["block_types"][name] = self._nested(name, inner, single, nesting, required)
                return
            attribute["type"] = [nesting, self._object(self.block(inner))]
        elif name in entries and entries[name][0] and not made:
            _, kind, form = entries[name]
            nested = self._function_block(re.sub(r"(List|Map)$", "", form))
            out["block_types"][name] = {"nesting_mode": kind if kind in ("list", "set") else "list", "block": nested}
            return
        elif name in entries:
            attribute["type"] = self._scalar(*entries[name][1:])
        else:
            getter = re.search(rf"this\.get(\w+?)Attribute\('{name}'\)", body)
            form = GETTERS.get(getter.group(1), "dynamic") if getter else "dynamic"
            attribute["type"] = ["set", form[1]] if form[0] == "list" and "Fn.tolist" in body else form
        out["attributes"][name] = attribute

    def _nested(self, name: str, inner: str, single: bool, nesting: str, required: bool) -> dict:
        block = self.block(inner)
        if name == "timeouts":
            return {"nesting_mode": "single", "block": block}
        least = {"min_items": 1} if required else {}
        return {"nesting_mode": "list", "max_items": 1, **least, "block": block} if single else {
            "nesting_mode": nesting, **least, "block": block}  # fmt: skip

    @staticmethod
    def _scalar(kind: str, form: str) -> object:
        element = SCALARS.get(re.sub(r"(List|Map)$", "", form), "string")
        return SCALARS.get(form, "string") if kind == "simple" else [kind, element]

    def _function_block(self, base: str) -> dict:
        """A block that has no class of its own (the provider's), from its function: its attributes are optional."""
        out: dict = {"attributes": {}, "block_types": {}}
        for name, (is_block, kind, form) in self.entries(self.functions.get(base.lower(), "")).items():
            if is_block:
                nested = self._function_block(re.sub(r"(List|Map)$", "", form))
                mode = kind if kind in ("list", "set") else "list"
                out["block_types"][name] = {"nesting_mode": mode, "block": nested}
            else:
                out["attributes"][name] = {"optional": True, "type": self._scalar(kind, form)}
        return out

    def _object(self, block: dict) -> list:
        members = {name: attribute["type"] for name, attribute in block["attributes"].items()}
        for name, nested in block["block_types"].items():
            members[name] = [nested["nesting_mode"], self._object(nested["block"])]
        return ["object", members]


def extract(package: pathlib.Path, resources: set[str], data: set[str]) -> dict:
    """The schemas of the named resources and data sources; a name that the provider does not have is left out."""
    library = package / "lib"
    version = re.search(r"providerVersion: '([^']+)'", (library / "s3-bucket" / "index.js").read_text())
    out: dict = {
        "provider_version": version.group(1) if version else "",
        "provider": {"block": Module((library / "provider" / "index.js").read_text()).block("AwsProvider", True)},
        "resource_schemas": {},
        "data_source_schemas": {},
    }
    for folder in sorted(library.iterdir()):
        source = folder / "index.js"
        if not source.exists() or folder.name.startswith("ephemeral-"):
            continue
        is_data = folder.name.startswith("data-aws-")
        guess = "aws_" + folder.name.removeprefix("data-aws-").replace("-", "_")
        if guess not in (data if is_data else resources):
            continue
        text = source.read_text()
        found = RESOURCE_TYPE.search(text)
        if found:
            block = Module(text).block(MAIN_CLASS.findall(text)[-1], True)
            out["data_source_schemas" if is_data else "resource_schemas"][found.group(1)] = {"block": block}
    return out


def used_types(folder: pathlib.Path) -> tuple[set[str], set[str]]:
    """The resources and data sources that the configurations below `folder` name."""
    resources: set[str] = set()
    data: set[str] = set()
    for path in folder.rglob("*.tf"):
        text = path.read_text()
        resources |= set(re.findall(r'^resource "(aws_\w+)"', text, re.M))
        data |= set(re.findall(r'^data "(aws_\w+)"', text, re.M))
    return resources, data


def write(package: pathlib.Path, resources: set[str], data: set[str], out: pathlib.Path) -> dict:
    schemas = extract(package, resources, data)
    out.write_text(json.dumps(schemas, sort_keys=True))
    return schemas

"""A data schema as a YAML file that a person reads and edits: sections say what they mean, lines what was seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tasks.domain.errors import ContractError
from tasks.quality.schema import DataSchema

MAX_BYTES = 1 << 20
"""A larger file is no schema that a person has read."""

MAX_DEPTH = 12
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken

Notes = Mapping[tuple[str, ...], str]
"""What was seen, by the place in the file that it stands behind: `("numbers", "images.inference_ms")`."""


class _Dumper(yaml.SafeDumper):
    """Writes every text on one line, whatever characters a camera's folder has."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, "" if text.isprintable() else '"')
)


def written(schema: DataSchema, notes: Notes | None = None) -> str:
    """The file, with each section's meaning above it and what was seen behind each line."""
    lines = [
        f"# Data schema of {_line(schema.model)}: what its data look like when all is well.",
        "# Edit it, then: evergreen quality-accept FILE --by NAME --reason TEXT",
    ]
    content = schema.model_dump(mode="json", exclude_none=True)
    for name, field in DataSchema.model_fields.items():
        if name in content:
            lines += ["", f"# {field.description}", *_section(name, content[name], notes or {})]
    return "\n".join(lines) + "\n"


def _section(name: str, value: Any, notes: Notes) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{name}: {_flow(value)}{_note(notes, (name,))}"
        return
    yield f"{name}:{_note(notes, (name,))}"
    for key, item in value.items():
        yield f"  {_flow(key)}: {_flow(item)}{_note(notes, (name, key))}"


def _flow(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _note(notes: Notes, place: tuple[str, ...]) -> str:
    return f"  # {_line(notes[place])}" if place in notes else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def digest(schema: DataSchema) -> str:
    """SHA-256 of what the schema says, whatever comments stand beside it."""
    return hashlib.sha256(schema.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()


def read(text: str | bytes) -> DataSchema:
    """The schema in a file.

    Raises:
        ContractError: not YAML, or not a schema: the message names the place. Anchors, tags and repeated names are
            refused: nobody needs them here, and they are how a small file becomes a large one or hides what it says.
    """
    if len(text) > MAX_BYTES:
        raise ContractError(f"a data schema has at most {MAX_BYTES} bytes, this file has {len(text)}")
    try:
        node = _plain(text)
        data = yaml.safe_load(text) if node else None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        raise ContractError(f"not a readable YAML file: {_line(str(error))}") from error
    try:
        return DataSchema.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in found["loc"]) or "the file"
        raise ContractError(f"not a data schema: {place}: {found['msg']}") from error


def _plain(text: str | bytes) -> bool:
    """Whether there is anything in the file; refuses what must not be in it before anything is built."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, yaml.BlockEndToken | _CLOSING)
        if depth > MAX_DEPTH:
            raise ContractError(f"line {token.start_mark.line + 1}: nested deeper than a schema is")
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            raise ContractError(f"line {token.start_mark.line + 1}: anchors, aliases and tags are not used in a schema")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    waiting = [root] if root else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            _unique(node)
            waiting += [value for _, value in node.value]
    return root is not None


def _unique(node: yaml.MappingNode) -> None:
    names = [key.value if isinstance(key.value, str) else "" for key, _ in node.value]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(f"line {node.start_mark.line + 1}: {twice[0][:80]!r} occurs twice")


def flat(part: BaseModel) -> dict[str, Any]:
    """Every value by its place, `cameras.line-1.sizes`; lists stay lists.

    >>> from tasks.quality.schema import ClassSchema
    >>> flat(ClassSchema(share=0.5))
    {'share': 0.5, 'slack': 0.1}
    """
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", part.model_dump(mode="json"))]
    while waiting:
        place, value = waiting.pop(0)
        if isinstance(value, dict) and value:
            waiting += [(f"{place}.{name}".lstrip("."), item) for name, item in value.items()]
        else:
            found[place] = value
    return found

"""Commands about what data must look like: propose, accept, show and compare data schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.cli.known_model import hint
from tasks.cli.output import OK, nothing, say, show_json, show_table

LAST = 24
"""Healthy windows that a schema is inferred from, unless told otherwise: a day of hourly ones."""


def quality_infer(model: str, *, last: int = LAST, out: Path | None = None, json: bool = False) -> int:
    """Propose a data schema from the newest healthy windows, as a file for you to edit (`--out`, or printed)."""
    from tasks.quality.accepted import propose
    from tasks.quality.schema_file import written

    schema, notes = propose(model, last)
    text = written(schema, notes)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if json:
        show_json({"schema": schema.model_dump(mode="json"), "file": str(out) if out else None})
    elif out is None:
        print(text, end="")
    else:
        open_points = f"; {len(schema.undecided)} undecided" if schema.undecided else ""
        made = schema.made_from
        source = f"{len(made.windows)} window(s)" if made.windows else f"reference {made.reference}"
        say(f"{out}: from {made.images} images of {source}{open_points}; edit it, then: evergreen quality-accept {out}")
    return OK


def quality_accept(file: Path, *, by: str, reason: str, json: bool = False) -> int:
    """Check every window against this data schema from now on; it gets the next version number."""
    from tasks.domain.errors import NotFound
    from tasks.quality.accepted import accept
    from tasks.quality.schema_file import MAX_BYTES, read

    if not file.is_file():
        raise NotFound(f"there is no file {file}")
    with file.open("rb") as opened:
        schema = read(opened.read(MAX_BYTES + 1))
    found = accept(schema, by, reason)
    if json:
        show_json({"model": schema.model, "version": found.version, "digest": found.digest, "by": found.by})
    else:
        say(f"{schema.model}: data schema v{found.version} ({found.digest[:12]}) counts from the next window on")
    return OK


def quality_show(model: str, *, version: int | None = None, json: bool = False) -> int:
    """The data schema that counts (or another version), and who accepted which version when and why."""
    from tasks.quality.accepted import acceptances
    from tasks.quality.accepted import version as numbered
    from tasks.quality.schema_file import written

    known = acceptances(model)
    rows: list[dict[str, Any]] = [
        {"version": each.version, "hash": each.digest[:12], "by": each.by, "at": each.at, "reason": each.reason}
        for each in known
    ]
    if not known:
        note = f"nobody accepted a data schema of {model} yet: evergreen quality-infer {model} --out schema.yaml"
        nothing(note + hint(model), json)
        return OK
    schema = numbered(model, version or known[-1].version).schema
    if json:
        show_json({"versions": rows, "schema": schema.model_dump(mode="json")})
    else:
        show_table(f"data schemas of {model}", rows, "")
        print(written(schema), end="")
    return OK


def quality_diff(
    model: str, *, before: int | None = None, after: int | None = None, last: int = LAST, json: bool = False
) -> int:
    """What differs between the accepted data schema and a fresh inference, or between two versions."""
    from tasks.domain.errors import NotFound
    from tasks.quality.accepted import current, propose
    from tasks.quality.accepted import version as numbered
    from tasks.quality.differences import differences

    old = numbered(model, before) if before else current(model)
    if old is None:
        raise NotFound(f"nobody accepted a data schema of {model!r} yet: `evergreen quality-infer {model}`")
    name, new = (f"v{after}", numbered(model, after).schema) if after else ("now", propose(model, last)[0])
    rows = [
        {"place": each.place, f"v{old.version}": each.before, name: each.after} for each in differences(old.schema, new)
    ]
    if json:
        show_json(rows)
    else:
        show_table(f"data schema of {model}", rows, f"v{old.version} and {name} say the same")
    return OK

"""The command that makes the file which is deployed."""

from __future__ import annotations

import getpass
from pathlib import Path

from tasks.cli.output import OK, say, show_json
from tasks.domain.protocol import Format


def export(
    model: str,
    *,
    version: str | None = None,
    format: Format = Format.ONNX,
    file: Path | None = None,
    deployed: bool = False,
    json: bool = False,
) -> int:
    """Export a version (by number or hash prefix; default: the champion) to the file that is deployed, and keep it.

    `--file` keeps a file that you exported yourself. `--deployed` notes that production runs this format: evaluations
    then score that file too, and challengers are exported before they are judged. `--format pt --deployed` takes it
    back.
    """
    from tasks.connections import ledger
    from tasks.domain.errors import NotFound
    from tasks.export.task import bring_export, make_export, note_deployed
    from tasks.promote.named import named

    who = getpass.getuser()
    answer: dict[str, object] = {"model": model, "format": format.value, "deployed": deployed}
    if format is not Format.PT or not deployed:
        book = ledger()
        ref = named(book, model, version) if version else book.promotions.champion(model)
        if ref is None:
            raise NotFound(
                f"{model} has no champion: name a version with `--version`, see `evergreen versions {model}`"
            )
        made = bring_export(ref, format, file, who) if file else make_export(ref, format, who)
        answer |= {"version": ref.version, "sha256": made.sha256, "uri": made.uri}
    if deployed:
        note_deployed(model, format, who)
    if json:
        show_json(answer)
        return OK
    if "sha256" in answer:
        say(f"{ref}: {format.value} {made.sha256[:12]} in {made.uri}")
    say(f"production of {model} runs {ledger().exports.deployed(model).value}")
    return OK

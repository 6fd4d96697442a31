"""Commands about how good a model is where there are few labels, or none."""

from __future__ import annotations

from typing import Any

from tasks.cli.known_model import hint
from tasks.cli.output import OK, nothing, say, show_json, show_table


def estimate(model: str, *, json: bool = False) -> int:
    """How good the champion is in the newest window without labels, how far such estimates were off, and audits."""
    from tasks.estimate.standing import standing

    found = standing(model)
    if found is None:
        return nothing(f"{model} has no champion: evergreen adopt {model}{hint(model)}", json)
    if json:
        show_json(found)
        return OK
    say(f"{found['window']}: {found['sentence']}" if found["window"] else found["sentence"])
    learnt = found["calibration"]
    if learnt is None:
        say("this version is not calibrated: `evergreen evaluate` does it where there are enough labelled images")
    else:
        say(f"calibrated on {learnt['labelled_images']} labelled images: the next windows get a number where it holds")
    show_table("estimates that labels caught up with", found["checks"], "no estimate was checked against labels yet")
    show_table("audits", found["audits"], f"no audit has labels yet: evergreen audit-sample {model}")
    return OK


def audit_sample(model: str, *, n: int = 100, window: str | None = None, json: bool = False) -> int:
    """Random images of the newest window (or `--window start/end`) to label, so that few labels speak for all."""
    from tasks.domain.window import Window
    from tasks.estimate.kept import draw_audit

    drawn, _ = draw_audit(model, n, Window.parse(window) if window else None)
    rows: list[dict[str, Any]] = [
        {"key": each.image.key, "image_id": each.image.image_id, "chance": round(each.chance, 6)}
        for each in drawn.drawn
    ]
    if json:
        show_json({"model": model, "window": str(drawn.window), "accepted": drawn.accepted, "images": rows})
    else:
        show_table(f"{len(rows)} of {drawn.accepted} images of {drawn.window} to label", rows, "nothing to label")
        say(f"write their labels to {model}/labels/<image_id>.json, then: evergreen evaluate {model}")
    return OK

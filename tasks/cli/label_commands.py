"""Commands about labels: what became of them, how many are needed, what they show, and whether they were looked at."""

from __future__ import annotations

from typing import Any, Literal

from tasks.cli.known_model import hint, show_of_model
from tasks.cli.output import CHECK_FAILED, OK, nothing, say, show_json, show_table


def labels(model: str, *, image: str | None = None, json: bool = False) -> int:
    """What became of every label, or (`--image`) all labels that one image ever got, with the one that counts."""
    from tasks.ingest.account import account_json
    from tasks.ingest.gathering import gather
    from tasks.ingest.rules import IngestRules
    from tasks.ingest.task import sources

    rules = IngestRules()
    found = gather(sources(rules), model, rules)
    if image is not None:
        rows = [
            {
                "labelled": f"{label.labelled_at:%Y-%m-%d %H:%M:%S}",
                "annotator": label.annotator,
                "verdict": label.verdict.value if label.verdict else "",
                "objects": len(label.objects),
                "place": place.value,
                "source": source,
            }
            for source, label, place in sorted(found.history, key=lambda each: (each[1].labelled_at, each[0]))
            if image in (label.name, label.key)
        ]
        show_of_model(model, f"labels of {image}", rows, f"{model} has no label of {image}", json)
        return OK if rows else CHECK_FAILED
    told = account_json(found.account)
    if not told["rows"] and (unknown := hint(model)):
        return nothing(f"{model} has no label{unknown}", json)
    if json:
        show_json(told)
        return OK
    counts = {**told["places"], **{f"refused: {reason}": n for reason, n in told["refused"].items()}}
    show_table(f"{told['rows']} labels of {model}", [{"place": k, "labels": n} for k, n in counts.items()], "no label")
    conflicts = [f"{each['image_id']} ({', '.join(each['annotators'])})" for each in told["conflicts"]]
    say(f"contradicting labels of one moment: {', '.join(conflicts) or 'none'}")
    say(f"waiting for a full label: {', '.join(told['queue']) or 'none'}")
    return OK


def trend(
    model: str, *, dataset: Literal["golden", "recent", "window"] | None = None, limit: int = 200, json: bool = False
) -> int:
    """Golden set, fresh set and windows through versions and time, and which of these numbers compare."""
    from tasks.concept.rules import ConceptRules
    from tasks.connections import ledger
    from tasks.evaluate.trend import SETS, points, points_json

    book = ledger()
    names = {v.ref.sha256: str(v.ref.version) for v in book.versions.list(model) if v.ref.version}
    found = []
    for name in [dataset] if dataset else SETS:
        records = (
            book.evaluations.by_window(model, name) if name == "window" else book.evaluations.of(model, name, limit)
        )
        kept = [(record.evaluation, record.window, record.created_at) for record in records]
        found += points(kept, names, ConceptRules().min_return)[-limit:]
    rows = points_json(found)
    shown = ("dataset", "version", "window", "at", "metric", "value", "n", "why")
    return show_of_model(
        model,
        f"trend of {model}",
        rows if json else [{name: _short(name, row[name]) for name in shown} for row in rows],
        f"nothing of {model} was measured yet: `evergreen evaluate {model}`",
        json,
    )


def power(
    *,
    detect: float | None = None,
    labels: int | None = None,
    model: str | None = None,
    power: float = 0.8,
    json: bool = False,
) -> int:
    """How many labelled images show a fall of so much (`--detect 0.03`), or what so many can show (`--labels 200`).

    Drawn from the stored scores of single images of a model's champion (`--model`), whole sessions at a time; without
    one, from the spread that detectors usually have. A fall of F1, or of accuracy, of 0.03 is 3 points; how many show
    one of mAP follows from its last interval.
    """
    from tasks.concept.pools import headline, pools
    from tasks.concept.reading import Books
    from tasks.connections import ledger, store, tables
    from tasks.domain import power as counting
    from tasks.domain.errors import ConfigError

    if (detect is None) == (labels is None):
        raise ConfigError("give either --detect (a fall, 0..1) or --labels (a number of images)")
    if not 0 < power < 1 or (detect is not None and not 0 < detect < 1) or (labels is not None and labels < 1):
        raise ConfigError("--detect and --power lie between 0 and 1, --labels is at least 1")
    usual = (counting.usual(False), counting.usual(True))
    books = Books(ledger=ledger(), store=store(), tables=tables()) if model else None
    single, paired = pools(books, model) if books and model else usual
    own = headline(books, model) if books and model else None
    ways: list[tuple[str, Any, int, str]] = [
        ("one set against a limit", single, 1, _origin(single)),
        ("two sets of different images", single, 2, _origin(single)),
        ("two versions on the same images", paired, 1, _origin(paired)),
        *([(f"{own[0]} of one set against a limit", own[1], 1, "its last interval")] if own else []),
    ]
    rows = [
        {
            "question": name,
            "labels": counting.needed(source, detect, power, sides) if detect else labels,
            "fall": detect if detect else round(counting.shows(source, labels or 1, power, sides), 4),
            "design_effect": round(source.design, 2),
            "from": origin,
        }
        for name, source, sides, origin in ways
    ]
    return _show_power(rows, power, json)


def _show_power(rows: list[dict[str, Any]], power: float, as_json: bool) -> int:
    """The answers, with a sentence where no set that anybody labels shows the fall."""
    from tasks.domain import power as counting

    beyond = [row["fall"] for row in rows if row["labels"] is None]
    note = f"more than {counting.CAP:,} labelled images are needed to show a fall of {beyond[0]:g}" if beyond else ""
    least = {"trend": counting.TREND, "gate": counting.GATE, "instances_of_a_class": counting.INSTANCES}
    if as_json:
        show_json({"power": power, "least": least, "answers": rows, "note": note})
        return OK
    cells = [{**row, "labels": row["labels"] or f"more than {counting.CAP:,}"} for row in rows]
    show_table(f"seen with a chance of {power:.0%}, one-sided 5 %", cells, "")
    if note:
        say(f"{note}: nobody labels so many, ask for a larger fall")
    say(f"whatever the count: {least['trend']} before a trend, {least['gate']} before a gate, "
        f"{least['instances_of_a_class']} objects of a class before that class")  # fmt: skip
    return OK


def _origin(source: Any) -> str:
    return f"{len(source.scores)} scores" if source.known else "usual spread"


def label_audit(model: str, *, by: str, reason: str, json: bool = False) -> int:
    """Say that somebody looked at labels that show a fall and found them right: then retraining is the next step."""
    from tasks.concept.task import audit_labels

    number = audit_labels(model, by, reason)
    if json:
        show_json({"model": model, "decision": number, "by": by})
    else:
        say(f"decision {number}: the labels of {model} were audited; next: evergreen evaluate {model}")
    return OK


def _short(name: str, value: Any) -> Any:
    """Times to the minute."""
    return str(value)[:16].replace("T", " ") if name == "at" else value

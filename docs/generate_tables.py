"""Writes the tables of the pages that say what the code says: settings, rules, data contract, metrics.

Run it after one of these changed: `.venv/bin/python docs/generate_tables.py`. A test makes the tables again and
compares, so that a page cannot go stale.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tasks.adapters.metrics_catalogue import CATALOGUE
from tasks.domain.contract import Detection, Latency, PredictionRecord
from tasks.domain.contract_labels import LabelObject, LabelRecord
from tasks.domain.contract_reasons import Reason
from tasks.settings import PREFIX, Settings

HERE = Path(__file__).parent
FLOWS = ("monitor", "evaluate", "retrain", "shadow", "promote")
STAGES = (
    "ingest", "quality", "camera", "drift", "watch", "outliers", "flicker", "serving", "kpi", "segments",
    "estimate", "evaluate",
    "concept", "export", "curate", "retrain", "shadow", "promote", "alert",
)  # fmt: skip
UNITS = {
    "minutes": "min", "hours": "h", "seconds": "s", "ms": "ms", "mb": "MiB", "px": "px", "imgsz": "px", "bits": "bits",
    "levels": "grey levels", "images": "images", "windows": "windows", "scenes": "scenes", "labels": "images",
    "instances": "objects", "golden": "images", "recent": "images", "unlabelled": "images", "batch": "images",
    "epochs": "epochs", "freeze": "layers", "ratio": "times", "breaches": "windows", "week": "trainings",
    "examples": "values", "workers": "objects", "hour": "images", "degrees": "degrees", "baseline": "images",
}  # fmt: skip
"""The unit that the last word of a field's name stands for."""

BESIDE = {
    "S3_PORT": "Port of the embedded S3 server (`evergreen up`)",
    "MLFLOW_PORT": "Port of the embedded MLflow server",
    "PREFECT_PORT": "Port of the embedded Prefect server",
    "PAGES_PORT": "Port of the pages and metrics",
    "PROJECT": "Folder with `prefect.yaml`; set by `evergreen up` for the workers and used in `prefect.yaml` itself",
    "DEBUG": "Set to anything: a command that fails shows the whole traceback",
}
"""Variables that are read beside the settings."""


def page(path: Path) -> str:
    """The page with every generated part made again; what stands between the markers is thrown away.

    Raises:
        ValueError: the page lacks the markers of a part, or has them twice.
    """
    text = path.read_text(encoding="utf-8")
    for name, make in PAGES[path.name].items():
        pattern, made = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", make()
        text, found = re.subn(pattern, lambda m, made=made: f"{m[1]}\n{made}\n{m[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"{path.name} must have the markers of {name!r} once, found {found}")
    return text


def settings() -> str:
    """One row a variable that `tasks/settings.py` reads."""
    rows = [
        (f"`{PREFIX}{name.upper()}`", _default(field), "yes" if _secret(field) else "", field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("Variable", "Default", "Secret", "What it is"), rows)


def beside() -> str:
    """One row a variable that is read elsewhere."""
    return table(("Variable", "What it is"), [(f"`{PREFIX}{name}`", text) for name, text in BESIDE.items()])


def rules() -> str:
    """A section for every stage's rules with the flow parameters that take them, and one for sampling."""
    places = where()
    found = [_class(stage, "Rules") for stage in STAGES]
    blocks = [_section(model, ", ".join(f"`{place}`" for place in places[model.__name__])) for model in found]
    blocks.append(_section(_class("capture", "SamplingRules"), "`Capture(sampling=SamplingRules(…))` in the service"))
    return "\n\n".join(blocks)


def where() -> dict[str, list[str]]:
    """Name of a rules class -> `flow: parameter` of every flow that takes it."""
    found: dict[str, list[str]] = {}
    for name in FLOWS:
        flow = getattr(importlib.import_module(f"flows.{name}"), name)
        for parameter, kind in typing.get_type_hints(flow.fn).items():
            if inspect.isclass(kind) and issubclass(kind, BaseModel) and parameter != "return":
                found.setdefault(kind.__name__, []).append(f"{name}: {parameter}")
    return found


def fields(model: type[BaseModel]) -> str:
    """One row a field of a record that other programs write."""
    rows = [
        (f"`{field.alias or name}`", "yes" if field.is_required() else "", field.description or "")
        for name, field in model.model_fields.items()
    ]
    return table(("Field", "Required", "What it is"), rows)


def reasons() -> str:
    """One row a reason for quarantine."""
    return table(("Reason", "What happened"), [(f"`{reason.value}`", reason.sentence) for reason in Reason])


def metrics() -> str:
    """One row a metric."""
    rows = [
        (f"`{m.name}`", "counter" if m.counter else "gauge", ", ".join(f"`{label}`" for label in m.labels), m.help)
        for m in CATALOGUE.values()
    ]
    return table(("Metric", "Type", "Labels", "Meaning"), rows)


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def _section(model: type[BaseModel], place: str) -> str:
    rows = [
        (f"`{name}`", _default(field), _range(field), _unit(name, field), field.description or "")
        for name, field in model.model_fields.items()
    ]
    body = table(("Field", "Default", "Allowed", "Unit", "What it says"), rows)
    return f"### {model.__name__}\n\nIn {place}.\n\n{body}"


def _class(stage: str, ending: str) -> type[BaseModel]:
    module = importlib.import_module(f"tasks.{stage}.rules")
    found = [
        each
        for name, each in vars(module).items()
        if name.endswith(ending) and inspect.isclass(each) and each.__module__ == module.__name__
    ]
    (model,) = found
    return typing.cast("type[BaseModel]", model)


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ("", (), {}):
        return "empty"
    return f"`{value}`" if not isinstance(value, bool) else f"`{str(value).lower()}`"


def _secret(field: FieldInfo) -> bool:
    return SecretStr in set(_types(field.annotation))


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in typing.get_args(annotation):
        yield from _types(inner)


def _range(field: FieldInfo) -> str:
    signs = {"gt": "> {}", "ge": "≥ {}", "lt": "< {}", "le": "≤ {}"}
    limits = [
        signs[name].format(f"{limit:g}" if isinstance(limit, float) else limit)
        for name in signs
        for each in field.metadata
        if (limit := getattr(each, name, None)) is not None
    ]
    return ", ".join(limits)


def _unit(name: str, field: FieldInfo) -> str:
    """The unit by the field's last word; a number that is at most 1 is a share."""
    share = any(getattr(each, "le", None) == 1 or getattr(each, "lt", 2) <= 1 for each in field.metadata)
    if share and float in set(_types(field.annotation)):
        return "0..1"
    return UNITS.get(name.rpartition("_")[2], "")


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "configuration.md": {"settings": settings, "beside": beside, "rules": rules},
    "data-contract.md": {
        "prediction": partial(fields, PredictionRecord),
        "detection": partial(fields, Detection),
        "latency": partial(fields, Latency),
        "label": partial(fields, LabelRecord),
        "object": partial(fields, LabelObject),
        "reasons": reasons,
    },
    "signals.md": {"metrics": metrics},
}
"""Page -> generated part -> what makes it."""

if __name__ == "__main__":
    for name in PAGES:
        (HERE / name).write_text(page(HERE / name), encoding="utf-8")

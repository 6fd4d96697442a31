"""From `evergreen export` to findings about the file that production runs: real weights, a real ONNX, fakes around."""

import hashlib
from types import SimpleNamespace

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, numpy_helper

import tasks.export.task as exporting
from tasks import connections
from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.yolo import protocol
from tasks.adapters.yolo_export import export_file as exporting_file
from tasks.adapters.yolo_load import sha256_of
from tasks.domain.errors import ConfigError, ContractError, NotFound, UnsafeModel
from tasks.domain.finding import Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.protocol import Format
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.snapshot import TableRef
from tasks.export.rules import ExportRules

CLASSES = ("zeta", "alpha")
RULES = ExportRules(min_images=5)
BARE = dict.fromkeys(("box", "polygon", "corners", "keypoints"))
"""An object of which nothing is known: a row of a manifest has every field."""


class World:
    """One version with its labelled images; bucket, tables and MLflow are folders and lists."""

    def __init__(self, folder, made):
        self.folder, self.made, self.shown = folder, made, []
        url = f"sqlite:///{folder}/ledger.db"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        rows = (*made.plan.train, *made.plan.val)
        self.paths = {row.sha256: row.path for row in rows}
        self.table = pa.table(
            {
                "image_id": [f"i{i}" for i in range(len(rows))],
                "session": [f"s{i}" for i in range(len(rows))],
                "key": [row.sha256 for row in rows],
                "sha256": [row.sha256 for row in rows],
                "objects": [
                    [{**BARE, "class_id": o.class_id, "box": list(o.box)} for o in row.objects] for row in rows
                ],
            }
        )
        self.ref = self.book.versions.add(
            ModelRef(name="m", sha256=made.result.sha256, uri="s3://b/w", kind=Kind.DETECT, classes=CLASSES, imgsz=64,
                     version=1), "first",
        )  # fmt: skip
        self.sets = (("recent", TableRef(uri="s3://b/t", schema="datasets", rows=12, digest="d" * 64)),)

    def put_file(self, key, path, kind):
        (self.folder / hashlib.sha256(key.encode()).hexdigest()).write_bytes(path.read_bytes())

    def uri(self, key):
        return f"s3://b/{key}"

    def file(self, export):
        key = export.uri.removeprefix("s3://b/")
        return self.folder / hashlib.sha256(key.encode()).hexdigest()

    def log_export(self, name, version, export, path):
        self.shown.append((version, export.form.value, sha256_of(path)))

    def fetch(self, key, sha256=""):
        return self.paths[key]

    def read(self, ref):
        return self.table

    def evaluated(self):
        used = protocol(64, 0.001, 0.7, 16, "cpu")
        return evaluation(self.ref, score(self.ref, [], []), "recent", "d" * 64, used)

    def findings(self, rules=RULES):
        return exporting.check_export.fn(self.ref, self.sets, self.evaluated(), rules)


@pytest.fixture(scope="module")
def exported_once(tmp_path_factory):
    """`export_file` itself, asked once for each file: every test here begins with the same weights."""
    folder, made = tmp_path_factory.mktemp("exported"), {}

    def export_file(model, form, imgsz, target, half=False):
        asked = (model.sha256, form, imgsz, half)
        if asked not in made:
            kept = folder / f"{len(made)}.{form.value}"
            made[asked] = kept, exporting_file(model, form, imgsz, kept, half)
        kept, sha256 = made[asked]
        target.write_bytes(kept.read_bytes())
        return sha256

    return export_file


@pytest.fixture
def world(tmp_path, detector, monkeypatch, exported_once):
    made = World(tmp_path, detector)
    monkeypatch.setattr(exporting, "export_file", exported_once)
    cache = AnswerCache(tmp_path / "answers", 2**26)
    for name, thing in (
        ("ledger", made.book), ("store", made), ("tables", made), ("images", made), ("registry", made),
        ("answers", cache), ("settings", SimpleNamespace(device="cpu")),
    ):  # fmt: skip
        for module in (exporting, connections):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    for module in (exporting, connections):
        monkeypatch.setattr(module, "weights", lambda ref: detector.result.weights)
        monkeypatch.setattr(module, "exported_file", made.file)
    yield made
    made.book.close()


def test_the_exported_file_is_kept_by_its_hash_shown_and_passes(world):
    assert world.findings() == ()  # production runs the weights
    exporting.note_deployed("m", Format.ONNX, "kim")
    (nothing,) = world.findings()
    assert nothing.outcome is Outcome.INCONCLUSIVE and "evergreen export m" in nothing.note

    export = exporting.make_export(world.ref, Format.ONNX, "kim")
    assert sha256_of(world.file(export)) == export.sha256
    assert any(each.startswith("onnxruntime==") for each in export.versions)
    assert exporting.make_export(world.ref, Format.ONNX, "kim") == export
    assert world.book.exports.of("m", world.ref.sha256) == {Format.ONNX: export}
    assert set(world.shown) == {(1, "onnx", export.sha256)}

    kept, alike = world.findings()
    assert (kept.outcome, alike.check, alike.limit) != (Outcome.BREACH, "", None)
    assert abs(kept.value or 0) < 0.01
    scored = world.book.evaluations.latest("m", world.ref.sha256, "recent-onnx")
    assert scored is not None and (scored.n, scored.conditions["format"]) == (12, "onnx")


def test_a_file_that_answers_otherwise_is_a_breach(world, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.parity, "USUAL", 0.002)  # two epochs make a model that is sure of nothing
    export = exporting.make_export(world.ref, Format.ONNX, "kim")
    model = onnx.load(world.file(export))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 4:
            tensor.CopyFrom(numpy_helper.from_array(-2 * numpy_helper.to_array(tensor), tensor.name))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(model.SerializeToString())
    brought = exporting.bring_export(world.ref, Format.ONNX, broken, "kim")
    assert world.book.exports.of("m", world.ref.sha256)[Format.ONNX] == brought
    found = world.findings(ExportRules(min_images=5, deployed=Format.ONNX))
    assert Outcome.BREACH in {each.outcome for each in found}
    assert all(each.check == "parity" for each in found)


def test_bytes_that_were_replaced_in_the_bucket_are_never_run(world):
    export = exporting.make_export(world.ref, Format.ONNX, "kim")
    world.file(export).write_bytes(b"something else")
    with pytest.raises(UnsafeModel, match="hash_mismatch"):
        world.findings(ExportRules(deployed=Format.ONNX))


def test_an_empty_set_says_nothing(world):
    exporting.make_export(world.ref, Format.ONNX, "kim")
    world.table = world.table[:0]
    found = world.findings(ExportRules(deployed=Format.ONNX))
    assert {each.outcome for each in found} == {Outcome.INCONCLUSIVE}
    assert all(each.note for each in found)


def test_files_that_are_not_of_this_version_are_not_brought(world, tmp_path):
    with pytest.raises(NotFound):
        exporting.bring_export(world.ref, Format.ONNX, tmp_path / "none.onnx", "kim")
    export = exporting.make_export(world.ref, Format.ONNX, "kim")
    model = onnx.load(world.file(export))
    next(entry for entry in model.metadata_props if entry.key == "imgsz").value = "[96, 96]"
    other = tmp_path / "other.onnx"
    other.write_bytes(model.SerializeToString())
    with pytest.raises(UnsafeModel, match="exported for 96 px"):
        exporting.bring_export(world.ref, Format.ONNX, other, "kim")
    with pytest.raises(ConfigError, match="export to onnx"):
        exporting.make_export(world.ref, Format.PT, "kim")


def test_an_evaluation_without_conditions_is_no_protocol_to_follow(world):
    exporting.make_export(world.ref, Format.ONNX, "kim")
    old = SimpleNamespace(conditions={})
    with pytest.raises(ContractError, match="evaluate again"):
        exporting.check_export.fn(world.ref, world.sets, old, ExportRules(deployed=Format.ONNX))


def test_answers_of_both_files_are_numbers(world):
    exporting.make_export(world.ref, Format.ONNX, "kim")
    found = world.findings(ExportRules(min_images=5, deployed=Format.ONNX))
    assert all(each.value is None or np.isfinite(each.value) for each in found)

"""A data schema: proposed from healthy windows, edited and accepted by a person, held against every window."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import connections
from tasks.adapters.expectations import ask
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.cli.main import app
from tasks.domain.errors import ConfigError, ContractError, NotFound
from tasks.domain.expectation import Severity
from tasks.domain.finding import Finding, Outcome
from tasks.domain.snapshot import Claim, Snapshot, table_note
from tasks.domain.window import Window
from tasks.quality import accepted as keeping
from tasks.quality import task as quality
from tasks.quality.accepted import accept, acceptances, current, propose, version
from tasks.quality.anomalies import Accepted, named, schema_findings, schema_suite
from tasks.quality.differences import differences
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.infer import Healthy, infer
from tasks.quality.rules import QualityRules
from tasks.quality.schema import Bounds, ClassSchema, DataSchema, Severities
from tasks.quality.schema_file import digest, read, written
from tests.fakes.healthy_source import CLASSES, PLANTED, Row, rows, tables
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, facts, finding, verdict, window

HOURS = [window(number) for number in range(6)]


def healthy(number: int, images: int = 240) -> Healthy:
    return Healthy(window=HOURS[number], frames=frames(*tables(rows(HOURS[number], number, images)), HOURS[number]))


@pytest.fixture(scope="module")
def schema() -> DataSchema:
    return infer(MODEL, [healthy(number) for number in range(6)], CLASSES)[0]


def found(schema: DataSchema, given: Sequence[Row], hour: Window = HOURS[0]) -> tuple[Finding, ...]:
    """Everything that the schema says of these rows."""
    accepted = Accepted(schema=schema, version=3, digest="d")
    shown = frames(*tables(list(given)), hour)
    answers = ask(shown, tuple(schema_suite(schema, shown))).answers
    return (*named(of_answers(answers, 3), accepted), *schema_findings(accepted, shown, hour, CLASSES))


def not_ok(answered: Sequence[Finding]) -> set[str]:
    return {f.check for f in answered if f.outcome is not Outcome.OK}


def test_what_was_seen_is_proposed_with_slack(schema: DataSchema) -> None:
    assert set(schema.cameras) == {"a", "b", "c"}
    assert schema.cameras["c"].sizes == ("1280x720",)
    rate = schema.cameras["a"].images_per_hour
    assert rate is not None and rate.low < 96 < (rate.high or 0)
    assert schema.formats == ("jpeg",)
    assert schema.classes["crack"].share == pytest.approx(0.6, abs=0.05)
    floor = schema.numbers["detections.confidence"]
    assert floor.low == pytest.approx(0.23, abs=0.01) and floor.high == 1.0
    assert schema.presence["images.session"] == pytest.approx(0.6, abs=0.07)
    assert "images.site" not in schema.presence
    assert schema.undecided == {}


@pytest.mark.parametrize("seed", range(100, 104))
def test_healthy_data_of_the_same_source_keep_it(schema: DataSchema, seed: int) -> None:
    answered = found(schema, rows(HOURS[0], seed))
    assert not_ok(answered) == set()
    assert len(answered) > 10


@pytest.mark.parametrize("seed", range(200, 240))
def test_cameras_and_classes_of_healthy_data_never_fire_however_few_images(schema: DataSchema, seed: int) -> None:
    """Without great-expectations, so that there may be many draws; all of it is measured in `benchmarks`."""
    images = 20 + 11 * (seed - 200)
    shown = frames(*tables(rows(HOURS[0], seed, images)), HOURS[0])
    answered = schema_findings(Accepted(schema=schema, version=1, digest="d"), shown, HOURS[0], CLASSES)
    assert {f.check for f in answered if f.outcome is Outcome.BREACH} == set()
    if 160 <= images <= 400:
        assert not_ok(answered) == set()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_anomaly_is_found_and_names_the_version(schema: DataSchema, name: str) -> None:
    change, check = PLANTED[name]
    answered = found(schema, change(rows(HOURS[0], 7)))
    assert check in not_ok(answered)
    assert all(f.note.endswith("(data schema v3)") for f in answered)


def test_a_class_that_was_never_seen_is_an_anomaly_with_examples(schema: DataSchema) -> None:
    two = [
        {**r, "detections": [d for d in r["detections"] if d["class_id"] < 2]}
        for n in range(6)
        for r in rows(HOURS[n], n)
    ]
    narrow, notes = infer(MODEL, [Healthy(window=HOURS[0], frames=frames(*tables(two), HOURS[0]))], CLASSES)
    assert (narrow.classes["stain"].share, notes["classes", "stain"]) == (0.0, "never seen")
    third = [{**r, "detections": [{**d, "class_id": 2} for d in r["detections"]]} for r in rows(HOURS[0], 9)[:40]]
    [stain] = [f for f in found(narrow, [*rows(HOURS[0], 8)[:60], *third]) if f.slice == "class=stain"]
    assert (stain.check, stain.outcome) == ("schema_classes", Outcome.BREACH)
    removed = narrow.model_copy(update={"classes": {name: narrow.classes[name] for name in ("crack", "pore")}})
    [one] = [f for f in found(removed, third) if f.slice == "class=stain"]
    assert one.outcome is Outcome.BREACH and "9-" in one.note


def test_skew_and_volume_are_warnings_until_a_person_says_otherwise(schema: DataSchema) -> None:
    change, check = PLANTED["the rare class everywhere"]
    given = change(rows(HOURS[0], 7))
    assert {f.outcome for f in found(schema, given) if f.check == check} == {Outcome.INCONCLUSIVE}
    strict = schema.model_copy(update={"severity": Severities(shares=Severity.CRITICAL)})
    assert Outcome.BREACH in {f.outcome for f in found(strict, given) if f.check == check}


@pytest.mark.parametrize("images", [0, 3, 12])
def test_from_too_little_nothing_is_proposed_and_it_says_what_is_missing(images: int) -> None:
    small, _ = infer(MODEL, [healthy(0, images)] if images else [], CLASSES)
    assert {"images", "classes"} <= set(small.undecided)
    assert (small.classes, small.numbers, small.formats) == ({}, {}, ())
    undecided = {f.subject: f for f in found(small, rows(HOURS[0], 5)) if f.check == "schema"}
    assert undecided["classes"].outcome is Outcome.INCONCLUSIVE
    assert "of 50 objects seen" in undecided["classes"].note


def test_an_empty_window_keeps_no_schema(schema: DataSchema) -> None:
    assert {f.outcome for f in found(schema, [])} == {Outcome.INCONCLUSIVE}


def test_the_file_says_what_was_seen_and_reads_back_as_the_same_schema() -> None:
    schema, notes = infer(MODEL, [healthy(number) for number in range(4)], CLASSES)
    text = written(schema, notes)
    assert read(text) == schema
    assert "an hour in 4 windows" in text and "# Every camera that may send images; empty: any camera" in text
    assert yaml.safe_load(text)["model"] == MODEL
    assert digest(read(text)) == digest(schema)


ODD = [
    "no",
    "1.5",
    "a: b",
    "#x",
    "- y",
    "line\u2028x",
    "\u202eright",
    "'",
    '"',
    "{a}",
    "&b",
    "*c",
    "!d",
    "null",
    "\U0001f331",
    "a\nb",
]


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_names_come_back_whatever_characters_they_have(name: str) -> None:
    schema = DataSchema(model=name, classes={name: ClassSchema(share=0.5)}, formats=(name,))
    assert read(written(schema, {("classes", name): name})) == schema


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "valid dictionary"),
        ("[1, 2]", "valid dictionary"),
        ("model: [", "not a readable YAML"),
        ("\x00", "not a readable YAML"),
        ("model: a\nmodel: b", "'model' occurs twice"),
        ("model: a\ncameras: {x: {}, x: {}}", "'x' occurs twice"),
        ("a: &x [1]\nb: *x", "anchors"),
        ("model: !!python/object/apply:os.system ['true']", "tags"),
        ("model: a\nformat: 2", "format"),
        ("model: a\nnumbers: {images.objects: {low: 2, high: 1}}", "low 2.0 is above high 1.0"),
        ("model: a\nnumbers: {images.objects: {low: .nan}}", "finite"),
        ("model: a\nclasses: {x: {share: 1.5}}", "classes.x.share"),
        ("model: a\ncamera: {}", "camera"),
        ("model: a\nseverity: {cameras: panic}", "severity.cameras"),
        ("x" * (1 << 21), "at most"),
        ("[" * 900_000, "nested deeper"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_schema_is_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        read(text)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
@settings(max_examples=150, deadline=None)
def test_any_file_is_a_schema_or_refused(text: str | bytes) -> None:
    with suppress(ContractError):
        assert isinstance(read(text), DataSchema)


def test_differences_are_named_by_place_and_little_ones_left_out(schema: DataSchema) -> None:
    other = schema.model_copy(
        update={
            "formats": ("jpeg", "png"),
            "numbers": {**schema.numbers, "images.objects": Bounds(low=0, high=99)},
            "classes": {**schema.classes, "crack": ClassSchema(share=0.61, slack=schema.classes["crack"].slack)},
        }
    )
    assert {d.place for d in differences(schema, other)} == {"formats", "numbers.images.objects.high"}
    assert {d.place for d in differences(schema, other, little=0)} >= {"classes.crack.share"}
    assert differences(schema, schema) == ()


def classified(given: list[Row]) -> list[Row]:
    """The same images from a model that answers with the probability of every class."""
    found = []
    for row in given:
        best = row["detections"][0]["class_id"] if row["detections"] else 0
        ranked = [best, *(c for c in range(3) if c != best)]
        answers = [
            {"class_id": c, "confidence": p, "box": None} for c, p in zip(ranked, (0.8, 0.15, 0.05), strict=True)
        ]
        found.append({**row, "kind": "classify", "detections": answers})
    return found


def test_a_model_that_classifies_is_held_to_its_most_probable_class() -> None:
    seen = [Healthy(window=HOURS[n], frames=frames(*tables(classified(rows(HOURS[n], n))), HOURS[n])) for n in range(4)]
    schema, _ = infer(MODEL, seen, CLASSES)
    assert schema.classes["crack"].share == pytest.approx(0.65, abs=0.06)
    assert "detections.confidence" not in schema.numbers
    assert not_ok(found(schema, classified(rows(HOURS[0], 77)))) == set()
    stain = [{"class_id": 2, "confidence": 0.9, "box": None}]
    only = [{**row, "detections": stain} for row in classified(rows(HOURS[0], 78))]
    assert "schema_shares" in not_ok(found(schema, only))


class Plant:
    """A model with judged windows in a ledger and a bucket."""

    def __init__(self, folder: Path) -> None:
        self.bucket = MemoryStore()
        self.url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(self.url)
        self.book = Ledger.open(self.url)
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]
        bootstrap(self.book)

    def judged(self, number: int, outcome: Outcome = Outcome.OK) -> None:
        claim = self.claim(number)
        snapshot = self.snapshot(claim, rows(HOURS[number], number))
        kept = replace(
            facts(snapshot.listed),
            catalog=snapshot.catalog,
            artifacts={"predictions": table_note(snapshot.predictions)},
        )
        self.book.windows.commit(claim, verdict(finding(outcome=outcome)), kept)

    def claim(self, number: int) -> Claim:
        claim = self.book.windows.claim(MODEL, HOURS[number], "test")
        assert claim is not None
        return claim

    def snapshot(self, claim: Claim, given: list[Row]) -> Snapshot:
        catalog, predictions = tables(given)
        place = f"{claim.window.start:%H}-{len(given)}.parquet"
        return Snapshot(
            claim=claim, catalog=self.tables.write(catalog, "catalog", f"c-{place}"),
            predictions=self.tables.write(predictions, "predictions", f"p-{place}"),
            listed=len(given), accepted=len(given), quarantined=0,
        )  # fmt: skip


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    for module in (connections, keeping, quality):
        for name, thing in (("ledger", plant.book), ("store", plant.bucket), ("tables", plant.tables)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    monkeypatch.setattr(keeping, "classes_of", lambda model: CLASSES)
    monkeypatch.setattr(quality, "classes_of", lambda model: CLASSES)
    yield plant
    plant.book.close()


def test_only_healthy_windows_are_learnt_from_and_the_newest_of_them(plant: Plant) -> None:
    for number, outcome in enumerate([Outcome.OK, Outcome.OK, Outcome.BREACH, Outcome.OK]):
        plant.judged(number, outcome)
    assert propose(MODEL, 2)[0].made_from.windows == (str(HOURS[1]), str(HOURS[3]))
    assert propose(MODEL, 9)[0].made_from.windows == tuple(str(HOURS[n]) for n in (0, 1, 3))


def test_of_very_large_windows_a_fixed_part_is_learnt_from_and_their_volume_is_still_known(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        plant.judged(number)
    whole, _ = propose(MODEL, 9)
    monkeypatch.setattr(keeping, "PIECE", 120)
    monkeypatch.setattr(TableStore, "read", None)  # a table of a million rows does not fit
    part, _ = propose(MODEL, 9)
    assert part.made_from.images < 0.65 * whole.made_from.images
    assert part.presence.keys() == whole.presence.keys(), "that rows were drawn is nothing that windows have"
    for name, camera in whole.cameras.items():
        rates = (camera.images_per_hour, part.cameras[name].images_per_hour)
        assert all(rates)
        assert [rate.high for rate in rates if rate] == pytest.approx([rates[0].high if rates[0] else 0] * 2, rel=0.35)


def test_a_model_without_a_healthy_window_or_reference_has_nothing_to_learn_from(plant: Plant) -> None:
    with pytest.raises(NotFound, match="neither a healthy window nor a pinned reference"):
        propose(MODEL, 5)


def test_without_healthy_windows_the_pinned_reference_is_learnt_from(plant: Plant) -> None:
    import pyarrow as pa

    from tasks.domain.tables import REFERENCES

    given = [{**row, "sha256": "ab", "dhash": "0", "embedding": [0.0]} for row in rows(HOURS[0], 1)]
    ref = plant.tables.write(pa.Table.from_pylist(given, schema=REFERENCES), "references", "r.parquet")
    champion = plant.book.promotions.champion(MODEL)
    assert champion is not None
    number = plant.book.references.pin(MODEL, champion.sha256, ref, "ada", "healthy")
    schema, _ = propose(MODEL, 5)
    assert (schema.made_from.reference, schema.made_from.windows) == (number, ())
    assert schema.cameras["c"].sizes == ("1280x720",) and schema.cameras["c"].images_per_hour is None
    assert "cameras.c.images_per_hour" in schema.undecided


def test_every_window_is_held_against_the_accepted_schema_and_the_ledger_says_who_accepted_it(plant: Plant) -> None:
    for number in range(4):
        plant.judged(number)
    before = quality.check_quality.fn(plant.snapshot(plant.claim(4), rows(HOURS[4], 4)), QualityRules())
    assert not [f for f in before.report.findings if f.check.startswith("schema_")]
    proposed = read(written(*propose(MODEL, 9)))
    assert accept(proposed, "ada", "a good day").version == 1
    held = quality.check_quality.fn(plant.snapshot(plant.claim(5), rows(HOURS[5], 5)), QualityRules())
    assert held.report.outcome is Outcome.OK
    assert {"schema_cameras", "schema_sizes", "schema_volume", "schema_shares", "schema_numbers"} <= {
        f.check for f in held.report.findings
    }
    [key] = [key for key in plant.bucket.objects if "/windows/" in key and "/quality-" in key and "T05" in key]
    kept = json.loads(plant.bucket.objects[key])
    assert kept["images"]["success"] is True
    assert "expect_column_values_to_be_in_set" in {
        each["expectation_config"]["type"] for each in kept["objects"]["results"]
    }
    [row] = [row for row in plant.book.decisions.list(MODEL) if row.kind == "data_schema"]
    assert (row.actor, row.payload["reason"]) == ("ada", "a good day")
    plant.book.decisions.verify()


def test_versions_are_counted_and_the_same_schema_is_accepted_once(plant: Plant) -> None:
    first, second = (DataSchema(model=MODEL, formats=(name,)) for name in ("jpeg", "png"))
    numbers = [accept(each, "ada", "why").version for each in (first, first, second, first)]
    assert numbers == [1, 1, 2, 3]
    assert [each.by for each in acceptances(MODEL)] == ["ada"] * 3
    assert version(MODEL, 2).schema == second
    here = current(MODEL)
    assert here is not None and (here.version, here.schema) == (3, first)


@pytest.mark.parametrize(
    ("change", "by", "error"),
    [({}, " ", "a name and a reason"), ({"numbers": {"images.speed": Bounds(low=1)}}, "ada", "'images.speed'"),
     ({"presence": {"users.name": 0.5}}, "ada", "'users.name'")],
)  # fmt: skip
def test_nobody_accepts_nothing_and_columns_must_exist(
    plant: Plant, change: dict[str, Any], by: str, error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        accept(DataSchema(model=MODEL, **change), by, "why")
    assert acceptances(MODEL) == []


def test_a_schema_for_a_model_that_nobody_knows_is_refused(plant: Plant) -> None:
    with pytest.raises(NotFound, match="no model 'other'"):
        accept(DataSchema(model="other"), "ada", "why")


@pytest.mark.parametrize("left", [None, b"model: welds\nformats: [gif]\n", b"{"])
def test_a_schema_file_that_was_removed_or_changed_is_not_health(plant: Plant, left: bytes | None) -> None:
    accept(DataSchema(model=MODEL, formats=("jpeg",)), "ada", "why")
    [key] = [key for key in plant.bucket.objects if "/schemas/" in key]
    plant.bucket.delete(key) if left is None else plant.bucket.put(key, left)
    report = quality.check_quality.fn(plant.snapshot(plant.claim(0), rows(HOURS[0], 0)), QualityRules()).report
    assert report.outcome is Outcome.INCONCLUSIVE
    assert [f.check for f in report.findings if f.outcome is Outcome.INCONCLUSIVE] == ["schema"]


def test_a_person_infers_edits_accepts_and_compares_on_the_command_line(
    plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        plant.judged(number)
    file = tmp_path / "schema.yaml"

    def answer(*words: str) -> Any:
        assert app([*words, "--json"], exit_on_error=False, result_action="return_value") == 0
        return json.loads(capsys.readouterr().out)

    assert answer("quality-infer", MODEL, "--out", str(file))["schema"]["formats"] == ["jpeg"]
    accepting = ("quality-accept", str(file), "--by", "ada", "--reason", "a good day")
    assert answer(*accepting)["version"] == 1
    assert answer("quality-diff", MODEL) == []
    file.write_text(file.read_text().replace("formats: [jpeg]", "formats: [jpeg, png]"))
    assert answer(*accepting)["version"] == 2
    assert answer("quality-diff", MODEL) == [{"place": "formats", "v2": ["jpeg", "png"], "now": ["jpeg"]}]
    between = answer("quality-diff", MODEL, "--before", "1", "--after", "2")
    assert between == [{"place": "formats", "v1": ["jpeg"], "v2": ["jpeg", "png"]}]
    shown = answer("quality-show", MODEL)
    assert [each["by"] for each in shown["versions"]] == ["ada", "ada"]
    assert shown["schema"]["formats"] == ["jpeg", "png"]


def test_the_commands_answer_people_too(plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def say(*words: str) -> str:
        assert app(list(words), exit_on_error=False, result_action="return_value") == 0
        return capsys.readouterr().out

    assert "nobody accepted a data schema" in say("quality-show", MODEL)
    for number in range(3):
        plant.judged(number)
    text = say("quality-infer", MODEL)
    assert read(text).model == MODEL
    (tmp_path / "s.yaml").write_text(text)
    assert "data schema v1" in say("quality-accept", str(tmp_path / "s.yaml"), "--by", "ada", "--reason", "ok")
    assert "say the same" in say("quality-diff", MODEL)
    assert "ada" in (told := say("quality-show", MODEL)) and "cameras:" in told

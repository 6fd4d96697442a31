"""A store that misbehaves is asked again; bytes that cannot be trusted are never handed out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import exceptions as foreign

from tasks.adapters import objects_read
from tasks.adapters.objects import ObjectStore
from tasks.adapters.objects_errors import translated
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import (
    ConfigError,
    EvergreenError,
    NotFound,
    ObjectRejected,
    Permanent,
    StoreUnavailable,
    Transient,
)
from tests.fakes.faulty_s3 import FaultyS3

BODY = bytes(range(256)) * 400


@pytest.fixture
def server() -> Iterator[FaultyS3]:
    server = FaultyS3(BODY)
    yield server
    server.close()


@pytest.fixture
def store(server: FaultyS3) -> ObjectStore:
    return ObjectStore(
        bucket="b", endpoint=server.endpoint, region="us-east-1", access_key="a" * 16, secret_key="s" * 16
    )


@pytest.mark.parametrize("faults", [["half"], ["half", "flip"], ["reset"], ["503"], ["flip", "half"]])
def test_a_fault_that_passes_is_not_noticed(
    server: FaultyS3, store: ObjectStore, faults: list[str], tmp_path: Path
) -> None:
    server.faults = [*faults]
    assert store.get("k") == BODY
    server.faults = [*faults]
    store.get_file("k", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY


def test_bytes_that_stay_damaged_are_refused(server: FaultyS3, store: ObjectStore, tmp_path: Path) -> None:
    server.faults = ["flip"] * 3
    with pytest.raises(ObjectRejected) as caught:
        store.get("k")
    assert caught.value.reason is Reason.CHECKSUM
    server.faults = ["flip"] * 3
    with pytest.raises(ObjectRejected):
        store.get_file("k", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_always_breaks_off_is_an_outage(server: FaultyS3, store: ObjectStore) -> None:
    server.faults = ["half"] * 3
    with pytest.raises(StoreUnavailable):
        store.get("k")


def test_a_trickle_is_given_up_at_its_deadline(
    server: FaultyS3, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_read, "SHORTEST_DEADLINE", 0.05)
    monkeypatch.setattr(objects_read, "SLOWEST", 10**9)
    server.faults = ["trickle"] * 3
    with pytest.raises(ObjectRejected) as caught:
        store.get("k")
    assert caught.value.reason is Reason.FETCH_TIMEOUT


def test_a_refusal_is_not_asked_again(server: FaultyS3, store: ObjectStore) -> None:
    server.faults = ["403"] * 5
    with pytest.raises(ConfigError, match="refused"):
        store.get("k")
    assert server.requests == 1


def test_what_is_missing_is_not_found(server: FaultyS3, store: ObjectStore) -> None:
    server.faults = ["404"]
    with pytest.raises(NotFound):
        store.get("k")


def test_one_bad_object_of_many_does_not_stop_the_others(server: FaultyS3, store: ObjectStore) -> None:
    server.faults = ["404"]
    answers = list(store.get_many(["a", "b", "c"], workers=1))
    assert [key for key, _ in answers] == ["a", "b", "c"]
    assert sorted(type(answer).__name__ for _, answer in answers) == ["NotFound", "bytes", "bytes"]


def test_a_reader_that_stops_early_leaves_no_reads_behind(server: FaultyS3, store: ObjectStore) -> None:
    answers = store.get_many((str(number) for number in range(10_000)), workers=2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert server.requests <= 8


def test_writes_say_what_their_bytes_must_be(server: FaultyS3, store: ObjectStore) -> None:
    store.put("k", b"data", "text/plain")
    assert server.received == [b"data"]


def test_nobody_listening_is_an_outage() -> None:
    nobody = ObjectStore(
        bucket="b", endpoint="http://127.0.0.1:9", region="us-east-1", access_key="a" * 16, secret_key="s" * 16
    )
    with pytest.raises(StoreUnavailable):
        nobody.exists("k")


def test_an_address_that_is_none_is_a_matter_of_configuration() -> None:
    wrong = ObjectStore(bucket="b", endpoint="not a url", region="us-east-1", access_key="a", secret_key="s")
    with pytest.raises(ConfigError, match="not a url"):
        wrong.probe()


def test_addresses_of_other_buckets_are_refused(store: ObjectStore) -> None:
    assert store.key_of(store.uri("a/../b")) == "a/../b"
    with pytest.raises(ConfigError):
        store.key_of("s3://other/key")


FOREIGN = sorted(
    (
        value
        for value in vars(foreign).values()
        if isinstance(value, type) and issubclass(value, foreign.BotoCoreError | foreign.ClientError)
    ),
    key=lambda each: each.__name__,
)


@pytest.mark.parametrize("kind", FOREIGN, ids=[each.__name__ for each in FOREIGN])
def test_every_exception_of_the_client_becomes_one_of_ours(kind: type[Exception]) -> None:
    error = translated(
        kind.__new__(kind) if issubclass(kind, foreign.BotoCoreError) else _client_error(500, "x"), "asking"
    )
    assert isinstance(error, Transient | Permanent)


def _client_error(status: int, code: str) -> foreign.ClientError:
    return foreign.ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SlowDown", StoreUnavailable),
        (500, "InternalError", StoreUnavailable),
        (400, "RequestTimeout", StoreUnavailable),
        (200, "InternalError", StoreUnavailable),
        (404, "NoSuchKey", NotFound),
        (404, "NoSuchBucket", ConfigError),
        (403, "RequestTimeTooSkewed", ConfigError),
        (401, "", ConfigError),
        (400, "InvalidArgument", ConfigError),
    ],
)
def test_answers_of_the_store_are_sorted_by_who_can_mend_them(
    status: int, code: str, kind: type[EvergreenError]
) -> None:
    assert type(translated(_client_error(status, code), "asking")) is kind


def test_tries_are_apart_by_a_random_time_that_grows(
    server: FaultyS3, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(objects_read.time, "sleep", pauses.append)
    server.faults = ["half", "half"]
    assert store.get("k") == BODY
    assert len(pauses) == 2
    draws = [[objects_read.pause(tries) for _ in range(200)] for tries in (1, 2, 3, 20)]
    tops = [max(each) for each in draws]
    assert tops == sorted(tops) and tops[-1] <= objects_read.LONGEST_PAUSE
    assert min(map(min, draws)) >= 0
    assert len({round(each, 6) for each in draws[0]}) > 100, "readers must not come back together"


def test_a_store_that_is_busy_is_asked_again_after_a_pause(
    server: FaultyS3, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain read is thrown off, and so is the client once: the client waits, then succeeds."""
    pauses: list[float] = []
    monkeypatch.setattr(objects_read.time, "sleep", pauses.append)
    server.faults = ["503", "503"]
    assert store.get("k") == BODY
    assert server.requests == 3
    assert len(pauses) == 1


def test_a_sound_object_costs_one_request(server: FaultyS3, store: ObjectStore) -> None:
    assert store.get("a key/with + odd%signs") == BODY
    assert server.requests == 1

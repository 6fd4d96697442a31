import stat
from pathlib import Path

import pytest

from tasks import settings
from tasks.domain.errors import ConfigError
from tasks.stack import state as remembered
from tasks.stack.home import Home, addresses, write_privately
from tasks.stack.ports import PREFERRED
from tasks.stack.processes import Identity
from tasks.stack.state import State


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(path=tmp_path / "home")
    home.create()
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_may_look_into_the_home_and_its_secrets(home: Home) -> None:
    home.remember({"EVERGREEN_S3_SECRET_KEY": "secret"})
    assert mode(home.path) == 0o700
    assert mode(home.env_file) == 0o600


def test_an_existing_open_home_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    Home(path=folder).create()
    assert mode(folder) == 0o700


def test_the_env_file_is_what_settings_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    written = home.remember(addresses(home, PREFERRED))
    found = settings.load({"EVERGREEN_HOME": str(home.path)})
    assert found.s3_endpoint == "http://127.0.0.1:8333"
    assert found.prefect_url == "http://127.0.0.1:4200/api"
    assert found.pages_url == "http://127.0.0.1:9464"
    assert found.ledger_url == f"sqlite:///{home.path}/ledger.db"
    assert found.s3_secret_key is not None
    assert found.s3_secret_key.get_secret_value() == written["EVERGREEN_S3_SECRET_KEY"]


def test_the_key_pair_is_drawn_once_and_kept(home: Home) -> None:
    first = home.remember(addresses(home, PREFERRED))
    again = home.remember(addresses(home, {**PREFERRED, "s3": 9999}))
    assert again["EVERGREEN_S3_ACCESS_KEY"] == first["EVERGREEN_S3_ACCESS_KEY"]
    assert again["EVERGREEN_S3_SECRET_KEY"] == first["EVERGREEN_S3_SECRET_KEY"]
    assert again["EVERGREEN_S3_ENDPOINT"] == "http://127.0.0.1:9999"
    assert len(first["EVERGREEN_S3_ACCESS_KEY"]) >= 16


def test_two_homes_never_share_keys(tmp_path: Path) -> None:
    keys = {
        addresses(Home(path=tmp_path / name), PREFERRED)["EVERGREEN_S3_SECRET_KEY"] for name in ("one", "two", "three")
    }
    assert len(keys) == 3


def test_variables_that_a_person_added_are_kept(home: Home) -> None:
    home.remember(addresses(home, PREFERRED))
    with home.env_file.open("a", encoding="utf-8") as file:
        file.write('EVERGREEN_ALERT_URLS=["json://localhost"]\n')
    assert home.remember(addresses(home, PREFERRED))["EVERGREEN_ALERT_URLS"] == '["json://localhost"]'


def test_port_overrides_are_known_variables_and_no_settings(home: Home) -> None:
    home.remember(addresses(home, PREFERRED))
    settings.load({"EVERGREEN_HOME": str(home.path), "EVERGREEN_S3_PORT": "9000", "EVERGREEN_PROJECT": "/somewhere"})


def test_the_home_is_the_variable_else_a_folder_here() -> None:
    assert Home.find({"EVERGREEN_HOME": "/somewhere/else"}).path == Path("/somewhere/else")
    assert Home.find({}).path == Path.cwd() / ".evergreen"


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="EVERGREEN_HOME"):
        Home(path=tmp_path / "file" / "home").create()


def test_replacing_a_file_leaves_no_draft_behind(tmp_path: Path) -> None:
    write_privately(tmp_path / "file", "one")
    write_privately(tmp_path / "file", "two")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "two"


def test_the_state_comes_back_as_it_was_written(home: Home) -> None:
    state = State(
        token="t",
        ports={"s3": 1},
        processes={"s3": Identity(pid=1, created=2.5, launch="x")},
        paused=("cpu",),
        deployed="d",
    )
    remembered.write(home.state_file, state)
    assert remembered.read(home.state_file) == state


def test_a_process_can_be_forgotten() -> None:
    state = State(token="t").with_process("s3", Identity(pid=1, created=2.0))
    assert state.with_process("s3", None).processes == {}


def test_every_new_state_has_its_own_token(tmp_path: Path) -> None:
    assert remembered.read(tmp_path / "none").token != remembered.read(tmp_path / "none").token


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"token": "t"}', "not json"])
def test_a_damaged_state_is_a_sentence_not_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        remembered.read(path)

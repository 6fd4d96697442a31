import socket

import pytest

from tasks.domain.errors import ConfigError
from tasks.stack import ports


def test_a_first_start_takes_the_preferred_ports() -> None:
    assert ports.choose({}, {}, is_free=lambda port: True) == ports.PREFERRED


def test_a_strangers_port_is_left_to_the_stranger() -> None:
    chosen = ports.choose({}, {}, is_free=lambda port: port not in {5000, 5001})
    assert chosen["mlflow"] == 5002


def test_a_remembered_port_is_taken_again_even_when_the_preferred_one_is_free() -> None:
    assert ports.choose({"prefect": 4207}, {}, is_free=lambda port: True)["prefect"] == 4207


def test_a_running_process_keeps_all_its_ports_without_asking_whether_they_are_free() -> None:
    remembered = {name: port + 7 for name, port in ports.PREFERRED.items()}
    chosen = ports.choose(remembered, {}, running={"s3"}, is_free=lambda port: port not in remembered.values())
    assert {name for name in chosen if chosen[name] == remembered[name]} == {
        name for name in ports.PREFERRED if ports.owner(name) == "s3"
    }


def test_no_port_is_given_out_twice() -> None:
    chosen = ports.choose({"mlflow": 8333, "volume": 9333}, {}, is_free=lambda port: True)
    assert len(set(chosen.values())) == len(ports.PREFERRED)


def test_a_busy_override_is_refused_with_its_variable() -> None:
    with pytest.raises(ConfigError, match=r"port 5555 for mlflow is busy.*EVERGREEN_MLFLOW_PORT"):
        ports.choose({}, {"mlflow": 5555}, is_free=lambda port: port != 5555)


def test_an_override_of_a_running_process_asks_for_down_first() -> None:
    with pytest.raises(ConfigError, match="evergreen down"):
        ports.choose({"pages": 9464}, {"pages": 9000}, running={"pages"})


@pytest.mark.parametrize("text", ["80", "70000", "abc", "-1", "8333 "])
def test_an_override_must_be_a_port(text: str) -> None:
    with pytest.raises(ConfigError, match="EVERGREEN_S3_PORT"):
        ports.overrides({"EVERGREEN_S3_PORT": text})


def test_overrides_come_from_the_four_variables_only() -> None:
    assert ports.overrides({"EVERGREEN_PAGES_PORT": "9000", "EVERGREEN_MASTER_PORT": "1"}) == {"pages": 9000}


def test_a_listening_socket_makes_its_port_busy_and_closing_frees_it() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not ports.free(port)
    assert ports.free(port)

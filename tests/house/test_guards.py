"""The guards around the tests themselves."""

import socket

import pytest
import redis

from tests.conftest import SocketLeftTheMachine


def test_a_test_cannot_reach_another_machine() -> None:
    with socket.socket() as client, pytest.raises(SocketLeftTheMachine, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))


def test_a_test_can_reach_this_machine() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()

        client.connect(server.getsockname())

        assert client.getpeername() == server.getsockname()


def test_the_private_valkey_answers_on_its_own_socket(valkey: str) -> None:
    path = valkey.removeprefix("redis+socket://").split("?")[0]

    with redis.Redis(unix_socket_path=path) as client:
        assert client.config_get("port") == {"port": "0"}

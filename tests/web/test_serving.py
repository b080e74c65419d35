"""The socket that a service listens on."""

import socket

from mereo.web.serving import listening_socket


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """asyncio turns the delay off on connections of sockets that it knows for TCP by their protocol."""
    with listening_socket("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.proto == socket.IPPROTO_TCP

"""dlt645: answers of meters on RS-485, as its client takes them."""

from functools import cache

from dlt645.protocol.protocol import DLT645Protocol
from dlt645.service.clientsvc.client_service import MeterClientService
from dlt645.transport.client.tcp_client import TcpClient
from loguru import logger

from ..jobs import Job, Reader


@cache
def _client() -> MeterClientService:
    """Return a client that is not connected: making one takes longer than a stream."""
    logger.remove()  # it logs each frame
    return MeterClientService(TcpClient("localhost", 1))


def client(job: Job) -> Reader:
    """Return the client as it takes answers of the meter of a stream."""
    asking = _client()
    asking.address = bytes.fromhex(job.telegrams[0]).lstrip(b"\xfe")[1:7]

    def read(chunk: bytes) -> int:
        _, frame = DLT645Protocol.deserialize_with_remaining(chunk)
        item = frame and asking.handle_response(frame)
        return int(item is not None)

    return read


WAYS = {"": client}

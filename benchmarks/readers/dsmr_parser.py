"""dsmr_parser: P1 telegrams of DSMR 5."""

from dsmr_parser import telegram_specifications
from dsmr_parser.clients.telegram_buffer import TelegramBuffer
from dsmr_parser.parsers import TelegramParser

from ..jobs import Job, Reader


def parser(job: Job) -> Reader:
    """Return its buffer and parser, as its clients join them."""
    buffer, telegrams = TelegramBuffer(), TelegramParser(telegram_specifications.V5)

    def read(chunk: bytes) -> int:
        buffer.append(chunk.decode("ascii"))
        return sum(len(list(telegrams.parse(text, throw_ex=True))) for text in buffer.get_all())

    return read


WAYS = {"": parser}

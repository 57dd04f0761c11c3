"""dlms-cosem: an HDLC frame with a ciphered notification, layer by layer."""

from dlms_cosem.hdlc.frames import UnnumberedInformationFrame
from dlms_cosem.protocol.xdlms import DataNotification, GeneralGlobalCipher
from dlms_cosem.utils import parse_as_dlms_data

from ..jobs import Job, Reader

_LLC = 3  # bytes


def layers(job: Job) -> Reader:
    """Return a reader; a list counts as many readings as it has elements."""
    key, auth_key = bytes.fromhex(job.key), bytes.fromhex(job.auth_key)

    def read(chunk: bytes) -> int:
        frame = UnnumberedInformationFrame.from_bytes(chunk)
        sealed = GeneralGlobalCipher.from_bytes(frame.payload[_LLC:])
        notification = DataNotification.from_bytes(sealed.to_plain_apdu(key, auth_key))
        return len(parse_as_dlms_data(notification.body))

    return read


WAYS = {"": layers}

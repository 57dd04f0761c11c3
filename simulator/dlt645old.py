"""A meter of DL/T 645-1997: identifiers of two bytes, and passwords without an operator."""

from dataclasses import dataclass, field
from datetime import datetime

from .dlt645 import BROADCAST
from .dlt645wire import Asked, bcd, fits, frame, seconds
from .household import Household
from .registers import rescale

_NO_DATA, _NO_PASSWORD = b"\x02", b"\x04"
_ANSWER, _REFUSAL = 0x80, 0xC0


@dataclass
class Meter1997:
    """One of them; at any address of open digits, and at the broadcast, it answers readers."""

    address: str
    home: Household
    password: str = "000000"
    away: bool = False
    written: dict[str, bytes] = field(default_factory=dict)

    def answer(self, asked: Asked, when: datetime) -> bytes:
        """Return the frame that answers; nothing where this meter was not meant."""
        meant = asked.address == BROADCAST or fits(asked.address, self.address)
        if not meant or asked.control not in (0x01, 0x04):
            return b""
        di, rest = asked.data[:2], asked.data[2:]
        name = di[::-1].hex().upper()
        if asked.control == 0x04:
            if rest[1:4][::-1].hex() != self.password:
                return frame(self.address, _REFUSAL | asked.control, _NO_PASSWORD)
            self.written[name] = rest[4:]
            return frame(self.address, _ANSWER | asked.control, b"")
        found = self.written.get(name) or self._read(name, when)
        if found is None:
            return frame(self.address, _REFUSAL | asked.control, _NO_DATA)
        return frame(self.address, _ANSWER | asked.control, di + found)

    def _read(self, di: str, when: datetime) -> bytes | None:
        now = self.home.at(when)
        night, day = (rescale(energy, -1) for energy in now.tariffs_import)
        rates = [bcd(value, 4) for value in (rescale(now.energy_import, -1), 0, day, 0, night)]
        sold = bcd(rescale(now.energy_export, -1), 4)
        volts = [bcd(phase.voltage // 10, 2) for phase in now.phases]
        amps = [bcd(abs(phase.current) // 10, 2) for phase in now.phases]
        power = bcd(10 * (now.active_import - now.active_export), 3)
        values = {
            "901F": b"".join(rates),
            **{f"901{rate}": value for rate, value in enumerate(rates)},
            "9020": sold,
            "B61F": b"".join(volts),
            **{f"B61{phase}": value for phase, value in enumerate(volts, 1)},
            "B62F": b"".join(amps),
            **{f"B62{phase}": value for phase, value in enumerate(amps, 1)},
            "B630": power,
            "C010": bcd(when.isoweekday() % 7, 1) + seconds(when)[3:],
            "C011": seconds(when)[:3],
            "C032": bytes.fromhex(self.address)[::-1],
        }
        return values.get(di)

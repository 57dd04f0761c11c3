"""What a meter calls itself: / maker(3) speed, options, identification CR LF."""

from dataclasses import dataclass
import re
from typing import Final

from ...sign_on import START

MODE_C: Final = dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True))
"""Speed of an acknowledgement -> bit/s; the meter waits for one (IEC 62056-21, 6.3.2)."""
MODE_B: Final = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
"""The same without an acknowledgement: the meter changes by itself."""
_LETTERS: Final = {speed: letter for letter, speed in MODE_C.items()}

LINE: Final = re.compile(rb"/([A-Za-z]{3})([ -.0-~])((?:\\[ -~])*+)([ -.0-~]{0,40})[\r\n]*+(?<=\n)")


@dataclass(frozen=True, slots=True)
class Identification:
    """maker is its FLAG id, baud the character of its speed; text is all of it, without the /."""

    maker: str
    baud: str
    options: str
    model: str
    text: str

    @property
    def waits(self) -> bool:
        """Tell whether the meter waits to be acknowledged: modes C and E."""
        return self.baud in MODE_C

    @property
    def speed(self) -> int:
        """Return the speed it offers, bit/s; where it names none it stays where it is."""
        return (MODE_C | MODE_B).get(self.baud, START)

    @property
    def hdlc(self) -> bool:
        """Tell whether it can go on in HDLC: mode E."""
        return self.waits and "\\2" in self.options


def parse(line: bytes) -> Identification | None:
    """Read an identification; None for anything else."""
    if not (match := LINE.fullmatch(line)):
        return None
    maker, baud, options, model = (group.decode("ascii") for group in match.groups())
    return Identification(maker, baud, options, model.strip(), line[1:].decode("ascii").strip())


def letter(speed: int) -> str:
    """Return the character by which an acknowledgement asks for a speed, 0 for an odd one."""
    return _LETTERS.get(speed, "0")

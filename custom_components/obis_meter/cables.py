"""USB cables that say of themselves that they are for electricity meters.

Most adapters and reading heads show nothing but the name of their converter chip
(FTDI, CP210x, CH340, PL2303), which is in thousands of other devices too. Only a
cable whose own name tells what it is for is offered. The manifest repeats these
rows, in the form in which Home Assistant matches devices.
"""

from dataclasses import dataclass
from typing import Final

SERVICE: Final = "_iostream._tcp.local."
"""What ser2net 4.3 and later announces for each port that it shares (derive_mdns_type)."""


@dataclass(frozen=True, slots=True)
class Cable:
    """A kind of cable: its USB vendor, and a pattern of its product name.

    source says where those facts are from.
    """

    vid: str
    product: str
    source: str

    @property
    def usb(self) -> dict[str, str]:
        """Return the row of the manifest by which it is found at this machine."""
        return {"vid": self.vid, "description": self.product}

    @property
    def zeroconf(self) -> dict[str, object]:
        """Return the row of the manifest by which it is found at a ser2net in the network."""
        properties = {"idVendor": self.vid.lower(), "product": self.product}
        return {"type": SERVICE, "properties": properties}


CABLES: Final = (
    Cable(
        vid="0403",
        product="p1*cable*",
        source=(
            "P1 Converter Cable (Smartmeterdashboard and others; FTDI FT232R, 0403:6001): udev"
            " names it usb-FTDI_P1_Converter_Cable_P1XZ6U1M and usb-FTDI_P1_CABLE; Victron's"
            " serial-starter knows the same ID_MODEL"
        ),
    ),
)

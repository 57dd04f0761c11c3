"""When a meter holds back what its PIN would open."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.obis_meter.metering.pin import CERTAIN, PinWatch
from simulator.meters import METERS, meter

from .captures import CAPTURED, Capture, keys_of
from .hearing import telegrams

WITHOUT = {
    "sml/HOLLEY_DTZ541-BDBA_without_PIN",
    "sml/ISKRA_MT631-D2A51-V22-K0z_without_PIN",
    "sml/eBZ_DD3_DD3BZ06DTA-SMZ1_without_PIN",
    "sml/smllib_frames_Frame1",
    "simulator/sml-no-pin",
}
OF_SML = [capture for capture in CAPTURED if capture.link == "sml" and capture.count]


def watched(name: str, count: int, watch: PinWatch | None = None) -> PinWatch:
    """Return what a watch thinks of a software meter after some telegrams."""
    start = datetime(2026, 6, 2, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    one, watch = meter(name, start), watch or PinWatch()
    for n in range(count):
        for raw in one.telegrams(start + n * timedelta(seconds=2)):
            device = METERS[name].device
            capture = Capture(name, device.link, (), keys=keys_of(device))
            for telegram in telegrams(capture, raw):
                watch.note(telegram.readings)
    return watch


def test_it_takes_several_telegrams_to_be_certain() -> None:
    assert not watched("sml-no-pin", CERTAIN - 1).missing
    assert watched("sml-no-pin", CERTAIN).missing


def test_one_telegram_with_everything_is_enough_to_be_content() -> None:
    watch = watched("sml-no-pin", CERTAIN + 3)
    assert not watched("sml", 1, watch).missing
    assert not watched("sml-no-pin", CERTAIN - 1, watch).missing


@pytest.mark.parametrize("name", [name for name in METERS if name != "sml-no-pin"])
def test_no_other_meter_is_suspected(name: str) -> None:
    assert not watched(name, 3 * CERTAIN).missing


@pytest.mark.parametrize("capture", OF_SML, ids=[capture.name for capture in OF_SML])
def test_a_telegram_tells_whether_the_pin_was_entered(capture: Capture) -> None:
    watch = PinWatch()
    for _ in range(CERTAIN):
        for telegram in telegrams(capture.link, capture.raw):
            watch.note(telegram.readings)
    assert watch.missing == (capture.name in WITHOUT)

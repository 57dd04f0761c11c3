"""The nouns: what they print is what they read."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.links import LINKS, Link
from custom_components.obis_meter.metering.model import LineSettings, ObisCode

GROUP = st.integers(0, 255)


@settings(derandomize=True)
@given(st.builds(ObisCode, GROUP, GROUP, GROUP, GROUP, GROUP, GROUP))
def test_a_code_reads_what_it_prints(code: ObisCode) -> None:
    assert ObisCode.parse(str(code)) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1-0:1.8.0", (1, 0, 1, 8, 0, 255)),
        ("1-0:1.8.0*255", (1, 0, 1, 8, 0, 255)),
        ("1-0:1.8.0*01", (1, 0, 1, 8, 0, 1)),
        ("1-0:1.8.0&2", (1, 0, 1, 8, 0, 2)),
        ("1-0:1.8.0*0", (1, 0, 1, 8, 0, 0)),
        ("1.8.0", (1, 0, 1, 8, 0, 255)),
        ("1.8", (1, 0, 1, 8, 0, 255)),
        ("0.9.1", (0, 0, 0, 9, 1, 255)),
        ("96.1.0", (0, 0, 96, 1, 0, 255)),
        ("C.1.0", (0, 0, 96, 1, 0, 255)),
        ("F.5.0", (0, 0, 97, 5, 0, 255)),
        ("L.1.0", (0, 0, 98, 1, 0, 255)),
        ("P.99.0", (0, 0, 99, 99, 0, 255)),
        ("0-1:24.2.1", (0, 1, 24, 2, 1, 255)),
        ("255-255:255.255.255*254", (255, 255, 255, 255, 255, 254)),
    ],
)
def test_a_code_may_leave_groups_out(text: str, code: tuple[int, ...]) -> None:
    assert ObisCode.parse(text) == ObisCode(*code)


@pytest.mark.parametrize(
    "text",
    [
        *("", "F.F", "0001", "1", "1-0:1.8.256", "300-0:1.8.0", "1-0:", "1-0:1.8.0*", "CC.1.0"),
        *("1C.1.0", "C1.1.0", "X.1.0", "1-0:1.8.0 ", "1.8.0.0.0", "-1.8.0", "1-0:1.8.0*256"),
        "0-0:c.1.0",
    ],
)
def test_anything_else_is_no_code(text: str) -> None:
    assert ObisCode.parse(text) is None


def test_history_and_channel_tell_codes_apart() -> None:
    codes = ("1-0:1.8.0", "1-0:1.8.0*1", "1-1:1.8.0", "0-0:1.8.0", "1-0:1.8.1")
    assert len({ObisCode.parse(text) for text in codes}) == len(codes)


LINES = st.builds(
    LineSettings,
    st.sampled_from((300, 2400, 9600, 115_200, 1_000_000)),
    st.sampled_from((7, 8)),
    st.sampled_from(("N", "E", "O")),
    st.sampled_from((1, 2)),
    st.sampled_from(("none", "rtscts", "xonxoff")),
)


@settings(derandomize=True)
@given(LINES)
def test_line_settings_read_what_they_print(line: LineSettings) -> None:
    assert LineSettings.parse(str(line)) == line
    assert LineSettings.parse(str(line).lower().replace(" ", "_")) == line


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_the_lines_of_every_link_can_be_typed(link: Link) -> None:
    assert all(LineSettings.parse(str(line)) == line for line in link.lines)


def test_line_settings_print_the_usual_short_form() -> None:
    assert str(LineSettings(2400, parity="E")) == "2400 8E1"
    assert str(LineSettings(9600, 7, "E", flow_control="xonxoff")) == "9600 7E1 xonxoff"
    assert LineSettings.parse("  2400   8n1 ") == LineSettings(2400)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2400", "8N1", "2400 9N1", "2400 8X1", "2400 8N3", "24 8N1", "2400 8N1 dtr"),
        *("2400 8N1 8N1", "fast 8N1", "-2400 8N1", "12345678 8N1", "2400 8N1 rtscts xonxoff"),
    ],
)
def test_anything_else_is_no_line(text: str) -> None:
    with pytest.raises(ValueError, match="2400 8N1"):
        LineSettings.parse(text)

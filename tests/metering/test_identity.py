"""Who a meter says it is."""

import pytest

from custom_components.obis_meter.metering.identity import (
    Identity,
    describe,
    meter_id,
    readable,
    server_id,
)
from custom_components.obis_meter.metering.model import ObisCode, Reading, Telegram


def said(code: str, text: str) -> Reading:
    parsed = ObisCode.parse(code)
    assert parsed
    return Reading(parsed, text)


@pytest.mark.parametrize(
    ("sent", "printed"),
    [
        ("7359990000001234", "7359990000001234"),
        ("4530303939303030303030303031323334", "E0099000000001234"),
        ("31534147303030303030313233340000", "1SAG0000001234"),
        ("  10001234\0\0", "10001234"),
        ("0901444E5401", "0901444E5401"),
        ("ABC", "ABC"),
        ("00000000", None),
        ("0000000000000000", None),
        ("   ", None),
        ("\0\0", None),
        ("", None),
    ],
)
def test_an_id_is_as_printed_on_the_meter(sent: str, printed: str | None) -> None:
    assert readable(sent) == printed


def test_the_best_id_is_the_device_id() -> None:
    both = [said("0-0:42.0.0", "LDN1234"), said("0-0:96.1.0", "device")]
    assert meter_id(both) == "device"
    assert meter_id(both[:1]) == "LDN1234"


@pytest.mark.parametrize(
    "code", ["0-0:96.1.0", "0-0:96.1.1", "1-1:0.0.5", "1-0:0.0.0", "0-0:42.0.0"]
)
def test_an_id_stands_under_one_of_several_codes(code: str) -> None:
    assert meter_id([said(code, "A1")]) == "A1"


def test_a_blank_id_gives_way_to_the_next() -> None:
    assert meter_id([said("0-0:96.1.0", "0000000000"), said("0-0:96.1.1", "A1")]) == "A1"


@pytest.mark.parametrize("code", ["0-1:96.1.0", "0-0:96.1.0*1", "1-0:1.8.0"])
def test_the_id_of_a_sub_meter_is_not_the_meter_s(code: str) -> None:
    assert meter_id([said(code, "A1")]) is None


@pytest.mark.parametrize(
    ("ident", "maker", "model"),
    [
        ("AIDON_V0001", "Aidon", None),
        ("Kamstrup_V0001", "Kamstrup", None),
        ("EMBRIQ_V1_1", "Landis+Gyr", None),
        ("KFM_001", "Kaifa", None),
        ("ISk5\\2M550T-1012", "Iskraemeco", "M550T-1012"),
        ("KFM5KAIFA-METER", "Kaifa", "KAIFA-METER"),
        ("Ene5\\XS210 ESMR 5.0", "Sagemcom", "XS210 ESMR 5.0"),
        ("KAM5", "Kamstrup", None),
        ("ZZZ5unheard", None, "unheard"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_the_identification_names_maker_and_model(
    ident: str | None, maker: str | None, model: str | None
) -> None:
    found = describe(Telegram((), ident=ident))
    assert (found.maker, found.model if ident != "KFM_001" else None) == (maker, model)


def test_a_type_register_is_better_than_the_identification() -> None:
    telegram = Telegram(
        (said("0-0:96.1.7", "6525"), said("1-0:0.2.0", "1.2")), "A1", None, "ADN9 6534"
    )
    assert describe(telegram) == Identity("A1", "Aidon", "6525", "1.2")


def test_what_a_meter_leaves_out_stays_known() -> None:
    known = Identity("A1", "Aidon", None, "1.2")
    assert known.updated(Identity(model="6525", firmware="1.3")) == Identity(
        "A1", "Aidon", "6525", "1.3"
    )
    assert known.updated(Identity()) == known


@pytest.mark.parametrize(
    ("octets", "text", "maker", "number"),
    [
        ("0a01445a47000282225e", "1DZG0042082910", "DZG", 42082910),
        ("0a01484c5902000d6be6", "1HLY0200879590", "HLY", 879590),
        ("090149534b000403df63", "1ISK0067362659", "ISK", 67362659),
        ("06454d4801027156cd45", "06454d4801027156cd45", "EMH", None),
        ("01a815986480020102", "EMH02806498", "EMH", None),
        ("31303031313835", "1001185", None, None),
        ("3032323830383136", "02280816", None, None),
        ("080535342d510177", "080535342d510177", None, None),
        ("0a01000000000282225e", "0a01000000000282225e", None, None),
        ("01000098648002010a", "01000098648002010a", None, None),
        ("0a", "0a", None, None),
    ],
)
def test_the_id_of_an_sml_meter(
    octets: str, text: str, maker: str | None, number: int | None
) -> None:
    read = server_id(bytes.fromhex(octets))
    assert read
    assert (read.text, read.maker, read.number) == (text, maker, number)


@pytest.mark.parametrize("octets", [b"", bytes(10), b"00000000"])
def test_a_blank_id_of_an_sml_meter_is_none(octets: bytes) -> None:
    assert server_id(octets) is None


def test_an_sml_meter_tells_its_maker_and_firmware() -> None:
    telegram = Telegram((said("1-0:0.2.0*0", "1.02.007"),), "1HLY0200879590", ident="HLY")
    assert describe(telegram) == Identity("1HLY0200879590", "Holley", None, "1.02.007")

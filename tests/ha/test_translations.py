"""What every translation has in common with the English texts, and that it is one."""

from collections import Counter
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "custom_components/obis_meter/translations"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "en")

ALIKE = {
    "da": "Data Firmware Interval Parameter Port Send data",
    "de": "Firmware Host Name Parameter Phase Port Text",
    "fr": "Action Message Octets Options Phase Port",
    "nb": "Data Parameter Port Send Tariff data",
    "nl": "Begin Firmware Host Interval Meter Meters Parameter Parameters Protocol",
    "sv": "Data Firmware Operation Parameter Port Tariff Text",
}
"""Words that are the same in English; a text of other words has to differ."""

PLACEHOLDER = re.compile(r"\{\w+\}")
NO_WORDS = re.compile(rf"{PLACEHOLDER.pattern}|\(.*\)|[\d\W_]")
"""What is the same in every language: placeholders, names of types in brackets, numbers."""

MARKS = re.compile(r"\*+|`|\]\(|\n(?:\d\. )?")
"""Emphasis, code, links, line breaks and the numbers of a list."""


def flat(tree: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with the path of its keys."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", value


def texts(language: str) -> dict[str, str]:
    """Return all texts of a language."""
    return dict(flat(json.loads((FOLDER / f"{language}.json").read_text())))


ENGLISH = texts("en")


def alike(text: str, language: str) -> bool:
    """Tell whether a text may be the same in English."""
    return set(NO_WORDS.sub(" ", text).split()) <= set(ALIKE.get(language, "").split())


def test_there_are_translations() -> None:
    assert {"da", "de", "fr", "nb", "nl", "sv", "zh-Hans"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_keys_are_those_of_english_in_the_same_order(language: str) -> None:
    assert list(texts(language)) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert [key for key, text in texts(language).items() if not text or text != text.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("marks", [PLACEHOLDER, MARKS], ids=["placeholders", "markdown"])
def test_what_is_no_word_stays(language: str, marks: re.Pattern[str]) -> None:
    lost = {
        key: text
        for key, text in texts(language).items()
        if Counter(marks.findall(text)) != Counter(marks.findall(ENGLISH[key]))
    }
    assert lost == {}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_no_placeholder_is_quoted(language: str) -> None:
    """An apostrophe beside a brace has Home Assistant show the braces themselves."""
    assert [key for key, text in texts(language).items() if re.search(r"'[{}]|[{}]'", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    left = {
        key: text
        for key, text in texts(language).items()
        if text == ENGLISH[key] and not alike(text, language)
    }
    assert left == {}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_a_file_is_written_as_english_is(language: str) -> None:
    written = (FOLDER / f"{language}.json").read_text()
    assert written == json.dumps(json.loads(written), ensure_ascii=False, indent=2) + "\n"

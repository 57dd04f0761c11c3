"""Check what the linters do not: translations, icons and manifest against the code and each other.

Exit status 1 and a line for each fault.
"""

from collections.abc import Iterator
from importlib.util import find_spec
import json
from pathlib import Path
import re
import struct
import sys
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "custom_components" / "obis_meter"
sys.path.insert(0, str(INTEGRATION))

from metering import catalogue, errors, flags  # noqa: E402

_BRAND = {"icon.png": 256, "icon@2x.png": 512, "dark_icon.png": 256, "dark_icon@2x.png": 512}
_ERRORS = re.compile(
    r'"((?:port|host|listen)_\w+|silent|broken|opaque|unreadable|not_answering'
    r"|(?:line|host|allowed)_invalid|nobody_answers|answers_garbled|meters_none"
    r'|head_\w+|interval_short|(?:address|query)_form|password_(?:computed|not_text))"'
)
_GARBLED = ("_fixed", "_fixed_tcp", "_like", "_like_tcp")
_NO_MISTAKES = (errors.Lock.NO_KEY, errors.Lock.REPLAY, errors.Lock.COUNTER_RESET)
_REFUSALS = re.compile(r'(?:RequestError|_invalid|_failed)\(\s*"(\w+)"')
_RULE = re.compile(r"^  ([a-z-]+):", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_HELP = re.compile(r"(?:obis-smart-meter|(docs/[a-z-]+\.md))#([a-z-]+)")


def faults() -> Iterator[str]:
    """Yield every fault found."""
    english = _read("translations/en.json")
    yield from _names(english)
    yield from _errors(english)
    yield from _exceptions(english)
    yield from _icons(english)
    yield from _quality_scale()
    yield from _documents()
    yield from _manifest()
    yield from _brand()


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((INTEGRATION / name).read_text())
    return content


def _names(english: dict[str, Any]) -> Iterator[str]:
    """Every register of the catalogue and every flag has a name, and no name is left over."""
    wanted = {"sensor": catalogue.keys(), "binary_sensor": flags.keys() | {"connectivity"}}
    for kind, keys in wanted.items():
        for key in sorted(keys ^ set(english["entity"][kind])):
            yield f"entity.{kind}.{key}: {'no name' if key in keys else 'names nothing'}"


def _exceptions(english: dict[str, Any]) -> Iterator[str]:
    """Every word for why an action was not done is explained."""
    code = "\n".join(path.read_text() for path in INTEGRATION.rglob("*.py"))
    for word in sorted(set(_REFUSALS.findall(code)) - set(english["exceptions"])):
        yield f"exceptions.{word}: missing"


def _errors(english: dict[str, Any]) -> Iterator[str]:
    """Every word for a failure that the code uses is explained."""
    code = "\n".join(path.read_text() for path in INTEGRATION.rglob("*.py"))
    known = english["config"]["error"]
    used = set(_ERRORS.findall(code)) | {mistake.value for mistake in errors.KeyMistake}
    used |= {f"garbled{kind}" for kind in ("", *_GARBLED)}
    used |= {lock.value for lock in errors.Lock if lock not in _NO_MISTAKES}
    for word in sorted(used - set(known)):
        yield f"config.error.{word}: missing"
    for word in sorted(set(known) - used):
        yield f"config.error.{word}: used nowhere"


def _icons(english: dict[str, Any]) -> Iterator[str]:
    for platform, icons in _read("icons.json")["entity"].items():
        for key in sorted(set(icons) - set(english["entity"][platform])):
            yield f"icons.json: {platform}.{key} is no entity"


def _quality_scale() -> Iterator[str]:
    """Every rule that Home Assistant's own integrations follow is done, or exempt with a reason."""
    core = find_spec("homeassistant")
    assert core
    assert core.origin
    theirs = Path(core.origin).parent.glob("components/*/quality_scale.yaml")
    wanted = {rule for path in theirs for rule in _RULE.findall(path.read_text())}
    ours = yaml.safe_load((INTEGRATION / "quality_scale.yaml").read_text())["rules"]
    for rule in sorted(wanted ^ set(ours)):
        yield f"quality_scale.yaml: {rule} {'is missing' if rule in wanted else 'is unknown'}"
    for rule, state in ours.items():
        reason = isinstance(state, dict) and state["status"] == "exempt" and state["comment"]
        if state != "done" and not reason and state["status"] != "done":
            yield f"quality_scale.yaml: {rule} is neither done nor exempt with a reason"


def _documents() -> Iterator[str]:
    """Every link between the pages, and from the code to them, leads somewhere."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    headings = {page: set(_anchors(page)) for page in pages}
    for page in pages:
        for file, anchor in _LINK.findall(page.read_text()):
            target = (page.parent / file).resolve() if file else page
            if not target.exists() or (anchor and anchor not in headings.get(target, set())):
                yield f"{page.relative_to(ROOT)}: {file}#{anchor} leads nowhere"
    for path in INTEGRATION.rglob("*.py"):
        for file, anchor in _HELP.findall(path.read_text()):
            if anchor not in headings.get(ROOT / (file or "README.md"), set()):
                yield f"{path.name}: {file}#{anchor} leads nowhere"


def _anchors(page: Path) -> Iterator[str]:
    """Return the names that the headings of a page get."""
    for heading in _HEADING.findall(page.read_text()):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _manifest() -> Iterator[str]:
    manifest = _read("manifest.json")
    keys = list(manifest)
    if keys != ["domain", "name", *sorted(keys[2:])]:
        yield "manifest.json: domain and name come first, then all in alphabetical order"
    if manifest["domain"] != INTEGRATION.name:
        yield "manifest.json: the domain is not the folder's name"
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    if not version or version[1] != manifest["version"]:
        yield "manifest.json and pyproject.toml name different versions"


def _brand() -> Iterator[str]:
    for name, size in _BRAND.items():
        header = (INTEGRATION / "brand" / name).read_bytes()[16:24]
        if struct.unpack(">II", header) != (size, size):
            yield f"brand/{name}: not {size} by {size}"


def main() -> int:
    """Print all faults."""
    found = list(faults())
    for fault in found:
        print(fault)
    print(f"integration files: {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

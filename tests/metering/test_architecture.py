"""What imports what, and how long anything may be."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "obis_meter"
MODULES = sorted((INTEGRATION / "metering").rglob("*.py"))
SOURCES = [
    path
    for folder in ("benchmarks", "custom_components", "simulator", "scripts")
    for path in (ROOT / folder).rglob("*.py")
]
TABLES = {"catalogue.py", "families.py", "identifiers.py"}

PURE = {
    *("collections", "dataclasses", "datetime", "decimal", "enum", "functools", "itertools"),
    *("binascii", "contextlib", "cryptography", "math", "operator", "re", "struct", "typing"),
}
"""All that metering/ may import; nothing of it does IO, or knows of Home Assistant."""

FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
FORBIDDEN_MODULES = ("homeassistant", "serialx", "serial", "asyncio", "socket", "ssl", "subprocess")

BYTES = {
    *("metering.links.hdlc", "metering.links.p1", "metering.links.sml"),
    *("metering.cosem", "metering.sml"),
}

LONGEST_MODULE, LONGEST_FUNCTION, USUAL_FUNCTION = 250, 40, 20  # lines


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(module: ast.Module) -> Iterator[str]:
    """Yield the top-level name of every absolute import."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(source), level=0):
                yield source.partition(".")[0]


def climbs_out(path: Path) -> bool:
    """Tell whether a relative import leaves metering/."""
    depth = len(path.relative_to(INTEGRATION / "metering").parts)
    nodes = ast.walk(tree(path))
    return any(isinstance(node, ast.ImportFrom) and node.level > depth for node in nodes)


def calls(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id=function)):
                yield function


def test_metering_is_pure() -> None:
    for path in MODULES:
        module = tree(path)
        assert set(imported(module)) <= PURE, path
        assert not set(calls(module)) & FORBIDDEN_CALLS, path
        assert not climbs_out(path), path


BLOCKED_IMPORT = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    sys.modules[name] = None
import metering
for found in pkgutil.walk_packages(metering.__path__, "metering."):
    importlib.import_module(found.name)
"""


def test_metering_can_be_imported_where_there_is_no_home_assistant() -> None:
    command = [sys.executable, "-c", BLOCKED_IMPORT, *FORBIDDEN_MODULES]
    run = subprocess.run(command, cwd=INTEGRATION, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_nothing_of_home_assistant_touches_links() -> None:
    """Only who listens for links knows them: bytes are the business of metering/."""
    for path in INTEGRATION.glob("*.py"):
        modules = {node.module for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)}
        assert not modules & BYTES, path.name


def test_modules_are_short() -> None:
    lengths = {
        name(path): len(path.read_text().splitlines())
        for path in SOURCES
        if path.name not in TABLES
    }
    assert not {module for module, length in lengths.items() if length > LONGEST_MODULE}


def functions() -> dict[str, int]:
    """Return how many lines every function has."""
    return {
        f"{name(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short() -> None:
    lengths = functions()
    too_long = {function for function, length in lengths.items() if length > LONGEST_FUNCTION}
    assert not too_long
    longish = {function for function, length in lengths.items() if length > USUAL_FUNCTION}
    assert len(longish) <= len(lengths) / 20, sorted(longish)

"""An environment of its own for each other package, in a folder that git ignores.

Some have licences or requirements that do not go with ours; none is a requirement of ours.
"""

from pathlib import Path
import shutil
import subprocess
import sys

ROOT = Path(__file__).parents[1]
_FOLDER = ROOT / ".bench"
_WHICH = "from importlib.metadata import version; import sys; print(version(sys.argv[1]))"


def python(package: str, *, update: bool = False) -> Path:
    """Return the interpreter that has a package, in its newest release when it was made."""
    return made(package, package, update=update)


def made(name: str, *packages: str, update: bool = False) -> Path:
    """Return the interpreter of an environment, with these packages when it was made."""
    folder = _FOLDER / name
    found, stamp = folder / "bin" / "python", folder / ".complete"
    if update or not stamp.exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(found), *packages)
        stamp.touch()
    return found


def version(package: str) -> str:
    """Return the release in the environment of a package."""
    command = [str(python(package)), "-c", _WHICH, package]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    subprocess.run([uv, *arguments], check=True)

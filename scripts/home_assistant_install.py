"""What a Home Assistant needs before it starts: its requirements and a configuration folder."""

import asyncio
from collections.abc import Iterable, Iterator
import contextlib
from importlib import metadata, util
import json
import os
from pathlib import Path
import shutil
import sys
from typing import Any

from scripts.child import ChildError

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = "obis_meter"
HOST = "127.0.0.1"

# Single integrations: default_config brings some fifty more, of which several
# want the internet, a Bluetooth radio or a compiler.
_CONFIGURATION = """\
homeassistant:
  name: Demo home
  language: en
  country: NL
  currency: EUR
  time_zone: Europe/Amsterdam
  latitude: 52.09
  longitude: 5.12
  unit_system: metric
frontend:
config:
api:
energy:
history:
logbook:
usb:
recorder:
  commit_interval: 1
logger:
  default: warning
  logs:
    custom_components.obis_meter: info
    haffmpeg: fatal  # looks for a program that nothing here needs
"""
_ENABLED = ("frontend", "config", "api", "energy", "history", "logbook", "usb", "recorder")
# Started by Home Assistant whether configured or not, besides all entity platforms;
# stream is imported as soon as a browser asks which actions there are.
_ALWAYS = ("backup", "hardware", "network", "person", "stream")

# Of its voice assistant and its cameras: without ready-made wheels, so installing
# them takes a compiler or a library of the system, and nothing here speaks or films.
# Home Assistant is told not to install them; what it imports instead is this.
_STAND_INS = {
    "av": ("av.py", ""),
    "pymicro-vad": ("pymicro_vad.py", "class MicroVad: ...\n"),
    "pyspeex-noise": ("pyspeex_noise.py", "class AudioProcessor: ...\n"),
    "PyTurboJPEG": ("turbojpeg.py", "class TurboJPEG: ...\n"),
}
SKIPPED = tuple(_STAND_INS)

# Stored as 2026.10 does; later versions migrate it.
_HTTP = {
    "server_host": [HOST],
    "cors_allowed_origins": [],
    "login_attempts_threshold": -1,
    "ip_ban_enabled": False,
    "ssl_profile": "modern",
    "use_x_frame_options": True,
    "created_at": "2026-01-01T00:00:00+00:00",
    "error": None,
    "error_message": None,
}


def write_stand_ins(folder: Path) -> None:
    """Write the modules that take the place of the packages in `SKIPPED`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _STAND_INS.values():
        (folder / name).write_text(text)


def write_configuration(config: Path, port: int) -> None:
    """Make `config` a folder that starts with all onboarding done but the user."""
    storage = config / ".storage"
    components = config / "custom_components"
    for folder in (storage, components):
        folder.mkdir(parents=True, exist_ok=True)
    (config / "configuration.yaml").write_text(_CONFIGURATION)
    if not (components / DOMAIN).is_symlink():
        (components / DOMAIN).symlink_to(ROOT / "custom_components" / DOMAIN)
    # `http:` in YAML is on its way out, and the port is to be ours from the start.
    stable = {**_HTTP, "server_port": port}
    http = {"stable": stable, "pending": None, "yaml_migration_done": True}
    _store(storage, "http", http, version=2, minor=2)
    if not (storage / "onboarding").exists():
        done = {"done": ["core_config", "analytics", "integration"]}
        _store(storage, "onboarding", done, version=4, minor=1)


async def install_requirements() -> None:
    """Install what Home Assistant would fetch at its first start, in one visible step."""
    wanted = _requirements([*_ENABLED, *_ALWAYS, *_platforms(), DOMAIN])
    missing = sorted(pin for pin in wanted if not _is_there(pin))
    if not missing:
        return
    print(
        f"installing {len(missing)} requirements of Home Assistant, once: {', '.join(missing)}",
        flush=True,
    )
    env = environment()
    uv = shutil.which("uv", path=env["PATH"]) or "uv"
    constraints = _components().parent / "package_constraints.txt"
    options = ["--quiet", "--python", sys.executable, "--constraint", str(constraints)]
    install = await asyncio.create_subprocess_exec(
        uv, "pip", "install", *options, *missing, env={**os.environ, **env}
    )
    try:
        if await install.wait():
            raise ChildError("uv could not install them; is the network up?")
    finally:
        if install.returncode is None:
            install.terminate()


def environment() -> dict[str, str]:
    """Let Home Assistant find uv, and a compiler the headers of an unpacked Python."""
    path = [str(Path(sys.executable).parent), str(ROOT / ".tools" / "bin"), os.environ["PATH"]]
    headers = ROOT / ".tools" / "python" / "usr" / "include"
    include = {"CPATH": str(headers)} if headers.is_dir() else {}
    network = {"UV_SYSTEM_CERTS": "1", "UV_HTTP_TIMEOUT": "180"}
    return {"PATH": os.pathsep.join(path), **network, **include}


def _requirements(domains: Iterable[str]) -> set[str]:
    """Collect the pins of integrations and of all that they depend on."""
    pins: set[str] = set()
    seen: set[str] = set()
    todo = list(domains)
    while todo:
        if (domain := todo.pop()) in seen:
            continue
        seen.add(domain)
        manifest = _manifest(domain)
        pins.update(manifest.get("requirements", ()))
        todo += (*manifest.get("dependencies", ()), *manifest.get("after_dependencies", ()))
    return pins


def _manifest(domain: str) -> dict[str, Any]:
    for folder in (ROOT / "custom_components", _components()):
        with contextlib.suppress(OSError):
            manifest: dict[str, Any] = json.loads((folder / domain / "manifest.json").read_bytes())
            return manifest
    return {}


def _platforms() -> Iterator[str]:
    """Name all entity platforms, without the seconds that importing them would take."""
    generated = _components().parent / "generated" / "entity_platforms.py"
    for line in generated.read_text().splitlines():
        if " = " in line:
            yield line.partition(' = "')[2].rstrip('"')


def _is_there(pin: str) -> bool:
    """Say whether a requirement is installed or to be left out."""
    name, _, version = pin.partition("==")
    with contextlib.suppress(metadata.PackageNotFoundError):
        return name in SKIPPED or metadata.version(name) == version
    return False


def _components() -> Path:
    spec = util.find_spec("homeassistant")
    if spec is None or spec.origin is None:
        raise ChildError("Home Assistant is not installed: run scripts/setup")
    return Path(spec.origin).parent / "components"


def _store(storage: Path, key: str, data: object, *, version: int, minor: int) -> None:
    content = {"version": version, "minor_version": minor, "key": key, "data": data}
    (storage / key).write_text(json.dumps(content, indent=2))

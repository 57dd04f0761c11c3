"""The pictures of the documentation, from the screenshots of a run."""

from typing import Final

from PIL import Image

from scripts.home_assistant_install import ROOT
from tests.e2e.stage import FOLDER

_IMAGES: Final = ROOT / "docs" / "images"
_BEST: Final = {"found-Iskraemeco M550T-1012": "found", "device": "device", "energy": "energy"}
_COLOURS: Final = 128  # a page of Home Assistant has few: a fifth of the size, nothing to see


def copy_best() -> None:
    """Copy them into docs/images, small."""
    for name, image in _BEST.items():
        with Image.open(FOLDER / "pictures" / f"{name}.png") as picture:
            few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
            few.save(_IMAGES / f"{image}.png", optimize=True)
            print(f"docs/images/{image}.png, {(_IMAGES / f'{image}.png').stat().st_size} bytes")

"""Hostile input: what is fed, what must hold, and the engine that looks for what does not."""

from pathlib import Path
import sys

sys.path.append(str(Path(__file__).parents[2] / "custom_components" / "obis_meter"))

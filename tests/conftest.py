"""Shared by all tests: the integration is importable before Home Assistant looks for it."""

import custom_components.obis_meter  # noqa: F401

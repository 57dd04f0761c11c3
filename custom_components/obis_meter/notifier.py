"""Tells readers of changed registers: each at most once in a time, the last change always."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .meter import Address

_EARLY: Final = 0.01  # seconds by which a timer may end before the time it was set to


class Notifier:
    """Spaces what readers are told: at once after a pause, otherwise at the end of the interval."""

    def __init__(self, hass: HomeAssistant, interval: float) -> None:
        """Tell each reader at most once in interval, in seconds; 0 is every change."""
        self._hass = hass
        self._interval = interval
        self._readers: dict[Address, list[CALLBACK_TYPE]] = {}
        self._told: dict[Address, float] = {}
        self._waiting: dict[Address, None] = {}
        self._cancel: CALLBACK_TYPE | None = None
        self._flushing: HassJob[[datetime], None] = HassJob(self._flush)

    def add(self, address: Address, reader: CALLBACK_TYPE) -> Callable[[], object]:
        """Tell reader of changes of one register, until the result is called."""
        readers = self._readers.setdefault(address, [])
        readers.append(reader)
        return partial(readers.remove, reader)

    def changed(self, addresses: Iterable[Address], *, at_once: bool = False) -> None:
        """Tell at once what was not told within the interval, and the rest at its end."""
        now = self._hass.loop.time()
        for address in addresses:
            told = self._told.get(address)
            if at_once or told is None or now - told > self._interval - _EARLY:
                self._tell(address, now)
            else:
                self._waiting[address] = None
        if self._waiting and not self._cancel:
            due = min(self._told[address] for address in self._waiting) + self._interval
            self._cancel = async_call_later(self._hass, max(due - now, 0), self._flushing)

    @callback
    def stop(self) -> None:
        """Tell nobody any more."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    @callback
    def _flush(self, _now: datetime) -> None:
        self._cancel = None
        waiting, self._waiting = self._waiting, {}
        self.changed(waiting)

    def _tell(self, address: Address, now: float) -> None:
        self._waiting.pop(address, None)
        if readers := self._readers.get(address):
            self._told[address] = now
            for reader in tuple(readers):
                reader()

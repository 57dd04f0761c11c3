"""Names shared by the parts of the integration."""

import logging
from typing import Final

DOMAIN: Final = "obis_meter"
LOGGER: Final = logging.getLogger(__package__)

CONF_PORT: Final = "port"  # the URL of the port; the system's serial page finds it under this key
CONF_LINE: Final = "line"  # line settings, "2400 8N1"
AUTO: Final = "auto"  # line settings that are found out by listening
CONF_EVIDENCE: Final = "evidence"  # what was heard when a meter was searched, without content
CONF_LINK: Final = "link"  # name of the link that the meter speaks
MODULE_LINK: Final = "rfc1662"  # what communication modules speak
BUS_LINK: Final = "dlt645"  # what meters that share an RS-485 line speak
HEAD_LINK: Final = "iec62056-21"  # what meters behind an optical head speak
CONF_ASK: Final = "ask"  # the owner agreed that the meters at a port are asked
CONF_KEY: Final = "key"  # encryption key, hex; nowhere but in the entry
CONF_AUTH_KEY: Final = "auth_key"  # authentication key, hex; likewise
CONF_IDENTITY: Final = "identity"  # what the meter said of itself when it was found

EVENT_COMMAND: Final = f"{DOMAIN}_command"  # on the bus: an action that changes a meter

RAW, RFC2217 = "socket", "rfc2217"  # schemes of ports of serial servers
LISTEN, LISTEN_UDP = "listen", "listen+udp"  # schemes of ports on which meters call in
PUSH_LINK: Final = "wrapper"  # what meters speak that push DLMS over TCP or UDP
CONF_TITLE: Final = "title"  # the system title with which a meter signs what it ciphers
CONF_ALLOWED: Final = "allowed"  # addresses and networks that may call
CONF_METER: Final = "meter"
CONF_METERS: Final = "meters"
SUBENTRY_METER: Final = "meter"  # one of several meters of an entry
CONF_ADDRESS: Final = "address"  # of a meter on a line
CONF_DIALECT: Final = "dialect"  # variety of the link that it speaks
CONF_PASSWORD: Final = "password"  # nowhere but in the entry or subentry
CONF_OPERATOR: Final = "operator"  # likewise

CONF_ALLOW_COMMANDS: Final = "allow_commands"  # may actions change the meter?
CONF_PARAMETERS: Final = "parameters"  # what is asked for regularly
CONF_PARAMETER: Final = "parameter"
CONF_NAME: Final = "name"
CONF_INTERVAL: Final = "interval"  # seconds
CONF_QUERY: Final = "query"  # of an optical head's first request; address may be empty there
CONF_START_BAUD: Final = "start_baud"
CONF_FIXED: Final = "fixed_baud"  # that speed is never left
CONF_EIGHT_BITS: Final = "eight_bits"  # the port adds no parity
CONF_WAKE: Final = "wake"  # a battery meter sleeps until it is woken
CONF_CHECKSUM: Final = "checksum"
CONF_LISTEN_ONLY: Final = "listen_only"
CONF_ANSWER_TIMEOUT: Final = "answer_timeout"  # seconds
CONF_READOUT: Final = "readout"  # seconds that one took when the meter was found
CONF_BRIDGE_HOST: Final = "bridge_host"  # head end to which transparent data goes on
CONF_BRIDGE_PORT: Final = "bridge_port"

CONF_WRITE_INTERVAL: Final = "write_interval"
DEFAULT_WRITE_INTERVAL: Final = 10  # seconds between two state writes of one sensor

CONF_MODULE_NAME: Final = "module_name"  # what a meter is told when it asks its module's name
CONF_MODULE_QUALITY: Final = "module_quality"  # and when it asks how well the network is heard
BEST_QUALITY: Final = 31  # as modems count signal quality

CONF_DEMAND_PERIOD: Final = "demand_period"
DEMAND_PERIODS: Final = {"none": 0, "quarter_hour": 15, "hour": 60}  # minutes
_BY_THE_HOUR: Final = ("NO", "SE")  # countries whose capacity tariffs count hours


def is_raw(port: str) -> bool:
    """Tell whether a port is set by its other end alone: plain TCP."""
    return port.startswith(f"{RAW}://")


def is_listener(port: str) -> bool:
    """Tell whether meters call in on a port."""
    return port.partition("://")[0] in (LISTEN, LISTEN_UDP)


def usual_demand_period(country: str | None) -> str:
    """Return the period over which a country's capacity tariffs average power.

    Belgium's quarter-hours need no computing: its meters tell them themselves.
    """
    return "hour" if country in _BY_THE_HOUR else "none"

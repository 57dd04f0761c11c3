"""Names shared by the parts of the integration."""

import logging
from typing import Final

DOMAIN: Final = "obis_meter"
LOGGER: Final = logging.getLogger(__package__)

CONF_PORT: Final = "port"  # the URL of the port; the system's serial page finds it under this key
CONF_LINE: Final = "line"  # line settings, "2400 8N1"
CONF_LINK: Final = "link"  # name of the link that the meter speaks
CONF_IDENTITY: Final = "identity"  # what the meter said of itself when it was found

CONF_WRITE_INTERVAL: Final = "write_interval"
DEFAULT_WRITE_INTERVAL: Final = 10  # seconds between two state writes of one sensor

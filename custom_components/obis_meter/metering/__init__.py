"""From a meter's bytes to readings with OBIS codes: no IO, no Home Assistant."""

"""From the bytes a meter sends to readings with OBIS codes: pure Python, no IO, no Home Assistant."""

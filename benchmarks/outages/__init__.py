"""Lines that fail, and callers at once: see scripts/outages."""

"""What meters cost a real Home Assistant, and what it keeps: see scripts/load and scripts/soak."""

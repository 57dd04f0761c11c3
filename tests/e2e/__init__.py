"""What an owner does with the integration, in a real Home Assistant and a real browser."""

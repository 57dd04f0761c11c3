"""Electricity meters made of software: they encode telegrams and serve them like a wired meter.

Nothing here is shared with the integration, so that what it decodes proves something.
"""

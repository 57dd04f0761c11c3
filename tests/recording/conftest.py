"""A real recorder, with statistics in a database."""

import logging

logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)  # every statement is logged else

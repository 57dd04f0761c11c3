"""One module a package: how it turns the bytes of a wire into readings.

Each has WAYS: the name of a way of reading -> a function that takes a Job and returns a reader
with nothing heard yet. A reader takes the bytes of one telegram and returns how many readings
it found. Checks are checked, and what fails raises. Each module but `ours` and `floor` runs in
an environment of its own (see `environments`), and nothing else imports it.
"""

"""Reads a stream again and again and says how much CPU time it took.

First line in: a Job. Each further line: how many times to read the stream. Each line out: a
Timing. Setting a reader up is not timed; every time it begins with nothing heard.
"""

from dataclasses import asdict
import gc
from importlib import import_module
import json
import sys
from time import process_time

from .jobs import Job, Reader, Timing


def once(read: Reader, chunks: list[bytes]) -> Timing:
    """Read the stream once; ValueError for a telegram without readings."""
    begin = process_time()
    found = [read(chunk) for chunk in chunks]
    seconds = process_time() - begin
    if not all(found):
        raise ValueError(f"no readings in telegram {found.index(0)}")
    return Timing(seconds, len(found), sum(found))


def main() -> None:
    """Answer until the input ends."""
    job = Job.parse(sys.stdin.readline())
    begin = import_module(f"benchmarks.readers.{job.module}").WAYS[job.way]
    chunks = job.chunks
    for line in sys.stdin:
        gc.collect()
        taken = [once(begin(job), chunks) for _ in range(int(line))]
        total = Timing(
            sum(each.seconds for each in taken),
            sum(each.telegrams for each in taken),
            sum(each.readings for each in taken),
        )
        print(json.dumps(asdict(total)), flush=True)


if __name__ == "__main__":
    main()

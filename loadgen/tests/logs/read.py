"""Reads the logs of a run folder with HdrHistogram's own Python implementation and compares them with run.json.

usage: read.py RUN_FOLDER
"""

import json
import math
import sys
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

LATENCY_NS_MAX = 3600 * 10**9


def merged(path: Path) -> tuple[int, HdrHistogram]:
    """The number of intervals of a log, and their sum."""
    reference = HdrHistogram(1, LATENCY_NS_MAX, 3)
    reader = HistogramLogReader(str(path), reference)
    whole = HdrHistogram(1, LATENCY_NS_MAX, 3)
    intervals = 0
    while (interval := reader.get_next_interval_histogram()) is not None:
        whole.add(interval)
        intervals += 1
    return intervals, whole


def check(path: Path, expected: dict) -> int:
    """Compares a log with what run.json says of it; the number of intervals."""
    intervals, whole = merged(path)
    count = whole.get_total_count()
    assert count == expected["count"], f"{path}: {count} latencies, run.json has {expected['count']}"
    if count == 0:
        return intervals
    found = {"min": whole.get_min_value(), "max": whole.get_max_value()}
    for name, quantile in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)]:
        # The reader rounds the rank to the nearest, loadgen takes the next one; on a whole rank they agree.
        rank = math.ceil(quantile * count)
        found[name] = whole.get_value_at_percentile(100 * rank / count)
    for name, nanoseconds in found.items():
        assert nanoseconds / 1e3 == expected[name], f"{path}: {name} {nanoseconds / 1e3}, run.json has {expected[name]}"
    return intervals


def main() -> None:
    folder = Path(sys.argv[1])
    record = json.loads((folder / "run.json").read_text())
    results = record["results"]
    intervals = check(folder / "latency.hlog", results["latency_us"])
    assert intervals == len(record["intervals"]), f"{intervals} intervals, run.json has {len(record['intervals'])}"
    check(folder / "connect.hlog", results["connect_latency_us"])
    print(f"logs: {results['latency_us']['count']} latencies in {intervals} intervals, same percentiles by another reader")


main()

"""The runs of scripts/compare: every row against every broker in turn, and more of them in undisturbed moments.

On a shared machine a neighbour slows a CPU for seconds or minutes, and a slowed load asks less at a time, which
makes a broker's messages dear. So a row that counts CPU time wants runs in which nobody did. First all rows are run;
then, for a bounded time, those with too few undisturbed runs again, each time both CPUs are found at their quickest.
"""
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import compare_brokers
import compare_page
import compare_rows

# What a run may take beyond its seconds: connecting, storing, draining, on a slow machine.
RUN_SECS_MAX = 300
# Between two looks whether the CPUs are undisturbed.
LOOK_EVERY_SECS = 1
# How often a look repeats its loop on each CPU, and how many steps that has: some 3 ms.
LOOK_LOOPS, LOOK_STEPS = 15, 30_000


class Quiet:
    """Knows an undisturbed moment of these CPUs by how long a fixed loop takes, held against the quickest so far."""

    def __init__(self, cpus):
        self.cpus = {cpus[0], cpus[-1]}
        self.quickest_secs = {}

    def is_now(self):
        return all([self.is_quick(cpu) for cpu in self.cpus])

    def is_quick(self, cpu):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        try:
            secs = [loop_secs() for _ in range(LOOK_LOOPS)]
        finally:
            os.sched_setaffinity(0, before)
        self.quickest_secs[cpu] = min(*secs, self.quickest_secs.get(cpu, secs[0]))
        return statistics.median(secs) <= self.quickest_secs[cpu] * compare_rows.QUIET_SLOWNESS_MAX

    def found(self, until):
        """Waits for such a moment; false if there was none until then, by the monotonic clock."""
        while time.monotonic() < until:
            if self.is_now():
                return True
            time.sleep(LOOK_EVERY_SECS)
        return False


def loop_secs():
    begin = time.perf_counter()
    for _ in range(LOOK_STEPS):
        pass
    return time.perf_counter() - begin


class Runs:
    """All runs made so far."""

    def __init__(self, rows, brokers, options, loadgen, cpus):
        """`options` are those of the command line that say how long a run takes, `loadgen` is its program. Brokers
        run on the first of the CPUs, loadgen on the last."""
        self.rows, self.brokers, self.options, self.loadgen, self.cpus = rows, brokers, options, loadgen, cpus
        self.quiet = Quiet(cpus)
        self.measured = {}
        # Of each row so far.
        self.rounds = collections.Counter()

    @property
    def quick_us(self):
        """What loadgen's probe takes here when nobody disturbs it; None before it ran."""
        found = [report["broker"].get("probe_quick_us") for measured in self.measured.values()
                 for runs in measured.values() for report in runs["reports"]]
        return min(filter(None, found), default=None)

    def make(self, each):
        """Runs every row as often as asked for, and yields after each."""
        for row in self.rows:
            self.measured[row.name] = {broker.name: {"reports": [], "faults": []} for broker in self.brokers}
            for _ in range(each):
                # For what it learns of the CPUs' best.
                self.quiet.is_now()
                self.round(row)
            yield

    def make_up(self, each, secs):
        """For so many seconds: further runs in undisturbed moments, of the rows that have fewer undisturbed ones than
        asked for, in turn. Yields after each round."""
        until = time.monotonic() + secs
        while (rows := self.rows_in_want(each)) and self.quiet.found(until):
            self.round(min(rows, key=lambda row: self.rounds[row.name]))
            yield

    def rows_in_want(self, each):
        return [row for row in self.rows if row.wants_quiet
                and compare_rows.quiet_count(self.measured[row.name], self.quick_us) < each
                and not compare_rows.cannot_be_probed(self.measured[row.name])]

    def round(self, row):
        """A run with every broker, the order turned round every other time."""
        self.rounds[row.name] += 1
        number = self.rounds[row.name]
        for broker in self.brokers if number % 2 else reversed(self.brokers):
            report, found = self.run(row, broker)
            kept = self.measured[row.name][broker.name]
            kept["faults"] += [(number, fault) for fault in found]
            values = []
            if report:
                kept["reports"].append(report)
                values = [compare_page.figure_text(figure.of(report), figure.unit) for figure in row.figures]
                values += ["undisturbed"] if compare_rows.is_quiet(report, self.quick_us) else []
            print(f"{row.name} {number} {broker.name}: {', '.join(values + found)}", file=sys.stderr, flush=True)

    def run(self, row, broker):
        """One run: loadgen's report, or None, and what was wrong with it."""
        report, found = None, []
        seconds, warmup = self.options.seconds, self.options.warmup
        try:
            with broker.running(self.cpus[0]) as (process, port):
                command = [self.loadgen, "run", row.scenario, "--broker", f"127.0.0.1:{port}",
                           "--pid", str(process.pid), "--cpu", str(self.cpus[-1]),
                           "--topic-prefix", compare_rows.TOPIC_PREFIX, "--json"]
                if row.is_timed:
                    command += ["--duration", str(seconds), "--warmup", str(warmup)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECS_MAX + seconds)
                if done.returncode in (0, 2):
                    report = json.loads(done.stdout)
                    found = compare_rows.faults(report)
                else:
                    found = [f"no run: {done.stderr.strip()[-300:]}"]
        except subprocess.TimeoutExpired:
            found = ["no run: loadgen came to no end"]
        except compare_brokers.Failed as error:
            found.append(str(error))
        return report, found

    def lines(self):
        """The judged figures of all rows that have been run."""
        return [compare_rows.judged(row, figure, self.measured[row.name], self.brokers, self.quick_us)
                for row in self.rows if row.name in self.measured for figure in row.figures]

"""The rows of scripts/compare: what is measured in each, and what the measure is held against.

A row is a scenario of loadgen in scripts/rows and one figure or two of its report. scripts/compare measures
rows, compare_page shows them. The bars are the project's own; nothing here measures.
"""
import dataclasses
import functools
import pathlib
import statistics
import tomllib

FOLDER = pathlib.Path(__file__).resolve().parent / "rows"

# In front of loadgen's own part of a topic: whole topics have 20 to 30 bytes.
TOPIC_PREFIX = "compare/plant-7"


# An undisturbed run: loadgen's probe took at most so much longer than in the quickest of all runs, for at least this
# share of the time. In shorter spells caches are cold yet from what a neighbour did before.
QUIET_SLOWNESS_MAX = 1.12
QUIET_SHARE_MIN = 0.5
# With fewer such runs of each broker a row that counts CPU time is not judged.
QUIET_RUNS_MIN = 3


def at(report, path):
    """What stands at a dotted path of a report."""
    return functools.reduce(lambda part, key: part[key], path.split("."), report)


def is_quiet(report, quick_us):
    """Whether the CPUs of broker and loadgen ran at their full speed for much of the run. `quick_us` is what loadgen's
    probe takes at that speed."""
    broker = report["broker"]
    if broker.get("cpu_us_per_delivery_undisturbed") is None:
        return False
    is_quick = broker["probe_quick_us"] <= quick_us * QUIET_SLOWNESS_MAX
    return is_quick and broker["undisturbed_share"] >= QUIET_SHARE_MIN


def quiet_count(measured, quick_us):
    """How many such runs every broker has at least."""
    return min(sum(is_quiet(report, quick_us) for report in runs["reports"]) for runs in measured.values())


def cannot_be_probed(measured):
    """Whether no probe can tell what disturbs one of the brokers, for one that runs on many CPUs."""
    return any(report["broker"].get("not_probed") not in (None, "too-short")
               for runs in measured.values() for report in runs["reports"])


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a row: where it stands in loadgen's report, and its bar."""
    path: str
    unit: str
    # Ours against Mosquitto's: at most; at least, where more is better. None: it is told, not judged.
    bar: float | None = None
    # What a hard-wired forwarder on io_uring spent, without sessions, index or limits.
    floor: float | None = None
    name: str = ""
    # The report has microseconds for so many messages, the figure is messages a second: more is better.
    messages: int = 0
    # Where the same figure stands for the time in which no neighbour of the machine held up either CPU.
    quiet_path: str | None = None
    # A bar of its own unit instead of a ratio to Mosquitto.
    is_absolute: bool = False

    @property
    def more_is_better(self):
        return self.messages > 0

    def of(self, report):
        """The figure in a report of loadgen."""
        value = at(report, self.path)
        return self.messages * 1e6 / value if self.messages else value

    def values(self, measured, quick_us):
        """The figure of each broker's runs by its name, and which runs they are: `undisturbed` ones, `disturbed`
        where they should be but there are too few, else `all`."""
        plain = {name: [self.of(report) for report in runs["reports"]] for name, runs in measured.items()}
        if self.quiet_path is None or cannot_be_probed(measured):
            return plain, "all"
        quiet = {name: [at(report, self.quiet_path) for report in runs["reports"] if is_quiet(report, quick_us)]
                 for name, runs in measured.items()}
        enough = all(len(quiet[name]) >= min(QUIET_RUNS_MIN, len(plain[name])) > 0 for name in plain)
        return (quiet, "undisturbed") if enough else (plain, "disturbed")

    def is_met(self, own, ratio):
        value = own if self.is_absolute else ratio
        return value >= self.bar if self.more_is_better else value <= self.bar

    def bar_text(self):
        if self.bar is None:
            return "-"
        bound = f"{self.bar:g} {self.unit}" if self.is_absolute else f"x {self.bar:g}"
        return f"{'at least' if self.more_is_better else 'at most'} {bound}"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    figures: tuple
    # Whether --seconds and --warmup say how long it takes; else its scenario does.
    is_timed: bool = True

    @property
    def wants_quiet(self):
        return any(figure.quiet_path for figure in self.figures)

    @property
    def scenario(self):
        return FOLDER / f"{self.name}.toml"

    def load(self):
        """What is done to the broker, in words."""
        return tomllib.loads(self.scenario.read_text())["description"]

    def title(self, figure):
        return f"{self.name} {figure.name}".strip()


def cpu(bar, floor):
    """Microseconds of the broker's CPU for each delivered message."""
    path = "broker.cpu_us_per_delivery"
    return (Figure(path, "us", bar, floor, quiet_path=f"{path}_undisturbed"),)


LATENCY = (Figure("latency_us.p50", "us", 1.0, name="p50"), Figure("latency_us.p99", "us", 0.8, name="p99"))

ROWS = [
    Row("fan-slow", cpu(0.61, 5.0)),
    Row("fan-sat", cpu(0.052, 0.29)),
    Row("fan-batch", cpu(0.008, 0.021)),
    Row("fan-qos1", cpu(0.082, 0.63)),
    Row("pairs-0", cpu(0.143, 0.90)),
    Row("pairs-1", cpu(0.206, 2.3)),
    Row("pairs-2", cpu(0.12, 3.1)),
    Row("fan-in", cpu(0.054, 0.23)),
    Row("wild", cpu(0.026, 0.12)),
    Row("shared", cpu(0.048, 0.24)),
    # From SUBSCRIBE to the last of them, by the clock; and for each second of the broker's CPU, where it does not
    # count how fast the subscriber reads.
    Row("retained", (Figure("latency_us.max", "/s", 12.0, messages=100_000),
                     Figure("broker.cpu_us_per_delivery", "/s", name="by CPU", messages=1)), is_timed=False),
    # Debian's Mosquitto takes 1 KiB here: a fifth of that would be less than the floor and a session.
    Row("idle", (Figure("broker.rss_bytes_per_connection", "B", 512, 123, is_absolute=True),), is_timed=False),
    Row("connect", (Figure("connect.broker_cpu_us_each", "us", 0.70, 14.8),), is_timed=False),
    Row("latency-fan", LATENCY),
    Row("latency-pairs-0", LATENCY),
    Row("latency-pairs-1", LATENCY),
]


def chosen(names):
    """The rows of these names, in the order of the table; all for none. A name that is no row's is an error."""
    known = [row.name for row in ROWS]
    for name in names:
        if name not in known:
            raise ValueError(f"no row is called {name!r}; there are {', '.join(known)}")
    return [row for row in ROWS if not names or row.name in names]


def faults(report):
    """What must not be in a run, a sentence each: a broker that loses is fast. QoS 0 may lose by its rules, but
    nothing in these rows is a reason to."""
    lost = report["lost"]
    found = list(report["violations"])
    if lost and not any("lost" in sentence for sentence in found):
        found.append(f"{lost} messages lost")
    return found


def sentences(found):
    """Faults of runs, as (number, sentence), with the runs that share one named together."""
    runs = {}
    for number, fault in found:
        runs.setdefault(fault, []).append(str(number))
    return [f"run {', '.join(numbers)}: {fault}" for fault, numbers in runs.items()]


def load_on_both(report):
    """How busy both sides of a run were: a figure of an idle broker is another than that of a busy one."""
    return {"delivered_per_second": report["delivered_per_second"], "broker_cpu_share": report["broker"]["cpu_share"],
            "loadgen_cpu_share": report["loadgen"]["cpu_share"]}


def summary(values):
    """Median and spread of the runs; None when no run gave a figure."""
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": values}


def judged(row, figure, measured, brokers, quick_us):
    """A figure's line: each broker's summary, and for ours the ratio to Mosquitto's and the verdict.

    `measured` has for each broker's name the reports of its runs and what was wrong with them; `quick_us` is what
    loadgen's probe takes on this machine when nobody disturbs it."""
    values, which = figure.values(measured, quick_us)
    line = {
        "row": row.name, "title": row.title(figure), "load": row.load(), "unit": figure.unit, "floor": figure.floor,
        "bar": figure.bar, "bar_text": figure.bar_text(), "more_is_better": figure.more_is_better,
        "brokers": {}, "ratios": {}, "verdicts": {}, "faults": {}, "runs": {},
        "is_absolute": figure.is_absolute, "which_runs": which,
    }
    for broker in brokers:
        runs = measured[broker.name]
        line["brokers"][broker.name] = summary(values[broker.name])
        line["faults"][broker.name] = sentences(runs["faults"])
        line["runs"][broker.name] = [load_on_both(report) for report in runs["reports"]]
    base = next((line["brokers"][broker.name] for broker in brokers if broker.is_base), None)
    for broker in brokers:
        own = line["brokers"][broker.name]
        ratio = own["median"] / base["median"] if own and base and base["median"] else None
        line["ratios"][broker.name] = ratio
        if broker.is_ours:
            line["verdicts"][broker.name] = verdict(figure, line["faults"][broker.name], own, ratio, which)
    return line


def verdict(figure, found, own, ratio, which):
    """`met`, `missed`, `audit` when something was wrong with a run of ours, `told` where there is no bar,
    `unjudged` without a figure of Mosquitto's to hold it against, `disturbed` with too few undisturbed runs."""
    if found or own is None:
        return "audit"
    if figure.bar is None:
        return "told"
    if ratio is None and not figure.is_absolute:
        return "unjudged"
    if which == "disturbed":
        return "disturbed"
    return "met" if figure.is_met(own["median"], ratio) else "missed"

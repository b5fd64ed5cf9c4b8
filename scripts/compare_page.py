"""What scripts/compare found, as a Markdown table and as an HTML page with bars.

Both are made of the same result, as compare.json holds it. The page is one file that needs no network; it
wears the style of loadgen's reports. Nothing here measures or judges.
"""
import html as escaping
import pathlib

STYLE = pathlib.Path(__file__).resolve().parent.parent / "loadgen" / "src" / "html" / "page.css"
OWN_STYLE = """\
.bar { rx: 2; } .spread { stroke: var(--ink); stroke-width: 1.5; fill: none; opacity: .7; }
.limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 5 3; fill: none; }
.floor { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1.5 3; fill: none; }
.row .name { fill: var(--ink); font-size: 13px; }
.row .value {
  fill: var(--ink); font-size: 12px; font-variant-numeric: tabular-nums;
  paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round;
}
table { font-size: 13.5px; }
@media print { .scroll { overflow: visible; } table { font-size: 9px; } th, td { padding: 4px 5px; } }
.verdict { font-size: 13px; font-weight: 620; }
.verdict.good { color: var(--good); } .verdict.bad { color: var(--bad); } .verdict.unsure { color: var(--unsure); }
@media print { .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
HOW_TO_READ = (
    "Each bar is the median, the thin line over it the spread of the runs; what stands in one frame has one scale. "
    "The dashed red line is what RingMQ is held to, which moves with Mosquitto; the dotted grey one is the floor: "
    "what a bare forwarder on io_uring, without sessions, index or limits, once spent on this load. Shorter is better, "
    "except for retained.")
COLOURS = 6
WIDTH, LEFT, RIGHT, LINE, TOP = 508.0, 112.0, 84.0, 30.0, 8.0
# From the least to be told to the most.
WORDS = {"told": "no bar", "met": "met", "unjudged": "not judged", "disturbed": "disturbed, not judged",
         "missed": "missed", "audit": "audit failed"}
MOODS = {"told": "plain", "met": "good", "unjudged": "unsure", "disturbed": "unsure", "missed": "bad", "audit": "bad"}


def scale_of(value, unit):
    """What to divide figures of this size by, and what to write behind them."""
    if unit == "/s":
        return (1e6, "M/s") if value >= 1e6 else (1e3, "k/s")
    return (1e3, " ms") if unit == "us" and value >= 1000 else (1, f" {unit}")


def figure_text(value, unit):
    """A figure with three digits that count, and its unit."""
    divisor, suffix = scale_of(value, unit)
    return digits(value / divisor) + suffix


def digits(value):
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def ratio_text(ratio):
    return "-" if ratio is None else f"x {digits(ratio)}"


def spread_text(found, unit):
    """The median, and the least and the most of the runs."""
    if found is None:
        return "no figure"
    divisor, _ = scale_of(found["median"], unit)
    least, most = (digits(found[which] / divisor) for which in ("min", "max"))
    return f"{figure_text(found['median'], unit)} ({least} .. {most})"


def heading(result):
    versions = ", ".join(broker["version"] or broker["name"] for broker in result["brokers"])
    return (f"{result['kernel']}, {result['cpus']} CPUs ({result['cpu_model']}), {result['made']}, "
            f"commit {result['commit']}; {versions}; medians of {result['runs']} runs or more of "
            f"{result['seconds']:g} s in turn (least .. most); * while no neighbour of the machine held up the CPUs of broker and loadgen")


def columns(result):
    """The titles of the table and a function that makes a line's cells."""
    names = [broker["name"] for broker in result["brokers"]]
    ours = [broker["name"] for broker in result["brokers"] if broker["is_ours"]]
    has_base = any(line["ratios"].get(name) is not None for line in result["lines"] for name in ours)
    titles = ["row", "load", *names]
    if has_base:
        titles += [f"{name} / Mosquitto" for name in ours] + ["bar"]
    titles += ["floor", "verdict"]

    def cells(line):
        found = [line["title"] + (" *" if line["which_runs"] == "undisturbed" else ""), line["load"]]
        found += [spread_text(line["brokers"][name], line["unit"]) for name in names]
        if has_base:
            found += [ratio_text(line["ratios"][name]) for name in ours] + [line["bar_text"]]
        floor = "-" if line["floor"] is None else figure_text(line["floor"], line["unit"])
        return found + [floor, ", ".join(WORDS[line["verdicts"][name]] for name in ours)]

    return titles, cells


def complaints(result):
    """What was wrong with single runs, a sentence each."""
    found = {f"{line['row']}, {name}: {fault}": None
             for line in result["lines"] for name, faults in line["faults"].items() for fault in faults}
    return list(found)


def markdown(result):
    titles, cells = columns(result)
    lines = [heading(result), "", f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    lines += [f"| {' | '.join(cells(line))} |" for line in result["lines"]]
    notes = [f"- {complaint}" for complaint in complaints(result)]
    return "\n".join(lines + ([""] + notes if notes else [])) + "\n"


def escape(text):
    return escaping.escape(str(text), quote=True)


def html(result):
    title = " and ".join(broker["name"] for broker in result["brokers"])
    body = [
        f"<header><h1>{escape(title)}</h1><p>{escape(heading(result))}</p></header>",
        tiles(result),
        *(f'<p class="notice bad">{escape(complaint)}</p>' for complaint in complaints(result)),
        "<h2>Row by row</h2>",
        f"<p>{escape(HOW_TO_READ)}</p>",
        '<div class="charts">', *(chart(line, result) for line in result["lines"]), "</div>",
        "<h2>All figures</h2>", table(result), facts(result),
    ]
    return ('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{escape(title)}</title>\n<style>\n{STYLE.read_text()}{OWN_STYLE}</style>\n</head>\n"
            "<body>\n<main>\n" + "\n".join(body) + "\n<footer>scripts/compare</footer>\n</main>\n</body>\n</html>\n")


def tiles(result):
    """For each of our builds how many bars it met, and the figures nearest to and farthest beyond theirs."""
    found = []
    for broker in result["brokers"]:
        if not broker["is_ours"]:
            continue
        name = broker["name"]
        words = [line["verdicts"][name] for line in result["lines"] if line["bar"]]
        judged = [line for line in result["lines"] if line["ratios"][name] and line["bar"]]
        is_clean = "audit" not in words
        found.append((f"audit of {name}", "clean" if is_clean else "failed",
                      "nothing lost, order kept" if is_clean else "", "good" if is_clean else "bad"))
        if not judged:
            continue
        met, disturbed = words.count("met"), words.count("disturbed")
        mood = "good" if met == len(words) else "unsure" if met + disturbed == len(words) else "bad"
        found.append((f"bars that {name} met", f"{met} of {len(words)}", f"{disturbed} not judged" if disturbed else "", mood))
        tightest = max(judged, key=lambda line: pressure(line, name))
        note = f"{ratio_text(tightest['ratios'][name])}, {tightest['bar_text']}"
        found.append((f"tightest row of {name}", tightest["title"], note, MOODS[tightest["verdicts"][name]]))
    return '<div class="tiles">' + "".join(
        f'<div class="tile {mood}"><span class="name">{escape(name)}</span><b>{escape(value)}</b>'
        f"<small>{escape(note)}</small></div>" for name, value, note, mood in found) + "</div>"


def pressure(line, name):
    """How much of what the bar allows is used up: 1 is at the bar."""
    figure = line["brokers"][name]["median"] if line["is_absolute"] else line["ratios"][name]
    ratio = figure / line["bar"]
    return 1 / ratio if line["more_is_better"] else ratio


def limit_of(line):
    """Where the bar stands in the row's own unit; None without one, or without the figure of Mosquitto's it needs."""
    if line["bar"] is None or line["is_absolute"]:
        return line["bar"]
    for name, ratio in line["ratios"].items():
        if ratio:
            return line["brokers"][name]["median"] / ratio * line["bar"]
    return None


def chart(line, result):
    """A row as a figure: a bar for each broker."""
    verdicts = ""
    for name, word in line["verdicts"].items():
        ratio = line["ratios"][name]
        against = [] if ratio is None else [ratio_text(ratio)] + ([line["bar_text"]] if line["bar"] else [])
        whose = f"{name} " if len(line["verdicts"]) > 1 else ""
        text = whose + (f"{WORDS[word]}: {', '.join(against)}" if against else WORDS[word])
        verdicts += f'<span class="verdict {MOODS[word]}">{escape(text)}</span>'
    limit = limit_of(line)
    shown = [found["max"] for found in line["brokers"].values() if found] + [limit or 0, line["floor"] or 0]
    scale = (WIDTH - LEFT - RIGHT) / (max(shown) or 1)
    height = TOP + LINE * len(line["brokers"]) + 4
    parts = [f'<figure class="chart row"><figcaption><h3>{escape(line["title"])}</h3>{verdicts}</figcaption>',
             f'<p class="note">{escape(line["load"])}</p>',
             f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(line["title"])}">']
    for value, look in ((limit, "limit"), (line["floor"], "floor")):
        if value:
            parts.append(f'<path class="{look}" d="M{LEFT + value * scale:.1f} {TOP - 4:g}V{height - 2:g}"/>')
    order = colour_order(result)
    for at, (name, found) in enumerate(line["brokers"].items()):
        parts.append(bar(at, name, found, line["unit"], scale, order.index(name) % COLOURS))
    return "\n".join(parts) + "</svg></figure>"


def colour_order(result):
    """Our builds have the first colours on every page."""
    return [broker["name"] for broker in sorted(result["brokers"], key=lambda broker: not broker["is_ours"])]


def bar(at, name, found, unit, scale, colour):
    y = TOP + LINE * at
    label = f'<text class="name" x="0" y="{y + 16:g}">{escape(name)}</text>'
    if found is None:
        return label + f'<text class="value" x="{LEFT:g}" y="{y + 16:g}">no figure</text>'
    width = max(1.0, found["median"] * scale)
    low, high, middle = LEFT + found["min"] * scale, LEFT + found["max"] * scale, y + 12
    spread = f"M{low:.1f} {middle:g}H{high:.1f}M{low:.1f} {middle - 3:g}v6M{high:.1f} {middle - 3:g}v6"
    text = escape(figure_text(found["median"], unit))
    return (f'{label}<rect class="bar" style="fill: var(--c{colour})" x="{LEFT:g}" y="{y + 3:g}" '
            f'width="{width:.1f}" height="18"/><path class="spread" d="{spread}"/>'
            f'<text class="value" x="{high + 6:.1f}" y="{y + 16:g}">{text}</text>')


def table(result):
    """All figures; what the loads are stands above the bars."""
    (first, _, *titles), cells = columns(result)
    head = "".join(f"<th>{escape(title)}</th>" for title in [first, *titles])
    rows = []
    for line in result["lines"]:
        first, _, *found, words = cells(line)
        mood = MOODS[max(line["verdicts"].values(), key=lambda word: list(WORDS).index(word))]
        row = "".join(f"<td>{escape(cell)}</td>" for cell in [first, *found])
        rows.append(f'<tr>{row}<td class="{mood}">{escape(words)}</td></tr>')
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll"><table>{body}</table></div>'


def facts(result):
    found = [("Machine", f"{result['cpu_model']}, {result['cpus']} CPUs, {result['kernel']}"),
             ("Made", f"{result['made']}, {result['commit']}"),
             ("Broker on CPU, loadgen on CPU", f"{result['broker_cpu']}, {result['loadgen_cpu']}"),
             ("Runs", f"{result['runs']} or more of {result['seconds']:g} s, in turn, every other time the other way round")]
    found += [(broker["name"], " · ".join(filter(None, [broker["version"], broker["command"]])))
              for broker in result["brokers"]]
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in found)
    return f'<section class="facts"><h3>How it was made</h3><dl>{rows}</dl></section>'

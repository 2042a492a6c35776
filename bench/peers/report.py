"""Tables and plots of what was measured: medians over the rounds, whose numbers are told."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
WORDS = {"up": "up", "same": "no-op", "down": "down"}
MEMORY_TARGET = 60

Found = Mapping[str, Any]
"""What the results file holds."""


@dataclass(frozen=True)
class Cell:
    """One peer, one case, one way: medians. `error` is that of the last run that had one."""

    seconds: float
    cpu: float
    megabytes: float
    requests: float
    connections: float
    rounds: int
    error: str = ""


Cells = dict[tuple[str, str, str, str], Cell]
"""By way, case, what and peer."""


def cells(found: Found) -> Cells:
    """Of each peer the version that was measured last: what an older one did counts no more."""
    samples: dict[tuple[str, str, str, str], list[Found]] = defaultdict(list)
    for sample in found["samples"]:
        if sample["version"] != found["peers"][sample["peer"]]["version"]:
            continue
        samples[sample["way"], sample["case"], sample["what"], sample["peer"]].append(sample)
    return {key: _cell(taken) for key, taken in samples.items()}


def _cell(taken: list[Found]) -> Cell:
    good = [sample for sample in taken if not sample["error"]]
    error = next((sample["error"] for sample in reversed(taken) if sample["error"]), "")
    if not good:
        return Cell(0, 0, 0, 0, 0, 0, error)
    names = ("seconds", "cpu", "megabytes", "requests", "connections")
    return Cell(*(statistics.median(sample[name] for sample in good) for name in names), len(good), error)


# --- tables --------------------------------------------------------------------------------------------------------------


def as_markdown(found: Found) -> str:
    known = cells(found)
    return "\n".join([*_about(found), *_tables(found, known), *_better(found, known), *_failures(known)])


def _about(found: Found) -> Iterator[str]:
    yield f"Measured {found['date']} on {found['machine']}.\n"
    yield "| peer | version | how |"
    yield "|---|---|---|"
    for name, peer in found["peers"].items():
        yield f"| {name} | {peer['version'] or 'absent: ' + peer['absent']} | {peer['how']} |"
    yield ""


def _tables(found: Found, known: Cells) -> Iterator[str]:
    for way in _in_order(known, 0):
        yield f"### {way}\n"
        for what in (what for what in WORDS if any(key[0] == way and key[2] == what for key in known)):
            yield from _table(found, known, way, what)


def _table(found: Found, known: Cells, way: str, what: str) -> Iterator[str]:
    cases = [case for case in found["cases"] if any(key[:3] == (way, case, what) for key in known)]
    yield f"| {WORDS[what]} | {' | '.join(found['cases'][case] for case in cases)} |"
    yield f"|---|{'---|' * len(cases)}"
    best = {case: _best(known, way, case, what) for case in cases}
    for peer in found["peers"]:
        row = [known.get((way, case, what, peer)) for case in cases]
        if any(row):
            yield f"| {peer} | {' | '.join(_shown(cell, best[case]) for cell, case in zip(row, cases, strict=True))} |"
    yield ""


def _best(known: Cells, way: str, case: str, what: str) -> tuple[float, float]:
    """The least wall time and the least CPU of all."""
    good = [cell for key, cell in known.items() if key[:3] == (way, case, what) and cell.rounds]
    return min((c.seconds for c in good), default=0.0), min((c.cpu for c in good), default=0.0)


def _shown(cell: Cell | None, best: tuple[float, float]) -> str:
    if cell is None:
        return "-"
    if not cell.rounds:
        return "failed"
    wall, cpu = (
        f"**{value:.2f}**" if value <= least * 1.03 else f"{value:.2f}"
        for value, least in zip((cell.seconds, cell.cpu), best, strict=True)
    )
    few = f" ({cell.rounds})" if cell.rounds < 5 else ""
    return f"{wall} / {cpu} / {cell.megabytes:.0f} / {cell.requests:.0f}{few}"


def _in_order(known: Cells, place: int) -> list[str]:
    return list(dict.fromkeys(key[place] for key in known))


# --- who is better ----------------------------------------------------------------------------------------------------------


def _better(found: Found, known: Cells) -> Iterator[str]:
    """Every case in which a peer is ahead of us, in words."""
    yield "### Where a peer is ahead\n"
    lines = [line for key, ours in known.items() if key[3] == "ropeway" for line in _ahead(found, known, key, ours)]
    yield from lines or ["Nowhere, of what was measured."]
    yield ""


def _ahead(found: Found, known: Cells, key: tuple[str, str, str, str], ours: Cell) -> Iterator[str]:
    way, case, what, _ = key
    where = f"- {way}, {found['cases'].get(case, case)}, {WORDS[what]}"
    for name, unit in (("seconds", "s of wall time"), ("cpu", "s of CPU")):
        mine = getattr(ours, name)
        ahead = [
            (getattr(cell, name), peer)
            for (*place, peer), cell in known.items()
            if tuple(place) == (way, case, what)
            and not found["peers"][peer]["ours"]
            and cell.rounds
            and getattr(cell, name) < mine * 0.97
        ]
        if ahead:
            yield f"{where}: {', '.join(f'{peer} {value:.2f}' for value, peer in sorted(ahead))} {unit}; ours {mine:.2f}"
    if ours.megabytes > MEMORY_TARGET:
        yield f"{where}: ours has {ours.megabytes:.0f} MB, more than {MEMORY_TARGET}"


def _failures(known: Cells) -> Iterator[str]:
    failed = [(key, cell) for key, cell in known.items() if cell.error]
    if failed:
        yield "### What failed\n"
    for (way, case, what, peer), cell in failed:
        yield f"- {peer}, {way}, {case}, {WORDS[what]} ({cell.rounds} runs went well): {' '.join(cell.error.split())[-200:]}"


# --- plots -----------------------------------------------------------------------------------------------------------------

WIDTH, BAR, GAP, LABEL, PLOT = 960, 16, 26, 110, 150
MOST = 6.0
"""A bar ends at so many times the best; its figure tells the rest."""


def plot(found: Found, known: Cells, way: str) -> str:
    """A panel for each case and direction: a bar of wall time for each peer, the CPU time within it."""
    body: list[str] = []
    top = 40
    for what, word in WORDS.items():
        panels = [(case, _panel(found, known, way, case, what)) for case in found["cases"]]
        height = max((len(rows) for _, rows in panels), default=0)
        if not height:
            continue
        for number, (case, rows) in enumerate(panels):
            title = f"{word}: {found['cases'][case].split(':')[0]}"
            body += _drawn(rows, 10 + number * (WIDTH // len(panels)), top, title)
        top += GAP + height * (BAR + 4) + 20
    return _svg(
        body,
        top,
        f"{way}: seconds of wall time (light) and CPU (dark); less is better, and a bar ends at six times the best",
    )


def _panel(found: Found, known: Cells, way: str, case: str, what: str) -> list[tuple[str, Cell]]:
    found_cells = ((peer, known.get((way, case, what, peer))) for peer in found["peers"])
    return [(peer, cell) for peer, cell in found_cells if cell and cell.rounds]


def _drawn(rows: list[tuple[str, Cell]], left: int, top: int, title: str) -> Iterable[str]:
    yield f'<text x="{left}" y="{top + 12}" class="t">{escape(title)}</text>'
    most = min((cell.seconds for _, cell in rows), default=1.0) * MOST
    room = WIDTH // 4 - LABEL + 20 - 60
    for number, (peer, cell) in enumerate(rows):
        y = top + GAP + number * (BAR + 4)
        wall, cpu = (min(1.0, value / most) * room for value in (cell.seconds, cell.cpu))
        name = ' class="us"' if peer.startswith("ropeway") else ""
        yield f'<text x="{left}" y="{y + 12}"{name}>{escape(peer)}</text>'
        yield f'<rect x="{left + 88}" y="{y}" width="{wall:.1f}" height="{BAR}" class="wall"/>'
        yield f'<rect x="{left + 88}" y="{y + 5}" width="{cpu:.1f}" height="{BAR - 10}" class="cpu"/>'
        yield f'<text x="{left + 92 + max(wall, cpu):.1f}" y="{y + 12}">{cell.seconds:.2f}</text>'


def _svg(body: Iterable[str], height: int, title: str) -> str:
    style = (
        "text{font:11px sans-serif;fill:#57606a}.t{font-weight:bold}.us{font-weight:bold;fill:#0969da}"
        ".wall{fill:#9ecbff}.cpu{fill:#0550ae}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"><style>{style}</style>'
    back = (
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/><text x="10" y="20" class="t">{escape(title)}</text>'
    )
    return "\n".join([head, back, *body, "</svg>\n"])


# --- the page --------------------------------------------------------------------------------------------------------------


def write(found: Found) -> None:
    """Into docs/performance.md, between its two marks, and a plot for each way beside the other pictures."""
    known = cells(found)
    pictures = []
    for way in _in_order(known, 0):
        name = f"performance-{way.lower().replace(', ', '-').replace(' ', '-')}.svg"
        (DOCS / "images" / name).write_text(plot(found, known, way), encoding="utf-8")
        pictures.append(f"![{way}](images/{name})\n")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    measured = "\n".join([BEGIN, "", *pictures, as_markdown(found), END])
    PAGE.write_text(before + measured + after, encoding="utf-8")

"""One person as a picture: records on the left, what they carry on the right, a line for each link.

Two columns instead of a cloud: every label has a row of its own, so nothing overlaps however many there are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve
from scipy.optimize import isotonic_regression

from include.errors import ConfigError
from include.identity.graph import Graph, IdentifierNode, RecordNode

FORMATS = (".svg", ".png")
# Okabe and Ito's colours, told apart also by who does not see red and green (https://jfly.uni-koeln.de/color/).
SOURCES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B59F00", "#666666")
INK, FAINT, REFUSED, PINNED, MATCHED = "#222222", "#8a8a8a", "#C0392B", "#1B7F4B", "#7D3C98"
ROW, MIDDLE, CHARACTER, EDGE = 0.34, 3.6, 0.073, 0.35  # inches: a row, between columns, a character, the border
LANE = 1.5  # between the labels of records and their nodes, where there are pins or matches to draw
HEAD, FOOT = 1.25, 0.35
TEXT, SMALL = 8.5, 7.0  # points
LONGEST = 46  # characters of a label


def draw(graph: Graph, path: Path) -> None:
    """Write the picture of a graph.

    :param path: ends in .svg or .png; written anew when it exists.
    :raises ConfigError: another ending, or a folder that is not there.
    """
    check_path(path)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "audienceflow"}):  # text stays text; the same graph, file
        figure = _Sheet(graph).figure()
        dated = {"Date": None} if path.suffix.lower() == ".svg" else None
        figure.savefig(path, dpi=130, metadata=dated, facecolor="white")


def check_path(path: Path) -> None:
    """Whether a picture can be written there.

    :raises ConfigError: another ending than those of ``FORMATS``, or a folder that is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path.name}: a picture ends in {' or '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder; make it, or name another one.")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 + 1 :]}"


def _spread(wanted: Sequence[float], gap: float) -> np.ndarray:
    """Heights as near as can be to those wanted (ascending in order), at least ``gap`` apart."""
    steps = np.arange(len(wanted)) * gap
    return isotonic_regression(np.asarray(wanted) - steps).x + steps if len(wanted) else steps


class _Sheet:
    """A drawing in the making; lengths in inches, heights from the top."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.colours = {
            stream: SOURCES[place % len(SOURCES)]
            for place, stream in enumerate(sorted({node.stream for node in graph.records}))
        }
        self.told: set[tuple[int, str]] = set()  # a reason stands once beside an identifier
        self.left = [_short(node.label) for node in graph.records]
        self.right = [_identifier_label(node) for node in graph.identifiers]
        self.record_y, self.identifier_y = self._heights()
        self.label_x = EDGE + 1.0 + CHARACTER * max(map(len, self.left), default=0)
        self.record_x = self.label_x + (LANE if graph.ties else 0.13)
        self.identifier_x = self.record_x + MIDDLE
        longest = max(
            (len(label) + len(_note(node)) for label, node in zip(self.right, graph.identifiers, strict=True)),
            default=0,
        )
        self.width = max(self.identifier_x + 0.3 + CHARACTER * longest + EDGE, 9.5)
        bottom = max([*self.record_y, *self.identifier_y], default=0.0)
        self.height = HEAD + bottom + ROW + FOOT

    def _heights(self) -> tuple[np.ndarray, np.ndarray]:
        """The longer column is evenly spaced; the nodes of the shorter one stand beside what they are linked to."""
        graph = self.graph
        records, identifiers = np.arange(len(graph.records)) * ROW, np.arange(len(graph.identifiers)) * ROW
        if len(graph.records) >= len(graph.identifiers):
            near = [[line.record for line in graph.lines if line.identifier == at] for at in range(len(identifiers))]
            identifiers = _spread([float(np.mean(records[rows])) if rows else records[-1] for rows in near], ROW)
        else:
            near = [[line.identifier for line in graph.lines if line.record == at] for at in range(len(records))]
            records = _spread([float(np.mean(identifiers[rows])) if rows else identifiers[-1] for rows in near], ROW)
        low = min([*records, *identifiers], default=0.0)
        return records - low, identifiers - low

    def figure(self) -> Figure:
        figure = Figure(figsize=(self.width, self.height))
        FigureCanvasAgg(figure)
        self.axes = figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, self.width)
        self.axes.set_ylim(self.height, 0)
        self.axes.axis("off")
        self._head()
        for line in self.graph.lines:
            self._line(line.record, line.identifier, line.why_not)
        for tie, one, two in self.graph.ties:
            colour = REFUSED if tie.parts else PINNED if tie.kind == "merge pin" else MATCHED
            self._tie(one, two, colour, f"{tie.kind} {tie.number}", holds=tie.parts or tie.why_not is None)
        for at, record in enumerate(self.graph.records):
            self._record(at, record)
        for at, identifier in enumerate(self.graph.identifiers):
            self._identifier(at, identifier)
        return figure

    def _y(self, height: float) -> float:
        return HEAD + ROW / 2 + height

    def _head(self) -> None:
        graph = self.graph
        dropped = sum(line.why_not is not None for line in graph.lines)
        mine = sum(not node.elsewhere for node in graph.records)
        drawn = f"{mine:,} of {graph.of_records:,} records drawn" if mine < graph.of_records else f"{mine:,} records"
        said = f"{drawn} · {len(graph.identifiers):,} identifiers · {len(graph.lines):,} links"
        said += f", {dropped:,} of them dropped" if dropped else ", all of them hold"
        self.axes.text(EDGE, 0.34, f"Person {graph.person_id}", size=12, weight="bold", color=INK, va="center")
        self.axes.text(EDGE, 0.60, said, size=TEXT, color=FAINT, va="center")
        self.axes.legend(
            handles=self._legend(),
            loc="upper left",
            bbox_to_anchor=(EDGE / self.width, 1 - 0.72 / self.height),
            ncols=len(self.colours) + 5,
            frameon=False,
            fontsize=SMALL,
            handlelength=1.6,
            columnspacing=1.4,
            handletextpad=0.5,
            borderpad=0,
            borderaxespad=0,
            labelcolor=INK,
        )
        self.axes.plot([EDGE, self.width - EDGE], [1.08, 1.08], color="#dddddd", lw=0.8)

    def _legend(self) -> list[Line2D]:
        handles = [
            Line2D([], [], color=colour, lw=1.6, marker="s", markersize=6, label=stream)
            for stream, colour in self.colours.items()
        ]
        if any(line.why_not for line in self.graph.lines):
            handles.append(Line2D([], [], color=REFUSED, lw=1.2, ls=(0, (3, 2)), label="dropped link, with its reason"))
        kinds = {tie.kind for tie, _, _ in self.graph.ties}
        for kind, colour, style in (("merge pin", PINNED, "-"), ("split pin", REFUSED, ":"), ("match", MATCHED, "-")):
            if kind in kinds:
                handles.append(Line2D([], [], color=colour, lw=2.2, ls=style, label=kind))
        return handles

    def _line(self, record: int, identifier: int, why_not: str | None) -> None:
        x0, x1 = self.record_x, self.identifier_x
        y0, y1 = self._y(self.record_y[record]), self._y(self.identifier_y[identifier])
        bend = (x1 - x0) * 0.42
        curve = Curve([(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)], [1, 4, 4, 4])
        colour = self.colours[self.graph.records[record].stream] if why_not is None else REFUSED
        style = "-" if why_not is None else (0, (3, 2))
        self.axes.add_patch(
            PathPatch(curve, fill=False, ec=colour, lw=1.25, ls=style, alpha=0.85, zorder=1 if why_not is None else 2)
        )
        told = (identifier, why_not)
        if why_not is not None and self.graph.identifiers[identifier].blocked is None and told not in self.told:
            self.told.add(told)
            at = _on(curve, 0.30)
            self.axes.text(
                *at,
                why_not,
                size=SMALL - 0.5,
                color=REFUSED,
                ha="left",
                va="center",
                zorder=5,
                bbox={"fc": "white", "ec": "none", "pad": 0.8, "alpha": 0.9},
            )

    def _tie(self, one: int, two: int, colour: str, label: str, *, holds: bool) -> None:
        """An arc between two records, in the lane between their labels and their nodes."""
        x, parts = self.record_x, label.startswith("split")
        y0, y1 = self._y(self.record_y[one]), self._y(self.record_y[two])
        out = min(0.55 + 0.12 * abs(y1 - y0), LANE - 0.4)
        curve = Curve([(x, y0), (x - out, y0), (x - out, y1), (x, y1)], [1, 4, 4, 4])
        style = ":" if parts else "-" if holds else (0, (3, 2))
        self.axes.add_patch(PathPatch(curve, fill=False, ec=colour, lw=2.2, ls=style, zorder=3))
        box = {"fc": "white", "ec": colour, "lw": 0.7, "boxstyle": "round,pad=0.25"}
        self.axes.text(
            *_on(curve, 0.5),
            label,
            size=SMALL - 0.5,
            color=colour,
            ha="center",
            va="center",
            zorder=6,
            weight="bold",
            bbox=box,
        )

    def _record(self, at: int, node: RecordNode) -> None:
        y, colour = self._y(self.record_y[at]), self.colours[node.stream]
        self.axes.plot(
            [self.record_x],
            [y],
            marker="s",
            markersize=8.5,
            mec=colour,
            mfc="white" if node.elsewhere else colour,
            mew=1.6,
            zorder=4,
        )
        note = "another person" if node.elsewhere else f"{node.first_seen_at:%Y-%m-%d}" if node.first_seen_at else ""
        self.axes.text(EDGE, y, note, size=SMALL, color=REFUSED if node.elsewhere else FAINT, va="center")
        if self.graph.ties:
            self.axes.plot([self.label_x + 0.08, self.record_x], [y, y], color="#d5d5d5", lw=0.8, ls=":", zorder=0)
        self.axes.text(self.label_x, y, self.left[at], size=TEXT, color=INK, ha="right", va="center")

    def _identifier(self, at: int, node: IdentifierNode) -> None:
        y, blocked = self._y(self.identifier_y[at]), node.blocked is not None
        self.axes.plot(
            [self.identifier_x],
            [y],
            marker="o",
            markersize=8,
            mec=REFUSED if blocked else INK,
            mfc="white" if blocked else INK,
            mew=1.4,
            zorder=4,
        )
        text = self.axes.text(self.identifier_x + 0.15, y, self.right[at], size=TEXT, color=INK, va="center", zorder=5)
        self.axes.annotate(
            _note(node),
            xy=(1, 0.5),
            xycoords=text,
            xytext=(5, 0),
            textcoords="offset points",
            size=SMALL,
            color=REFUSED if blocked else FAINT,
            va="center",
        )


def _identifier_label(node: IdentifierNode) -> str:
    return f"{node.type}  {_short(node.label)}"


def _note(node: IdentifierNode) -> str:
    """What stands behind an identifier: why it joins nobody, by how many records it is carried."""
    carried = f"carried by {node.carried_by:,} records"
    if node.blocked is not None:
        return f"joins nobody: {node.blocked}, {carried}"
    return carried if node.carried_by > 1 else ""


def _on(curve: Curve, part: float) -> tuple[float, float]:
    """The point of a cubic curve so far along it."""
    ends = np.asarray(curve.vertices)
    weights = np.array([(1 - part) ** 3, 3 * part * (1 - part) ** 2, 3 * part**2 * (1 - part), part**3])
    x, y = weights @ ends
    return float(x), float(y)

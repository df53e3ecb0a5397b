"""How a proposal's weight came together, as a picture: one bar a comparison, from what was known before to the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

WIDTH, LEFT, RIGHT, ROW, TOP = 900, 330, 90, 34, 78
FOR, AGAINST, TOTAL, FAINT, INK = "#2b7a78", "#c8553d", "#33475b", "#d9dee3", "#1f2933"


@dataclass(frozen=True)
class Bar:
    """One line of the picture, in bits.

    :param label: what is compared; ``note``: how the two agree in it. Never a value.
    """

    label: str
    note: str
    begin: float
    end: float
    colour: str


def bars(weight: float, contributions: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """From the start (before anything is compared) through each comparison, the strongest first, to the weight."""
    start = weight - sum(part["weight"] for part in contributions)
    found = [Bar("before any comparison", "how rare two rows of one person are", 0.0, start, FAINT)]
    at = start
    for part in sorted(contributions, key=lambda one: (-abs(one["weight"]), one["comparison"])):
        after = at + part["weight"]
        colour = FOR if after >= at else AGAINST
        found.append(Bar(part["comparison"].replace("_", " "), part["label"], at, after, colour))
        at = after
    return [*found, Bar("match weight", "all together", 0.0, weight, TOTAL)]


def svg(proposal_id: int, weight: float, probability: float, contributions: Sequence[Mapping[str, Any]]) -> str:
    """The picture as one SVG document that loads nothing from anywhere."""
    found = bars(weight, contributions)
    low = min(min(bar.begin, bar.end) for bar in found)
    high = max(max(bar.begin, bar.end) for bar in found)
    scale = (WIDTH - LEFT - RIGHT) / ((high - low) or 1.0)
    height = TOP + ROW * len(found) + 46
    picture = ElementTree.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=str(WIDTH),
        height=str(height),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
    )
    ElementTree.SubElement(picture, "rect", width="100%", height="100%", fill="#ffffff")
    title = f"Proposal {proposal_id}: match weight {weight:+.1f}, probability {_share(probability)}"
    _text(picture, 24, 32, title, 18, bold=True)
    _text(picture, 24, 54, "Bits of evidence that two persons are one: teal speaks for it, red against.", 12)
    zero = LEFT - low * scale
    _line(picture, zero, TOP - 6, zero, TOP + ROW * len(found))
    for place, bar in enumerate(found):
        _bar(picture, bar, TOP + ROW * place, LEFT - low * scale, scale, last=place == len(found) - 1)
    _text(picture, zero, height - 18, "0: as likely as not", 11, anchor="middle")
    return ElementTree.tostring(picture, encoding="unicode")


def _share(probability: float) -> str:
    return "over 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def _bar(picture: ElementTree.Element, bar: Bar, top: float, zero: float, scale: float, *, last: bool) -> None:
    left, right = sorted((zero + bar.begin * scale, zero + bar.end * scale))
    _text(picture, LEFT - 24, top + 13, bar.label, 13, anchor="end", bold=last)
    _text(picture, LEFT - 24, top + 27, bar.note, 10, anchor="end", colour="#66788a")
    ElementTree.SubElement(
        picture,
        "rect",
        x=f"{left:.1f}",
        y=f"{top + 3:.1f}",
        width=f"{max(right - left, 1.5):.1f}",
        height="22",
        rx="2",
        fill=bar.colour,
    )
    _text(picture, right + 6, top + 18, f"{bar.end if last else bar.end - bar.begin:+.1f}", 12, bold=last)
    if not last:
        end = zero + bar.end * scale
        _line(picture, end, top + 25, end, top + ROW + 3)


def _line(picture: ElementTree.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ElementTree.SubElement(
        picture, "line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", stroke="#9aa5b1"
    )


def _text(
    picture: ElementTree.Element,
    x: float,
    y: float,
    text: str,
    size: int,
    *,
    anchor: str = "start",
    bold: bool = False,
    colour: str = INK,
) -> None:
    element = ElementTree.SubElement(
        picture,
        "text",
        {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "font-size": str(size),
            "text-anchor": anchor,
            "fill": colour,
            "font-family": "Helvetica, Arial, sans-serif",
            "font-weight": "bold" if bold else "normal",
        },
    )
    element.text = text

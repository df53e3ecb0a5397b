"""Small inline SVG: bars over time. Colours are classes of the page's style, so that they follow light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT, GAP = 320.0, 64.0, 1.5


@dataclass(frozen=True)
class Bar:
    """One moment.

    :param parts: (class of the style, height), from below; heights in the chart's own unit.
    :param title: what a pointer reads.
    :param href: where a click leads; None: nowhere.
    """

    parts: Sequence[tuple[str, float]]
    title: str
    href: str | None = None


def bars(moments: Sequence[Bar], *, label: str, slots: int, limit: float | None = None) -> Markup:
    """A chart of bars, the newest at the right.

    :param label: what the chart says, in words, for who cannot see it.
    :param slots: moments there is room for; fewer leave the left side empty.
    :param limit: a line at this height, in the unit of the heights.
    """
    shown = list(moments)[-slots:]
    tallest = max([sum(height for _, height in bar.parts) for bar in shown] + [limit or 0.0, 0.0]) or 1.0
    step = WIDTH / slots
    drawn = [_bar(bar, WIDTH - (len(shown) - place) * step, step - GAP, tallest) for place, bar in enumerate(shown)]
    line = ""
    if limit is not None:
        y = _number(HEIGHT - limit / tallest * (HEIGHT - 2))
        line = f'<line class="limit" x1="0" x2="{_number(WIDTH)}" y1="{y}" y2="{y}"/>'
    base = f'<line class="base" x1="0" x2="{_number(WIDTH)}" y1="{_number(HEIGHT)}" y2="{_number(HEIGHT)}"/>'
    return Markup(  # noqa: S704 (numbers and class names of ours; texts are escaped)
        f'<svg class="chart" viewBox="0 0 {_number(WIDTH)} {_number(HEIGHT + 1)}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(label)}">{"".join(drawn)}{line}{base}</svg>'
    )


def _bar(bar: Bar, x: float, width: float, tallest: float) -> str:
    drawn, y = [], HEIGHT
    for kind, height in bar.parts:
        tall = height / tallest * (HEIGHT - 2)
        tall = max(tall, 2.0) if height > 0 else 0.0
        y -= tall
        if tall:
            drawn.append(_rect(kind, x, y, width, tall))
    if not drawn:  # a moment at which nothing was to be counted is still a moment
        drawn.append(_rect("none", x, HEIGHT - 2, width, 2))
    whole = f"<g><title>{escape(bar.title)}</title>{_rect('hit', x, 0, width, HEIGHT)}{''.join(drawn)}</g>"
    # What lies in an image has no name for a screen reader: the same links stand in the page's table.
    return f'<a href="{escape(bar.href)}" tabindex="-1">{whole}</a>' if bar.href else whole


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect class="{escape(kind)}" {place}/>'


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")

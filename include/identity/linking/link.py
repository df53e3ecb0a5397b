"""Rows of a table that share no key: which of them are one person, and how sure that is.

Thresholds come from a rule fixed in advance (docs/decisions/0021): the model's odds are held against its own fields
as witnesses, and the cut is the one at which the expected F1 is highest; what is joined without a person's look needs
more.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from scipy.special import expit

from include.identity.linking import clusters, evidence
from include.identity.linking.blocking import Pairs, candidates
from include.identity.linking.fields import NAME_KINDS, Field, informative
from include.identity.linking.model import Model, comparison_of, details, train, weights
from include.identity.linking.workbench import clean

log = logging.getLogger(__name__)

CUTS = np.arange(-6.0, 9.5, 0.5)  # average weight in bits that a join may need
LIKELY = 0.8  # expected share of right pairs in what is proposed, at least
SURE = 0.95  # expected share of right pairs in what is joined without a person's look
SAME = 1e-4  # of expected F1
WITNESSED = 300_000  # pairs that are held against their witnesses
SEED = 20261122


@dataclass(frozen=True)
class Linked:
    """What one run found.

    :param persons: a label a row, the smallest row of its person, at ``cut``.
    :param sure: the same at ``sure_cut``: never coarser than ``persons``.
    :param cut: average weight in bits at which the expected F1 is highest.
    :param sure_cut: the lowest at which the expected precision is ``SURE``.
    :param expected_precision: share of right pairs to be expected at ``cut``; pairs are taken one by one, so it is low.
    """

    fields: tuple[Field, ...]
    model: Model
    calibration: evidence.Calibration
    pairs: Pairs
    weights: np.ndarray
    persons: np.ndarray
    sure: np.ndarray
    cut: float
    sure_cut: float
    expected_precision: float
    expected_recall: float


def link(
    conn: duckdb.DuckDBPyConnection, table: pa.Table, fields: Sequence[Field], *, one_per_source: bool = False
) -> Linked:
    """Find the rows that are one person.

    The same table gives the same answer, whatever machine it runs on.

    :param conn: from :func:`include.identity.linking.workbench.workbench`; ``record`` is left in it.
    :param table: ``row`` (0, 1, 2, …), ``source`` (int), and the columns of ``fields`` as text.
    :param one_per_source: a person has at most one row in each source.
    :raises FatalError: there is nothing to learn from.
    """
    kept = informative(table, fields)
    clean(conn, table, kept)
    found = candidates(conn, kept, within_sources=not one_per_source)
    model = train(conn, kept)
    raw = weights(conn, model, found)
    calibration = _calibrated(conn, model, kept, found, raw)
    held = calibration.weights(raw)
    labels = clusters.neighbourhoods(table.num_rows, found, held)
    sources = table["source"].to_numpy() if one_per_source else None
    rest = clusters.unweighed(labels, found, sources)
    if len(rest):
        held = np.concatenate([held, calibration.weights(weights(conn, model, rest))])
        found = Pairs(
            *(np.concatenate([getattr(found, side), getattr(rest, side)]) for side in ("left", "right", "free"))
        )
    log.info("%d rows, %d pairs weighed, model %s", table.num_rows, len(found), model.version)
    return _decided(labels, kept, model, calibration, found, held)


def _calibrated(
    conn: duckdb.DuckDBPyConnection, model: Model, fields: Sequence[Field], found: Pairs, raw: np.ndarray
) -> evidence.Calibration:
    """Hold the model against its fields, on a fixed sample when there are many pairs."""
    if not len(found):
        return evidence.Calibration(0.0, evidence.MOST_SLOPE)
    chosen = np.arange(len(found))
    if len(found) > WITNESSED:
        chosen = np.sort(np.random.default_rng(SEED).choice(chosen, WITNESSED, replace=False))
    said = details(conn, model, Pairs(found.left[chosen], found.right[chosen], found.free[chosen]))
    first_name = next((field for field in fields if field.kind in NAME_KINDS), None)
    witnesses = [
        None if field.kind in NAME_KINDS and field != first_name else said[f"weight/{comparison_of(field)}"]
        for field in fields
    ]
    return evidence.calibrate(raw[chosen], found.free[chosen], witnesses)


def _decided(
    labels: np.ndarray,
    fields: tuple[Field, ...],
    model: Model,
    calibration: evidence.Calibration,
    pairs: Pairs,
    held: np.ndarray,
) -> Linked:
    found, joined = clusters.trees(labels, pairs, held)
    likely = expit(np.log(2) * held)
    expected = [_expected(joined >= at, likely) for at in CUTS]
    best = _best([_f1(*one) if one[0] >= LIKELY else 0.0 for one in expected])
    sure = next((place for place in range(best, len(CUTS)) if expected[place][0] >= SURE), len(CUTS) - 1)
    most = _most(clusters.cut(len(labels), found, CUTS[sure]))
    return Linked(
        fields,
        model,
        calibration,
        pairs,
        held,
        persons=clusters.cut(len(labels), found, CUTS[best], most=most),
        sure=clusters.cut(len(labels), found, CUTS[sure], most=most),
        cut=float(CUTS[best]),
        sure_cut=float(CUTS[sure]),
        expected_precision=expected[best][0],
        expected_recall=expected[best][1],
    )


def _best(f1: list[float]) -> int:
    """Where the expected F1 is highest; the middle, where it is as good as the same for a while."""
    level = [place for place, value in enumerate(f1) if value >= max(f1) - SAME]
    return level[len(level) // 2]


def _most(labels: np.ndarray) -> int:
    """Rows that a person may have: twice what all but one in a hundred of the sure ones have, and four at least."""
    sizes = np.bincount(labels)
    several = sizes[sizes > 1]
    return max(4, 2 * int(np.quantile(several, 0.99))) if several.size else 4


def _expected(inside: np.ndarray, likely: np.ndarray) -> tuple[float, float]:
    """Precision and recall to be expected of the pairs inside persons, if every probability is what it says."""
    right = likely[inside].sum()
    return (float(right / inside.sum()) if inside.any() else 1.0, float(right / max(likely.sum(), 1e-9)))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

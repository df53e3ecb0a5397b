"""From weighed pairs to rows that are one person: the surest join first, and only while all of it fits.

Plain closure joins strangers through a chain of likely pairs. Here two groups join when the average over ALL pairs
between them is good enough (average linkage); pairs that no rule found are weighed too. A pair that contradicts
strong fields counts with its full negative weight, so one likely pair does not outvote three impossible ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from include.identity.linking.blocking import Pairs

LOOSEST = -3.0  # bits; weaker pairs bring no two rows into one neighbourhood
STEP = 2.0  # bits by which a neighbourhood that is too large is met again more strictly
LARGEST = 300  # rows of a neighbourhood: all its pairs are weighed
SUREST = 10.0  # bits that count for one pair: three sure pairs do not outvote many doubtful ones
UNLIKELIEST = -15.0
NEVER = -1000.0  # two rows of a source that is free of doubles


@dataclass(frozen=True)
class Tree:
    """How the rows of one neighbourhood join, nearest first.

    :param rows: the rows.
    :param joins: scipy's linkage matrix over them; its distances are ``SUREST`` minus the average weight.
    """

    rows: np.ndarray
    joins: np.ndarray


def neighbourhoods(rows: int, pairs: Pairs, weights: np.ndarray) -> np.ndarray:
    """A label a row: rows of one label may be one person, all others are not. At most ``LARGEST`` rows carry one."""
    strict = np.full(len(pairs), LOOSEST)
    while True:
        kept = weights >= strict
        links = coo_array((np.ones(kept.sum(), np.int8), (pairs.left[kept], pairs.right[kept])), shape=(rows, rows))
        _, labels = connected_components(links, directed=False)
        large = np.bincount(labels)[labels] > LARGEST
        if not large.any():
            return labels
        strict = np.where(large[pairs.left], strict + STEP, strict)


def unweighed(labels: np.ndarray, pairs: Pairs, sources: np.ndarray | None) -> Pairs:
    """The pairs inside a neighbourhood that no rule found.

    :param sources: source of each row when two rows of one are never one person.
    """
    lefts, rights = [], []
    for rows in _groups(labels):
        one, two = np.triu_indices(len(rows), 1)
        lefts.append(rows[one])
        rights.append(rows[two])
    if not lefts:
        return Pairs(*(np.empty(0, np.int64) for _ in range(3)))
    left, right = np.concatenate(lefts), np.concatenate(rights)
    known = np.isin(left * len(labels) + right, pairs.left * len(labels) + pairs.right)
    asked = ~known if sources is None else ~known & (sources[left] != sources[right])
    return Pairs(left[asked], right[asked], np.zeros(asked.sum(), np.int64))


def trees(labels: np.ndarray, pairs: Pairs, weights: np.ndarray) -> tuple[list[Tree], np.ndarray]:
    """The tree of each neighbourhood of two rows or more. A pair without a weight can never be one person.

    :returns: the trees, and for each pair the average weight of the join that brings its rows together; far below
        everything for a pair across neighbourhoods.
    """
    joined = np.full(len(pairs), NEVER)
    inside = np.flatnonzero(labels[pairs.left] == labels[pairs.right])
    inside = inside[np.argsort(labels[pairs.left[inside]], kind="stable")]
    left, right = pairs.left[inside], pairs.right[inside]
    far = SUREST - np.clip(weights[inside], UNLIKELIEST, SUREST)
    _, starts = np.unique(labels[left], return_index=True)
    place = np.zeros(len(labels), np.int64)
    found = []
    for start, end in zip(starts, [*starts[1:], len(left)], strict=True):
        rows = np.unique(np.concatenate([left[start:end], right[start:end]]))
        place[rows] = np.arange(len(rows))
        one, two = place[left[start:end]], place[right[start:end]]
        distance = np.full((len(rows), len(rows)), SUREST - NEVER)
        distance[one, two] = distance[two, one] = far[start:end]
        joins = linkage(distance[np.triu_indices(len(rows), 1)], "average")
        joined[inside[start:end]] = SUREST - squareform(cophenet(joins))[one, two]
        found.append(Tree(rows, joins))
    return found, joined


def cut(rows: int, found: list[Tree], at: float, *, most: int | None = None) -> np.ndarray:
    """A label a row: the smallest row of its group.

    :param at: average weight in bits that a join needs.
    :param most: rows of a group; a larger one is taken apart again along its tree.
    """
    labels = np.arange(rows)
    for tree in found:
        groups = fcluster(tree.joins, SUREST - at, "distance")
        if most is not None and np.bincount(groups).max() > most:
            groups = _within(tree, at, most)
        order = np.argsort(groups, kind="stable")
        _, starts = np.unique(groups[order], return_index=True)
        for members in np.split(tree.rows[order], starts[1:]):
            labels[members] = members.min()
    return labels


def _within(tree: Tree, at: float, most: int) -> np.ndarray:
    """Groups of at most ``most`` rows: each join that is good enough and not too large, from the leaves up."""
    count = len(tree.rows)
    members = {leaf: [leaf] for leaf in range(count)}
    groups = np.arange(count)
    for number, (one, two, distance, _) in enumerate(tree.joins):
        joined = members.get(int(one), []) + members.get(int(two), [])
        whole = int(one) in members and int(two) in members
        if whole and distance <= SUREST - at and len(joined) <= most:
            members[count + number] = joined
            groups[joined] = min(joined)
    return groups


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(labels, kind="stable")
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    return [np.sort(order[start : start + size]) for start, size in zip(starts, sizes, strict=True) if size > 1]

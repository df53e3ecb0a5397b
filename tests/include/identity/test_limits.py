"""Limits, priorities, pins and accepted proposals against a plain oracle, however the records come in.

``GRAPHS`` says how many random graphs are tried (100; the promise is kept on 10,000).
"""

import os
from collections import defaultdict
from random import Random

import psycopg
import pytest

from include.identity.build import build_persons
from include.identity.components import Route
from tests.include.identity.decided import decide, publish, refused, refused_edges
from tests.include.identity.graphs import LIMITED, DecidedGraph, decided_graph
from tests.include.identity.plain_stitching import SPAN_MINUTES, Stitched, stitched
from tests.include.identity.staged import AS_OF, forget_everything, persons

GRAPHS = int(os.environ.get("GRAPHS", "100"))
TOGETHER = 500  # graphs of one load: their values have nothing in common, so each is stitched as if alone


def oracle(graphs: list[DecidedGraph]) -> Stitched:
    found = [stitched(graph.records, graph.decisions, LIMITED) for graph in graphs]
    return Stitched(
        {key: oldest for one in found for key, oldest in one.oldest.items()},
        {link for one in found for link in one.refused},
        [cluster for one in found for cluster in one.clusters],
    )


def assert_equal(conn: psycopg.Connection, wanted: Stitched) -> dict[str, str]:
    own = {key: str(one) for key, one in conn.execute("select record_key, own_person_id from identity.record")}
    found = {key: person for (_, key), person in persons(conn).items()}
    assert found == {key: own[oldest] for key, oldest in wanted.oldest.items()}
    assert refused(conn) == wanted.refused
    assert refused_edges(conn) == {link for link in wanted.refused if len(link) == 2}
    return found


def assert_no_limit_is_broken(conn: psycopg.Connection) -> None:
    """No person has more values of a type in any span than its limits allow; those a merge pin names may.

    A span begins with a value: if any holds too many, one that begins with its first does.
    """
    found = conn.execute("""
        with seen as (
            select i.identifier_id, i.type, min(r.first_seen_at) as at
            from identity.edge as e
            inner join identity.record as r using (record_id)
            inner join identity.identifier as i using (identifier_id)
            where e.dropped_reason is null or e.refused
            group by i.identifier_id
        )
        select distinct r.person_id, s.type, s.identifier_id, (extract(epoch from s.at) / 60)::int
        from identity.record as r
        inner join identity.edge as e on e.record_id = r.record_id and e.dropped_reason is null
        inner join seen as s on s.identifier_id = e.identifier_id
        where r.person_id not in (
            select p.person_id from identity.record as p
            inner join identity.pin as n on p.record_key in (n.record_key_a, n.record_key_b)
            where n.kind = 'merge' and n.undone_at is null
        )
    """).fetchall()
    held = defaultdict(list)
    for person, kind, _, at in found:
        held[person, kind].append(at)
    broken = [
        (person, kind, limit)
        for (person, kind), times in held.items()
        for limit in LIMITED.of_type(kind).limits
        for start in times
        if sum(start <= at < start + SPAN_MINUTES[limit.per] for at in times) > limit.count
    ]
    assert held and broken == []


def batches() -> list[range]:
    return [range(start, min(start + TOGETHER, GRAPHS)) for start in range(0, GRAPHS, TOGETHER)]


@pytest.mark.parametrize("numbers", batches(), ids=lambda numbers: f"from {numbers.start}")
def test_random_graphs_equal_the_oracle_in_one_load_in_increments_shuffled_and_from_nothing(
    conn: psycopg.Connection, numbers: range
) -> None:
    graphs = [decided_graph(number) for number in numbers]
    wanted = oracle(graphs)
    assert wanted.refused or len(graphs) < 10  # the graphs do contain links that cannot hold
    rng = Random(numbers.start)
    records = [record for graph in graphs for record in graph.records]
    decisions = [one for graph in graphs for one in graph.decisions]
    rng.shuffle(records)
    loads = rng.randint(2, 5)
    for load in range(loads):
        publish(conn, records[load::loads])
        decide(conn, decisions[load * len(decisions) // loads : (load + 1) * len(decisions) // loads])
        build_persons(conn, as_of=AS_OF, rules=LIMITED, route=rng.choice(("sql", "arrays")))
    grown = assert_equal(conn, wanted)
    assert_no_limit_is_broken(conn)
    routes: list[Route] = ["sql", "arrays"]
    for route in routes:
        forget_everything(conn)
        build_persons(conn, as_of=AS_OF, rules=LIMITED, rebuild=True, route=route)
        assert assert_equal(conn, wanted) == grown

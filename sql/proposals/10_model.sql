-- One row per model: what it learned and where its thresholds came to stand.
insert into identity.link_model (
    model_version, settings, labels, trained_at, persons, pairs, shift, slope, propose_from, accept_from,
    expected_precision, expected_recall
) values (
    %(model_version)s, %(settings)s, %(labels)s, %(at)s, %(persons)s, %(pairs)s, %(shift)s, %(slope)s, %(propose_from)s,
    %(accept_from)s, %(expected_precision)s, %(expected_recall)s
)
on conflict (model_version) do update
    set
        trained_at = excluded.trained_at,
        persons = excluded.persons,
        pairs = excluded.pairs,
        shift = excluded.shift,
        slope = excluded.slope,
        propose_from = excluded.propose_from,
        accept_from = excluded.accept_from,
        expected_precision = excluded.expected_precision,
        expected_recall = excluded.expected_recall

"""The trained model: what agreement and disagreement of each field are worth, learned without a single label.

After Fellegi and Sunter, by Splink: u (agreement of strangers) from random pairs, m (agreement of one person's
records) by expectation maximisation in one pass a field that pairs are found by, the field itself left out. All of it
with one seed, one thread and ordered rows: the same records give the same model.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from psycopg import sql
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

from include.errors import FatalError
from include.identity.linking.blocking import Pairs
from include.identity.linking.comparisons import NAME, comparisons
from include.identity.linking.fields import NAME_KINDS, WHOLE_NAME, Field
from include.identity.linking.workbench import THREADS, run

SEED = 20261122
RANDOM_PAIRS = 400_000  # at most, and so many a row:
RANDOM_PAIRS_A_ROW = 100
TRAINING_PAIRS = 200_000  # a pass
PRIOR = 1e-4  # that two rows are one person, before anything is known; ``evidence`` finds the real one
MOST_DIFFERENT = 0.1  # of one person's pairs: what learns more has taken households, not persons, for matches
LEAST_SHARE = 1e-5  # of a level: what was never seen in training is rare, not impossible
DECIMALS = 6  # of a weight: what is left of the order in which numbers were added is cut off
_SHARES = ("m_probability", "u_probability")


@dataclass(frozen=True)
class Model:
    """What was learned. ``settings`` holds shares and conditions, never a value of a row."""

    settings: dict[str, Any]

    @property
    def version(self) -> str:
        """The same for the same settings."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:12]


def train(conn: duckdb.DuckDBPyConnection, fields: Sequence[Field]) -> Model:
    """Learn from the rows of ``record``.

    :raises FatalError: no field finds pairs to learn from.
    """
    logging.getLogger("splink").setLevel(logging.ERROR)  # its messages quote conditions and counts, nothing we act upon
    found = comparisons(fields)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=found,
        unique_id_column_name="row",
        retain_matching_columns=False,
        blocking_rules_to_generate_predictions=[block_on("row")],
        probability_two_random_records_match=PRIOR,
        em_convergence=0.001,
        linker_uid="audienceflow",
    )
    conn.execute("set threads = 1")
    linker = Linker(DuckDBAPI(conn).register("record"), settings, log_level=None)
    ((rows,),) = conn.execute("select count(*) from record").fetchall()
    random_pairs = min(RANDOM_PAIRS, RANDOM_PAIRS_A_ROW * rows)
    linker.training.estimate_u_using_random_sampling(max_pairs=random_pairs, seed=SEED)
    passes = [_pass(linker, column) for column in _training_columns(fields)]
    if not any(passes):
        raise FatalError("No two records agree on anything a model could learn from; there is nothing to propose.")
    settings = linker.misc.save_model_to_json()
    run(conn, sql.SQL("set threads = {}").format(sql.Literal(THREADS)))
    for comparison in settings["comparisons"]:
        different = comparison["comparison_levels"][-1]
        different["m_probability"] = min(different.get("m_probability", MOST_DIFFERENT), MOST_DIFFERENT)
    return Model(_rounded(settings))


def weights(conn: duckdb.DuckDBPyConnection, model: Model, pairs: Pairs) -> np.ndarray:
    """Match weight of each pair: log2 of the odds that it is one person, as the model sees them."""
    return np.round(_predicted(conn, model, pairs, details=False)["match_weight"].to_numpy(), DECIMALS)


def details(conn: duckdb.DuckDBPyConnection, model: Model, pairs: Pairs) -> dict[str, np.ndarray]:
    """What each comparison added to the weight of each pair, and which of its levels (-1: a value is missing).

    :returns: ``weight/<comparison>`` in bits, the value's frequency counted in, and ``level/<comparison>``.
    """
    table = _predicted(conn, model, pairs, details=True)
    found = {}
    for one in model.settings["comparisons"]:
        name = one["output_column_name"]
        parts = [column for column in (f"mw_{name}", f"mw_tf_adj_{name}") if column in table.column_names]
        found[f"weight/{name}"] = np.round(sum(table[column].to_numpy() for column in parts), DECIMALS)
        found[f"level/{name}"] = table[f"gamma_{name}"].to_numpy()
    return found


def labels(model: Model) -> dict[str, dict[int, str]]:
    """What each level of each comparison is called, by its number."""
    found: dict[str, dict[int, str]] = {}
    for one in model.settings["comparisons"]:
        levels = [level for level in one["comparison_levels"] if not level.get("is_null_level")]
        names = [level.get("label_for_charts", "") for level in levels]
        names = ["the same" if name.startswith("Exact match") else name for name in names]
        names[-1] = "different"
        found[one["output_column_name"]] = {-1: "unknown"} | dict(zip(reversed(range(len(names))), names, strict=True))
    return found


def comparison_of(field: Field) -> str:
    """The comparison that looks at a field."""
    return NAME if field.kind in NAME_KINDS else field.name


def _training_columns(fields: Sequence[Field]) -> list[str]:
    named = any(field.kind in NAME_KINDS for field in fields)
    found = [field.name for field in fields if field.kind not in (*NAME_KINDS, "category")]
    return [WHOLE_NAME, *found] if named else found


def _pass(linker: Linker, column: str) -> bool:
    """Learn from the pairs that agree on one column; False when no two do, or none of them is one person."""
    before = linker._settings_obj.core_model_settings.copy()
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(column),
            estimate_without_term_frequencies=True,
            max_pairs=TRAINING_PAIRS,
            record_sample_proportion=1,
        )
    except (EMTrainingException, ValueError):  # ValueError: a share fell below what a float can hold
        linker._settings_obj.core_model_settings = before  # a pass that ends early leaves its comparison taken out
        return False
    return True


def _rounded(settings: Any, key: str = "") -> Any:
    """Nine digits of every number, and no share of a level below the least."""
    if isinstance(settings, dict):
        return {name: _rounded(value, name) for name, value in settings.items()}
    if isinstance(settings, list):
        return [_rounded(value, key) for value in settings]
    if not isinstance(settings, float):
        return settings
    return float(f"{max(settings, LEAST_SHARE) if key in _SHARES else settings:.9g}")


def _predicted(conn: duckdb.DuckDBPyConnection, model: Model, pairs: Pairs, *, details: bool) -> pa.Table:
    # Splink gives the levels only together with the values: those go no further than this table.
    settings = model.settings | {"retain_intermediate_calculation_columns": details, "retain_matching_columns": details}
    conn.register(
        "asked",
        pa.table(
            {
                "match_key": pa.nulls(len(pairs), pa.string()).fill_null("0"),
                "join_key_l": pairs.left,
                "join_key_r": pairs.right,
            }
        ),
    )
    database = DuckDBAPI(conn)
    linker = Linker(database.register("record"), settings, log_level=None)
    linker.table_management.register_blocked_pairs_for_predict(database.register("asked", table_name="asked_pairs"))
    answer = linker.inference.predict(warning_mode="never")
    found = answer.as_duckdbpyrelation().order("row_l, row_r").to_arrow_table()
    answer.drop_table_from_database_and_remove_from_cache()
    conn.unregister("asked")
    return found

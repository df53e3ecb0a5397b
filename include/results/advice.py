"""What to do about a rule that failed, in a sentence or two, by what it did to the batch."""

from include.results.records import RuleResult, Run

SHARE_RULE = "quarantine_share"
CONTRACT = "contract_"
MEANINGS = {  # of rules that stand in no suite
    SHARE_RULE: "More rows break warnings than may be set aside.",
    "contract_new_column": "Records have a key that no published batch had.",
    "contract_lost_column": "A key that records always had is absent from all of them.",
    "contract_changed_type": "A key has a kind of value it never had.",
    "freshness": "The newest record is older than it uses to be when the stream is read.",
}


def of_run(run: Run) -> str:
    """What the check meant, for whoever was woken by it."""
    table = run.stream.partition(".")[2]
    if run.state == "stopped":
        return (
            "Nothing of this batch was published, and nothing is built on it. Mend what the red rules name, then clear "
            f"check_{table} (or run {run.dag_id} again): the batch is checked anew, with what was landed since."
        )
    if run.state == "set_aside":
        return (
            "The good rows were published. Those that broke a rule wait in quarantine until their source sends them "
            f"mended, or somebody lets them through: bin/audienceflow quarantine list --stream {run.stream}"
        )
    if run.state == "noted":
        return "Every row was published. Something is unusual: have a look at the blue rules."
    return "Every rule held; every row was published."


def meaning(rule: str, reason: str | None) -> str:
    """What it means when a rule fails: the suite's words, or ours for a rule that every stream has."""
    return reason or MEANINGS.get(rule, "")


def of_rule(run: Run, result: RuleResult) -> str:
    """What to do next about one rule; empty when it held."""
    if result.passed:
        return ""
    if result.rule == SHARE_RULE:
        allowed = f"{run.max_share:.1%}" if run.max_share is not None else "the suite's share"
        return (
            f"More rows than {allowed} break a warning below. Mend the source; or, if they are right, raise "
            f"max_quarantine_share in expectations/{run.suite}.json."
        )
    if result.rule.startswith(CONTRACT):
        return _of_contract(run, result)
    if result.rule == "freshness":
        stops = "; contract: {freshness: info} in its mapping lets the batch pass" if run.state == "stopped" else ""
        return f"Look whether anything still reaches {run.stream} at its source: an export, a form, a webhook{stops}."
    if result.severity == "critical":
        return f"Mend the source, or the rule in expectations/{run.suite}.json; then run {run.dag_id} again."
    if result.severity == "warning" and run.state == "stopped":
        return "Nothing was set aside, because the batch stopped."
    if result.severity == "warning":
        chosen = f"--stream {run.stream} --rule {result.rule}"
        return f"bin/audienceflow quarantine list {chosen} names the records; mend them at the source, or release them."
    return "Only told. If this is usual now, the rule's limits in the suite are out of date."


def _of_contract(run: Run, result: RuleResult) -> str:
    shown = f"bin/audienceflow schema changes {run.stream} --all shows them all"
    if result.severity == "info":
        return f"Only told: it is learned when the batch is published. {shown}."
    accept = f"bin/audienceflow schema accept {run.stream}"
    if result.severity == "critical":
        return f"Have the source mended, or let it pass: {accept}; then run {run.dag_id} again. {shown}."
    return f"What is wrong is kept from staging until the source is mended, or: {accept}. {shown}."

"""The fault plan."""

import pytest

from include.standins.faults import Fault, FaultPlan


def fates(plan: FaultPlan, count: int, path: str = "/x") -> list[str]:
    struck = (plan.draw("meta", "POST", path)[1] for _ in range(count))
    return [one.kind if one else "-" for one in struck]


def planned(*faults: Fault) -> FaultPlan:
    plan = FaultPlan()
    plan.replace(*faults)
    return plan


def test_the_same_seed_strikes_the_same_requests() -> None:
    fault = Fault("meta", "error", probability=0.5, seed=7)
    first = fates(planned(fault), 50)
    assert first == fates(planned(fault), 50)
    assert 10 < first.count("error") < 40
    assert first != fates(planned(Fault("meta", "error", probability=0.5, seed=8)), 50)


def test_so_many_pass_so_many_are_hit_and_then_it_is_over() -> None:
    assert fates(planned(Fault("meta", "reset", skip=2, next=3)), 8) == ["-", "-", *["reset"] * 3, "-", "-", "-"]


def test_a_fault_keeps_to_its_platform_method_and_path() -> None:
    plan = planned(Fault("meta", "error", path="/users$", method="POST"))
    assert plan.draw("mailchimp", "POST", "/1/users")[1] is None
    assert plan.draw("meta", "GET", "/1/users")[1] is None
    assert plan.draw("meta", "POST", "/1/sessions")[1] is None
    assert plan.draw("meta", "POST", "/1/users")[1].kind == "error"


def test_latency_comes_on_top_of_another_fault() -> None:
    plan = planned(Fault("*", "throttle"), Fault("*", "latency", seconds=0.2), Fault("*", "latency", seconds=0.3))
    delay, struck = plan.draw("meta", "GET", "/")
    assert (delay, struck.kind) == (0.5, "throttle")


def test_a_rule_behind_the_one_that_struck_is_not_used_up() -> None:
    assert fates(planned(Fault("*", "reset", next=1), Fault("*", "error", next=1)), 3) == ["reset", "error", "-"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"platform": "meta", "kind": "error", "probabilty": 1}, "probabilty"),
        ({"platform": "meta", "kind": "typo"}, "kind must be one of"),
        ({"kind": "error"}, "platform is missing"),
    ],
)
def test_a_plan_with_a_mistake_is_refused_and_names_it(body: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Fault.from_json(body)

"""What-if: named changes against a line, experiments with common random numbers, and answers with
an interval.

>>> from twin import whatif
>>> from twin.model import Line, Station
>>> line = Line(id="L", stations=(Station(id="A", cycle_time="2 s"),))
>>> faster = whatif.Scenario.of("faster", {"stations.A.cycle_time": "-20%"})
>>> answer = whatif.compare(line, [faster], plan=whatif.Plan(span_us=3_600_000_000))
>>> answer.gain(1)
Estimate(mean=450.0, half_width_95=0.0)
"""

from twin.whatif.bottleneck import Bottleneck, bottleneck, remedies
from twin.whatif.experiment import Answer, Plan, answers, compare
from twin.whatif.forecast import Forecast, State, forecast
from twin.whatif.forecast_scores import Scores, scores_of
from twin.whatif.horizons import Horizon, horizons_of
from twin.whatif.result import Origin, SavedAnswer, differences_of, rerun, saved
from twin.whatif.scenario import Change, Difference, Scenario, Variant, applied
from twin.whatif.scenario_file import read_scenarios, scenarios_from_text
from twin.whatif.workers import Workers, open_workers

__all__ = [
    "Answer",
    "Bottleneck",
    "Change",
    "Difference",
    "Forecast",
    "Horizon",
    "Origin",
    "Plan",
    "SavedAnswer",
    "Scenario",
    "Scores",
    "State",
    "Variant",
    "Workers",
    "answers",
    "applied",
    "bottleneck",
    "compare",
    "differences_of",
    "forecast",
    "horizons_of",
    "open_workers",
    "read_scenarios",
    "remedies",
    "rerun",
    "saved",
    "scenarios_from_text",
    "scores_of",
]

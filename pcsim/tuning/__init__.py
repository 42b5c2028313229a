"""Which settings suit each rule? The same number of trainings for each, judged on validation images."""

from pcsim.tuning.design import Ranges as Ranges
from pcsim.tuning.design import parse_ranges as parse_ranges
from pcsim.tuning.output import check_output as check_output
from pcsim.tuning.output import screen as screen
from pcsim.tuning.output import write_tuned as write_tuned
from pcsim.tuning.plan import Trial as Trial
from pcsim.tuning.plan import TuningPlan as TuningPlan
from pcsim.tuning.plan import plan_tuning as plan_tuning
from pcsim.tuning.score import Score as Score
from pcsim.tuning.score import score_of as score_of
from pcsim.tuning.span import PositiveRange as PositiveRange
from pcsim.tuning.tune import Outcome as Outcome
from pcsim.tuning.tune import Tuned as Tuned
from pcsim.tuning.tune import tune as tune
from pcsim.tuning.tune import tuned_name as tuned_name

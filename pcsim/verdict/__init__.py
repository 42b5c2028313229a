"""Which rule is best on this chip, by what ratio, and how sure is that?"""

from pcsim.verdict.bound import Bound as Bound
from pcsim.verdict.bound import bound_of as bound_of
from pcsim.verdict.compare import compare as compare
from pcsim.verdict.cost import cost_of as cost_of
from pcsim.verdict.judge import judge as judge
from pcsim.verdict.not_modelled import NOT_MODELLED as NOT_MODELLED
from pcsim.verdict.summary import as_json as as_json
from pcsim.verdict.summary import summary as summary
from pcsim.verdict.to_target import to_target as to_target
from pcsim.verdict.values import Comparison as Comparison
from pcsim.verdict.values import Cost as Cost
from pcsim.verdict.values import Estimate as Estimate
from pcsim.verdict.values import LayerPlace as LayerPlace
from pcsim.verdict.values import Result as Result
from pcsim.verdict.values import ToTarget as ToTarget
from pcsim.verdict.values import Verdict as Verdict
from pcsim.verdict.words import COMPONENT_NAMES as COMPONENT_NAMES
from pcsim.verdict.words import RULE_NAMES as RULE_NAMES
from pcsim.verdict.words import component_name as component_name
from pcsim.verdict.words import factor as factor
from pcsim.verdict.words import network_text as network_text
from pcsim.verdict.words import percent as percent
from pcsim.verdict.words import wait_name as wait_name

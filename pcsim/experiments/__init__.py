"""What is known of predictive coding, shown in small: each experiment measures, draws and compares with theory.

Some run the plain reference dynamics of ``theory`` on small networks with stated seeds, without hardware or training;
some train with the engine; others let predictive coding and backpropagation compete on a simulated chip.
"""

from pcsim.experiments.catalogue import EXPERIMENTS as EXPERIMENTS
from pcsim.experiments.catalogue import load_experiment as load_experiment
from pcsim.experiments.experiment import Experiment as Experiment
from pcsim.experiments.experiment import Findings as Findings
from pcsim.experiments.experiment import Statement as Statement
from pcsim.experiments.experiment import find as find
from pcsim.experiments.output import check_output as check_output
from pcsim.experiments.output import names as names
from pcsim.experiments.output import write_findings as write_findings

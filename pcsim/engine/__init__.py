"""What does a rule compute on real data: accuracy, inference steps executed, what stays busy. Knows no hardware.

Importing this room imports neither numba nor the data sets: a run whose trainings are stored never
does.
"""

from pcsim.cache import tell_if_nothing_is_kept as tell_if_nothing_is_kept
from pcsim.cache import why_nothing_is_kept as why_nothing_is_kept
from pcsim.engine.inference import BatchResult as BatchResult
from pcsim.engine.inference import backpropagate as backpropagate
from pcsim.engine.inference import infer as infer
from pcsim.engine.learn import kept_seeds as kept_seeds
from pcsim.engine.learn import train as train
from pcsim.engine.learn import train_all as train_all
from pcsim.engine.network import DenseNetwork as DenseNetwork
from pcsim.engine.network import initial_weights as initial_weights
from pcsim.engine.relaxation import Relaxation as Relaxation
from pcsim.engine.store import learning_key as learning_key
from pcsim.engine.training import Profile as Profile
from pcsim.engine.training import SeedCurve as SeedCurve
from pcsim.engine.training import Training as Training

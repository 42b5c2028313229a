"""Which operations a learning rule consists of, of which size, in which order of need."""

from pcsim.program.backpropagation import backpropagation as backpropagation
from pcsim.program.build import inference_of as inference_of
from pcsim.program.build import program_of as program_of
from pcsim.program.form import Form as Form
from pcsim.program.graphs import graph_backpropagation as graph_backpropagation
from pcsim.program.graphs import graph_inference as graph_inference
from pcsim.program.graphs import graph_predictive_coding as graph_predictive_coding
from pcsim.program.inference import inference as inference
from pcsim.program.messages import Told as Told
from pcsim.program.ops import CARRIED as CARRIED
from pcsim.program.ops import IN_TURN as IN_TURN
from pcsim.program.ops import PRODUCTS as PRODUCTS
from pcsim.program.ops import Key as Key
from pcsim.program.ops import Kind as Kind
from pcsim.program.ops import Need as Need
from pcsim.program.ops import Op as Op
from pcsim.program.ops import Phase as Phase
from pcsim.program.ops import Program as Program
from pcsim.program.ops import Role as Role
from pcsim.program.ops import Turn as Turn
from pcsim.program.predictive_coding import predictive_coding as predictive_coding
from pcsim.program.sizes import Sizes as Sizes
from pcsim.program.text import text_of as text_of
from pcsim.program.verify import verify as verify
from pcsim.program.words import Operands as Operands
from pcsim.program.words import Words as Words

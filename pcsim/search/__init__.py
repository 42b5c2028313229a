"""Which configurations are worth having, without training them all?"""

from pcsim.search.limits import Limit as Limit
from pcsim.search.limits import parse_limits as parse_limits
from pcsim.search.search import Found as Found
from pcsim.search.search import search as search

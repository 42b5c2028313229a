"""Which numbers would the hardware really hold? Formats, rounding into them, and the sums of narrow units.

A value stays in a float32 or float64 array, its carrier, and is rounded to what the format can hold.
Importing this room imports neither numpy nor numba; the modules beside ``formats`` import both.
"""

from pcsim.formats import Format as Format
from pcsim.formats import FormatError as FormatError
from pcsim.formats import exact_terms as exact_terms
from pcsim.formats import parse_format as parse_format

"""How long does each kind of unit take for a task, and what does it do meanwhile: closed forms.

`FORMS` is the one table from the ``kind`` in a hardware file to a closed form.
"""

from __future__ import annotations

from pcsim.config import ComputeUnit
from pcsim.config.compute import add_kind
from pcsim.machine.units import crossbar, serial, simd, systolic
from pcsim.machine.units.form import Form as Form
from pcsim.machine.units.form import digital_actions as digital_actions
from pcsim.machine.units.form import written_twice as written_twice
from pcsim.machine.units.work import Passes as Passes
from pcsim.machine.units.work import Product as Product
from pcsim.machine.units.work import Weights as Weights
from pcsim.machine.units.work import Work as Work
from pcsim.machine.units.work import moved as moved

FORMS: dict[str, Form] = {
    "systolic": systolic.FORM,
    "simd": simd.FORM,
    "crossbar": crossbar.FORM,
    "serial": serial.FORM,
}


def register(section: type[ComputeUnit], form: Form) -> None:
    """Add a kind of compute unit: its section of the hardware file, and its form.

    Raises:
        ValueError: another kind has this name.
    """
    FORMS[add_kind(section)] = form


def form_of(unit: ComputeUnit) -> Form:
    """The form of the kind of ``unit``."""
    return FORMS[unit.kind]

"""Random chips and random programs of chains, for tests of whatever the one does with the other."""

from hypothesis import HealthCheck, reject
from hypothesis import strategies as st

from pcsim.errors import DoesNotFitError
from pcsim.placement import TOPOLOGIES, place
from tests.helpers.programs import bp, pc

SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@st.composite
def networks(draw):
    """Programs of either rule."""
    depth = draw(st.integers(1, 5))
    widths = tuple(draw(st.lists(st.integers(1, 60), min_size=depth + 1, max_size=depth + 1)))
    batch = draw(st.integers(1, 9))
    if draw(st.booleans()):
        return bp(widths, batch)
    return pc(widths, batch, draw(st.integers(1, 4)), wavefront=draw(st.booleans()))


@st.composite
def chip_settings(draw):
    """Overrides of tile64 that say another chip, of every kind of memory and network."""
    chosen = [
        f"tiles.mesh=[{draw(st.integers(1, 4))}, {draw(st.integers(1, 4))}]",
        f"tiles.sram.size={draw(st.sampled_from([64, 256]))} KiB",
        f"tiles.sram.banking={draw(st.sampled_from(['skewed', 'interleaved']))}",
        f"tiles.placement={draw(st.sampled_from(['snake', 'search']))}",
        f"noc.topology={draw(st.sampled_from(sorted(TOPOLOGIES)))}",
        f"noc.link={draw(st.sampled_from([1, 8, 64]))} B/cycle",
        f"noc.link_latency={draw(st.integers(0, 5))} cycles",
        f"dram.channels={draw(st.integers(1, 3))}",
    ]
    if draw(st.booleans()):
        chosen.append(f"dram.rows={{size: 1 KiB, banks: {draw(st.integers(1, 4))}, miss: 36 ns}}")
        chosen.append("dram.refresh={time: 180 ns, interval: 3.9 us}")
        chosen.append("dram.burst=64 B")
    if draw(st.booleans()):
        gate = "{gate: idle, after: 50 cycles, wake: 9 cycles, retention: 0.1}"
        chosen.append(f"tiles.power.{draw(st.sampled_from(['compute', 'vector']))}={gate}")
    return chosen


def placed(program, chip):
    """Where the program fits; another example where it does not."""
    try:
        return place(program, chip)
    except DoesNotFitError:
        reject()

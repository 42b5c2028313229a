"""What several tests need: the shipped chips with single values changed."""

import pytest

from pcsim.config import load_hardware


@pytest.fixture
def tile64():
    """``tile64("path=value", ...)``: the shipped chip with these values changed."""
    return lambda *overrides: load_hardware("tile64", overrides=overrides)


@pytest.fixture
def ideal():
    """``ideal("path=value", ...)``: the chip on which closed forms hold exactly."""
    return lambda *overrides: load_hardware("ideal", overrides=overrides)

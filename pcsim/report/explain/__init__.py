"""Where does a number of a stored run come from? Told from the report's files, without simulating again."""

from pcsim.report.explain.catalogue import explain as explain
from pcsim.report.explain.catalogue import overview as overview

"""``python -m pcsim`` is ``pcsim``."""

from pcsim.cli import main

if __name__ == "__main__":
    main()

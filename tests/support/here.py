"""Run `autopelt`, but train in its own process: python tests/support/here.py search …"""

import sys

from in_process import run_in_process

from autopelt import execution
from autopelt.cli.main import main

if __name__ == "__main__":
    execution.run_trials = run_in_process
    sys.exit(main(sys.argv[1:]))

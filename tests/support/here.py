"""Run `autopelt`, but train in its own process: python tests/support/here.py search …"""

import sys

from in_process import train_in_this_process

from autopelt.cli.main import main

if __name__ == "__main__":
    train_in_this_process()
    sys.exit(main(sys.argv[1:]))

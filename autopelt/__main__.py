"""`python -m autopelt` is the command `autopelt`."""

import sys

from autopelt.cli.main import main

sys.exit(main())

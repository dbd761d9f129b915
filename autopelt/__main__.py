"""`python -m autopelt` is the command `autopelt`."""

import sys

from autopelt.cli import main

sys.exit(main())

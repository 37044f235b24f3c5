"""`python -m onoma`."""

import sys

from onoma.cli import main

sys.exit(main())

"""`python -m rcnnzoo` is `rcnnzoo`."""

import sys

from rcnnzoo.cli import main

sys.exit(main())

"""`python -m mereo`, the same as `mereo`."""

from mereo.commands.main import main

main()

"""`python -m grantline` is `grantline`."""

from grantline.cli import main

main()

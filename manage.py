#!/usr/bin/env python
"""The command line: `manage.py advise FILE`, `manage.py runstack`, and Django's own commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "advisor.settings")
    from django.core.management import execute_from_command_line  # after the variable is set

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

"""The web server on one machine: how it is started, and whether it answers."""

import sys
import urllib.error
import urllib.request

HOST = "127.0.0.1"  # never another address: the sign-in link is for this machine


def command(port: int) -> list[str]:
    """Return the command that serves the pages and the API on a port of this machine alone."""
    gunicorn = [sys.executable, "-m", "gunicorn", "advisor.wsgi:application", f"--bind={HOST}:{port}"]
    return [*gunicorn, "--worker-class=gthread", "--threads=8", "--graceful-timeout=5", "--no-control-socket"]


def answers(port: int) -> bool:
    """Return whether the server answers at all."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=2) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False

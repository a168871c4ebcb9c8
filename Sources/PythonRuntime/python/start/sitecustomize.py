"""Start of the Python side.

`hindsight record` and replay workers put this folder, and nothing else, on PYTHONPATH, so that every
interpreter below them runs this file before its main script. It must leave no trace for the program: the
folder leaves `sys.path`, and the user's own `sitecustomize` runs as if this one had never been found.
"""

import os
import sys


def _start() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    sys.path_importer_cache.pop(here, None)
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401  the user's own, if there is one
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        # The import system looks its module up once more when this file is done.
        sys.modules.setdefault("sitecustomize", ours)
    home = os.path.dirname(here)
    sys.path.insert(0, home)
    try:
        from hindsight_runtime import startup
    finally:
        sys.path.remove(home)
        sys.path_importer_cache.pop(home, None)
    startup.start()


_start()

"""``python -m BoneSegLib.worker``: started by `client.WorkerClient`, not by people."""

from __future__ import annotations

import sys

from BoneSegLib.worker.server import main

if __name__ == "__main__":
    sys.exit(main())

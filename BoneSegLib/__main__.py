"""`python -m BoneSegLib` is `boneseg`."""

import sys

from BoneSegLib.cli import main

sys.exit(main())

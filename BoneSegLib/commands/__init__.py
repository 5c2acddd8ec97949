"""The commands of `boneseg`, one file each: ``add_arguments(parser)`` and ``run_command(args) -> exit code``.

`BoneSegLib.cli` lists them; commands of a bigger room (comparison, training) live in that room.
"""

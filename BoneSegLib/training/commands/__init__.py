"""The commands of this room: `boneseg synthesize` and `boneseg train`, one file each."""

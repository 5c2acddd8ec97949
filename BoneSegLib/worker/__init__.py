"""The worker process: it computes, so that Slicer's window stays alive and a crash of torch leaves the scene unharmed.

`client.WorkerClient` starts ``python -m BoneSegLib.worker`` and drives it by being polled; `server` is the other end.
Images go through shared memory, everything else as lines of JSON over the process's pipes. No Qt and no MRML here.
"""

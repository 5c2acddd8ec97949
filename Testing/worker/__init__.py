"""The worker process, through real processes, with engines that are slow or faulty on purpose."""

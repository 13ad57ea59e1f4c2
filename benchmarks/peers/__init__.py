"""One script per peer, run by the Python of its own environment: ``python -m benchmarks.peers.floor ADDRESS 16``."""

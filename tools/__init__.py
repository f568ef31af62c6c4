"""Programs for the host: simulator, replay, benchmarks, documentation generators."""

"""Tag maps that people write: their file, its checks, and what becomes of it."""

//! Criterion benches live in this package; it has no library code of its own.

//! The `heattrax` program: arguments, the log, and nothing else.

fn main() {}

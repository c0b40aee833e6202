//! Reads profiles from TOML.

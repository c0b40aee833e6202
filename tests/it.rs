//! The one integration test binary; each module tests one side of the house.

#[path = "it/profile.rs"]
mod profile;

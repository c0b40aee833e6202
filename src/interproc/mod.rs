//! interproc

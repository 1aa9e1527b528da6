//! Properties that every backend must have before its speed means anything.

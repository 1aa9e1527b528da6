//! The shell steps of a CI job (`scripts/ci`), with a repository and stand-ins for the programs of the platform.
#![cfg(test)]

mod base;
mod bundle;
mod comment;
mod gitlab;
mod job;
mod measure;
mod publish;

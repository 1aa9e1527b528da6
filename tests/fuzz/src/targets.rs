//! One file for each reader.

mod audit;
mod backends;
mod calls;
mod charts;
mod comparison;
mod config;
mod data;
mod folder;
mod gguf;
mod history;
mod library;
mod manifest;
mod phone;
mod protocol;
mod quantities;
mod records;
mod safetensors;
mod scenario;
mod sentencepiece;
mod study;
mod sysfs;
mod template;
mod tokenizer;

use crate::target::Target;

/// All of them, in the order in which they run.
pub const ALL: &[Target] = &[
    gguf::TARGET,
    safetensors::TARGET,
    config::TARGET,
    folder::TARGET,
    tokenizer::TARGET,
    sentencepiece::TARGET,
    manifest::TARGET,
    template::TARGET,
    protocol::TARGET,
    audit::TARGET,
    records::TARGET,
    charts::TARGET,
    comparison::TARGET,
    history::TARGET,
    data::CONVERSATIONS,
    data::CALLS,
    data::QUESTIONS,
    calls::TARGET,
    scenario::TARGET,
    study::TARGET,
    backends::TARGET,
    sysfs::TARGET,
    phone::TARGET,
    library::TARGET,
    quantities::TARGET,
];

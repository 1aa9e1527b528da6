//! What went wrong between here and the hub, and what to do about it.

use anyhow::Error;
use hf_hub::api::sync::ApiError;

use crate::refusal::Refusal;

/// The error in words for people, about `what`.
pub fn explained(error: ApiError, what: &str) -> Error {
    let innermost = match &error {
        ApiError::TooManyRetries(inner) => inner,
        other => other,
    };
    match innermost {
        ApiError::RequestError(request) => match **request {
            ureq::Error::StatusCode(401) => Refusal::error(format!(
                "{what} is not open to everybody, or does not exist: accept its licence on its page, and set HF_TOKEN to a \
                 token of yours"
            )),
            ureq::Error::StatusCode(403) => Refusal::error(format!(
                "{what} is not open to the owner of this token: accept its licence on its page, and wait until it is granted"
            )),
            ureq::Error::StatusCode(404) => {
                Refusal::error(format!("the hub has no {what}: look at the spelling, and at --revision"))
            }
            // All of the file was there, and yet it was not taken for complete.
            ureq::Error::StatusCode(416) => damaged(what),
            ureq::Error::StatusCode(status) => Error::msg(format!("the hub answers with status {status} for {what}")),
            ref other => Error::msg(format!("cannot fetch {what}: {other}: go on with the same command")),
        },
        ApiError::InvalidResume => damaged(what),
        ApiError::IoError(io) => Error::msg(format!("cannot store {what}: {io}: go on with the same command")),
        other => Error::msg(format!("cannot fetch {what}: {other}")),
    }
}

fn damaged(what: &str) -> Error {
    Error::msg(format!("what was downloaded of {what} does not fit what the hub has: remove downloads in the cache"))
}

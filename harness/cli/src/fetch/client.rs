//! Requests to the hub, and its redirections.

use std::{env, sync::Arc, time::Duration};

use anyhow::{Context, Error, Result};
use hf_hub::Cache;
use rustls::crypto::ring::default_provider;
use serde::Deserialize;
use ureq::{
    Agent, Body,
    http::{Response, Uri},
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

use crate::refusal::Refusal;

/// The default hub, without `HF_ENDPOINT`.
const ENDPOINT: &str = "https://huggingface.co";
/// Time limit for a connection, and then for the beginning of an answer. The duration of a download depends on the network.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most redirections that are followed.
const MOST_HOPS: usize = 8;

/// The hub, with this user's access.
pub struct Client {
    agent: Agent,
    endpoint: Uri,
    token: Option<String>,
}

/// The hub's description of a file before its contents.
pub struct Found {
    /// The file from the requested byte on, or all of it.
    pub response: Response<Body>,
    /// The hub's mark for its contents: for large files, their SHA-256.
    pub etag: String,
    /// Bytes of the whole file, if the hub states them.
    pub size: Option<u64>,
}

#[derive(Deserialize)]
struct Repository {
    sha: String,
    siblings: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    rfilename: String,
}

impl Client {
    /// Reads `HF_ENDPOINT`, and `HF_TOKEN` or the token file of Hugging Face's programs.
    ///
    /// # Errors
    /// When the endpoint is not an address.
    pub fn from_environment() -> Result<Self> {
        let named =
            |variable| env::var(variable).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let endpoint = named("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let address: Option<Uri> = endpoint.trim_end_matches('/').parse().ok();
        let address = address.filter(|uri: &Uri| uri.scheme().is_some() && uri.authority().is_some());
        let refusal = || Refusal::error(format!("HF_ENDPOINT is {endpoint:?}, which is not the address of a hub"));
        let token = named("HF_TOKEN").or_else(|| Cache::from_env().token());
        Ok(Self { agent: agent(), endpoint: address.ok_or_else(refusal)?, token })
    }

    /// The commit and the files of a repository.
    ///
    /// # Errors
    /// When the repository or revision does not exist, or this user has no access.
    pub fn repository(&self, name: &str, revision: &str) -> Result<(String, Vec<String>)> {
        let what = format!("{name} at {revision}");
        let address = self.address(&format!("/api/models/{name}/revision/{revision}"))?;
        let mut found = self.get(address, None, &what)?;
        let repository: Repository =
            found.response.body_mut().read_json().with_context(|| format!("the hub's answer about {what}"))?;
        Ok((repository.sha, repository.siblings.into_iter().map(|file| file.rfilename).collect()))
    }

    /// A file of a commit, from byte `start` on if the server supports that.
    ///
    /// # Errors
    /// When it does not exist, this user has no access, or the connection fails.
    pub fn file(&self, repository: &str, commit: &str, file: &str, start: Option<u64>) -> Result<Found> {
        let address = self.address(&format!("/{repository}/resolve/{commit}/{file}"))?;
        self.get(address, start, &format!("{file} of {repository}"))
    }

    fn address(&self, path: &str) -> Result<Uri> {
        let base = self.endpoint.to_string();
        format!("{}{path}", base.trim_end_matches('/')).parse().with_context(|| format!("no address: {path}"))
    }

    /// Follows redirections one by one: the token is sent only to the hub itself, and never unencrypted unless
    /// the hub is.
    fn get(&self, mut address: Uri, mut start: Option<u64>, what: &str) -> Result<Found> {
        let (mut etag, mut size) = (None, None);
        for _ in 0..MOST_HOPS {
            let response = match self.ask(&address, start) {
                // Nothing follows that position, so start again from the beginning.
                Err(ureq::Error::StatusCode(416)) if start.is_some() => {
                    start = None;
                    continue;
                }
                answer => answer.map_err(|error| explained(&error, what))?,
            };
            let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
            // Only the hub itself sends these; the storage has its own marks.
            etag = etag.or_else(|| header("x-linked-etag"));
            size = size.or_else(|| header("x-linked-size")?.parse().ok());
            if !response.status().is_redirection() {
                let etag = etag.or_else(|| header("etag")).unwrap_or_default();
                return Ok(Found { etag: etag.trim_start_matches("W/").replace('"', ""), size, response });
            }
            let location = header("location").with_context(|| format!("the hub redirects {what} to nowhere"))?;
            address = next(&address, &location).with_context(|| format!("the hub redirects {what} to {location:?}"))?;
        }
        Err(Error::msg(format!("the hub redirects {what} again and again")))
    }

    fn ask(&self, address: &Uri, start: Option<u64>) -> Result<Response<Body>, ureq::Error> {
        let mut request =
            self.agent.get(address).header("User-Agent", concat!("pocketwatt/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = self.token.as_ref().filter(|_| is_same_server(address, &self.endpoint)) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(start) = start {
            request = request.header("Range", format!("bytes={start}-"));
        }
        request.call()
    }
}

fn agent() -> Agent {
    // Certificates that cannot be read are left out: connections that need them are then refused, with a reason.
    let certificates = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<_> = certificates.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::new_with_certs(&certificates))
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .build();
    let config = Agent::config_builder().tls_config(tls).max_redirects(0).max_redirects_will_error(false);
    config.timeout_connect(Some(PATIENCE)).timeout_recv_response(Some(PATIENCE)).build().into()
}

fn is_same_server(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

/// The target of a redirection; `None` if it is not an address, or leads from an encrypted server to an unencrypted one.
fn next(from: &Uri, location: &str) -> Option<Uri> {
    let to: Uri = location.parse().ok()?;
    let to = if to.authority().is_some() {
        to
    } else {
        let path = location.starts_with('/').then_some(location)?;
        Uri::builder()
            .scheme(from.scheme()?.clone())
            .authority(from.authority()?.clone())
            .path_and_query(path)
            .build()
            .ok()?
    };
    let encrypted = |uri: &Uri| uri.scheme_str() == Some("https");
    (encrypted(&to) || !encrypted(from)).then_some(to)
}

/// What went wrong, for people, and what to do about it.
fn explained(error: &ureq::Error, what: &str) -> Error {
    match error {
        ureq::Error::StatusCode(401) => Refusal::error(format!(
            "{what} is not public, or does not exist: accept its licence on its page, and set HF_TOKEN to a \
             token of yours"
        )),
        ureq::Error::StatusCode(403) => Refusal::error(format!(
            "{what} is not accessible with this token: accept its licence on its page, and wait until it is granted"
        )),
        ureq::Error::StatusCode(404) => {
            Refusal::error(format!("the hub has no {what}: check the spelling, and --revision"))
        }
        ureq::Error::StatusCode(status) => Error::msg(format!("the hub answers with status {status} for {what}")),
        other => Error::msg(format!("cannot fetch {what}: {other}: continue with the same command")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn redirections_lead_somewhere_and_stay_encrypted() {
        let from = uri("https://hub.example/a/b");
        let to = |location: &str| next(&from, location).map(|uri| uri.to_string());
        assert_eq!(to("/c?d=1").as_deref(), Some("https://hub.example/c?d=1"));
        assert_eq!(to("https://storage.example/c").as_deref(), Some("https://storage.example/c"));
        assert_eq!(to("http://storage.example/c"), None);
        assert_eq!(to("c"), None);
        assert_eq!(to("http://"), None);
        assert!(next(&uri("http://127.0.0.1:1/a"), "http://localhost:2/b").is_some());
    }

    #[test]
    fn another_port_is_another_server() {
        let hub = uri("https://hub.example");
        assert!(is_same_server(&uri("https://hub.example/a/b"), &hub));
        for other in ["http://hub.example/a", "https://hub.example:444/a", "https://storage.hub.example/a"] {
            assert!(!is_same_server(&uri(other), &hub), "{other}");
        }
    }
}

//! A model hub on this machine that answers as hf-hub expects: the files of one repository at one commit, the large
//! ones behind a redirection to a storage.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const REPOSITORY: &str = "somebody/Tiny-Model";

/// Its files, and its behaviour.
#[derive(Default)]
pub struct Contents {
    pub files: BTreeMap<String, Vec<u8>>,
    /// SHA-256 of the files in the storage.
    pub sha256: BTreeMap<String, String>,
    /// Without this token, no request is answered.
    pub token: Option<String>,
    /// How many downloads of large files are interrupted half-way.
    pub cuts: usize,
    /// Whether the storage sends everything, whatever range is requested.
    pub ignores_ranges: bool,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

/// The hub, which answers as long as the test runs.
pub struct Hub {
    pub endpoint: String,
    pub contents: Arc<Mutex<Contents>>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Hub {
    pub fn serve(contents: Contents) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = format!("http://{address}");
        // The same server under another name: clients take it for another one.
        let storage = format!("http://localhost:{}", address.port());
        let (contents, seen) = (Arc::new(Mutex::new(contents)), Arc::new(Mutex::new(Vec::new())));
        let hub = Self { endpoint: endpoint.clone(), contents: Arc::clone(&contents), seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes away does not matter.
                let _ = answer(&stream.unwrap(), &storage, &contents, &seen);
            }
        });
        hub
    }

    /// The ranges of a file that were requested from the storage.
    pub fn ranges(&self, file: &str) -> Vec<Option<String>> {
        let path = format!("/storage/{file}");
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.path == path).map(|seen| seen.range.clone()).collect()
    }
}

fn answer(
    stream: &TcpStream,
    storage: &str,
    contents: &Mutex<Contents>,
    seen: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    for line in lines.by_ref() {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let range = headers.get("range").cloned();
    let authorization = headers.get("authorization").cloned();
    seen.lock().unwrap().push(Seen { path: path.clone(), range: range.clone(), authorization });
    let mut contents = contents.lock().unwrap();
    let wanted = contents.token.as_ref().map(|token| format!("Bearer {token}"));
    if wanted.is_some() && headers.get("authorization") != wanted.as_ref() && !path.starts_with("/storage/") {
        return send(stream, "401 Unauthorized", &[], b"");
    }
    if path == format!("/api/models/{REPOSITORY}/revision/main") {
        let names: Vec<String> = contents.files.keys().map(|name| format!("{{\"rfilename\": {name:?}}}")).collect();
        let body = format!("{{\"sha\": \"{COMMIT}\", \"siblings\": [{}]}}", names.join(", "));
        return send(stream, "200 OK", &[("Content-Type", "application/json")], body.as_bytes());
    }
    let (file, from_storage) = match path.strip_prefix("/storage/") {
        Some(file) => (file, true),
        None => (path.strip_prefix(&format!("/{REPOSITORY}/resolve/{COMMIT}/")).unwrap_or_default(), false),
    };
    let Some(bytes) = contents.files.get(file).cloned() else { return send(stream, "404 Not Found", &[], b"") };
    let stored = contents.sha256.get(file).cloned();
    if let (Some(sha256), false) = (&stored, from_storage) {
        let location = format!("{storage}/storage/{file}");
        let headers = [("Location", location.as_str()), ("X-Linked-Etag", sha256), ("X-Repo-Commit", COMMIT)];
        return send(stream, "302 Found", &headers, b"");
    }
    let range = range.filter(|_| !contents.ignores_ranges);
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let (first, last) = span(range.as_deref(), bytes.len());
    let part = &bytes[first..last];
    let span = format!("bytes {first}-{}/{}", last.saturating_sub(1), bytes.len());
    let etag = format!("\"{:040x}\"", bytes.len());
    let headers = [("Content-Range", span.as_str()), ("ETag", &etag), ("X-Repo-Commit", COMMIT)];
    if from_storage && part.len() > 1 && contents.cuts > 0 {
        contents.cuts -= 1;
        let head = head(status, &headers, part.len());
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        return stream.write_all(&part[..part.len() / 2]);
    }
    send(stream, status, &headers, part)
}

/// Parses `bytes=3-` and `bytes=0-0`: the first byte and the one after the last.
fn span(range: Option<&str>, length: usize) -> (usize, usize) {
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return (0, length);
    };
    let first = first.parse().unwrap_or(0).min(length);
    (first, last.parse::<usize>().map_or(length, |last| (last + 1).min(length)))
}

fn head(status: &str, headers: &[(&str, &str)], length: usize) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")
}

fn send(mut stream: &TcpStream, status: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<()> {
    stream.write_all(head(status, headers, body.len()).as_bytes())?;
    stream.write_all(body)
}

//! Reads the recorded traffic that lies beside the repository; where it is absent, says so and gives none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One interaction with a provider.
#[derive(Deserialize)]
pub struct Recording {
    pub id: String,
    pub provider: String,
    pub model: Option<String>,
    request: Option<Side>,
    response: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    stream_format: Option<String>,
    body_encoding: String,
    body: Box<RawValue>,
}

impl Side {
    fn json(&self) -> Option<&str> {
        (self.body_encoding == "json").then(|| self.body.get())
    }

    fn bytes(&self) -> Vec<u8> {
        let text = || serde_json::from_str::<String>(self.body.get()).unwrap();
        match self.body_encoding.as_str() {
            "json" => self.body.get().to_owned().into_bytes(),
            "base64" => base64::engine::general_purpose::STANDARD.decode(text()).unwrap(),
            _ => text().into_bytes(),
        }
    }
}

impl Recording {
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// Host and path of the request, as recorded.
    pub fn address(&self) -> Option<String> {
        let request = self.request.as_ref()?;
        Some(format!("{}{}", request.host.as_ref()?, request.path.as_ref()?))
    }

    /// The request's JSON, if it has some, however it was answered.
    pub fn request(&self) -> Option<&str> {
        self.request.as_ref()?.json()
    }

    /// The request's JSON, if it has some and was answered with 200.
    pub fn request_body(&self) -> Option<&str> {
        self.request().filter(|_| self.status() == 200)
    }

    /// A whole reply of status 200.
    pub fn reply(&self) -> Option<&[u8]> {
        let whole = self.status() == 200 && self.response.stream_format.is_none();
        self.response.json().filter(|_| whole).map(str::as_bytes)
    }

    /// A stream of status 200: its bytes and content type.
    pub fn stream(&self) -> Option<(Vec<u8>, &'static str)> {
        let format = self.response.stream_format.as_deref().filter(|_| self.status() == 200)?;
        let content_type = match format {
            "sse" => "text/event-stream",
            "json-array" => "application/json",
            "ndjson" => "application/x-ndjson",
            "aws-eventstream" => "application/vnd.amazon.eventstream",
            _ => return None,
        };
        Some((self.response.bytes(), content_type))
    }

    /// The body of a response that reports an error.
    pub fn refusal(&self) -> Option<Vec<u8>> {
        (self.status() >= 400).then(|| self.response.bytes())
    }

    /// The headers of the response.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// The recordings of one protocol, in order.
pub fn recordings(protocol: &str) -> Vec<Recording> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings").join(protocol);
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no recordings of {protocol}");
        return Vec::new();
    };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

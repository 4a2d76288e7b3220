//! An upload's body: files and what is asked of them.

use crate::connection::Connection;
use crate::head::Head;
use crate::response::Refusal;
use crate::{Settings, Upload};
use futures_util::stream;
use http::StatusCode;
use multer::Multipart;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

/// The longest text of a field that is no file.
const MOST_TEXT: usize = 64;
/// The longest name of a file, in characters.
const MOST_NAME: usize = 200;

/// How a body is read.
#[derive(Debug)]
pub enum Form {
    /// `multipart/form-data` with this boundary.
    Parts(String),
    /// One file of this name, as it is.
    File(String),
}

impl Form {
    pub fn of(head: &Head) -> Result<Self, Refusal> {
        let unread = |reason| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        if head.one("content-encoding")?.is_some() {
            return Err(unread("a packed upload (Content-Encoding): send it as it is"));
        }
        let kind = head.one("content-type")?.unwrap_or("").to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            let kind = head.one("content-type")?.unwrap_or("");
            let without = |_| bad("multipart/form-data without a boundary");
            return multer::parse_boundary(kind).map(Self::Parts).map_err(without);
        }
        let Some(name) = head.one("x-file-name")? else {
            return Err(unread(
                "an upload is multipart/form-data, or one file with its name in X-File-Name",
            ));
        };
        let name = percent_decode_str(name).decode_utf8();
        let name = name.map_err(|_| bad("the header X-File-Name is not percent-encoded UTF-8"))?;
        Ok(Self::File(plain(&name)))
    }
}

/// Reads a body of `length` bytes.
pub async fn read(
    form: Form,
    head: &Head,
    connection: &mut Connection,
    length: usize,
    settings: &Settings,
    until: Instant,
) -> Result<Vec<Upload>, Refusal> {
    let mut precision = query(head)?;
    let mut uploads = Vec::new();
    match form {
        Form::File(name) => {
            let mut bytes = Vec::with_capacity(length);
            while bytes.len() < length {
                bytes.extend(connection.piece(length - bytes.len(), until).await?);
            }
            uploads.push(Upload { name, bytes, precision: None });
        }
        Form::Parts(boundary) => {
            let mut parts = Multipart::new(pieces(connection, length, until), boundary);
            while let Some(field) = parts.next_field().await.map_err(broken)? {
                match (field.name(), field.file_name().map(plain)) {
                    (Some("precision"), None) => precision = precision_of(&text(field).await?)?,
                    // A form that was sent without a choice.
                    (Some("file"), Some(name)) if name.is_empty() => {}
                    (Some("file"), Some(name)) => {
                        if uploads.len() == settings.files {
                            let most = settings.files;
                            let reason = format!("more than {most} files in one upload");
                            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
                        }
                        let bytes = content(field, length).await?;
                        uploads.push(Upload { name, bytes, precision: None });
                    }
                    (Some("file"), None) => return Err(bad("a field file without a file name")),
                    (name, _) => {
                        let reason = format!("unknown field {:?}", name.unwrap_or(""));
                        return Err(bad(reason + "; known: file, precision"));
                    }
                }
            }
        }
    }
    if uploads.is_empty() {
        return Err(bad("no file was chosen"));
    }
    for upload in &mut uploads {
        upload.precision = precision;
        if upload.name.is_empty() {
            upload.name.push_str("upload");
        }
    }
    Ok(uploads)
}

/// The body as it comes.
fn pieces<'a>(
    connection: &'a mut Connection,
    length: usize,
    until: Instant,
) -> impl stream::Stream<Item = Result<Vec<u8>, Refusal>> + Send + 'a {
    stream::unfold((connection, length), move |(connection, left)| async move {
        if left == 0 {
            return None;
        }
        let piece = connection.piece(left, until).await;
        let left = piece.as_ref().map_or(0, |piece| left - piece.len());
        Some((piece, (connection, left)))
    })
}

async fn content(mut field: multer::Field<'_>, most: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if bytes.len() + piece.len() > most {
            return Err(bad("a field is too long"));
        }
        bytes.extend_from_slice(&piece);
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}

async fn text(field: multer::Field<'_>) -> Result<String, Refusal> {
    let bytes = content(field, MOST_TEXT).await?;
    String::from_utf8(bytes).map_err(|_| bad("a field that is not UTF-8"))
}

fn query(head: &Head) -> Result<Option<f64>, Refusal> {
    match head.target.query().unwrap_or("").split_once('=') {
        None if head.target.query().unwrap_or("").is_empty() => Ok(None),
        Some(("precision", number)) => precision_of(number),
        _ => Err(bad("an unknown question in the address; known: ?precision=0.9")),
    }
}

/// None where nothing is asked for.
fn precision_of(text: &str) -> Result<Option<f64>, Refusal> {
    let text = text.trim();
    match text.parse::<f64>() {
        _ if text.is_empty() => Ok(None),
        Ok(value) if value > 0.0 && value < 1.0 => Ok(Some(value)),
        _ => Err(bad(format!("precision {text:?}: a number above 0 and below 1"))),
    }
}

/// A file's name without its folders and what a terminal would obey.
fn plain(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or("");
    name.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect()
}

fn bad(reason: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, reason)
}

/// What the connection said, or what is wrong with the parts.
fn broken(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamReadFailed(error) => match error.downcast::<Refusal>() {
            Ok(refusal) => *refusal,
            Err(error) => bad(format!("the upload cannot be read: {error}")),
        },
        error => bad(format!("broken multipart/form-data: {error}")),
    }
}

//! tus 1.0.0 over HTTP: core protocol, creation, checksum, expiration, termination; and the list and receipts beside it.

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_body_util::BodyExt;
use model::Timestamp;
use registry::SubmissionState;
use std::sync::LazyLock;
use std::time::Duration;
use texts::{Lang, Texts};
use wire::api::{PROBLEM_MEDIA_TYPE, Problem, ReasonView};

use crate::append::Part;
use crate::{Announced, Refused, Submissions, Submitter, metadata};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,checksum,expiration,termination";

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| Lang::ALL.map(Texts::new));

impl Submissions {
    /// The routes, relative to where they are nested:
    /// `POST /` begins, `HEAD|PATCH|DELETE /{id}` as tus says; `GET /` lists, `GET /{id}` shows,
    /// `GET /{id}/receipt.txt`, `/{id}/receipt.sig` and `/{id}/certificate.pem` give the receipt.
    ///
    /// The caller puts the [`Submitter`] it has verified into the request's extensions; without one every answer is
    /// "not found". Bodies are read only after all that the headers can be refused for.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    /// `receipt.txt`, `receipt.sig` or `certificate.pem` of an accepted submission, as an answer.
    ///
    /// # Errors
    /// As [`Submissions::receipt`].
    pub async fn receipt_file(&self, who: &Submitter, id: &str, file: &str) -> Result<Response, Refused> {
        if !["receipt.txt", "receipt.sig", "certificate.pem"].contains(&file) {
            return Err(Refused::NotFound);
        }
        let receipt = self.receipt(who, id).await?;
        let (kind, bytes) = match file {
            "receipt.txt" => ("text/plain; charset=utf-8", receipt.text.into_bytes()),
            "receipt.sig" => ("application/octet-stream", receipt.signature),
            _ => ("application/x-pem-file", receipt.certificate.into_bytes()),
        };
        let name = format!("attachment; filename=\"{file}\"");
        Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name.as_str())], bytes).into_response())
    }
}

async fn handle(State(room): State<Submissions>, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    let language = language(request.headers());
    let who = request.extensions().get::<Submitter>().cloned();
    let path: Vec<String> =
        request.uri().path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let (parts, mut body) = request.into_parts();
    let method = method(&parts.method, &parts.headers);
    let call =
        Call { room, who, method, path, base: uri.path().trim_end_matches('/').to_owned(), headers: parts.headers };
    let mut answer = match call.answer(&mut body).await {
        Ok(answer) => answer,
        Err(refused) => {
            // A client that is still sending reads no answer; what it had on its way is taken from the line.
            drain(body).await;
            problem(&refused, &TEXTS[language])
        }
    };
    let headers = answer.headers_mut();
    headers.insert("tus-resumable", HeaderValue::from_static(VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

struct Call {
    room: Submissions,
    who: Option<Submitter>,
    method: Method,
    path: Vec<String>,
    base: String,
    headers: HeaderMap,
}

impl Call {
    async fn answer(&self, body: &mut Body) -> Result<Response, Refused> {
        if self.method == Method::OPTIONS {
            return Ok(self.abilities());
        }
        let who = self.who.as_ref().ok_or(Refused::NotFound)?;
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match (&self.method, path.as_slice()) {
            (&Method::GET, []) => Ok(Json(self.room.list(who, None, 0).await?).into_response()),
            (&Method::GET, [id]) => Ok(Json(self.room.view(who, id).await?).into_response()),
            (&Method::GET, [id, file]) => self.room.receipt_file(who, id, file).await,
            (&Method::POST, []) => self.begin(who).await,
            (&Method::HEAD, [id]) => self.head(who, id).await,
            (&Method::PATCH, [id]) => self.append(who, id, std::mem::take(body)).await,
            (&Method::DELETE, [id]) => {
                self.version()?;
                self.room.withdraw(who, id).await?;
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            _ => Err(Refused::NotFound),
        }
    }

    fn abilities(&self) -> Response {
        let limit = self.room.inner.settings.max_bytes.to_string();
        let headers = [
            ("tus-version", VERSION),
            ("tus-extension", EXTENSIONS),
            ("tus-checksum-algorithm", metadata::ALGORITHMS),
            ("tus-max-size", limit.as_str()),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    }

    async fn begin(&self, who: &Submitter) -> Result<Response, Refused> {
        self.version()?;
        let length = self.number("upload-length")?.ok_or(Refused::Malformed("Upload-Length"))?;
        let mut pairs = metadata::pairs(self.header("upload-metadata")?.unwrap_or_default())?;
        let mut text = |name: &'static str| {
            pairs.remove(name).map(|v| String::from_utf8(v).map_err(|_| Refused::Malformed(name))).transpose()
        };
        let announced = Announced {
            length,
            name: text("filename")?.ok_or(Refused::Malformed("filename"))?,
            media_type: text("filetype")?.unwrap_or_default(),
            once: text("key")?,
            sha256: text("sha256")?,
        };
        let row = self.room.begin(who, announced).await?;
        let mut answer = StatusCode::CREATED.into_response();
        put(&mut answer, "location", &format!("{}/{}", self.base, row.new.id));
        if row.state == SubmissionState::Receiving {
            put(&mut answer, "upload-expires", &http_date(row.new.expires_at));
        }
        Ok(answer)
    }

    async fn head(&self, who: &Submitter, id: &str) -> Result<Response, Refused> {
        self.version()?;
        let (row, offset) = self.room.offset(who, id).await?;
        let mut answer = StatusCode::OK.into_response();
        put(&mut answer, "upload-offset", &offset.to_string());
        put(&mut answer, "upload-length", &row.new.length.to_string());
        if row.state == SubmissionState::Receiving && offset < row.new.length {
            put(&mut answer, "upload-expires", &http_date(row.new.expires_at));
        }
        Ok(answer)
    }

    async fn append(&self, who: &Submitter, id: &str, body: Body) -> Result<Response, Refused> {
        self.version()?;
        let essence = self.header("content-type")?.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/offset+octet-stream") {
            return Err(Refused::MediaType);
        }
        let part = Part {
            offset: self.number("upload-offset")?.ok_or(Refused::Malformed("Upload-Offset"))?,
            length: self.number("content-length")?,
            checksum: self.header("upload-checksum")?.map(metadata::checksum).transpose()?,
        };
        let kept = self.room.append(who, id, part, body).await?;
        let mut answer = StatusCode::NO_CONTENT.into_response();
        put(&mut answer, "upload-offset", &kept.to_string());
        let row = self.room.row(who, id).await?;
        if row.state == SubmissionState::Receiving {
            put(&mut answer, "upload-expires", &http_date(row.new.expires_at));
        }
        Ok(answer)
    }

    fn version(&self) -> Result<(), Refused> {
        if self.header("tus-resumable")? == Some(VERSION) { Ok(()) } else { Err(Refused::Version) }
    }

    fn header(&self, name: &'static str) -> Result<Option<&str>, Refused> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(|v| v.to_str().map_err(|_| Refused::Malformed(name))).transpose()?;
        if values.next().is_some() { Err(Refused::Malformed(name)) } else { Ok(first) }
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, Refused> {
        let Some(text) = self.header(name)? else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|n: &u64| digits && i64::try_from(*n).is_ok());
        number.map(Some).ok_or(Refused::Malformed(name))
    }
}

/// The method meant: tus lets clients that cannot say `PATCH` or `DELETE` say so in a header.
fn method(method: &Method, headers: &HeaderMap) -> Method {
    let meant = headers.get("x-http-method-override").and_then(|v| Method::from_bytes(v.as_bytes()).ok());
    match meant {
        Some(meant) if method == Method::POST => meant,
        _ => method.clone(),
    }
}

fn put(answer: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn problem(refused: &Refused, texts: &Texts) -> Response {
    let reason = refused.reason();
    let lines = reason.lines(texts);
    let status = refused.status();
    let problem = Problem {
        kind: format!("urn:sekisho:problem:{}", reason.code.to_lowercase()),
        title: lines.refused.clone(),
        status: status.as_u16(),
        detail: Some(lines.remedy.clone()),
        instance: None,
        code: reason.code.clone(),
        section: reason.section,
        reasons: vec![ReasonView { reason, text: lines.refused, section_text: lines.section, remedy: lines.remedy }],
        counter_example: None,
    };
    let mut answer = (status, Json(problem)).into_response();
    put(&mut answer, "content-type", PROBLEM_MEDIA_TYPE);
    put(&mut answer, "content-language", texts.lang().as_str());
    if let Some(have) = refused.have() {
        put(&mut answer, "upload-offset", &have.to_string());
    }
    match refused {
        Refused::Version => put(&mut answer, "tus-version", VERSION),
        Refused::TooLong { limit } => put(&mut answer, "tus-max-size", &limit.to_string()),
        Refused::Busy | Refused::NoRoom { .. } | Refused::Records(_) | Refused::Disk(_) => {
            put(&mut answer, "retry-after", "60");
        }
        _ => {}
    }
    answer
}

/// Place of the language in [`TEXTS`]: the first that `Accept-Language` names counts.
fn language(headers: &HeaderMap) -> usize {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let first = wanted.split([',', ';']).next().unwrap_or_default().trim();
    usize::from(Lang::from_locale(first) == Lang::En)
}

async fn drain(mut body: Body) {
    let mut left = 256usize << 10;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_secs(2), body.frame()).await {
        left = match left.checked_sub(frame.data_ref().map_or(1, |d| d.len().max(1))) {
            Some(left) => left,
            None => return,
        };
    }
}

/// RFC 9110 §5.6.7.
fn http_date(at: Timestamp) -> String {
    let seconds = u64::try_from(at.unix_seconds()).unwrap_or(0);
    let days = seconds / 86_400;
    let of_day = seconds % 86_400;
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap_or(0)];
    // RFC 3339 has year, month and day in fixed places.
    let text = Timestamp::from_unix_seconds(at.unix_seconds().max(0)).to_string();
    let month = text.get(5..7).and_then(|m| m.parse::<usize>().ok()).unwrap_or(1);
    let name =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month.clamp(1, 12) - 1];
    let (year, day) = (text.get(..4).unwrap_or("1970"), text.get(8..10).unwrap_or("01"));
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{weekday}, {day} {name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_209_800, "Thu, 29 Feb 2024 12:30:00 GMT"),
        ] {
            assert_eq!(http_date(Timestamp::from_unix_seconds(seconds)), text);
        }
    }

    #[test]
    fn only_a_post_may_mean_something_else() {
        let mut headers = HeaderMap::new();
        headers.insert("x-http-method-override", HeaderValue::from_static("PATCH"));
        assert_eq!(method(&Method::POST, &headers), Method::PATCH);
        assert_eq!(method(&Method::GET, &headers), Method::GET);
    }
}

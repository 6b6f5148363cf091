//! Pages over HTTP: so many people at once who read, search and look at their menu.
//!
//! Beside them in the same run stands a page that is fixed text of the median page's size, behind the same server and the
//! same client: what is above it is sessions, rules, rows and rendering. TLS handshakes are once a connection in
//! production and not in these numbers.

use axum::http::header;
use axum::routing::get;
use axum::{Extension, Router};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use measure::{Peer, Row, Summary};
use portal::joining::{Desk, Entrance, Settings, Source, routes};
use reception::Joining;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

use crate::CrowdError;

/// What every request calls the center; forms are taken from pages of this name only.
const HOST: &str = "join.example";
/// One more search than anybody's limit; this measures the house, not its patience.
const GENEROUS: u32 = 10_000_000;

/// Who reads pages: an applicant with a link, and somebody who is logged in.
pub(crate) struct Reader {
    /// The one-time part of an application's URL.
    pub link: String,
    /// A session's token.
    pub session: String,
}

/// What one connection asks, again and again.
#[derive(Clone)]
struct Ask {
    method: Method,
    path: String,
    cookie: Option<String>,
    form: &'static str,
}

impl Ask {
    fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), cookie: None, form: "" }
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// Rates and times of pages, with the fixed page as the peer.
pub(crate) async fn measure(
    name: &str,
    joining: &Joining,
    readers: &[Reader],
    people: usize,
    seconds: u64,
) -> Result<Vec<Row>, CrowdError> {
    let settings = Settings { downloads: Vec::new(), enroll_command: None, generous: GENEROUS };
    let desk = Desk::new(joining.clone(), settings);
    let public = serve(routes(Entrance::Public, desk.clone())).await?;
    let inside = serve(routes(Entrance::Inside, desk)).await?;
    let of = |reader: &Reader| {
        let own = |path: &str| {
            let cookie = Some(format!("__Host-joining={}", reader.session));
            (inside, Ask { cookie, ..Ask::get(path) })
        };
        let search = Ask {
            method: Method::POST,
            form: "prefecture=13&search=%E9%9D%92%E8%91%89&do=search",
            ..Ask::get(format!("/apply/{}", reader.link))
        };
        vec![
            (public, Ask::get("/")),
            (public, Ask::get("/mail")),
            (public, search),
            own("/notices"),
            own("/menu"),
            own("/services"),
            own("/staff"),
        ]
    };
    let plans: Vec<_> = readers.iter().map(of).collect();
    let (ours, sizes) = crowd(&plans, people, seconds).await?;

    let size = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    let text = "あ".repeat(size / 3);
    let fixed = serve(Router::new().route("/", get(move || async move { axum::response::Html(text) }))).await?;
    let (theirs, _) = crowd(&[vec![(fixed, Ask::get("/"))]], people, seconds).await?;

    let title = format!("{name}: {people} people, pages");
    let peer = |summary: Option<Summary>| summary.map(|summary| Peer { name: "a fixed page".into(), summary });
    let mut rows = Vec::new();
    if let Some(rate) = Summary::of_rates(ours.rates(seconds)) {
        rows.push(Row::new(title.clone(), "pages/s", rate, peer(Summary::of_rates(theirs.rates(seconds)))));
    }
    if let Some(time) = Summary::of_times(ours.times()) {
        rows.push(Row::new(title, "ms a page", time, peer(Summary::of_times(theirs.times()))));
    }
    Ok(rows)
}

/// In which second of the run a page was there, and after how many milliseconds.
#[derive(Default)]
struct Pages(Vec<(u64, f64)>);

impl Pages {
    /// A second each, in which everybody was there.
    fn rates(&self, seconds: u64) -> Vec<f64> {
        let mut rates = vec![0.0; seconds as usize];
        for (second, _) in &self.0 {
            if let Some(rate) = rates.get_mut(*second as usize) {
                *rate += 1.0;
            }
        }
        rates
    }

    fn times(&self) -> Vec<f64> {
        self.0.iter().map(|(_, ms)| *ms).collect()
    }
}

/// A listener on loopback, until the process ends.
async fn serve(router: Router) -> Result<SocketAddr, CrowdError> {
    let say = |e: std::io::Error| CrowdError::File("a listener".into(), e);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(say)?;
    let address = listener.local_addr().map_err(say)?;
    let router = router.layer(Extension(Source(IpAddr::V4(Ipv4Addr::LOCALHOST))));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Everybody asks what one of the plans says; sizes of pages, sorted.
async fn crowd(
    plans: &[Vec<(SocketAddr, Ask)>],
    people: usize,
    seconds: u64,
) -> Result<(Pages, Vec<usize>), CrowdError> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..people)
        .map(|n| {
            let plan = plans[n % plans.len()].clone();
            tokio::spawn(async move { one(&plan, n, begin, Duration::from_secs(seconds)).await })
        })
        .collect();
    let (mut all, mut sizes) = (Pages::default(), Vec::new());
    for task in tasks {
        let (pages, own) = task.await.map_err(|e| CrowdError::Subject(e.to_string()))??;
        all.0.extend(pages.0);
        sizes.extend(own);
    }
    sizes.sort_unstable();
    Ok((all, sizes))
}

async fn one(
    plan: &[(SocketAddr, Ask)],
    first: usize,
    begin: Instant,
    time: Duration,
) -> Result<(Pages, Vec<usize>), CrowdError> {
    let (mut pages, mut sizes) = (Pages::default(), Vec::new());
    let mut open: Vec<(SocketAddr, Connection)> = Vec::new();
    for (at, _) in plan {
        if open.iter().all(|(known, _)| known != at) {
            open.push((*at, connect(*at).await?));
        }
    }
    // Not everybody begins with the same page.
    for (at, ask) in plan.iter().cycle().skip(first % plan.len()) {
        if begin.elapsed() >= time {
            break;
        }
        let Some((_, connection)) = open.iter_mut().find(|(known, _)| known == at) else { break };
        let asked = Instant::now();
        let size = page(connection, ask).await?;
        pages.0.push((begin.elapsed().as_secs(), asked.elapsed().as_secs_f64() * 1000.0));
        sizes.push(size);
    }
    Ok((pages, sizes))
}

async fn connect(at: SocketAddr) -> Result<Connection, CrowdError> {
    let stream = TcpStream::connect(at).await.map_err(|e| CrowdError::File(at.to_string().into(), e))?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| CrowdError::Subject(e.to_string()))?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Octets of the page. Anything but a page is no measurement.
async fn page(connection: &mut Connection, ask: &Ask) -> Result<usize, CrowdError> {
    let wrong = |what: String| CrowdError::Subject(format!("{} {}: {what}", ask.method, ask.path));
    let mut request = Request::builder().method(&ask.method).uri(&ask.path).header(header::HOST, HOST);
    if let Some(cookie) = &ask.cookie {
        request = request.header(header::COOKIE, cookie);
    }
    if ask.method == Method::POST {
        request = request.header(header::ORIGIN, format!("https://{HOST}"));
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let request = request.body(Full::from(ask.form)).map_err(|e| wrong(e.to_string()))?;
    connection.ready().await.map_err(|e| wrong(e.to_string()))?;
    let answer = connection.send_request(request).await.map_err(|e| wrong(e.to_string()))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|e| wrong(e.to_string()))?.to_bytes();
    if status == StatusCode::OK { Ok(body.len()) } else { Err(wrong(status.to_string())) }
}

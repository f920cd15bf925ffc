//! Row 21: a large table, read page by page, in one walk while events arrive, and as one stream.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::super::figure::{Better, Figure, Quantity, median};
use super::super::load::{Connection, HttpClient, Load};
use super::super::process;
use super::super::reference;
use super::super::row::Line;
use super::super::service::Service;
use super::super::stage::Stage;
use super::query::{DAYS, FILTERS, UNCOUNTED, compare};

const EVENTS: &str = "/api/v1/audit/events";

/// Pages at either end of a walk whose median counts.
const ENDS: usize = 100;

/// What a page begins its events with.
const EVENT: &str = "{\"event_id\":\"";

pub(in crate::bench) async fn measure(stage: &Stage) -> Result<Vec<Line>> {
    let program = &stage.setup.program;
    let setup = stage.ground.database("million", program).await?;
    reference::seed(&setup.database, stage.plan.many_rows, DAYS).await?;
    let service = Service::start(&setup).await?;
    let mut lines = Vec::new();
    for filter in [&FILTERS[1], &FILTERS[2], &UNCOUNTED] {
        let compared = compare(stage, &setup.database, &service, filter).await?;
        lines.push(compared.page(filter, 1.5).stretch(1.3).into());
    }
    service.stop().await?;

    // One that has not worked before: memory that was once needed is not always given back.
    let service = Service::start(&setup).await?;
    lines.push(stream(stage, &service).await?.into());
    service.stop().await?;

    let service = Service::start(&setup).await?;
    lines.push(walk(&setup.database, &service).await?.into());
    service.stop().await?;
    Ok(lines)
}

/// Walks through the whole table while events arrive, and checks that none is missed.
async fn walk(database: &str, service: &Service) -> Result<Figure> {
    let client = reference::connect(database).await?;
    let mut seen = Seen::before(&client).await?;
    let before = seen.missing.len();
    let writing = Load::closed(HttpClient::singles(service.address, 1, &[201]).await?);
    let times = walk_down(service.address, &mut seen).await?;
    writing.stop().await?;
    let missing = seen.missing.len();
    ensure!(missing == 0, "{missing} of {before} events were missed");
    let counted = client
        .query_one("SELECT count(*) FROM audit_events", &[])
        .await;
    let stored: i64 = counted.context("cannot count the events")?.get(0);
    ensure!(
        usize::try_from(stored)? > before,
        "nothing was written meanwhile"
    );
    let pages = times.len();
    ensure!(pages > 2 * ENDS, "the walk had {pages} pages only");
    let first = median(times[..ENDS].to_vec());
    let last = Quantity(median(times[pages - ENDS..].to_vec()), "ms");
    let property = format!("last of {pages} pages against the first, {before} events");
    Ok(Figure::ratio(
        property,
        last,
        ("first", first),
        Better::Less,
        1.5,
    ))
}

/// What a walk has seen.
struct Seen {
    /// Events that were there when it began, and that it has not seen yet.
    missing: HashSet<Uuid>,
    /// Events that it has seen and that were not there.
    later: HashSet<Uuid>,
}

impl Seen {
    async fn before(client: &tokio_postgres::Client) -> Result<Self> {
        let rows = client.query("SELECT event_id FROM audit_events", &[]).await;
        let rows = rows.context("cannot list the events")?;
        Ok(Self {
            missing: rows.iter().map(|row| row.get(0)).collect(),
            later: HashSet::new(),
        })
    }

    fn note(&mut self, id: Uuid) -> Result<()> {
        let is_new = self.missing.remove(&id) || self.later.insert(id);
        ensure!(is_new, "{id} was seen twice");
        Ok(())
    }
}

/// Walks to the last page; how long each took, in milliseconds.
async fn walk_down(address: SocketAddr, seen: &mut Seen) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let mut path = format!("{EVENTS}?limit=100&cursor=");
    let mut times = Vec::new();
    loop {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let asked = Instant::now();
        let answer = connection.exchange(request.as_bytes()).await?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
        let (status, body) = (answer.status, connection.body(&answer));
        ensure!(status == 200, "the service answered {status}: {body}");
        for id in ids(&body)? {
            seen.note(id)?;
        }
        match next(&body) {
            Some(next) => path = next,
            None => return Ok(times),
        }
    }
}

/// The ids of the events on a page.
fn ids(page: &str) -> Result<Vec<Uuid>> {
    page.match_indices(EVENT)
        .map(|(at, begin)| {
            let at = at + begin.len();
            let id = page.get(at..at + 36).and_then(|id| id.parse().ok());
            id.context("an event without an id")
        })
        .collect()
}

/// Where the page behind this one is.
fn next(page: &str) -> Option<String> {
    let (_, pagination) = page.rsplit_once("\"pagination\":")?;
    let (_, link) = pagination.split_once("\"next\":\"")?;
    Some(link.split_once('"')?.0.to_owned())
}

/// Reads the whole table as one stream; how much the service grows meanwhile.
async fn stream(stage: &Stage, service: &Service) -> Result<Figure> {
    let pid = service.pid()?;
    let before = process::resident_mb(pid)?;
    let begun = Instant::now();
    let streamed = read_stream(service.address, pid).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let rows = u64::from(stage.plan.many_rows);
    // The service has stored an event of its own each time it was started.
    ensure!(
        (rows..rows + 10).contains(&streamed.events),
        "the stream had {} events of {rows}",
        streamed.events
    );
    let rate = rows as f64 / seconds;
    let property = format!("memory for a stream of {rows} events, {rate:.0} /s");
    Ok(Figure::at_most(
        property,
        Quantity(streamed.memory - before, "MB"),
        50.0,
    ))
}

/// A stream that was read to its end.
struct Streamed {
    events: u64,
    /// The most memory that the process had, in megabytes.
    memory: f64,
}

async fn read_stream(address: SocketAddr, pid: u32) -> Result<Streamed> {
    const PATIENCE: Duration = Duration::from_secs(30);
    const END: &[u8] = b"\r\n0\r\n\r\n";
    let mut socket = TcpStream::connect(address)
        .await
        .context("cannot connect to the service")?;
    let request = format!(
        "GET {EVENTS} HTTP/1.1\r\nHost: {address}\r\nAccept: application/x-ndjson\r\n\
         Connection: close\r\n\r\n"
    );
    socket
        .write_all(request.as_bytes())
        .await
        .context("cannot send")?;
    let mut streamed = Streamed {
        events: 0,
        memory: 0.0,
    };
    let mut buffer = vec![0; 256 * 1024];
    let (mut tail, mut last, mut looks) = (Vec::new(), 0, 0_u32);
    loop {
        let reading = tokio::time::timeout(PATIENCE, socket.read(&mut buffer)).await;
        let read = reading.context("the stream stalled")?;
        let bytes = &buffer[..read.context("cannot receive")?];
        if bytes.is_empty() {
            break;
        }
        for byte in bytes {
            // Lines end with a bare line feed; the head and the framing with two characters.
            streamed.events += u64::from(*byte == b'\n' && last != b'\r');
            last = *byte;
        }
        tail.extend_from_slice(&bytes[bytes.len().saturating_sub(END.len())..]);
        tail.drain(..tail.len().saturating_sub(END.len()));
        looks += 1;
        if looks.is_multiple_of(32) {
            streamed.memory = streamed.memory.max(process::resident_mb(pid)?);
        }
    }
    if tail != END {
        bail!("the stream was broken off");
    }
    streamed.memory = streamed.memory.max(process::resident_mb(pid)?);
    Ok(streamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_without_parsing_all_of_it() {
        let id = "01931c5e-7f00-7000-8000-000000000001";
        let page = format!(
            "{{\"data\":[{EVENT}{id}\",\"parent_event_id\":\"{id}\",\"event_data\":{{\"next\":\"x\"}}}}],\
             \"pagination\":{{\"limit\":100,\"has_more\":true,\"next\":\"/e?cursor=a\"}}}}"
        );
        assert_eq!(ids(&page).unwrap(), [id.parse::<Uuid>().unwrap()]);
        assert_eq!(next(&page).as_deref(), Some("/e?cursor=a"));
        assert_eq!(
            next("{\"data\":[],\"pagination\":{\"has_more\":false}}"),
            None
        );
    }
}

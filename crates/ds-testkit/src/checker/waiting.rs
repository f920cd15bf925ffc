//! What waits in the queue and in the spool, found by the marks of events in whatever bytes there are.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Journal, Ticket};
use crate::redis::{RedisClient, Reply};

/// Everything that lies in the server, in one moment: entries go from key to key.
const EVERYTHING: &str = r"
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind, value = redis.call('TYPE', key).ok, nil
    if kind == 'stream' then value = redis.call('XRANGE', key, '-', '+')
    elseif kind == 'hash' then value = redis.call('HVALS', key)
    elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1)
    elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'set' then value = redis.call('SMEMBERS', key)
    else value = redis.call('GET', key) end
    all[#all + 1] = { key, value }
end
return all";

/// Keys with this in their name hold what failed for good.
const DEAD: &str = "dead-letter";

/// Times a directory is read anew when a file was gone before it was read: its entries have moved.
const ATTEMPTS: usize = 20;

/// Where each event waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) parked: HashSet<Ticket>,
    pub(super) dead: HashSet<Ticket>,
    pub(super) spooled: HashSet<Ticket>,
}

impl Waiting {
    pub(super) fn has(&self, ticket: Ticket) -> bool {
        [&self.parked, &self.dead, &self.spooled]
            .iter()
            .any(|place| place.contains(&ticket))
    }

    /// Where it is instead of where it should be.
    pub(super) fn place(&self, ticket: Ticket) -> &'static str {
        match () {
            () if self.parked.contains(&ticket) => "not stored, still parked",
            () if self.dead.contains(&ticket) => "not stored, a dead letter",
            () if self.spooled.contains(&ticket) => "not stored, a trace of it is in the spool",
            () => "neither stored, parked nor spooled",
        }
    }
}

/// Events in the queue that will be tried again.
pub(super) async fn parked(url: &str, journal: &Journal) -> Result<HashSet<Ticket>> {
    Ok(queue(url, journal).await?.0)
}

/// Events in the queue, and those of them that failed for good.
pub(super) async fn queue(
    url: &str,
    journal: &Journal,
) -> Result<(HashSet<Ticket>, HashSet<Ticket>)> {
    let mut client = RedisClient::connect(url).await?;
    let Reply::Array(keys) = client.command(&["EVAL", EVERYTHING, "0"]).await? else {
        bail!("Redis gave no list of what it has");
    };
    let (mut parked, mut dead) = (HashSet::new(), HashSet::new());
    for key in &keys {
        let pieces = key.pieces();
        let name = String::from_utf8_lossy(pieces.first().copied().unwrap_or_default());
        let place = if name.contains(DEAD) {
            &mut dead
        } else {
            &mut parked
        };
        for piece in pieces {
            marks(piece, journal, place);
        }
    }
    Ok((parked, dead))
}

/// Events in the files of the spool. Some of them may be settled: the files are not interpreted.
pub(super) fn spooled(directory: &Path, journal: &Journal) -> Result<HashSet<Ticket>> {
    let mut found = HashSet::new();
    for _ in 0..ATTEMPTS {
        let mut complete = true;
        for path in files(directory)? {
            match std::fs::read(&path) {
                Ok(bytes) => marks(&bytes, journal, &mut found),
                Err(error) if error.kind() == ErrorKind::NotFound => complete = false,
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot read {}", path.display()));
                }
            }
        }
        if complete {
            return Ok(found);
        }
    }
    bail!("the files of {} come and go too fast", directory.display())
}

/// Adds the events whose marks occur in the bytes.
fn marks(bytes: &[u8], journal: &Journal, found: &mut HashSet<Ticket>) {
    let prefix = journal.prefix().as_bytes();
    let mut rest = bytes;
    while let Some(at) = position(rest, prefix) {
        rest = &rest[at + prefix.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..digits]);
        if let Some(number) = number.ok().and_then(|number| number.parse().ok()) {
            found.insert(journal.numbered(number));
        }
    }
}

/// Where `pattern` begins. Its first byte is looked for alone, which the standard library does fast.
fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    let first = pattern.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        if bytes[from + at..].starts_with(pattern) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// Every file in it, however deep, the first by name first.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let listed = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            listed => listed.with_context(|| format!("cannot list {}", directory.display()))?,
        };
        for path in listed.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::run_directory;

    #[test]
    fn marks_are_found_in_any_bytes() {
        let journal = Journal::new("s");
        let tickets = [(); 12].map(|()| journal.ticket());
        let mut bytes = b"\xff\x00".to_vec();
        bytes.extend(format!("s{}\"}}{}1x", journal.mark(tickets[3]), journal.prefix()).bytes());
        bytes.extend(journal.mark(tickets[11]).bytes());
        let mut found = HashSet::new();
        marks(&bytes, &journal, &mut found);
        assert_eq!(found, HashSet::from([tickets[3], tickets[1], tickets[11]]));
    }

    #[test]
    fn marks_are_found_in_all_files_of_a_directory() {
        let journal = Journal::new("spool");
        let (first, second) = (journal.ticket(), journal.ticket());
        let directory = run_directory("spool").unwrap();
        assert!(spooled(&directory, &journal).unwrap().is_empty());
        std::fs::create_dir(directory.join("deeper")).unwrap();
        std::fs::write(directory.join("1"), journal.mark(first)).unwrap();
        std::fs::write(directory.join("deeper/2"), journal.mark(second)).unwrap();
        let found = spooled(&directory, &journal).unwrap();
        assert_eq!(found, HashSet::from([first, second]));
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(spooled(&directory, &journal).unwrap().is_empty());
    }
}

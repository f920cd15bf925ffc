//! Monthly partitions, kept ahead of time, and their indexes, kept merged.
//!
//! Each partitioned table is one line of a table here. What makes a partition, and why that disturbs
//! neither readers nor writers, is a function of the schema such as `audit_events_ensure_partition`;
//! what merges is `audit_events_clean_pending_lists`.

use ds_domain::month::Month;
use jiff::civil::Date;
use tokio_postgres::Row;

use crate::{
    PartitionReport, Repository,
    error::{Cause, StoreError},
    statement::Statement,
};

/// A table with one partition for each month.
struct Partitioned {
    table: &'static str,
    /// Makes the partition of a month.
    ensure: Statement,
    /// What that partition is called.
    name: fn(Month) -> String,
}

/// All of them; the events first, because whatever else happens is told there.
const TABLES: &[Partitioned] = &[
    Partitioned {
        table: "audit_events",
        ensure: ENSURE_EVENTS,
        name: |month| month.partition_of("audit_events"),
    },
    ACTIONS,
];

const ACTIONS: Partitioned = Partitioned {
    table: "resource_action_traces",
    ensure: ENSURE_ACTIONS,
    name: Month::partition_of_actions,
};

/// The ranges that are attached, in order. A default partition, or one without an end, covers
/// nothing that can be relied on, and is left out.
pub(crate) const LIST: Statement = Statement::new(
    r"-- list_partitions
SELECT (bounds[1])::date, (bounds[2])::date
FROM (
    SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),
        '^FOR VALUES FROM \(''([0-9-]+)(?: 00:00:00\+00)?''\) TO \(''([0-9-]+)(?: 00:00:00\+00)?''\)$')
        AS bounds
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass($1::text) AND NOT i.inhdetachpending
) AS partitions
WHERE bounds IS NOT NULL ORDER BY 1",
);

pub(crate) const ENSURE_EVENTS: Statement = Statement::new(
    "-- ensure_partition
SELECT audit_events_ensure_partition($1::date)",
);

pub(crate) const ENSURE_ACTIONS: Statement = Statement::new(
    "-- ensure_action_partition
SELECT resource_action_traces_ensure_partition($1::date)",
);

pub(crate) const CLEAN: Statement = Statement::new(
    "-- clean_pending_lists
SELECT audit_events_clean_pending_lists($1::date[])",
);

/// A range of days, without the last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Range {
    from: Date,
    to: Date,
}

impl Repository {
    /// Makes the partitions of `months` that are missing, of every table, and says how far the
    /// partitions reach from `today`. Any number of processes may do so at once.
    ///
    /// A month that cannot be made keeps neither the others nor the other tables from being made.
    pub async fn ensure_partitions(
        &self,
        today: Date,
        months: &[Month],
    ) -> Result<PartitionReport, StoreError> {
        let mut report: Option<PartitionReport> = None;
        let mut failure = None;
        for table in TABLES {
            match self.ensure_partitions_of(table, today, months).await {
                Ok(of_table) => {
                    report = Some(match report {
                        None => of_table,
                        Some(others) => others.and(of_table),
                    });
                }
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error @ StoreError::Internal(_)) => failure = failure.or(Some(error)),
            }
        }
        match (failure, report) {
            (Some(error), _) => Err(error),
            (None, report) => Ok(report.unwrap_or(PartitionReport {
                created: Vec::new(),
                covered_until: today,
            })),
        }
    }

    async fn ensure_partitions_of(
        &self,
        table: &Partitioned,
        today: Date,
        months: &[Month],
    ) -> Result<PartitionReport, StoreError> {
        let covered = self.list_partitions(table).await?;
        let mut created = Vec::new();
        let mut failure = None;
        for month in months.iter().copied() {
            if covered.contains(&range_of(month)) {
                continue;
            }
            match self.ensure(table.ensure, month).await {
                Ok(true) => created.push((table.name)(month)),
                Ok(false) => {}
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error @ StoreError::Internal(_)) => failure = failure.or(Some(error)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let covered = self.list_partitions(table).await?;
        Ok(PartitionReport {
            created,
            covered_until: covered_until(today, &covered),
        })
    }

    async fn list_partitions(&self, table: &Partitioned) -> Result<Vec<Range>, Cause> {
        let budget = self.settings.append_timeout;
        let rows = self
            .maintenance
            .query(LIST, &[&table.table], budget)
            .await?;
        let range = |row: &Row| {
            Ok(Range {
                from: row.try_get(0)?,
                to: row.try_get(1)?,
            })
        };
        rows.iter()
            .map(range)
            .collect::<Result<_, _>>()
            .map_err(Cause::driver(LIST.name()))
    }

    /// Makes the partition of one month for events; says whether it was missing.
    pub async fn ensure_partition(&self, month: Month) -> Result<bool, StoreError> {
        self.ensure(ENSURE_EVENTS, month).await
    }

    /// Makes the partition of one month for actions; says whether it was missing.
    pub async fn ensure_action_partition(&self, month: Month) -> Result<bool, StoreError> {
        self.ensure(ENSURE_ACTIONS, month).await
    }

    /// The first of `months` that no partition of the actions covers, as far as the store can tell.
    pub(crate) async fn uncovered_by_actions(
        &self,
        mut months: impl Iterator<Item = Month>,
    ) -> Option<Month> {
        let covered = self.list_partitions(&ACTIONS).await.ok()?;
        months.find(|month| !covered.contains(&range_of(*month)))
    }

    async fn ensure(&self, ensure: Statement, month: Month) -> Result<bool, StoreError> {
        let day = month.first_day();
        let budget = self.settings.append_timeout;
        let rows = self
            .maintenance
            .query(ensure, &[/* $1 */ &day], budget)
            .await?;
        let created = rows.first().map(|row| row.try_get(0)).transpose();
        Ok(created
            .map_err(Cause::driver(ensure.name()))?
            .unwrap_or(false))
    }

    /// Merges the pending lists of the GIN indexes of the partitions of `months` into the indexes, so
    /// that no insert has to and no query reads a long list. Says how many pages were merged.
    ///
    /// A partition that is missing or locked is left out.
    pub async fn clean_pending_lists(&self, months: &[Month]) -> Result<u64, StoreError> {
        let days: Vec<Date> = months.iter().map(|month| month.first_day()).collect();
        let rows = self
            .maintenance
            .query(CLEAN, &[/* $1 */ &days], self.settings.append_timeout)
            .await?;
        let pages: Option<i64> = rows
            .first()
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(Cause::driver(CLEAN.name()))?;
        Ok(pages.and_then(|pages| pages.try_into().ok()).unwrap_or(0))
    }
}

impl PartitionReport {
    /// Both, of two tables: they reach as far as the one that ends first.
    fn and(mut self, other: Self) -> Self {
        self.created.extend(other.created);
        let covered_until = self.covered_until.min(other.covered_until);
        Self {
            covered_until,
            ..self
        }
    }
}

fn range_of(month: Month) -> Range {
    Range {
        from: month.first_day(),
        to: month.next().first_day(),
    }
}

/// The end of the days without a gap that begin with `today`. `covered` is sorted.
fn covered_until(today: Date, covered: &[Range]) -> Date {
    covered.iter().fold(today, |until, range| {
        if range.from <= until && until < range.to {
            range.to
        } else {
            until
        }
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[track_caller]
    fn check(today: Date, covered: &[(Date, Date)], expected: Date) {
        let covered: Vec<Range> = covered
            .iter()
            .map(|(from, to)| Range {
                from: *from,
                to: *to,
            })
            .collect();
        assert_eq!(covered_until(today, &covered), expected);
    }

    #[test]
    fn cover_ends_at_the_first_gap_after_today() {
        let october = (date(2026, 10, 1), date(2026, 11, 1));
        let november = (date(2026, 11, 1), date(2026, 12, 1));
        let december = (date(2026, 12, 1), date(2027, 1, 1));
        let today = date(2026, 11, 21);
        check(today, &[], today);
        check(today, &[october], today);
        check(today, &[october, november], date(2026, 12, 1));
        check(today, &[october, november, december], date(2027, 1, 1));
        check(date(2026, 10, 31), &[october, december], date(2026, 11, 1));
        check(date(2026, 12, 1), &[december], date(2027, 1, 1));
    }
}

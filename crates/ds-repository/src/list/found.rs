//! What the rows of a page say.

use ds_domain::filter::Page;
use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};

use super::Listed;
use crate::{Listing, Total};

/// Reads a row of a counted page: the total, and behind it an item. A page without items is one row
/// with nothing but the total.
pub(super) fn counted<F: Listed>(
    row: &Row,
) -> Result<(i64, Option<Found<F>>), tokio_postgres::Error> {
    let is_item = row.try_get::<_, Option<Anything>>(1)?.is_some();
    let item = is_item.then(|| item::<F>(row, 1)).transpose()?;
    Ok((row.try_get(0)?, item))
}

/// An item, and how many there were before those that are too much were left out.
pub(super) type Found<F> = (<F as Listed>::Item, Option<i64>);

pub(super) fn item<F: Listed>(row: &Row, first: usize) -> Result<Found<F>, tokio_postgres::Error> {
    let last = row.len().saturating_sub(1);
    let found = F::LIST.bounded.map(|_| row.try_get(last));
    Ok((F::read(row, first)?, found.transpose()?))
}

/// The page of what was found, and whether something was left out of it.
pub(super) fn fitting<T>(
    found: Vec<(T, Option<i64>)>,
    total: Option<Total>,
    page: Page,
) -> (Listing<T>, bool) {
    let all = found
        .first()
        .and_then(|(_, found)| usize::try_from((*found)?).ok());
    let is_cut = all.is_some_and(|all| all > found.len());
    let items = found.into_iter().map(|(item, _)| item).collect();
    let listing = Listing::new(items, total, page, is_cut);
    let is_short = is_cut && listing.items.len() < usize::from(page.limit);
    (listing, is_short)
}

/// A total that was counted.
pub(super) fn exactly(counted: i64) -> Total {
    Total {
        count: u64::try_from(counted).unwrap_or(0),
        is_estimate: false,
    }
}

/// A value of whatever type.
struct Anything;

impl<'a> FromSql<'a> for Anything {
    fn from_sql(
        _kind: &Type,
        _raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}

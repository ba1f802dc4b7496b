//! Reading the servers that a job was not done to, while it goes on: every page of them, the full ones once.

use api_types::jobs::{JobItem, JobItems};

/// How far the items with one result were read: through their full pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    after: Option<i64>,
    items: u32,
}

/// Reads on from the last full page to the end. Where fewer were found than there are, some came to stand before the
/// place, since regions are worked through side by side: all are read again. Stops at a page that does not come.
pub async fn read_on(
    place: &mut Place,
    count: u32,
    page: impl AsyncFn(Option<i64>) -> Option<JobItems>,
) -> Vec<JobItem> {
    let mut found = Vec::new();
    let mut is_whole = *place == Place::default();
    while let Some(page) = page(place.after).await {
        let items = page.items.len() as u32;
        found.extend(page.items);
        match page.next {
            Some(next) => *place = Place { after: Some(next), items: place.items + items },
            None if place.items + items < count && !is_whole => {
                is_whole = true;
                *place = Place::default();
            }
            None => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use api_types::jobs::ItemResult;

    use super::*;

    /// Items by their numbers, in pages of three, as the server gives them.
    fn page(numbers: &[i64], after: Option<i64>) -> JobItems {
        let of_page: Vec<i64> =
            numbers.iter().copied().filter(|number| Some(*number) > after).take(3).collect();
        let next = of_page.last().copied().filter(|_| of_page.len() == 3);
        let item = |number: &i64| JobItem {
            region: "RegionOne".parse().expect("a region"),
            server: api_types::ServerId([0; 16]),
            name: number.to_string(),
            result: ItemResult::Uncertain,
            detail: None,
            request_id: None,
            upstream_request_id: None,
        };
        JobItems { items: of_page.iter().map(item).collect(), next }
    }

    /// The names of what was read, and in how many pages.
    fn read(place: &mut Place, numbers: &[i64]) -> (Vec<String>, u32) {
        let pages = Cell::new(0);
        let mut reading = pin!(read_on(place, numbers.len() as u32, async |after| {
            pages.set(pages.get() + 1);
            Some(page(numbers, after))
        }));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => (found.into_iter().map(|item| item.name).collect(), pages.get()),
            Poll::Pending => panic!("every page is there"),
        }
    }

    #[test]
    fn every_page_is_read_and_the_full_ones_once() {
        let mut place = Place::default();
        let (found, pages) = read(&mut place, &[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((found.len(), pages), (7, 3));
        let (found, pages) = read(&mut place, &[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((found, pages), (vec!["6".to_owned(), "7".to_owned()], 1));
    }

    #[test]
    fn what_came_to_stand_before_the_place_is_found() {
        let mut place = Place::default();
        read(&mut place, &[10, 11, 12, 13]);
        let (found, _) = read(&mut place, &[2, 10, 11, 12, 13]);
        assert!(found.contains(&"2".to_owned()), "{found:?}");
        let (_, pages) = read(&mut place, &[2, 10, 11, 12, 13]);
        assert_eq!(pages, 1, "and then it goes on from there");
    }

    #[test]
    fn fewer_than_were_told_of_end_it() {
        let mut place = Place::default();
        let mut reading = pin!(read_on(&mut place, 9, async |after| Some(page(&[0, 1], after))));
        let found = reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(found, Poll::Ready(found) if found.len() == 2));
    }
}
